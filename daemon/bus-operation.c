// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "authorize.h"
#include "bus.h"
#include "util.h"

/* Progress is for people: more often than this nobody can read it. */
#define ANNOUNCE_USEC (100 * UINT64_C(1000))

int bus_operation_path(uint64_t id, char **ret)
{
	char *path;

	if (asprintf(&path, BUS_OPERATION_PATH "/%" PRIu64, id) < 0)
		return -ENOMEM;
	*ret = path;
	return 0;
}

static int operation_of_path(const char *path, uint64_t *ret)
{
	if (strncmp(path, BUS_OPERATION_PATH "/", strlen(BUS_OPERATION_PATH "/")) != 0)
		return -EINVAL;
	return parse_u64(path + strlen(BUS_OPERATION_PATH "/"), ret);
}

static int find_operation(sd_bus *bus, const char *path, const char *interface, void *userdata,
			  void **ret, sd_bus_error *error)
{
	struct manager *m = userdata;
	struct operation *o;
	uint64_t id;

	(void)bus, (void)interface, (void)error;
	if (operation_of_path(path, &id) < 0)
		return 0;
	o = engine_get(m->engine, id);
	if (!o)
		return 0;
	*ret = o;
	return 1;
}

static int enumerate_operations(sd_bus *bus, const char *prefix, void *userdata, char ***ret,
				sd_bus_error *error)
{
	struct manager *m = userdata;
	struct operation *o;
	char **list = NULL;
	size_t n = 0;

	(void)bus, (void)prefix, (void)error;
	while (engine_nth(m->engine, n))
		n++;
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; (o = engine_nth(m->engine, i)); i++)
		if (bus_operation_path(o->id, &list[i]) < 0) {
			while (i > 0)
				free(list[--i]);
			free(list);
			return -ENOMEM;
		}
	*ret = list;
	return 1;
}

static int property_string(sd_bus *bus, const char *path, const char *interface,
			   const char *property, sd_bus_message *reply, void *userdata,
			   sd_bus_error *error)
{
	const struct operation *o = userdata;
	const char *s = "";

	(void)bus, (void)path, (void)interface, (void)error;
	if (!strcmp(property, "Verb"))
		s = verb_name(o->request->verb);
	else if (!strcmp(property, "Summary"))
		s = o->plan ? o->plan->summary : "";
	else if (!strcmp(property, "State"))
		s = operation_state_name(o->state);
	else if (!strcmp(property, "Reason"))
		s = o->reason;
	else if (!strcmp(property, "Result"))
		s = o->state == OPERATION_DONE ? o->plan->done : "";
	return sd_bus_message_append(reply, "s", s ?: "");
}

