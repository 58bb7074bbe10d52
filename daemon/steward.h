/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_STEWARD_H
#define CXLMEM_STEWARD_H

#include <systemd/sd-event.h>

#include "engine.h"
#include "profile.h"
#include "reconcile.h"

/*
 * Keeps the machine as its owner wants it. It holds the wishes and the profiles, compares them with
 * every new picture, and starts operations through the same door as everybody else.
 */
struct steward;

/**
 * steward_new - with what is kept in @dir and the profiles of this machine
 * @root: stands for / where profiles are looked for; NULL = /
 * @dir: state directory
 *
 * A damaged file there is logged; then nothing is done by itself until steward_reload().
 *
 * Return: 0, or -errno.
 */
int steward_new(sd_event *event, struct engine *engine, const char *root, const char *dir,
		struct steward **ret);
struct steward *steward_free(struct steward *s);

/**
 * steward_set_journal - write wishes into it first
 * @journal: the caller's, who keeps it longer
 * @wishes: what it holds that is not in the file yet; NULL = nothing
 */
void steward_set_journal(struct steward *s, struct journal *journal, struct json_object *wishes);

/* The engine's hooks, in the order in which they come. */

/**
 * steward_complete - write into a picture who wanted its regions
 */
void steward_complete(struct steward *s, struct picture *p);

/**
 * steward_looked - the machine is as @p, and nothing is at work: do what is to be done
 *
 * May start an operation, and then @p is gone.
 */
void steward_looked(struct steward *s, const struct picture *p);

/**
 * steward_prepare - complete a request that a person made: an eject without a deadline has that of the
 * card's profile ([Remove]), as the machine was when it was looked at last
 */
void steward_prepare(struct steward *s, struct request *q);

/**
 * steward_planned, steward_finished - follow every operation, whoever started it
 */
void steward_planned(struct steward *s, const struct operation *o, const struct picture *p);
void steward_finished(struct steward *s, const struct operation *o);

/**
 * steward_intent - what the operation that was planned last will have changed about the wishes, for the journal
 *
 * Return: the caller's, NULL if that is nothing.
 */
struct json_object *steward_intent(struct steward *s, const struct operation *o);

/**
 * steward_recovered - the same operation after the daemon was started anew, before it goes on
 * @intent: as steward_intent() had it; NULL = it is not known
 */
void steward_recovered(struct steward *s, const struct operation *o, struct json_object *intent);

/**
 * steward_ended - it is over, and its end is going to be written into the journal
 *
 * Return: all wishes as they are now if they changed with it, the caller's; else NULL.
 */
struct json_object *steward_ended(struct steward *s, const struct operation *o);

/**
 * steward_reload - read profiles and wishes again, and try again what failed
 * @ret_reason: what is wrong with the wishes
 *
 * Return: 0, or -errno (profiles are new all the same).
 */
int steward_reload(struct steward *s, char **ret_reason);

/* What people ask of it; daemon/bus-steward.c. */

/**
 * steward_describe - wishes with their state, what waits and what is wrong, as JSON (data/org.cxlmem1.xml)
 * @ret: the caller's
 *
 * Return: 0, or -ENOMEM.
 */
int steward_describe(struct steward *s, const struct picture *p, struct json_object **ret);

/**
 * steward_count - how many wishes are in each state
 *
 * Return: 0, or -ENOMEM.
 */
int steward_count(struct steward *s, const struct picture *p, uint64_t ret[static _WISH_STATE_MAX]);

/**
 * steward_is_broken - whether the file of wishes cannot be read, so that nothing is done by itself
 */
bool steward_is_broken(const struct steward *s);

/**
 * steward_profiles - the profiles and their problems, the steward's
 */
const struct profile_set *steward_profiles(const struct steward *s);

/**
 * steward_forget - drop wishes
 * @words: a region's name, a card by any name, the id of a wish (as "#3"), or "all"
 * @ret: how many
 *
 * All words are looked at before anything is dropped.
 *
 * Return: 0; -ENOENT with a reason; or what saving gave.
 */
int steward_forget(struct steward *s, const struct picture *p, char *const *words, size_t n,
		   size_t *ret, char **ret_reason);

/**
 * steward_adopt - remember regions that somebody else made as the owner's
 *
 * Return: 0; -ENOENT, -ENOTUNIQ, -ENODATA with a reason; or what saving gave.
 */
int steward_adopt(struct steward *s, const struct picture *p, char *const *words, size_t n,
		  size_t *ret, char **ret_reason);

/**
 * steward_export, steward_import - wishes as JSON; imported ones replace those for the same cards
 *
 * Return: 0; -EBADMSG with a reason when the file of wishes is damaged; -EINVAL with a reason; or what saving gave.
 */
int steward_export(struct steward *s, struct json_object **ret, char **ret_reason);
int steward_import(struct steward *s, struct json_object *json, size_t *ret, char **ret_reason);

#endif
