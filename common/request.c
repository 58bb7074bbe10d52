/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "time-span.h"

static const char *const verbs[] = {
	[VERB_CREATE] = "create",   [VERB_ONLINE] = "online",	  [VERB_OFFLINE] = "offline",
	[VERB_DESTROY] = "destroy", [VERB_SET_MODE] = "set-mode", [VERB_EJECT] = "eject",
};

const char *verb_name(enum verb v)
{
	return v >= 0 && v < _VERB_MAX ? verbs[v] : NULL;
}

int verb_from_name(const char *s, enum verb *ret)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i], s) == 0) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

const char *memory_mode_name(enum memory_mode m)
{
	switch (m) {
	case MODE_SYSTEM_RAM:
		return "system-ram";
	case MODE_DEVDAX:
		return "devdax";
	default:
		return NULL;
	}
}

int memory_mode_from_name(const char *s, enum memory_mode *ret)
{
	enum memory_mode m;

	for (m = MODE_SYSTEM_RAM; m < _MODE_MAX; m++)
		if (strcmp(memory_mode_name(m), s) == 0) {
			*ret = m;
			return 0;
		}
	return -EINVAL;
}

struct request *request_new(enum verb verb)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r)
		r->verb = verb;
	return r;
}

struct request *request_free(struct request *r)
{
	size_t i;

	if (!r)
		return NULL;
	for (i = 0; i < r->n_objects; i++)
		free(r->objects[i]);
	free(r->objects);
	free(r->window);
	free(r->origin);
	free(r);
	return NULL;
}

int request_add_object(struct request *r, const char *word)
{
	_cleanup_free_ char *copy = strdup(word);

	if (!copy || grow(&r->objects, r->n_objects, sizeof(*r->objects)) < 0)
		return -ENOMEM;
	r->objects[r->n_objects++] = TAKE_PTR(copy);
	return 0;
}

static int set_mode(struct request *r, const char *value, char **ret_reason)
{
	if (memory_mode_from_name(value, &r->mode) < 0)
		return say(ret_reason, -EINVAL, "mode is \"%s\": it takes system-ram or devdax",
			   value);
	return 0;
}

static int set_zone(struct request *r, const char *value, char **ret_reason)
{
	if (zone_from_name(value, &r->zone) < 0)
		return say(ret_reason, -EINVAL, "zone is \"%s\": it takes movable or kernel",
			   value);
	return 0;
}

static int set_size(struct request *r, const char *value, char **ret_reason)
{
	uint64_t size;
	int e = parse_size(value, &size);

	if (e == -ERANGE)
		return say(ret_reason, -EINVAL, "size is \"%s\": no machine has that much", value);
	if (e < 0 || size == 0)
		return say(ret_reason, -EINVAL,
			   "size is \"%s\": it takes an amount of memory such as 512M or 1.5G",
			   value);
	r->size = size;
	return 0;
}

/* ways_to_eiw() in drivers/cxl/cxl.h: powers of two up to 16, and three times 1, 2 and 4. */
bool ways_allowed(uint64_t ways)
{
	static const unsigned int allowed[] = { 1, 2, 3, 4, 6, 8, 12, 16 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(allowed); i++)
		if (ways == allowed[i])
			return true;
	return false;
}

/* granularity_to_eig() in drivers/cxl/cxl.h. */
bool granularity_allowed(uint64_t bytes)
{
	return bytes >= 256 && bytes <= 16384 && (bytes & (bytes - 1)) == 0;
}

static int set_ways(struct request *r, const char *value, char **ret_reason)
{
	uint64_t ways;

	if (parse_u64(value, &ways) < 0 || !ways_allowed(ways))
		return say(ret_reason, -EINVAL, "ways is \"%s\": it takes " WAYS_ALLOWED, value);
	r->ways = ways;
	return 0;
}

static int set_granularity(struct request *r, const char *value, char **ret_reason)
{
	uint64_t g;

	if (parse_size(value, &g) < 0 || !granularity_allowed(g))
		return say(ret_reason, -EINVAL,
			   "granularity is \"%s\": it takes " GRANULARITY_ALLOWED, value);
	r->granularity = g;
	return 0;
}

