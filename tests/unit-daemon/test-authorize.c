// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>

#include "test.h"

#include "authorize.h"
#include "private-bus.h"
#include "util.h"

/*
 * A daemon with one method, a caller and a polkit of our own, each with its connection to a private bus, all in
 * one loop.
 */

#define SERVICE "org.cxlmem1"
#define POLKIT "org.freedesktop.PolicyKit1"

enum answer { YES_, NO_, CHALLENGE, DISMISSED, BROKEN, FAILURE, SILENCE };

struct scene {
	sd_event *event;
	sd_bus *daemon, *caller, *polkit;
	struct authority *authority;
	/* what it is like */
	enum answer answer;
	enum answer also; /* to the question for the action of force that comes after another's */
	const char *action; /* NULL = of @request */
	struct request *request;
	bool cancel;
	/* what came of it */
	unsigned int asked, called_off, went, replies;
	char question[512], id[64], called_off_id[64];
	char error[128], message[512];
	uint32_t flags;
	bool sees_word; /* the handler finds the message from its beginning */
};

static int nobody_is_privileged(sd_bus_message *call, int capability)
{
	(void)call, (void)capability;
	return 0;
}

static int caller_is_privileged(sd_bus_message *call, int capability)
{
	(void)call, (void)capability;
	return 1;
}

static int unknown_caller(sd_bus_message *call, int capability)
{
	(void)call, (void)capability;
	return -ESRCH;
}

static int reply_to_question(struct scene *s, sd_bus_message *m)
{
	bool second = s->request && (s->request->force || s->request->revoke) &&
		      !strncmp(s->question, ACTION_FORCE, strlen(ACTION_FORCE));

	switch (second ? s->also : s->answer) {
	case YES_:
		return sd_bus_reply_method_return(m, "(bba{ss})", true, false, 0);
	case NO_:
		return sd_bus_reply_method_return(m, "(bba{ss})", false, false, 0);
	case CHALLENGE:
		return sd_bus_reply_method_return(m, "(bba{ss})", false, true, 1, "x", "y");
	case DISMISSED:
		return sd_bus_reply_method_return(m, "(bba{ss})", false, true, 1,
						  "polkit.dismissed", "true");
	case BROKEN:
		return sd_bus_reply_method_return(m, "s", "yes");
	case FAILURE:
		return sd_bus_reply_method_errorf(m, POLKIT ".Error.Failed",
						  "Action is not registered");
	case SILENCE:
		break;
	}
	return 1;
}

static int on_polkit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *kind, *key, *name, *action, *k1, *verb, *k2, *objects, *id;
	struct scene *s = userdata;

	(void)error;
	if (sd_bus_message_is_method_call(m, POLKIT ".Authority", "CancelCheckAuthorization")) {
		assert_true(sd_bus_message_read(m, "s", &id) > 0);
		snprintf(s->called_off_id, sizeof(s->called_off_id), "%s", id);
		s->called_off++;
		return 1;
	}
	if (!sd_bus_message_is_method_call(m, POLKIT ".Authority", "CheckAuthorization"))
		return 0;
	assert_true(sd_bus_message_read(m, "(sa{sv})sa{ss}us", &kind, 1, &key, "s", &name, &action, 2,
					&k1, &verb, &k2, &objects, &s->flags, &id) > 0);
	assert_string_equal(kind, "system-bus-name");
	assert_string_equal(key, "name");
	if (s->caller) {
		const char *unique;

		assert_true(sd_bus_get_unique_name(s->caller, &unique) >= 0);
		assert_string_equal(name, unique);
	}
	assert_string_equal(k1, "verb");
	assert_string_equal(k2, "objects");
	snprintf(s->question, sizeof(s->question), "%s: %s %s", action, verb, objects);
	snprintf(s->id, sizeof(s->id), "%s", id);
	s->asked++;
	return reply_to_question(s, m);
}

static int go(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct scene *s = userdata;
	const char *word;

	s->went++;
	s->sees_word = sd_bus_message_read(call, "s", &word) > 0;
	if (s->sees_word && !strcmp(word, "refuse"))
		return sd_bus_error_set(error, "org.cxlmem1.Error.Busy", "it is in use");
	if (s->sees_word && !strcmp(word, "fail"))
		return -ENOMEM;
	return sd_bus_reply_method_return(call, NULL);
}

