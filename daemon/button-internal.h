/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_BUTTON_INTERNAL_H
#define CXLMEM_BUTTON_INTERNAL_H

#include <systemd/sd-device.h>

#include "button.h"
#include "kmsg.h"
#include "messages.h"
#include "util.h"

/*
 * What the parts of the button share: button.c (presses and their ejects), button-save.c (what is saved one
 * region at a time where a press cannot be refused), button-slots.c (what is on the cards, and what hangs over
 * it), button-tell.c (what slots are told, and who told them).
 */

/* A region whose memory is in use. */
struct saving {
	char *region;
	enum zone zone;
};

/* A slot that holds a card, or did when its button was pressed. */
struct holder {
	char *slot;
	bool asks;    /* the kernel asks what to do about a press */
	bool told_to; /* because it was told to, by this daemon or one before it */
	bool pressed;
	bool withdrawn;
	const struct request *request; /* of what runs for it, until that has a number; the engine's */
	uint64_t operation;	       /* that runs for it, 0 = none yet */
	uint64_t hangs; /* somebody else's that may wait for who uses the card's memory; 0 = none */
	uint64_t deadline_usec;
	bool revoke;
	size_t n_regions;
	struct saving *online; /* of them; a press that cannot be refused goes through these first */
	size_t n_online;
	size_t at;	   /* which of them it is at; behind the last: at the eject */
	bool early; /* its eject was asked for when less was known of its card: when time is over, region by region */
	bool late; /* some of its memory was free only after the five seconds */
	uint64_t until_usec; /* CLOCK_MONOTONIC: when the slot may lose its power */
	bool due;	   /* the next of them is to begin */
	struct saving *freed; /* taken offline, wholly or in part, because of a press */
	size_t n_freed;
	bool guessed; /* no picture has shown a card in it yet: it came a moment ago, or is no business of ours */
	bool seen; /* in the picture that is being looked at */
};

struct button {
	sd_event *event;
	struct engine *engine;
	worker_open_t open;
	char *marks; /* directory; NULL = none are made */
	struct worker *worker; /* the attention indicator may take a second */
	struct step *steps; /* for the worker, which is at the first one if it is busy */
	size_t n_steps;
	bool look_again; /* when they are done */
	sd_event_source *next; /* deferred: go on with what is due */
	struct holder *list;
	size_t n;
	struct kmsg *kmsg;
	sd_device_monitor *udev;
};

/* button.c */

/**
 * button_say - into the log, with the slot
 */
void button_say(const struct holder *h, int priority, const char *format, ...) _printf_(3, 4);

/**
 * button_start - have the engine do something for a press; takes the request over, whatever comes of it
 *
 * Return: 0, or -errno (nothing was begun).
 */
int button_start(struct button *b, struct holder *h, struct request *q);

/**
 * button_eject - begin the eject of a press
 */
void button_eject(struct button *b, struct holder *h);

/**
 * button_refuse - the press comes to nothing; where it cannot be refused that is said
 */
void button_refuse(struct button *b, struct holder *h, const char *reason);

/* button-slots.c */

/**
 * button_find, button_add - a slot by name; NULL = it is not known, out of memory
 */
struct holder *button_find(struct button *b, const char *slot);
struct holder *button_add(struct button *b, const char *slot);

/**
 * button_note_slot - what is on the card in slot number @i of a picture
 *
 * Return: it, or NULL (no card, or out of memory).
 */
struct holder *button_note_slot(struct button *b, const struct picture *p, int i,
				const struct profile_set *profiles);

/**
 * button_uses_card - whether a region has memory of a card in slot number @slot
 */
bool button_uses_card(const struct picture *p, int region, int slot);

/**
 * button_waits_for_users - whether a step ends when nobody uses some memory any more
 */
bool button_waits_for_users(const struct step *s);

/**
 * button_may_hang - whether an operation, unless a press started it, has a step that may wait without end for who uses
 * memory
 */
bool button_may_hang(const struct operation *o);

/* button-save.c */

/**
 * button_note_online - the regions on a card whose memory is in use, from a picture
 *
 * Return: 0, or -ENOMEM.
 */
int button_note_online(struct holder *h, const struct picture *p, int region);

/**
 * button_save - a press that cannot be refused: region by region first, so that one which cannot be freed keeps no
 * other from it; then the eject
 */
void button_save(struct button *b, struct holder *h);

/**
 * button_hurry - what somebody has begun, and may wait without end for, is given up while there is time for the card
 *
 * What is about other cards is walked back, and nothing of theirs is lost; for a card without a region it is left alone.
 */
void button_hurry(struct button *b, const struct holder *h);

/**
 * button_save_on - the next of them, or the eject
 */
void button_save_on(struct button *b, struct holder *h);

/**
 * button_reconsider - what was begun for a press turns out to be about more than was known: each gets its part of the time
 * @slot: its number in the picture that @o was planned on
 */
void button_reconsider(struct button *b, struct holder *h, struct operation *o, const struct picture *p, int slot);

/**
 * button_saved - one of them is over (@reason: why it is not free; NULL = it is), go on with the next
 */
void button_saved(struct button *b, struct holder *h, const char *reason);

/**
 * button_put_back - the card stays after all: bring online again what was taken offline for a press
 */
void button_put_back(struct button *b, struct holder *h);

/**
 * button_forget_online, button_forget_freed - free the lists
 */
void button_forget_online(struct holder *h);
void button_forget_freed(struct holder *h);

/* button-tell.c */

/**
 * button_tell - have a slot's button or indicator set to @what, in a worker, one after the other
 */
void button_tell(struct button *b, const struct holder *h, enum step_kind kind, const char *what);

/**
 * button_take - from now on the kernel asks about the button of a slot
 */
void button_take(struct button *b, struct holder *h);

/**
 * button_took - whether a daemon that ended without handing it back had the kernel ask about a slot
 */
bool button_took(const struct button *b, const struct holder *h);

/**
 * button_give - the kernel decides again about a slot that holds no card
 */
void button_give(struct button *b, struct holder *h);

/**
 * button_hand_back - the same for all slots at once, without a worker: the daemon ends
 */
void button_hand_back(struct button *b);

/**
 * button_drop_steps - nothing more is told
 */
void button_drop_steps(struct button *b);

#endif
