// SPDX-License-Identifier: LGPL-2.1-or-later
#include "button.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-device.h>
#include <systemd/sd-journal.h>

#include "kmsg.h"
#include "util.h"

/* A press that nobody set a time for: long enough for memory to move, short enough for who stands there. */
#define DEADLINE_USEC (UINT64_C(60) * 1000000)

/* A slot that holds a card, or did when its button was pressed. */
struct holder {
	char *slot;
	bool asks;    /* the kernel asks what to do about a press */
	bool told_to; /* because it was told to, here */
	bool pressed;
	bool withdrawn;
	const struct request *request; /* of the eject, until its operation has a number; the engine's */
	uint64_t operation; /* the eject, 0 = none yet */
	uint64_t deadline_usec;
	bool revoke;
	char **foreign; /* regions on it that somebody else made */
	size_t n_foreign;
	bool guessed; /* no picture has shown a card in it yet: it came a moment ago, or is no business of ours */
	bool seen; /* in the picture that is being looked at */
};

struct button {
	sd_event *event;
	struct engine *engine;
	worker_open_t open;
	struct worker *worker; /* the attention indicator may take a second */
	struct step *steps; /* for the worker, which is at the first one if it is busy */
	size_t n_steps;
	bool look_again; /* when they are done */
	struct holder *list;
	size_t n;
	struct kmsg *kmsg;
	sd_device_monitor *udev;
};

static void clear_foreign(struct holder *h)
{
	for (size_t i = 0; i < h->n_foreign; i++)
		free(h->foreign[i]);
	free(h->foreign);
	h->foreign = NULL;
	h->n_foreign = 0;
}

static void say_so(const struct holder *h, int priority, const char *format, ...) _printf_(3, 4);

static void say_so(const struct holder *h, int priority, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		(void)sd_journal_send("MESSAGE=slot %s: %s", h->slot, text, "PRIORITY=%i", priority,
				      "CXLMEM_SLOT=%s", h->slot, NULL);
}

static struct holder *find(struct button *b, const char *slot)
{
	for (size_t i = 0; i < b->n; i++)
		if (!strcmp(b->list[i].slot, slot))
			return &b->list[i];
	return NULL;
}

static void run_first(struct button *b);

static void drop_first(struct button *b)
{
	step_clear(&b->steps[0]);
	memmove(b->steps, b->steps + 1, --b->n_steps * sizeof(*b->steps));
}

static void on_step(struct worker *w, struct worker_reply *reply, void *userdata)
{
	struct button *b = userdata;

	(void)w;
	if (reply->error < 0)
		(void)sd_journal_print(4, "%s", reply->reason ?: "the worker process for slots died");
	drop_first(b);
	run_first(b);
	if (b->n_steps == 0 && b->look_again) {
		b->look_again = false;
		engine_look(b->engine);
	}
}

static void run_first(struct button *b)
{
	int r;

	while (b->n_steps > 0) {
		r = b->worker ? 0 : worker_new(b->event, b->open, &b->worker);
		if (r >= 0)
			r = worker_run(b->worker, b->steps, 1, on_step, NULL, b);
		if (r == -EPIPE) {
			b->worker = worker_free(b->worker);
			r = worker_new(b->event, b->open, &b->worker);
			if (r >= 0)
				r = worker_run(b->worker, b->steps, 1, on_step, NULL, b);
		}
		if (r >= 0)
			return;
		(void)sd_journal_print(3, "slot %s cannot be told anything: %s", b->steps[0].slot,
				       strerror(-r));
		drop_first(b);
	}
}

static void tell(struct button *b, const struct holder *h, enum step_kind kind, const char *what)
{
	struct step step = { .kind = kind, .position = -1, .size = UNKNOWN, .resource = UNKNOWN };

	step.slot = strdup(h->slot);
	step.policy = strdup(what);
	if (!step.slot || !step.policy || grow(&b->steps, b->n_steps, sizeof(*b->steps)) < 0) {
		step_clear(&step);
		return;
	}
	b->steps[b->n_steps++] = step;
	if (b->n_steps == 1)
		run_first(b);
}

