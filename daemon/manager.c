// SPDX-License-Identifier: LGPL-2.1-or-later
#include "manager.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "bus.h"
#include "node-memory.h"
#include "messages.h"
#include "util.h"

static void log_operation(struct operation *o)
{
	bool good = o->state == OPERATION_DONE;

	(void)sd_journal_send("MESSAGE=%s: %s%s%s", o->plan ? o->plan->summary :
							      verb_name(o->request->verb),
			      operation_state_name(o->state), o->reason ? ": " : "",
			      o->reason ?: "", "PRIORITY=%i", good ? 6 : 4, "CXLMEM_OPERATION=%ju",
			      (uintmax_t)o->id, "CXLMEM_VERB=%s", verb_name(o->request->verb),
			      "CXLMEM_RESULT=%s", operation_state_name(o->state),
			      "CXLMEM_KERNEL_USEC=%ju", (uintmax_t)o->kernel_usec,
			      "CXLMEM_TOTAL_USEC=%ju", (uintmax_t)o->total_usec,
			      good ? MESSAGE_OPERATION_DONE :
			      o->state == OPERATION_STUCK ? MESSAGE_OPERATION_STUCK :
							    MESSAGE_OPERATION_FAILED, NULL);
}

static void on_picture(struct picture *p, void *userdata)
{
	struct manager *m = userdata;

	node_memory_read(engine_door(m->engine), p);
	steward_complete(m->steward, p);
	health_watch_complete(m->health, p);
}

static void on_looked(const struct picture *p, void *userdata)
{
	struct manager *m = userdata;

	contest_looked(m->contest, p);
	/* Who stands at the machine comes first; either may start something, and then the picture is gone. */
	button_seen(m->button, p, steward_profiles(m->steward));
	if (!engine_busy(m->engine))
		health_watch_looked(m->health, p, steward_profiles(m->steward));
	if (!engine_busy(m->engine))
		steward_looked(m->steward, p);
}

static bool may_take_long(const struct plan *p)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (step_may_block(p->steps[i].kind))
			return true;
	return false;
}

static void on_planned(struct operation *o, const struct picture *p, void *userdata)
{
	struct manager *m = userdata;

	if (may_take_long(o->plan))
		expedite_begin(m->expedite);
	steward_planned(m->steward, o, p);
	button_planned(m->button, o, p, steward_profiles(m->steward));
}

static struct json_object *on_intent(struct operation *o, void *userdata)
{
	struct manager *m = userdata;

	return steward_intent(m->steward, o);
}

static struct json_object *on_ended(struct operation *o, void *userdata)
{
	struct manager *m = userdata;

	return steward_ended(m->steward, o);
}

static void on_operation_changed(struct operation *o, void *userdata)
{
	struct manager *m = userdata;

	blockers_watch_changed(m->blockers, o);
	bus_operation_changed(o, m);
}

static void on_blockers(uint64_t id, void *userdata)
{
	struct manager *m = userdata;
	struct operation *o = engine_get(m->engine, id);

	if (o)
		bus_operation_changed(o, m);
}

static void on_finished(struct operation *o, void *userdata)
{
	struct manager *m = userdata;

	/* One whose turn never came has none, and another may be at work. */
	if (o->plan)
		expedite_end(m->expedite);
	blockers_watch_finished(m->blockers, o);
	/* Before anybody hears of its end, what it means is written down (on_ended(), or here). */
	steward_finished(m->steward, o);
	button_finished(m->button, o);
	bus_operation_finished(o, m);
	contest_finished(m->contest, o);
	exporter_finished(m->exporter, o);
	log_operation(o);
}

static void on_refused(struct operation *o, void *userdata)
{
	struct manager *m = userdata;

	exporter_refused(m->exporter, o);
}

static void on_stepped(struct operation *o, const struct step *s, uint64_t usec, void *userdata)
{
	struct manager *m = userdata;

	button_stepped(m->button, o, s);
	exporter_stepped(m->exporter, s, usec);
}

static void on_changed(void *userdata)
{
	struct manager *m = userdata;

	bus_picture_changed(m);
	engine_look(m->engine);
}

static int on_trace(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct manager *m = userdata;

	(void)s, (void)fd, (void)revents;
	card_trace_read(m->trace, health_watch_report, m->health);
	return 0;
}

/* Without it all goes on; only what cards report is not heard of. */
static void add_trace(struct manager *m)
{
	_cleanup_free_ char *reason = NULL;
	int r = card_trace_open(&m->trace, &reason);

	if (r >= 0)
		r = sd_event_add_io(m->event, &m->trace_source, card_trace_fd(m->trace), EPOLLIN, on_trace, m);
	if (r < 0)
		(void)sd_journal_print(5, "%s", reason ?: "errors that cards report cannot be waited for");
}

static void look_again(void *userdata)
{
	struct manager *m = userdata;

	engine_look(m->engine);
}

static int on_child(sd_event_source *s, const struct signalfd_siginfo *info, void *userdata)
{
	(void)s, (void)info, (void)userdata;
	/* Workers tell of their end by closing their socket; here only the corpses are collected. */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return 0;
}