static int append_strings(sd_bus_message *reply, char **strings, size_t n)
{
	int r = sd_bus_message_open_container(reply, 'a', "s");

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = sd_bus_message_append(reply, "s", strings[i]);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_notes(sd_bus *bus, const char *path, const char *interface,
			  const char *property, sd_bus_message *reply, void *userdata,
			  sd_bus_error *error)
{
	const struct operation *o = userdata;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return append_strings(reply, o->plan ? o->plan->notes : NULL, o->plan ? o->plan->n_notes : 0);
}

static int property_regions(sd_bus *bus, const char *path, const char *interface,
			    const char *property, sd_bus_message *reply, void *userdata,
			    sd_bus_error *error)
{
	const struct operation *o = userdata;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return append_strings(reply, o->plan ? o->plan->regions : NULL,
			      o->plan ? o->plan->n_regions : 0);
}

static int property_steps(sd_bus *bus, const char *path, const char *interface,
			  const char *property, sd_bus_message *reply, void *userdata,
			  sd_bus_error *error)
{
	const struct operation *o = userdata;
	int r;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	r = sd_bus_message_open_container(reply, 'a', "(sss)");
	for (size_t i = 0; r >= 0 && o->plan && i < o->plan->n_steps; i++) {
		_cleanup_free_ char *text = NULL;

		r = step_text(&o->plan->steps[i], &text);
		if (r >= 0)
			r = sd_bus_message_append(reply, "(sss)",
						  step_kind_name(o->plan->steps[i].kind), text,
						  step_state_name(o->step_states[i]));
	}
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_step(sd_bus *bus, const char *path, const char *interface,
			 const char *property, sd_bus_message *reply, void *userdata,
			 sd_bus_error *error)
{
	const struct operation *o = userdata;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "u", (uint32_t)o->at);
}

static int property_progress(sd_bus *bus, const char *path, const char *interface,
			     const char *property, sd_bus_message *reply, void *userdata,
			     sd_bus_error *error)
{
	const struct operation *o = userdata;

	(void)bus, (void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "(tt)", o->progress_done, o->progress_total);
}

static int property_blockers(sd_bus *bus, const char *path, const char *interface,
			     const char *property, sd_bus_message *reply, void *userdata,
			     sd_bus_error *error)
{
	const struct operation *o = userdata;
	struct manager *m = sd_bus_slot_get_userdata(sd_bus_get_current_slot(bus));

	(void)path, (void)interface, (void)property, (void)error;
	return sd_bus_message_append(reply, "s", blockers_watch_text(m->blockers, o->id) ?: "");
}

/* Found again by its path: it may have been forgotten while polkit was asked. */
static int cancel(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct manager *m = userdata;
	uint64_t id;
	int r;

	r = operation_of_path(sd_bus_message_get_path(call), &id);
	if (r >= 0)
		r = engine_cancel(m->engine, id);
	return r < 0 ? bus_error(error, r, r == -EBUSY ? BUS_PAST_RETURN :
							 "this operation has finished already") :
		       sd_bus_reply_method_return(call, NULL);
}

static int method_cancel(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct operation *o = userdata;
	struct manager *m = sd_bus_slot_get_userdata(
		sd_bus_get_current_slot(sd_bus_message_get_bus(call)));

	return authorize_cancel(m->authority, call, o->request, cancel, m, error);
}

static const sd_bus_vtable operation_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "t", NULL, offsetof(struct operation, id),
			SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Verb", "s", property_string, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Summary", "s", property_string, 0, 0),
	SD_BUS_PROPERTY("State", "s", property_string, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Reason", "s", property_string, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Result", "s", property_string, 0, 0),
	SD_BUS_PROPERTY("Notes", "as", property_notes, 0, 0),
	SD_BUS_PROPERTY("Regions", "as", property_regions, 0, 0),
	SD_BUS_PROPERTY("Steps", "a(sss)", property_steps, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Step", "u", property_step, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Progress", "(tt)", property_progress, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Blockers", "s", property_blockers, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("StartedUsec", "t", NULL, offsetof(struct operation, started_realtime), 0),
	SD_BUS_PROPERTY("FinishedUsec", "t", NULL, offsetof(struct operation, finished_realtime),
			0),
	SD_BUS_PROPERTY("KernelUsec", "t", NULL, offsetof(struct operation, kernel_usec), 0),
	SD_BUS_PROPERTY("JournalUsec", "t", NULL, offsetof(struct operation, journal_usec), 0),
	SD_BUS_PROPERTY("TotalUsec", "t", NULL, offsetof(struct operation, total_usec), 0),
	SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_cancel,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

static void announce(struct manager *m, uint64_t id)
{
	_cleanup_free_ char *path = NULL;
	sd_bus *bus;

	if (id == 0 || !engine_get(m->engine, id) || bus_operation_path(id, &path) < 0)
		return;
	for (size_t i = 0; (bus = bus_nth(m, i)); i++)
		(void)sd_bus_emit_properties_changed(bus, path, BUS_OPERATION, "State", "Reason",
						     "Steps", "Step", "Progress", "Blockers", NULL);
}

static int on_announce(sd_event_source *s, uint64_t when, void *userdata)
{
	struct manager *m = userdata;
	uint64_t id = m->announced;

	(void)s;
	(void)when;
	m->announced = 0;
	announce(m, id);
	return 0;
}

int bus_add_operations(sd_bus *bus, struct manager *m)
{
	int r;

	r = sd_bus_add_fallback_vtable(bus, NULL, BUS_OPERATION_PATH, BUS_OPERATION,
				       operation_vtable, find_operation, m);
	if (r >= 0)
		r = sd_bus_add_node_enumerator(bus, NULL, BUS_OPERATION_PATH,
					       enumerate_operations, m);
	if (r >= 0 && !m->announce) {
		r = sd_event_add_time_relative(m->event, &m->announce, CLOCK_MONOTONIC, 0, 0,
					       on_announce, m);
		if (r >= 0)
			r = sd_event_source_set_enabled(m->announce, SD_EVENT_OFF);
	}
	return r < 0 ? r : 0;
}

void bus_operation_added(struct operation *o, void *userdata)
{
	_cleanup_free_ char *path = NULL;
	struct manager *m = userdata;
	sd_bus *bus;

	if (bus_operation_path(o->id, &path) < 0)
		return;
	for (size_t i = 0; (bus = bus_nth(m, i)); i++)
		(void)sd_bus_emit_signal(bus, BUS_PATH, BUS_MANAGER, "OperationAdded", "o", path);
}

void bus_operation_changed(struct operation *o, void *userdata)
{
	struct manager *m = userdata;

	/* One operation runs at a time, so one timer gathers for all. */
	if (m->announced)
		return;
	m->announced = o->id;
	(void)sd_event_source_set_time_relative(m->announce, ANNOUNCE_USEC);
	(void)sd_event_source_set_enabled(m->announce, SD_EVENT_ONESHOT);
}

void bus_operation_finished(struct operation *o, void *userdata)
{
	_cleanup_free_ char *path = NULL;
	struct manager *m = userdata;
	sd_bus *bus;

	m->announced = 0;
	(void)sd_event_source_set_enabled(m->announce, SD_EVENT_OFF);
	if (bus_operation_path(o->id, &path) < 0)
		return;
	for (size_t i = 0; (bus = bus_nth(m, i)); i++)
		(void)sd_bus_emit_signal(bus, BUS_PATH, BUS_MANAGER, "OperationFinished", "oss",
					 path, operation_state_name(o->state), o->reason ?: "");
	announce(m, o->id);
}