static int method_do(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	struct scene *s = userdata;
	const char *word;

	assert_true(sd_bus_message_read(call, "s", &word) > 0);
	if (s->request && s->cancel)
		return authorize_cancel(s->authority, call, s->request, go, s, error);
	if (s->request)
		return authorize_request(s->authority, call, s->request, go, s, error);
	return authorize(s->authority, call,
			 &(struct asked){ .action = s->action, .verb = "create" }, go, s, error);
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Do", "s", "", method_do, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END
};

static sd_bus *connect_to(sd_event *event)
{
	sd_bus *bus;

	assert_true(sd_bus_open_system(&bus) >= 0);
	assert_true(sd_bus_attach_event(bus, event, 0) >= 0);
	return bus;
}

static void setup(struct scene *s, authority_privileged_t privileged, bool polkit)
{
	assert_int_equal(sd_event_new(&s->event), 0);
	s->daemon = connect_to(s->event);
	s->caller = connect_to(s->event);
	assert_int_equal(authority_new(s->daemon, privileged, &s->authority), 0);
	assert_true(sd_bus_add_object_vtable(s->daemon, NULL, "/", SERVICE, vtable, s) >= 0);
	assert_true(sd_bus_request_name(s->daemon, SERVICE, 0) >= 0);
	if (!polkit)
		return;
	s->polkit = connect_to(s->event);
	assert_true(sd_bus_add_filter(s->polkit, NULL, on_polkit, s) >= 0);
	assert_true(sd_bus_request_name(s->polkit, POLKIT, 0) >= 0);
}

static void teardown(struct scene *s)
{
	authority_free(s->authority);
	sd_bus_flush_close_unref(s->daemon);
	sd_bus_flush_close_unref(s->caller);
	sd_bus_flush_close_unref(s->polkit);
	sd_event_unref(s->event);
	request_free(s->request);
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const sd_bus_error *e = sd_bus_message_get_error(m);
	struct scene *s = userdata;

	(void)error;
	s->replies++;
	snprintf(s->error, sizeof(s->error), "%s", e ? e->name : "");
	snprintf(s->message, sizeof(s->message), "%s", e ? e->message : "");
	return 1;
}

static void call(struct scene *s, const char *word, bool interactive)
{
	sd_bus_message *m;

	assert_true(sd_bus_message_new_method_call(s->caller, &m, SERVICE, "/", SERVICE, "Do") >= 0);
	assert_true(sd_bus_message_set_allow_interactive_authorization(m, interactive) >= 0);
	assert_true(sd_bus_message_append(m, "s", word) >= 0);
	assert_true(sd_bus_call_async(s->caller, NULL, m, on_reply, s, 0) >= 0);
	sd_bus_message_unref(m);
}

/* One call with this answer of polkit's; the error and a part of its sentence are expected. */
static void check(enum answer answer, const char *action, const char *error, const char *part)
{
	struct scene s = { .answer = answer, .action = action };

	setup(&s, nobody_is_privileged, true);
	call(&s, "x", false);
	run_until(s.event, s.replies);
	assert_string_equal(s.error, error);
	if (!strstr(s.message, part))
		fail_msg("\"%s\" is not in \"%s\"", part, s.message);
	assert_int_equal(s.asked, 1);
	assert_int_equal(s.went, !*error);
	assert_int_equal(s.flags, 0);
	teardown(&s);
}

static void test_answers(void **state)
{
	(void)state;
	check(YES_, ACTION_CREATE, "", "");
	check(NO_, ACTION_CREATE, AUTHORIZE_DENIED,
	      "create is not allowed to this user (polkit action org.cxlmem1.create)");
	check(CHALLENGE, ACTION_CREATE, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
	      "create needs an administrator");
	check(DISMISSED, ACTION_CREATE, AUTHORIZE_DENIED, "dismissed");
	check(BROKEN, ACTION_CREATE, AUTHORIZE_DENIED, "cannot be understood");
	check(FAILURE, ACTION_CREATE, AUTHORIZE_DENIED, "Action is not registered");
	/* where polkit does say no, it is one for those who only look, too */
	check(NO_, ACTION_VIEW, AUTHORIZE_DENIED, "not allowed");
	check(FAILURE, ACTION_VIEW, AUTHORIZE_DENIED, "Action is not registered");
}

