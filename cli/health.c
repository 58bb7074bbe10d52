/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "json-util.h"

#include "actions.h"
#include "bus.h"
#include "fetch.h"
#include "json-out.h"

/* What was reported by the card at an address; NULL = nothing. */
static struct json_object *find_record(struct json_object *health, const struct memdev *m)
{
	struct json_object *list;

	if (!m->host || !json_object_object_get_ex(health, "cards", &list) ||
	    !json_object_is_type(list, json_type_array))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		uint64_t serial = json_number(o, "serial");

		if (streq_null(json_text(o, "host"), m->host) && (serial == UNKNOWN || serial == m->serial))
			return o;
	}
	return NULL;
}

static void print_own_word(FILE *f, const struct health *h)
{
	if (!h->known) {
		fputs("  says nothing of its health\n", f);
		return;
	}
	fprintf(f, "  media %s%s%s%s", h->media ?: "unknown", h->maintenance_needed ? ", needs maintenance" : "",
		h->performance_degraded ? ", performance degraded" : "",
		h->replacement_needed ? ", asks to be replaced" : "");
	if (h->temperature != UNKNOWN)
		fprintf(f, ", %" PRId64 " degrees Celsius", (int64_t)h->temperature);
	if (h->life_used != UNKNOWN)
		fprintf(f, ", %" PRIu64 "%% of its life used", h->life_used);
	if (h->volatile_errors != UNKNOWN && h->volatile_errors)
		fprintf(f, ", %" PRIu64 " errors corrected", h->volatile_errors);
	fputc('\n', f);
}

static void print_event(struct cli *cli, struct json_object *event)
{
	time_t seconds = (time_t)(json_number(event, "usec") / 1000000);
	char when[32] = "?";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(cli->out, "  %-19s  %-11s  ", when, json_text(event, "severity") ?: "?");
	put_sentence(cli->out, &cli->out_style, 36, 36, "%s", json_text(event, "text") ?: "?");
}

static void print_counts(FILE *f, struct json_object *record)
{
	struct json_object *counts;
	unsigned int n = 0;

	if (!json_object_object_get_ex(record, "counts", &counts) ||
	    !json_object_is_type(counts, json_type_object))
		return;
	json_object_object_foreach(counts, key, value)
		fprintf(f, "%s%s %" PRIu64, n++ ? ", " : "  reported: ", key, json_object_get_uint64(value));
	if (n)
		fputc('\n', f);
}

static void print_card(struct cli *cli, const struct memdev *m, struct json_object *record)
{
	enum tint tint = m->failing ? TINT_BAD : TINT_GOOD;
	struct json_object *events;

	fprintf(cli->out, "%s (%s): %s%s%s%s%s\n", m->name, m->host ?: "address unknown",
		tint_on(&cli->out_style, tint), m->failing ? "failing" : "nothing speaks against it",
		tint_off(&cli->out_style, tint), m->failing ? ": " : "", m->failing ?: "");
	print_own_word(cli->out, &m->health);
	if (!record)
		return;
	print_counts(cli->out, record);
	if (json_object_object_get_ex(record, "events", &events) && json_object_is_type(events, json_type_array))
		for (size_t i = 0; i < json_object_array_length(events); i++)
			print_event(cli, json_object_array_get_idx(events, i));
}

/* @ret: which cards are meant, the caller's */
static int choose(const struct picture *p, const struct command *command, bool **ret, char **ret_reason)
{
	bool *chosen = calloc(p->n_memdevs + 1, sizeof(*chosen));
	int card, r = chosen ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < p->n_memdevs; i++)
		chosen[i] = command->n_words == 0;
	for (size_t i = 0; r == 0 && i < command->n_words; i++) {
		r = picture_resolve_card(p, command->words[i], &card, ret_reason);
		if (r == -ENOENT)
			say(ret_reason, r, "no card is called %s: `cxlmemctl list cards` shows them",
			    command->words[i]);
		if (r == 0)
			chosen[card] = true;
	}
	if (r < 0)
		free(chosen);
	else
		*ret = chosen;
	return r;
}

static int print_health(struct cli *cli, const struct command *command, struct json_object *picture,
			struct json_object *health, char **ret_reason)
{
	_cleanup_(picture_freep) struct picture *p = NULL;
	_cleanup_free_ bool *chosen = NULL;
	int r;

	r = read_picture(picture, &p, ret_reason);
	if (r == 0)
		r = choose(p, command, &chosen, ret_reason);
	if (r < 0)
		return r;
	if (p->n_memdevs == 0)
		fputs("this machine has no CXL memory card\n", cli->out);
	for (size_t i = 0; i < p->n_memdevs; i++)
		if (chosen[i])
			print_card(cli, &p->memdevs[i], find_record(health, &p->memdevs[i]));
	return 0;
}

int show_health(struct cli *cli, const struct command *command)
{
	_cleanup_json_ struct json_object *picture = NULL, *health = NULL;
	_cleanup_free_ char *text = NULL, *reason = NULL;
	int r;

	/* The picture first: making it has the cards asked for their poison. */
	r = fetch_json(cli, &picture, &reason);
	if (r == 0)
		r = bus_get(cli->bus, "GetHealth", &text, &reason);
	if (r == 0)
		r = read_json(text, &health, &reason);
	if (r == 0 && command_is_json(command))
		r = print_json(cli, health);
	else if (r == 0 && !command_is_mute(command))
		r = print_health(cli, command, picture, health, &reason);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}
