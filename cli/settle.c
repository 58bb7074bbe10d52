/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "json-util.h"
#include "time-span.h"

#include "actions.h"
#include "bus.h"
#include "json-out.h"

#define PATIENCE_USEC (UINT64_C(60) * 1000000)
#define PAUSE_NSEC 250000000

static uint64_t now_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000) + t.tv_nsec / 1000;
}

/* What is being done or about to be, as one sentence; NULL = nothing. */
static int ask(struct cli *cli, char **ret, char **ret_reason)
{
	_cleanup_json_ struct json_object *json = NULL;
	_cleanup_free_ char *text = NULL, *all = NULL;
	struct json_object *pending;
	int r;

	r = bus_get(cli->bus, "GetWishes", &text, ret_reason);
	if (r == 0)
		r = read_json(text, &json, ret_reason);
	if (r < 0)
		return r;
	if (!json_object_object_get_ex(json, "pending", &pending) ||
	    !json_object_is_type(pending, json_type_array))
		return say(ret_reason, -EBADMSG, "cxlmemd does not say what it is about to do: is it older "
			   "than cxlmemctl? `systemctl restart cxlmemd`");
	for (size_t i = 0; i < json_object_array_length(pending); i++) {
		const char *one = json_object_get_string(json_object_array_get_idx(pending, i));
		char *more;

		if (asprintf(&more, "%s%s%s", all ?: "", all ? "; " : "", one ?: "") < 0)
			return -ENOMEM;
		free(all);
		all = more;
	}
	free(*ret);
	*ret = TAKE_PTR(all);
	return 0;
}

static int wait_for(struct cli *cli, uint64_t usec, char **ret_reason)
{
	struct timespec pause = { .tv_nsec = PAUSE_NSEC };
	uint64_t end = usec > UINT64_MAX - now_usec() ? UINT64_MAX : now_usec() + usec;
	_cleanup_free_ char *pending = NULL;
	char span[64];
	int r;

	for (;;) {
		r = ask(cli, &pending, ret_reason);
		if (r < 0 || !pending)
			return r;
		if (now_usec() >= end) {
			format_time_span(usec, span);
			return say(ret_reason, -ETIMEDOUT, "not settled after %s: %s", span, pending);
		}
		nanosleep(&pause, NULL);
	}
}

int settle(struct cli *cli, const struct command *command)
{
	_cleanup_free_ char *reason = NULL;
	uint64_t usec = PATIENCE_USEC;
	int r;

	if (command->n_words > 0 && parse_time_span(command->words[0], &usec) < 0) {
		(void)say(&reason, 0, "\"%s\" is no time to wait: it takes 30s, 2min or infinity",
			  command->words[0]);
		complain(cli, "%s", reason ?: "out of memory");
		return STATUS_USAGE;
	}
	r = bus_connect_direct(cli, &reason);
	if (r == 0)
		r = wait_for(cli, usec, &reason);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}
