// SPDX-License-Identifier: LGPL-2.1-or-later
#include "authorize.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_ALLOW_INTERACTION 1u

/* Rules may run programs; a person has to find a password, within the time that cxlmemctl waits. */
#define RULES_USEC (25 * UINT64_C(1000000))
#define PERSON_USEC (100 * UINT64_C(1000000))

struct check {
	struct authority *authority;
	struct check *next;
	uint64_t id;
	uid_t uid;
	sd_bus_message *call;
	sd_bus_track *caller;
	sd_bus_slot *answer;
	char *action, *also, *verb, *objects;
	sd_bus_message_handler_t go;
	void *userdata;
};

struct authority {
	sd_bus *bus;
	authority_privileged_t privileged;
	struct check *checks;
	uint64_t last_id;
	/*
	 * The last caller that was let through without a question. The bus never gives a unique name to
	 * another connection, and who is behind a connection was settled when it was made.
	 */
	char *trusted;
};

static struct check *check_free(struct check *c)
{
	if (!c)
		return NULL;
	for (struct check **i = &c->authority->checks; *i; i = &(*i)->next)
		if (*i == c) {
			*i = c->next;
			break;
		}
	sd_bus_slot_unref(c->answer);
	sd_bus_track_unref(c->caller);
	sd_bus_message_unref(c->call);
	free(c->action);
	free(c->also);
	free(c->verb);
	free(c->objects);
	free(c);
	return NULL;
}

static void check_freep(struct check **c)
{
	check_free(*c);
}

int authority_new(sd_bus *bus, authority_privileged_t privileged, struct authority **ret)
{
	struct authority *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->bus = sd_bus_ref(bus);
	a->privileged = privileged;
	*ret = a;
	return 0;
}

struct authority *authority_free(struct authority *a)
{
	if (!a)
		return NULL;
	while (a->checks)
		check_free(a->checks);
	sd_bus_unref(a->bus);
	free(a->trusted);
	free(a);
	return NULL;
}

static int is_trusted(struct authority *a, sd_bus_message *call)
{
	const char *sender = sd_bus_message_get_sender(call);
	int r;

	if (sender && streq_null(sender, a->trusted))
		return 1;
	r = a->privileged(call, CAP_SYS_ADMIN);
	if (r > 0 && sender) {
		free(a->trusted);
		a->trusted = strdup(sender);
	}
	return r;
}

static int proceed(sd_bus_message *call, sd_bus_message_handler_t go, void *userdata,
		   sd_bus_error *error)
{
	int r = sd_bus_message_rewind(call, true);

	return r < 0 ? r : go(call, userdata, error);
}

/* polkit has no need to go on thinking, nor an agent to go on asking. */
static void call_off(struct check *c)
{
	char id[32];

	snprintf(id, sizeof(id), "cxlmem-%" PRIu64, c->id);
	(void)sd_bus_call_method_async(c->authority->bus, NULL, POLKIT_NAME, POLKIT_PATH,
				       POLKIT_INTERFACE, "CancelCheckAuthorization", NULL, NULL, "s", id);
}

static int on_caller_gone(sd_bus_track *track, void *userdata)
{
	struct check *c = userdata;

	(void)track;
	call_off(c);
	check_free(c);
	return 0;
}

static bool is_absent(const sd_bus_error *e)
{
	static const char *const names[] = {
		SD_BUS_ERROR_SERVICE_UNKNOWN,
		SD_BUS_ERROR_NAME_HAS_NO_OWNER,
		"org.freedesktop.systemd1.NoSuchUnit",
		"org.freedesktop.systemd1.LoadFailed",
		"org.freedesktop.systemd1.UnitMasked",
		"org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
		"org.freedesktop.DBus.Error.Spawn.ExecFailed",
		"org.freedesktop.DBus.Error.Spawn.ChildExited",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (sd_bus_error_has_name(e, names[i]))
			return true;
	return false;
}

#define HOW_TO_ALLOW "an administrator can allow it with a polkit rule, see cxlmemd(8)"

/* polkit could not say. Return: 1 if that is a yes, else as sd_bus_error_setf(). */
static int judge_failure(struct check *c, const sd_bus_error *e, sd_bus_error *error)
{
	if (is_absent(e)) {
		if (!strcmp(c->action, ACTION_VIEW))
			return 1;
		return sd_bus_error_setf(error, AUTHORIZE_DENIED,
					 "%s: only root may do this now, because polkit, which decides about "
					 "everybody else, cannot be reached: is polkit.service running?",
					 c->verb);
	}
	if (sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY) ||
	    sd_bus_error_has_name(e, SD_BUS_ERROR_TIMEOUT)) {
		call_off(c);
		return sd_bus_error_setf(error, AUTHORIZE_DENIED,
					 "%s was not authorised in time (polkit action %s): nothing was "
					 "done; try again, or as root", c->verb, c->action);
	}
	return sd_bus_error_setf(error, AUTHORIZE_DENIED,
				 "%s: only root may do this now, because polkit could not decide about %s: "
				 "%s", c->verb, c->action, e->message ?: e->name);
}

