// SPDX-License-Identifier: LGPL-2.1-or-later
#include "button-internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-device.h>
#include <systemd/sd-journal.h>

static void clear_holder(struct holder *h)
{
	button_forget_online(h);
	button_forget_freed(h);
	free(h->slot);
}

void button_say(const struct holder *h, int priority, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		(void)sd_journal_send("MESSAGE=slot %s: %s", h->slot, text, "PRIORITY=%i", priority,
				      "CXLMEM_SLOT=%s", h->slot, MESSAGE_BUTTON, NULL);
}

/* Not from within the engine's own doings. */
static void go_on_soon(struct button *b, struct holder *h)
{
	h->due = true;
	(void)sd_event_source_set_enabled(b->next, SD_EVENT_ONESHOT);
}

static int on_next(sd_event_source *source, void *userdata)
{
	struct button *b = userdata;

	(void)source;
	for (size_t i = 0; i < b->n; i++) {
		struct holder *h = &b->list[i];

		if (!h->due)
			continue;
		h->due = false;
		if (h->pressed && h->withdrawn)
			button_refuse(b, h, NULL);
		else if (h->pressed)
			button_save_on(b, h);
		else
			button_put_back(b, h);
	}
	return 0;
}

/* It stays in; whoever pressed sees it by the indicator, and reads why in the log. */
void button_refuse(struct button *b, struct holder *h, const char *reason)
{
	h->pressed = false;
	h->operation = 0;
	if (h->withdrawn) {
		button_say(h, 5, "the press was taken back; all is as before");
		go_on_soon(b, h);
		return;
	}
	if (!h->asks) {
		button_say(h, 3, "the card goes with what could not be saved: %s", reason);
		return;
	}
	button_say(h, 4, "the card stays in: %s", reason);
	button_tell(b, h, STEP_ANSWER_BUTTON, "refuse");
	button_tell(b, h, STEP_SET_ATTENTION, "on");
}

/* Whose eject was asked for; the slots may be others by the time of the answer. */
struct asked {
	struct button *b;
	char *slot;
};

/* Whether it is at one of the regions, not at the eject. */
static bool saves(const struct holder *h)
{
	return !h->asks && h->at < h->n_online;
}

static void on_started(struct operation *o, int error, const char *reason, void *userdata)
{
	struct asked *asked = userdata;
	struct holder *h = button_find(asked->b, asked->slot);

	if (h)
		h->request = NULL;
	if (h && o)
		h->operation = o->id;
	else if (h && h->guessed && (error == -ENOENT || error == -ENODEV))
		h->pressed = false; /* a disk's, or a network card's */
	else if (h && !h->withdrawn && error == -ECANCELED)
		h->pressed = false; /* the daemon is stopping */
	else if (h && !h->withdrawn && saves(h))
		button_saved(asked->b, h, reason ?: strerror(-error));
	else if (h)
		button_refuse(asked->b, h, reason ?: strerror(-error));
	free(asked->slot);
	free(asked);
}

static int make_request(const struct holder *h, struct request **ret)
{
	_cleanup_(request_freep) struct request *q = request_new(VERB_EJECT);
	_cleanup_free_ char *word = NULL;
	int r;

	if (!q || asprintf(&word, "slot:%s", h->slot) < 0) {
		word = NULL;
		return -ENOMEM;
	}
	r = request_add_object(q, word);
	if (r >= 0)
		r = strdup_or_null("button", &q->origin);
	if (r < 0)
		return r;
	/*
	 * Where the kernel does not ask it cannot take the card either as long as it is at a memory block: that
	 * is more time to save it, but not for ever. To put memory back when its card is about to go would lose it.
	 * Regions are lost in five seconds, whoever made them: to take them down in order is the better end.
	 */
	q->deadline_usec = h->deadline_usec;
	q->leaving = !h->asks;
	q->revoke = h->revoke;
	*ret = TAKE_PTR(q);
	return 0;
}