static int set_window(struct request *r, const char *value, char **ret_reason)
{
	char *copy;

	if (!*value)
		return say(ret_reason, -EINVAL,
			   "window is empty: it takes a root decoder such as decoder0.0");
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(r->window);
	r->window = copy;
	return 0;
}

static int set_flag(const char *name, const char *value, bool *ret, char **ret_reason)
{
	static const char *const yes[] = { "", "yes", "true", "1", "on" };
	static const char *const no[] = { "no", "false", "0", "off" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(yes); i++)
		if (strcasecmp(value, yes[i]) == 0) {
			*ret = true;
			return 0;
		}
	for (i = 0; i < ARRAY_SIZE(no); i++)
		if (strcasecmp(value, no[i]) == 0) {
			*ret = false;
			return 0;
		}
	return say(ret_reason, -EINVAL, "%s is \"%s\": it takes yes or no", name, value);
}

static int set_no_online(struct request *r, const char *value, char **ret_reason)
{
	return set_flag("no-online", value, &r->no_online, ret_reason);
}

static int set_force(struct request *r, const char *value, char **ret_reason)
{
	return set_flag("force", value, &r->force, ret_reason);
}

/* The sizes that x86 maps at once: dax_align_valid() in include/linux/dax.h. */
static int set_align(struct request *r, const char *value, char **ret_reason)
{
	uint64_t align;

	if (parse_size(value, &align) < 0 ||
	    (align != 4 * KIB && align != 2 * MIB && align != GIB))
		return say(ret_reason, -EINVAL, "align is \"%s\": it takes 4K, 2M or 1G", value);
	r->align = align;
	return 0;
}

static int set_deadline(struct request *r, const char *value, char **ret_reason)
{
	uint64_t usec;

	if (parse_time_span(value, &usec) < 0 || usec == 0)
		return say(ret_reason, -EINVAL,
			   "deadline is \"%s\": it takes a time such as 30s or 2min, or infinity",
			   value);
	r->deadline_usec = usec == UNKNOWN ? 0 : usec;
	r->deadline_given = true;
	return 0;
}

static int set_on_deadline(struct request *r, const char *value, char **ret_reason)
{
	if (strcmp(value, "keep") != 0 && strcmp(value, "revoke") != 0)
		return say(ret_reason, -EINVAL, "on-deadline is \"%s\": it takes keep or revoke",
			   value);
	r->revoke = strcmp(value, "revoke") == 0;
	r->deadline_given = true;
	return 0;
}

#define FOR(v) (1U << (v))

static const struct {
	const char *name;
	unsigned int verbs;
	int (*set)(struct request *r, const char *value, char **ret_reason);
} options[] = {
	{ "mode", FOR(VERB_CREATE) | FOR(VERB_SET_MODE), set_mode },
	{ "zone", FOR(VERB_CREATE) | FOR(VERB_ONLINE) | FOR(VERB_SET_MODE), set_zone },
	{ "size", FOR(VERB_CREATE), set_size },
	{ "ways", FOR(VERB_CREATE), set_ways },
	{ "granularity", FOR(VERB_CREATE), set_granularity },
	{ "window", FOR(VERB_CREATE), set_window },
	{ "no-online", FOR(VERB_CREATE) | FOR(VERB_SET_MODE), set_no_online },
	{ "align", FOR(VERB_CREATE) | FOR(VERB_SET_MODE), set_align },
	{ "deadline",
	  FOR(VERB_OFFLINE) | FOR(VERB_DESTROY) | FOR(VERB_SET_MODE) | FOR(VERB_EJECT),
	  set_deadline },
	{ "on-deadline", FOR(VERB_DESTROY) | FOR(VERB_SET_MODE) | FOR(VERB_EJECT),
	  set_on_deadline },
	{ "force", FOR(VERB_DESTROY) | FOR(VERB_SET_MODE) | FOR(VERB_EJECT), set_force },
};

int request_set(struct request *r, const char *name, const char *value, char **ret_reason)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(options[i].name, name) != 0)
			continue;
		if (!(options[i].verbs & FOR(r->verb)))
			return say(ret_reason, -EINVAL, "%s takes no option \"%s\"",
				   verb_name(r->verb), name);
		return options[i].set(r, value, ret_reason);
	}
	return say(ret_reason, -EINVAL, "there is no option \"%s\"", name);
}