/* Return: 1 if the caller may, else a negative number with @error set. */
static int judge(struct check *c, sd_bus_message *answer, sd_bus_error *error)
{
	const char *key, *value;
	bool dismissed = false;
	int yes, challenge, r;

	if (sd_bus_message_is_method_error(answer, NULL))
		return judge_failure(c, sd_bus_message_get_error(answer), error);
	r = sd_bus_message_enter_container(answer, 'r', "bba{ss}");
	if (r >= 0)
		r = sd_bus_message_read(answer, "bb", &yes, &challenge);
	if (r >= 0)
		r = sd_bus_message_enter_container(answer, 'a', "{ss}");
	while (r >= 0 && (r = sd_bus_message_read(answer, "{ss}", &key, &value)) > 0)
		if (!strcmp(key, "polkit.dismissed"))
			dismissed = true;
	if (r < 0)
		return sd_bus_error_setf(error, AUTHORIZE_DENIED,
					 "%s: only root may do this now, because polkit's answer cannot be "
					 "understood", c->verb);
	if (yes)
		return 1;
	if (dismissed)
		return sd_bus_error_setf(error, AUTHORIZE_DENIED,
					 "%s was not authorised: the question for a password was dismissed",
					 c->verb);
	if (challenge)
		return sd_bus_error_setf(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
					 "%s needs an administrator (polkit action %s), and there is nobody "
					 "here to ask for a password: do it as root, or " HOW_TO_ALLOW,
					 c->verb, c->action);
	return sd_bus_error_setf(error, AUTHORIZE_DENIED,
				 "%s is not allowed to this user (polkit action %s): do it as root, or "
				 HOW_TO_ALLOW, c->verb, c->action);
}

static int send_question(struct check *c);

/* The first of two is allowed. */
static int ask_further(struct check *c)
{
	free(c->action);
	c->action = TAKE_PTR(c->also);
	c->answer = sd_bus_slot_unref(c->answer);
	c->id = ++c->authority->last_id;
	return send_question(c);
}

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(check_freep) struct check *c = userdata;
	int r;

	(void)ret_error;
	r = judge(c, answer, &error);
	if (r > 0 && c->also) {
		r = ask_further(c);
		if (r >= 0) {
			TAKE_PTR(c);
			return 0;
		}
		(void)sd_bus_error_setf(&error, AUTHORIZE_DENIED,
					"%s: polkit could not be asked about %s (%s): nothing was done; try "
					"again", c->verb, c->action, strerror(-r));
	} else if (r > 0) {
		r = proceed(c->call, c->go, c->userdata, &error);
	}
	if (sd_bus_error_is_set(&error))
		(void)sd_bus_reply_method_error(c->call, &error);
	else if (r < 0)
		(void)sd_bus_reply_method_errno(c->call, r, NULL);
	return 0;
}

/*
 * It ends up in front of somebody who is asked for a password: no more than names need, so that nobody can
 * write a question of their own there.
 */
static char *objects_text(const struct asked *asked)
{
	char buf[128];
	size_t at = 0, room = sizeof(buf);

	for (size_t i = 0; i < asked->n_objects; i++)
		for (const char *s = i ? " " : "", *word = asked->objects[i]; s;
		     s = s == word ? NULL : word)
			for (const char *p = s; *p && at + 1 < room; p++)
				buf[at++] = isalnum((unsigned char)*p) || strchr(" .:_-", *p) ? *p : '?';
	buf[at] = '\0';
	return strdup(buf);
}

static int append_question(sd_bus_message *m, struct check *c, bool interactive)
{
	char id[32];

	snprintf(id, sizeof(id), "cxlmem-%" PRIu64, c->id);
	return sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
				     sd_bus_message_get_sender(c->call), c->action, 2, "verb",
				     c->verb, "objects", c->objects,
				     interactive ? POLKIT_ALLOW_INTERACTION : 0u, id);
}

static int track_caller(struct check *c)
{
	int r = sd_bus_track_new(c->authority->bus, &c->caller, on_caller_gone, c);

	return r < 0 ? r : sd_bus_track_add_sender(c->caller, c->call);
}

