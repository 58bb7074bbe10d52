/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_BUTTON_H
#define CXLMEM_BUTTON_H

#include <systemd/sd-event.h>

#include "engine.h"
#include "profile.h"

/*
 * Attention buttons of slots that hold CXL cards. Where the kernel asks (kernel/patches, 0010), a press
 * starts an eject, and the slot is powered off at its end or the press is refused. On other kernels the
 * slot loses its power five seconds after the press, whatever is done: what can be saved is saved, one region after
 * the other, so that one in use does not keep the others.
 */
struct button;

/* How the steps that concern slots get done; the machine's door in a worker, but for tests. */
struct button_config {
	worker_open_t open;
	const char *kmsg; /* "/dev/kmsg"; NULL = do not listen */
	const char *marks; /* a directory that outlives the daemon, but not the boot: whose buttons it took; NULL = none */
	bool udev;	  /* listen to udev */
};

/**
 * button_new - listen; nothing is known of any slot before button_seen()
 *
 * Without permission to read the kernel log it goes on without, and says so in the log.
 *
 * Return: 0, or -errno.
 */
int button_new(sd_event *event, struct engine *engine, const struct button_config *config,
	       struct button **ret);

/**
 * button_free - the kernel decides again about the buttons that it was told to ask about
 *
 * The engine must be gone already.
 */
struct button *button_free(struct button *b);

/**
 * button_seen - the machine is as @p: have the kernel ask about slots that hold cards, and deal with
 * presses that nobody dealt with
 * @profiles: their [Remove] says how long an eject may take and what happens then
 *
 * May start an operation: whoever lent @p must not use it afterwards.
 */
void button_seen(struct button *b, const struct picture *p, const struct profile_set *profiles);

/**
 * button_stepped - a step of an operation, whoever started it, is done
 *
 * Memory that is free only when a slot may have lost its power is not said to be saved.
 */
void button_stepped(struct button *b, const struct operation *o, const struct step *s);

/**
 * button_planned - an operation, whoever started it, is about to run on the machine as it is in @p
 *
 * One that may wait without end for who uses memory is given up when a button is pressed on a kernel that powers the
 * slot off all the same, or was pressed already: if it is about that card after its part of the time there is, else after
 * half a second, unless there is nothing to be saved on the card. The eject of such a press has its part of the time only
 * if it is about more memory than was known when the button was pressed.
 */
void button_planned(struct button *b, struct operation *o, const struct picture *p,
		    const struct profile_set *profiles);

/**
 * button_event - a button was pressed ("power-off"), or the press is over ("withdrawn", "gone",
 * or somebody else "refused" it)
 *
 * Other words, and slots that hold no card, are not its business.
 */
void button_event(struct button *b, const char *slot, const char *what);

/**
 * button_finished - an operation is over, whoever started it
 */
void button_finished(struct button *b, const struct operation *o);

#endif
