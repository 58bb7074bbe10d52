/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CONTEST_H
#define CXLMEM_CONTEST_H

#include <systemd/sd-event.h>

#include "operation.h"
#include "rivals.h"

/*
 * Who won. For a while after an operation every new picture is compared with what the operation left behind;
 * where memory is in another state or zone somebody else was at it, and the log names whoever on this machine
 * does such things. Nothing is put right here.
 */
struct contest;

/**
 * contest_new - begin with naming the rivals there are in the log, when the loop has time for it
 * @root: "" for the machine itself (see rivals.h)
 * @look: has somebody call contest_looked() soon: not everything that is worth a look makes an event behind the
 * end of the operation
 * @ret: the caller's, contest_free()
 *
 * Return: 0, or -errno.
 */
int contest_new(sd_event *event, const char *root, void (*look)(void *userdata), void *userdata,
		struct contest **ret);
struct contest *contest_free(struct contest *c);

/**
 * contest_finished - remember what an operation left behind
 */
void contest_finished(struct contest *c, const struct operation *o);

/**
 * contest_looked - compare; nothing may be at work
 */
void contest_looked(struct contest *c, const struct picture *p);

/**
 * contest_rivals - who there is now; @ret is the caller's
 *
 * Return: 0, or -ENOMEM.
 */
int contest_rivals(const struct contest *c, struct rivals **ret);

/**
 * contest_count - how often somebody was at memory since the daemon started
 */
uint64_t contest_count(const struct contest *c);

/**
 * contest_to_json - {"rivals": rivals_to_json(), "overruled": [{"first", "last", "region", "wanted", "found",
 * "culprits", "text", "usec"}]}: the rivals as they are now, and the last 16 cases but for those about memory that a
 * later operation changed; @ret is the caller's
 *
 * Return: 0, or -ENOMEM.
 */
int contest_to_json(struct contest *c, struct json_object **ret);

#endif