static int send_question(struct check *c)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	bool interactive = sd_bus_message_get_allow_interactive_authorization(c->call) > 0;
	sd_bus *bus = c->authority->bus;
	int r;

	r = sd_bus_message_new_method_call(bus, &m, POLKIT_NAME, POLKIT_PATH,
						   POLKIT_INTERFACE, "CheckAuthorization");
	if (r >= 0)
		r = append_question(m, c, interactive);
	if (r >= 0)
		r = sd_bus_call_async(bus, &c->answer, m, on_answer, c,
				      interactive ? PERSON_USEC : RULES_USEC);
	return r;
}

/* Return: 0; -EUSERS when this user asks too much at once; -errno. */
static int limit(struct authority *a, sd_bus_message *call, uid_t *ret)
{
	_cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
	unsigned int n = 0;
	uid_t uid;
	int r;

	r = sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &creds);
	if (r >= 0)
		r = sd_bus_creds_get_euid(creds, &uid);
	if (r < 0)
		return r;
	for (struct check *c = a->checks; c; c = c->next)
		n += c->uid == uid;
	if (n >= AUTHORIZE_MAX_OF_USER)
		return -EUSERS;
	*ret = uid;
	return 0;
}

static int ask_polkit(struct authority *a, sd_bus_message *call, const struct asked *asked,
		      sd_bus_message_handler_t go, void *userdata)
{
	struct check *c;
	uid_t uid;
	int r;

	/* polkit knows callers by their name on the bus. */
	if (!sd_bus_message_get_sender(call))
		return -EPERM;
	r = limit(a, call, &uid);
	if (r < 0)
		return r;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct check){
		.authority = a,
		.next = a->checks,
		.id = ++a->last_id,
		.uid = uid,
		.call = sd_bus_message_ref(call),
		.action = strdup(asked->action),
		.verb = strdup(asked->verb),
		.objects = objects_text(asked),
		.go = go,
		.userdata = userdata,
	};
	a->checks = c;
	r = c->action && c->verb && c->objects ? strdup_or_null(asked->also, &c->also) : -ENOMEM;
	if (r >= 0)
		r = track_caller(c);
	if (r >= 0)
		r = send_question(c);
	if (r < 0)
		check_free(c);
	return r;
}

int authorize(struct authority *a, sd_bus_message *call, const struct asked *asked,
	      sd_bus_message_handler_t go, void *userdata, sd_bus_error *error)
{
	int r;

	r = is_trusted(a, call);
	if (r > 0)
		return proceed(call, go, userdata, error);
	if (r == 0)
		r = ask_polkit(a, call, asked, go, userdata);
	if (r >= 0)
		return 1;
	if (r == -EUSERS)
		return sd_bus_error_setf(error, SD_BUS_ERROR_LIMITS_EXCEEDED,
					 "%s: %d calls of this user wait for polkit already: wait for one of "
					 "them to be answered", asked->verb, AUTHORIZE_MAX_OF_USER);
	return sd_bus_error_setf(error, AUTHORIZE_DENIED,
				 "%s: who asks for it could not be found out (%s): nothing was done; try "
				 "again", asked->verb, strerror(-r));
}

int authorize_look(struct authority *a, sd_bus_message *call, sd_bus_message_handler_t go,
		   void *userdata, sd_bus_error *error)
{
	const struct asked asked = { .action = ACTION_VIEW, .verb = "looking" };

	return authorize(a, call, &asked, go, userdata, error);
}

/* No default: whoever adds a verb says here who may use it. */
static const char *action_of(const struct request *request)
{
	switch (request->verb) {
	case VERB_CREATE:
		return ACTION_CREATE;
	case VERB_ONLINE:
	case VERB_OFFLINE:
	case VERB_SET_MODE:
		return ACTION_ONLINE;
	case VERB_DESTROY:
	case VERB_EJECT:
		return ACTION_DESTROY;
	case _VERB_MAX:
		break;
	}
	return ACTION_FORCE;
}

int authorize_request(struct authority *a, sd_bus_message *call, const struct request *request,
		      sd_bus_message_handler_t go, void *userdata, sd_bus_error *error)
{
	const struct asked asked = {
		.action = action_of(request),
		.also = request->revoke || request->force ? ACTION_FORCE : NULL,
		.verb = verb_name(request->verb),
		.objects = request->objects,
		.n_objects = request->n_objects,
	};

	return authorize(a, call, &asked, go, userdata, error);
}

int authorize_cancel(struct authority *a, sd_bus_message *call, const struct request *request,
		     sd_bus_message_handler_t go, void *userdata, sd_bus_error *error)
{
	const struct asked asked = {
		.action = action_of(request),
		.verb = "cancel",
		.objects = request->objects,
		.n_objects = request->n_objects,
	};

	return authorize(a, call, &asked, go, userdata, error);
}