static void test_message_is_read_again(void **state)
{
	struct scene s = { .action = ACTION_CREATE };

	(void)state;
	setup(&s, nobody_is_privileged, true);
	call(&s, "refuse", true);
	run_until(s.event, s.replies);
	assert_true(s.sees_word);
	assert_string_equal(s.error, "org.cxlmem1.Error.Busy");
	assert_string_equal(s.message, "it is in use");
	assert_int_equal(s.flags, 1);
	call(&s, "fail", true);
	run_until(s.event, s.replies == 2);
	assert_string_equal(s.error, SD_BUS_ERROR_NO_MEMORY);
	assert_int_equal(s.asked, 2);
	teardown(&s);
}

static void test_privileged(void **state)
{
	struct scene s = { .answer = NO_, .action = ACTION_CREATE };

	(void)state;
	setup(&s, caller_is_privileged, true);
	call(&s, "x", false);
	call(&s, "refuse", false);
	run_until(s.event, s.replies == 2);
	assert_int_equal(s.asked, 0);
	assert_int_equal(s.went, 2);
	assert_true(s.sees_word);
	assert_string_equal(s.message, "it is in use");
	teardown(&s);
}

static int privileged_once(sd_bus_message *m, int capability)
{
	static unsigned int n;

	(void)m, (void)capability;
	return n++ == 0;
}

/* One connection being let through says nothing about another. */
static void test_privileged_by_connection(void **state)
{
	struct scene s = { .answer = NO_, .action = ACTION_CREATE };

	(void)state;
	setup(&s, privileged_once, true);
	call(&s, "x", false);
	call(&s, "x", false);
	run_until(s.event, s.replies == 2);
	assert_int_equal(s.went, 2);
	sd_bus_flush_close_unref(s.caller);
	s.caller = connect_to(s.event);
	call(&s, "x", false);
	run_until(s.event, s.replies == 3);
	assert_int_equal(s.went, 2);
	assert_string_equal(s.error, AUTHORIZE_DENIED);
	teardown(&s);
}

static void test_unknown_caller(void **state)
{
	struct scene s = { .answer = YES_, .action = ACTION_CREATE };

	(void)state;
	setup(&s, unknown_caller, true);
	call(&s, "x", false);
	run_until(s.event, s.replies);
	assert_string_equal(s.error, AUTHORIZE_DENIED);
	assert_int_equal(s.went, 0);
	teardown(&s);
}

static void test_no_polkit(void **state)
{
	struct scene s = { .action = ACTION_DESTROY };

	(void)state;
	setup(&s, nobody_is_privileged, false);
	call(&s, "x", false);
	run_until(s.event, s.replies);
	assert_string_equal(s.error, AUTHORIZE_DENIED);
	assert_non_null(strstr(s.message, "only root may do this now"));
	assert_int_equal(s.went, 0);
	s.action = ACTION_VIEW;
	call(&s, "x", false);
	run_until(s.event, s.replies == 2);
	assert_string_equal(s.error, "");
	assert_int_equal(s.went, 1);
	teardown(&s);
}

/* polkit dies over the question. */
static void test_polkit_goes(void **state)
{
	struct scene s = { .answer = SILENCE, .action = ACTION_VIEW };

	(void)state;
	setup(&s, nobody_is_privileged, true);
	call(&s, "x", false);
	run_until(s.event, s.asked);
	s.polkit = sd_bus_flush_close_unref(s.polkit);
	run_until(s.event, s.replies);
	assert_string_equal(s.error, AUTHORIZE_DENIED);
	assert_int_equal(s.went, 0);
	teardown(&s);
}

static void test_caller_goes(void **state)
{
	struct scene s = { .answer = SILENCE, .action = ACTION_CREATE };

	(void)state;
	setup(&s, nobody_is_privileged, true);
	call(&s, "x", false);
	run_until(s.event, s.asked);
	s.caller = sd_bus_flush_close_unref(s.caller);
	run_until(s.event, s.called_off);
	assert_string_equal(s.id, s.called_off_id);
	assert_int_equal(s.went, 0);
	teardown(&s);
}

/* No password prompt with words of the caller's own; and no more than fits. */
static void test_objects(void **state)
{
	struct scene s = { .answer = NO_ };
	char longer[1000];

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	s.request = request_new(VERB_DESTROY);
	assert_non_null(s.request);
	assert_int_equal(request_add_object(s.request, "region0"), 0);
	assert_int_equal(request_add_object(s.request, "<b>0000:0d:00.0\n$(rm)\xff"), 0);
	setup(&s, nobody_is_privileged, true);
	call(&s, "x", false);
	run_until(s.event, s.replies);
	assert_string_equal(s.question,
			    ACTION_DESTROY ": destroy region0 ?b?0000:0d:00.0???rm??");
	assert_int_equal(request_add_object(s.request, longer), 0);
	s.cancel = true;
	call(&s, "x", false);
	run_until(s.event, s.replies == 2);
	assert_non_null(strstr(s.question, ACTION_DESTROY ": cancel region0"));
	assert_int_equal(strlen(strstr(s.question, "region0")), 127);
	teardown(&s);
}