/* systemd makes it, StateDirectory=; without systemd (a test, a debugger) it is the same place. */
static const char *state_directory(void)
{
	const char *dir = getenv("STATE_DIRECTORY");

	return dir && *dir ? dir : "/var/lib/cxlmem";
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct manager *m = userdata;
	struct timespec ts;

	(void)source, (void)info;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%ju",
			 (uintmax_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	(void)steward_reload(m->steward, NULL);
	(void)sd_notify(0, "READY=1");
	return 0;
}

static int add_signals(struct manager *m)
{
	int r;

	r = sd_event_add_signal(m->event, NULL, SIGTERM | SD_EVENT_SIGNAL_PROCMASK, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(m->event, NULL, SIGINT | SD_EVENT_SIGNAL_PROCMASK, NULL,
					NULL);
	if (r >= 0)
		r = sd_event_add_signal(m->event, NULL, SIGHUP | SD_EVENT_SIGNAL_PROCMASK,
					on_reload, m);
	if (r >= 0)
		r = sd_event_add_signal(m->event, &m->reaper, SIGCHLD | SD_EVENT_SIGNAL_PROCMASK,
					on_child, NULL);
	return r;
}

static int fail(int r, const char *what)
{
	(void)sd_journal_print(3, "%s: %s", what, strerror(-r));
	return r;
}

int manager_new(worker_open_t open_door, struct manager **ret)
{
	static const struct engine_hooks hooks = {
		.picture = on_picture,
		.looked = on_looked,
		.planned = on_planned,
		.intent = on_intent,
		.ended = on_ended,
		.added = bus_operation_added,
		.refused = on_refused,
		.stepped = on_stepped,
		.changed = on_operation_changed,
		.finished = on_finished,
	};
	_cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	r = sd_event_new(&m->event);
	if (r < 0)
		return fail(r, "the event loop cannot be made");
	r = add_signals(m);
	if (r < 0)
		return fail(r, "signals cannot be watched");
	(void)sd_event_set_watchdog(m->event, true);
	r = engine_new(m->event, open_door, &hooks, m, &m->engine);
	if (r < 0)
		return fail(r, "the engine cannot be made");
	r = blockers_watch_new(m->event, open_door, on_blockers, m, &m->blockers);
	if (r < 0)
		return fail(r, "what is in the way of memory cannot be watched");
	r = steward_new(m->event, m->engine, NULL, state_directory(), &m->steward);
	if (r < 0)
		return fail(r, "wishes and profiles cannot be read");
	r = health_watch_new(m->engine, on_changed, m, &m->health);
	if (r < 0)
		return fail(r, "the health of cards cannot be watched");
	add_trace(m);
	r = contest_new(m->event, "", look_again, m, &m->contest);
	if (r < 0)
		return fail(r, "what others do to memory cannot be watched");
	r = button_new(m->event, m->engine,
		       &(struct button_config){ .open = open_door, .kmsg = "/dev/kmsg",
					.marks = "/run/cxlmem/buttons", .udev = true },
		       &m->button);
	if (r < 0)
		return fail(r, "attention buttons cannot be watched");
	r = scanner_new(m->event, open_door, on_picture, m, &m->scanner);
	if (r < 0)
		return fail(r, "the scanner cannot be made");
	r = exporter_new(m->event, &(struct exporter_sources){ m->scanner, m->engine, m->steward, m->health, m->contest },
			 &m->exporter);
	if (r < 0)
		return fail(r, "what is counted for monitoring cannot be kept");
	r = sd_bus_open_system(&m->bus);
	if (r >= 0)
		r = sd_bus_attach_event(m->bus, m->event, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0)
		return fail(r, "the system bus cannot be reached");
	r = authority_new(m->bus, sd_bus_query_sender_privilege, &m->authority);
	if (r < 0)
		return fail(r, "callers cannot be told apart");
	r = monitor_new(m->event, on_changed, m, &m->monitor);
	if (r < 0)
		return fail(r, "udev events cannot be watched");
	r = bus_publish(m);
	if (r < 0)
		return fail(r, "the name " BUS_NAME " cannot be taken on the system bus");
	/* Only one daemon comes this far. */
	r = expedite_new(m->event, engine_door(m->engine), "/run/cxlmem/rcu-expedited", &m->expedite);
	if (r < 0)
		return fail(r, "what the kernel waits for cannot be made shorter");
	/* Without the socket everybody takes the system bus. */
	r = direct_new(m->event, bus_add_objects, m, &m->direct);
	if (r < 0)
		(void)sd_journal_print(5, "%s cannot be listened on: %s", DIRECT_SOCKET, strerror(-r));
	r = exporter_listen(m->exporter, EXPORTER_SOCKET);
	if (r < 0)
		(void)sd_journal_print(5, "%s cannot be listened on: %s", EXPORTER_SOCKET, strerror(-r));
	r = succession_new(m->event, m->engine, m->steward, state_directory(), &m->succession);
	if (r < 0)
		return fail(r, "what the cxlmemd before this one left cannot be looked at");
	/* Cold plug: what is here already is as good as what comes. */
	engine_look(m->engine);
	*ret = TAKE_PTR(m);
	return 0;
}

struct manager *manager_free(struct manager *m)
{
	if (!m)
		return NULL;
	/* The scanner answers those who wait, so it goes while the bus is still there. */
	scanner_free(m->scanner);
	m->exporter = exporter_free(m->exporter);
	blockers_watch_free(m->blockers);
	sd_event_source_disable_unref(m->trace_source);
	card_trace_close(m->trace);
	expedite_free(m->expedite);
	engine_free(m->engine);
	contest_free(m->contest);
	button_free(m->button);
	steward_free(m->steward);
	health_watch_free(m->health);
	succession_free(m->succession);
	monitor_free(m->monitor);
	direct_free(m->direct);
	sd_event_source_disable_unref(m->announce);
	sd_event_source_disable_unref(m->reaper);
	authority_free(m->authority);
	sd_bus_flush_close_unref(m->bus);
	sd_event_unref(m->event);
	free(m);
	return NULL;
}

int manager_run(struct manager *m)
{
	int r;

	(void)sd_notify(0, "READY=1");
	r = sd_event_loop(m->event);
	(void)sd_notify(0, "STOPPING=1");
	return r;
}