int button_start(struct button *b, struct holder *h, struct request *q)
{
	struct asked *asked = calloc(1, sizeof(*asked));
	int r = asked && (asked->slot = strdup(h->slot)) ? 0 : -ENOMEM;

	h->operation = 0;
	if (r >= 0) {
		asked->b = b;
		h->request = q;
		r = engine_start(b->engine, q, on_started, asked);
	}
	if (r >= 0)
		return r;
	h->request = NULL;
	request_free(q);
	if (asked)
		free(asked->slot);
	free(asked);
	return r;
}

void button_eject(struct button *b, struct holder *h)
{
	struct request *q;
	int r = make_request(h, &q);

	if (r >= 0)
		r = button_start(b, h, q);
	if (r < 0)
		button_refuse(b, h, strerror(-r));
}

static void press(struct button *b, struct holder *h)
{
	if (!h->guessed)
		button_say(h, 5, h->asks ? "its button was pressed: the card in it is being freed" :
					   "its button was pressed, and this kernel powers it off in five "
					   "seconds: what can be saved is saved");
	h->pressed = true;
	h->withdrawn = false;
	h->due = false;
	if (h->asks)
		button_eject(b, h);
	else
		button_save(b, h);
}

/* The number of what runs for it; one that is not planned yet is known by its request. 0 = none */
static uint64_t operation_of(struct button *b, const struct holder *h)
{
	struct operation *o;

	for (size_t i = 0; h->request && (o = engine_nth(b->engine, i)); i++)
		if (o->request == h->request)
			return o->id;
	return h->operation;
}

static void withdraw(struct button *b, struct holder *h)
{
	if (h->withdrawn)
		return;
	if (!h->pressed) {
		/* All that could be done was done. */
		h->withdrawn = h->n_freed > 0;
		if (h->withdrawn)
			go_on_soon(b, h);
		return;
	}
	h->withdrawn = true;
	if (engine_cancel(b->engine, operation_of(b, h)) == -EBUSY)
		button_say(h, 4, "the press was taken back too late: the card cannot be kept any more");
}

void button_event(struct button *b, const char *slot, const char *what)
{
	struct holder *h = button_find(b, slot);

	if (!h)
		return;
	if (!strcmp(what, "power-off") && !h->pressed)
		press(b, h);
	else if (!strcmp(what, "withdrawn") || !strcmp(what, "refused") || !strcmp(what, "gone"))
		withdraw(b, h);
}

void button_finished(struct button *b, const struct operation *o)
{
	for (size_t i = 0; i < b->n; i++) {
		struct holder *h = &b->list[i];

		if (!h->pressed || h->operation != o->id)
			continue;
		if (h->early) {
			h->early = false;
			if (o->state != OPERATION_DONE && !h->withdrawn) {
				go_on_soon(b, h);
				return;
			}
			h->at = h->n_online;
		}
		if (saves(h) && !h->withdrawn) {
			button_saved(b, h, o->state == OPERATION_DONE ? NULL :
					   o->reason		      ?: operation_state_name(o->state));
			return;
		}
		if (saves(h) || o->state != OPERATION_DONE) {
			button_refuse(b, h, o->reason ?: operation_state_name(o->state));
			return;
		}
		h->pressed = false;
		h->operation = 0;
		button_forget_freed(h);
		if (h->late)
			button_say(h, 4, "the card in it may be pulled, but the five seconds were over before its "
				   "memory was free: what was on its way may be lost");
		else
			button_say(h, 5, "the card in it may be pulled; nothing was lost");
		return;
	}
}

static void see_slot(struct button *b, const struct picture *p, int i,
		     const struct profile_set *profiles)
{
	const struct slot *s = &p->slots[i];
	struct holder *h = button_note_slot(b, p, i, profiles);

	if (!h)
		return;
	h->seen = true;
	if (s->button_policy && !strcmp(s->button_policy, "power-off"))
		button_take(b, h);
	else if (s->button_policy && !h->told_to)
		h->told_to = button_took(b, h);
}

/* A press that came while nobody listened, or that could not be dealt with. */
static const char *unanswered(struct button *b, const struct picture *p)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		struct holder *h = button_find(b, p->slots[i].name);

		if (h && !h->pressed && p->slots[i].button_request &&
		    !strcmp(p->slots[i].button_request, "power-off"))
			return h->slot;
	}
	return NULL;
}

