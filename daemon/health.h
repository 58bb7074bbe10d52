/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_HEALTH_H
#define CXLMEM_HEALTH_H

#include "card-events.h"
#include "engine.h"
#include "profile.h"

/*
 * Cards that report errors: taken down, logged, marked in the picture, and their memory evacuated where a profile asks for
 * it ([Remove] OnFailure=evacuate). Where the reports come from is somebody else's business.
 */
struct health_watch;

/* Something changed about a card: it is failing now. */
typedef void (*health_changed_t)(void *userdata);

/**
 * health_watch_new - @engine is the caller's, who keeps it longer
 * @changed: may be NULL
 *
 * Return: 0, or -ENOMEM.
 */
int health_watch_new(struct engine *engine, health_changed_t changed, void *userdata,
		     struct health_watch **ret);
struct health_watch *health_watch_free(struct health_watch *w);

/**
 * health_watch_report - a card, or a device that may be none, has reported something; @userdata is the watch
 */
void health_watch_report(const struct card_report *report, void *userdata);

/**
 * health_watch_complete - mark the cards of a fresh picture that are failing
 */
void health_watch_complete(struct health_watch *w, struct picture *p);

/**
 * health_watch_looked - the machine is as @p, and nothing is at work: evacuate what has to be
 *
 * Once for each card and failure. May start an operation, and then @p is gone.
 */
void health_watch_looked(struct health_watch *w, const struct picture *p, const struct profile_set *profiles);

/**
 * health_watch_to_json - all that was reported (docs/dbus.md); @ret is the caller's
 *
 * Return: 0, or -ENOMEM.
 */
int health_watch_to_json(const struct health_watch *w, struct json_object **ret);

/**
 * health_watch_records - the same, the watch's
 */
const struct card_records *health_watch_records(const struct health_watch *w);

#endif