static void test_actions(void **state)
{
	static const char *const lines[][2] = {
		{ "create", ACTION_CREATE },   { "online", ACTION_ONLINE },
		{ "offline", ACTION_ONLINE },  { "set-mode", ACTION_ONLINE },
		{ "destroy", ACTION_DESTROY }, { "eject", ACTION_DESTROY },
	};
	struct scene forced = { .answer = NO_ };
	bool *insists[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct scene s = { .answer = NO_ };
		enum verb verb;

		assert_int_equal(verb_from_name(lines[i][0], &verb), 0);
		s.request = request_new(verb);
		setup(&s, nobody_is_privileged, true);
		call(&s, "x", false);
		run_until(s.event, s.replies);
		assert_memory_equal(s.question, lines[i][1], strlen(lines[i][1]));
		teardown(&s);
	}
	/* Taking memory from its users needs more, too; stopping that does not. */
	forced.request = request_new(VERB_EJECT);
	assert_int_equal(request_add_object(forced.request, "mem0"), 0);
	insists[0] = &forced.request->revoke;
	insists[1] = &forced.request->force;
	setup(&forced, nobody_is_privileged, true);
	for (size_t i = 0; i < ARRAY_SIZE(insists); i++) {
		unsigned int asked = forced.asked, replies = forced.replies, went = forced.went;

		*insists[i] = true;
		forced.answer = NO_;
		call(&forced, "x", false);
		run_until(forced.event, forced.replies == replies + 1);
		assert_int_equal(forced.asked, asked + 1);
		assert_string_equal(forced.question, ACTION_DESTROY ": eject mem0");
		forced.answer = YES_;
		forced.also = NO_;
		call(&forced, "x", false);
		run_until(forced.event, forced.replies == replies + 2);
		assert_int_equal(forced.asked, asked + 3);
		assert_string_equal(forced.question, ACTION_FORCE ": eject mem0");
		assert_non_null(strstr(forced.message, ACTION_FORCE));
		assert_int_equal(forced.went, went);
		forced.also = YES_;
		call(&forced, "x", false);
		run_until(forced.event, forced.replies == replies + 3);
		assert_int_equal(forced.asked, asked + 5);
		assert_string_equal(forced.error, "");
		assert_int_equal(forced.went, went + 1);
		*insists[i] = false;
	}
	forced.request->force = true;
	forced.answer = NO_;
	forced.cancel = true;
	call(&forced, "x", false);
	run_until(forced.event, forced.replies == 7);
	assert_string_equal(forced.question, ACTION_DESTROY ": cancel mem0");
	teardown(&forced);
}

static void test_limit(void **state)
{
	struct scene s = { .answer = SILENCE, .action = ACTION_CREATE };

	(void)state;
	setup(&s, nobody_is_privileged, true);
	for (unsigned int i = 0; i < AUTHORIZE_MAX_OF_USER + 1; i++)
		call(&s, "x", false);
	run_until(s.event, s.replies);
	assert_string_equal(s.error, SD_BUS_ERROR_LIMITS_EXCEEDED);
	run_until(s.event, s.asked == AUTHORIZE_MAX_OF_USER);
	assert_int_equal(s.replies, 1);
	/* with questions open: nothing is left over, nobody is let through */
	teardown(&s);
	assert_int_equal(s.went, 0);
}

static int begin_bus(void **state)
{
	static struct private_bus bus;

	private_bus_start(&bus, "");
	*state = &bus;
	return 0;
}

static int end_bus(void **state)
{
	private_bus_stop(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),	     cmocka_unit_test(test_message_is_read_again),
		cmocka_unit_test(test_privileged),   cmocka_unit_test(test_privileged_by_connection),
		cmocka_unit_test(test_unknown_caller), cmocka_unit_test(test_no_polkit),
		cmocka_unit_test(test_polkit_goes),  cmocka_unit_test(test_caller_goes),
		cmocka_unit_test(test_objects),	     cmocka_unit_test(test_actions),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name("authorize", tests, begin_bus, end_bus);
}