void button_seen(struct button *b, const struct picture *p, const struct profile_set *profiles)
{
	const char *slot;

	for (size_t i = 0; i < b->n; i++)
		b->list[i].seen = false;
	for (size_t i = 0; i < p->n_slots; i++)
		see_slot(b, p, (int)i, profiles);
	for (size_t i = b->n; i-- > 0;) {
		struct holder *h = &b->list[i];

		if (h->seen || h->pressed)
			continue;
		/* A slot without a card is as the kernel has it. */
		button_give(b, h);
		clear_holder(h);
		*h = b->list[--b->n];
	}
	slot = unanswered(b, p);
	/* The answer to it may still be on its way. */
	if (slot && b->n_steps > 0)
		b->look_again = true;
	else if (slot)
		press(b, button_find(b, slot));
}

static void on_kmsg(const char *slot, bool cancel, void *userdata)
{
	struct button *b = userdata;
	struct holder *h = button_find(b, slot);

	/* There are five seconds: no time to wait for a picture. The planner knows whose slot it is. */
	if (!h && !cancel) {
		h = button_add(b, slot);
		if (h)
			h->guessed = true;
	}
	/* Where the kernel asks, it says so in an event of its own. */
	if (h && !h->asks)
		button_event(b, slot, cancel ? "withdrawn" : "power-off");
}

static int on_device(sd_device_monitor *udev, sd_device *device, void *userdata)
{
	const char *slot, *what;

	(void)udev;
	if (sd_device_get_property_value(device, "SLOT", &slot) >= 0 &&
	    sd_device_get_property_value(device, "BUTTON", &what) >= 0)
		button_event(userdata, slot, what);
	return 0;
}

static int listen(struct button *b)
{
	int r = sd_device_monitor_new(&b->udev);

	if (r >= 0)
		r = sd_device_monitor_filter_add_match_subsystem_devtype(b->udev, "pci", NULL);
	if (r >= 0)
		r = sd_device_monitor_attach_event(b->udev, b->event);
	if (r >= 0)
		r = sd_device_monitor_start(b->udev, on_device, b);
	return r;
}

int button_new(sd_event *event, struct engine *engine, const struct button_config *config,
	       struct button **ret)
{
	struct button *b = calloc(1, sizeof(*b));
	int r = 0;

	if (!b)
		return -ENOMEM;
	b->event = sd_event_ref(event);
	b->engine = engine;
	b->open = config->open;
	if (config->marks) {
		if (mkdir(config->marks, 0700) < 0 && errno != EEXIST)
			(void)sd_journal_print(4, "%s cannot be made: %s", config->marks,
					       strerror(errno));
		r = strdup_or_null(config->marks, &b->marks);
	}
	if (r >= 0)
		r = sd_event_add_defer(event, &b->next, on_next, b);
	if (r >= 0)
		r = sd_event_source_set_enabled(b->next, SD_EVENT_OFF);
	if (r >= 0 && config->udev)
		r = listen(b);
	if (r < 0) {
		button_free(b);
		return r;
	}
	if (config->kmsg) {
		r = kmsg_new(event, config->kmsg, on_kmsg, b, &b->kmsg);
		if (r < 0)
			(void)sd_journal_print(4, "%s cannot be read (%s): a press of an attention "
						  "button is noticed only where the kernel asks",
					       config->kmsg, strerror(-r));
	}
	*ret = b;
	return 0;
}

struct button *button_free(struct button *b)
{
	if (!b)
		return NULL;
	/* Nobody is going to answer from here on, and a press that nobody answers never ends. */
	button_hand_back(b);
	worker_free(b->worker);
	kmsg_free(b->kmsg);
	sd_device_monitor_unref(b->udev);
	button_drop_steps(b);
	sd_event_source_disable_unref(b->next);
	for (size_t i = 0; i < b->n; i++)
		clear_holder(&b->list[i]);
	free(b->list);
	free(b->marks);
	sd_event_unref(b->event);
	free(b);
	return NULL;
}