/* It stays in; whoever pressed sees it by the indicator, and reads why in the log. */
static void refuse(struct button *b, struct holder *h, const char *reason)
{
	h->pressed = false;
	h->operation = 0;
	if (h->withdrawn) {
		say_so(h, 5, "the press was taken back; all is as before");
		return;
	}
	if (!h->asks) {
		say_so(h, 3, "the card goes with what could not be saved: %s", reason);
		return;
	}
	say_so(h, 4, "the card stays in: %s", reason);
	tell(b, h, STEP_ANSWER_BUTTON, "refuse");
	tell(b, h, STEP_SET_ATTENTION, "on");
}

/* Whose eject was asked for; the slots may be others by the time of the answer. */
struct asked {
	struct button *b;
	char *slot;
};

static void on_started(struct operation *o, int error, const char *reason, void *userdata)
{
	struct asked *asked = userdata;
	struct holder *h = find(asked->b, asked->slot);

	if (h)
		h->request = NULL;
	if (h && o)
		h->operation = o->id;
	else if (h && h->guessed && (error == -ENOENT || error == -ENODEV))
		h->pressed = false; /* a disk's, or a network card's */
	else if (h && (h->withdrawn || error != -ECANCELED)) /* else the daemon is stopping */
		refuse(asked->b, h, reason ?: strerror(-error));
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
	/* They are lost in five seconds, whoever made them; to take them down in order is the better end. */
	for (size_t i = 0; r >= 0 && !h->asks && i < h->n_foreign; i++)
		r = request_add_object(q, h->foreign[i]);
	if (r >= 0)
		r = strdup_or_null("button", &q->origin);
	if (r < 0)
		return r;
	/* To put memory back when its card is about to go would lose it. */
	q->deadline_usec = h->asks ? h->deadline_usec : 0;
	q->revoke = h->revoke;
	*ret = TAKE_PTR(q);
	return 0;
}

static void press(struct button *b, struct holder *h)
{
	_cleanup_(request_freep) struct request *q = NULL;
	struct asked *asked = calloc(1, sizeof(*asked));
	int r;

	if (!h->guessed)
		say_so(h, 5, h->asks ? "its button was pressed: the card in it is being freed" :
				       "its button was pressed, and this kernel powers it off in five "
				       "seconds: what can be saved is saved");
	h->pressed = true;
	h->withdrawn = false;
	h->operation = 0;
	r = asked && (asked->slot = strdup(h->slot)) ? make_request(h, &q) : -ENOMEM;
	if (r >= 0) {
		asked->b = b;
		h->request = q;
		r = engine_start(b->engine, q, on_started, asked);
	}
	if (r >= 0) {
		q = NULL;
		return;
	}
	h->request = NULL;
	if (asked)
		free(asked->slot);
	free(asked);
	refuse(b, h, strerror(-r));
}

/* The number of its eject; one that is not planned yet is known by its request. 0 = none */
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
	if (!h->pressed || h->withdrawn)
		return;
	h->withdrawn = true;
	if (engine_cancel(b->engine, operation_of(b, h)) == -EBUSY)
		say_so(h, 4, "the press was taken back too late: the card cannot be kept any more");
}

void button_event(struct button *b, const char *slot, const char *what)
{
	struct holder *h = find(b, slot);

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
		if (o->state != OPERATION_DONE) {
			refuse(b, h, o->reason ?: operation_state_name(o->state));
			return;
		}
		h->pressed = false;
		h->operation = 0;
		say_so(h, 5, "the card in it may be pulled; nothing was lost");
		return;
	}
}

static int note_removal(struct holder *h, const struct picture *p, int slot,
			const struct profile_set *profiles)
{
	clear_foreign(h);
	h->deadline_usec = DEADLINE_USEC;
	h->revoke = false;
	for (size_t i = 0; i < p->n_memdevs; i++) {
		const struct profile *profile = profile_set_match(profiles, p, (int)i);

		if (!picture_below(p, (int)i, p->slots[slot].port) || !profile ||
		    !profile->deadline_usec)
			continue;
		h->deadline_usec = profile->deadline_usec;
		h->revoke = profile->on_deadline == ON_DEADLINE_REVOKE;
	}
	for (size_t i = 0; i < p->n_regions; i++) {
		const struct region *r = &p->regions[i];
		bool here = false;

		for (size_t k = 0; k < r->n_mappings; k++)
			here |= r->mappings[k].memdev >= 0 &&
				picture_below(p, r->mappings[k].memdev, p->slots[slot].port);
		if (!here || r->origin)
			continue;
		if (grow(&h->foreign, h->n_foreign, sizeof(*h->foreign)) < 0)
			return -ENOMEM;
		h->foreign[h->n_foreign] = strdup(r->name);
		if (!h->foreign[h->n_foreign])
			return -ENOMEM;
		h->n_foreign++;
	}
	return 0;
}

