/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_SCANNER_H
#define CXLMEM_SCANNER_H

#include <systemd/sd-event.h>

#include "picture.h"
#include "worker.h"

/* Fresh pictures for those who only look, from a worker of its own: a blocked operation does not block them. */
struct scanner;

/**
 * scanner_reply_t - a picture, or why there is none
 * @picture: the scanner's, gone after the call; NULL on error
 */
typedef void (*scanner_reply_t)(const struct picture *picture, int error, const char *reason,
				void *userdata);

/**
 * scanner_complete_t - finish a fresh picture before anybody sees it (region.origin)
 */
typedef void (*scanner_complete_t)(struct picture *picture, void *userdata);

/**
 * scanner_new, scanner_free - those who still wait are answered with -ECANCELED by scanner_free()
 * @complete: may be NULL
 */
int scanner_new(sd_event *event, worker_open_t open, scanner_complete_t complete, void *userdata,
		struct scanner **ret);
struct scanner *scanner_free(struct scanner *s);

/**
 * scanner_measured_t - how long a look took, and whether anything came of it
 */
typedef void (*scanner_measured_t)(bool good, uint64_t usec, void *userdata);

/**
 * scanner_measure - have a function called at the end of each look
 */
void scanner_measure(struct scanner *s, scanner_measured_t measured, void *userdata);

/**
 * scanner_ask - a picture made after this call; those who ask meanwhile share the next one
 *
 * Return: 0; -ECANCELED from an answer that scanner_free() gave; -errno (@reply is not called then).
 */
int scanner_ask(struct scanner *s, scanner_reply_t reply, void *userdata);

#endif