static bool holds_card(const struct picture *p, int slot)
{
	for (size_t i = 0; i < p->n_memdevs; i++)
		if (picture_below(p, (int)i, p->slots[slot].port))
			return true;
	return false;
}

static struct holder *add(struct button *b, const char *slot)
{
	struct holder *h;
	char *copy = strdup(slot);

	if (!copy || grow(&b->list, b->n, sizeof(*b->list)) < 0) {
		free(copy);
		return NULL;
	}
	h = &b->list[b->n++];
	h->slot = copy;
	return h;
}

static void see_slot(struct button *b, const struct picture *p, int i,
		     const struct profile_set *profiles)
{
	const struct slot *s = &p->slots[i];
	struct holder *h;

	if (!holds_card(p, i))
		return;
	h = find(b, s->name) ?: add(b, s->name);
	if (!h)
		return;
	h->seen = true;
	h->guessed = false;
	h->asks = s->button_policy != NULL;
	if (note_removal(h, p, i, profiles) < 0)
		say_so(h, 4, "out of memory: what is on its card is not known in full");
	if (s->button_policy && !strcmp(s->button_policy, "power-off")) {
		tell(b, h, STEP_SET_BUTTON_POLICY, "ask");
		h->told_to = true;
	}
}

/* A press that came while nobody listened, or that could not be dealt with. */
static const char *unanswered(struct button *b, const struct picture *p)
{
	for (size_t i = 0; i < p->n_slots; i++) {
		struct holder *h = find(b, p->slots[i].name);

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
		if (h->told_to)
			tell(b, h, STEP_SET_BUTTON_POLICY, "power-off");
		clear_foreign(h);
		free(h->slot);
		*h = b->list[--b->n];
	}
	slot = unanswered(b, p);
	/* The answer to it may still be on its way. */
	if (slot && b->n_steps > 0)
		b->look_again = true;
	else if (slot)
		press(b, find(b, slot));
}

static void on_kmsg(const char *slot, bool cancel, void *userdata)
{
	struct button *b = userdata;
	struct holder *h = find(b, slot);

	/* There are five seconds: no time to wait for a picture. The planner knows whose slot it is. */
	if (!h && !cancel) {
		h = add(b, slot);
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
	if (config->udev)
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

/* Nobody is going to answer from here on, and a press that nobody answers never ends. */
static void hand_back(struct button *b)
{
	struct door *door = NULL;

	for (size_t i = 0; i < b->n; i++) {
		struct step step = { .kind = STEP_SET_BUTTON_POLICY, .slot = b->list[i].slot,
				     .policy = (char *)"power-off" };
		struct step_result result = { 0 };
		_cleanup_free_ char *reason = NULL;

		if (!b->list[i].told_to || (!door && b->open(&door) < 0))
			continue;
		if (door->ops->run(door, &step, &result, &reason) < 0)
			say_so(&b->list[i], 4, "%s", reason ?: "its policy could not be put back");
		step_result_clear(&result);
	}
	door_close(door);
}

struct button *button_free(struct button *b)
{
	if (!b)
		return NULL;
	hand_back(b);
	worker_free(b->worker);
	kmsg_free(b->kmsg);
	sd_device_monitor_unref(b->udev);
	while (b->n_steps > 0)
		drop_first(b);
	free(b->steps);
	for (size_t i = 0; i < b->n; i++) {
		clear_foreign(&b->list[i]);
		free(b->list[i].slot);
	}
	free(b->list);
	sd_event_unref(b->event);
	free(b);
	return NULL;
}
