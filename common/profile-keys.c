/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "profile-internal.h"
#include "suggest.h"
#include "time-span.h"

/*
 * The one table of what can stand in a profile. A key's setter gets one word of a list, or the
 * whole value; it returns 0, -EINVAL (the value is none of what the key takes), -ERANGE or -ENOMEM.
 */
struct key {
	const char *section, *name;
	const char *takes;   /* behind "it takes" */
	size_t offset, size; /* of the member that a single value goes to */
	int (*set)(void *field, const char *value);
	int (*add)(struct profile *p, const char *word);
	void (*clear)(struct profile *p);
};

#define ONE(member, setter)                                        \
	.offset = offsetof(struct profile, member), .set = setter, \
	.size = sizeof(((struct profile *)NULL)->member)
#define MANY(adder, clearer) .add = adder, .clear = clearer

/* A '[' that is not closed would stand for itself, which is not what was meant. */
static int check_pattern(const char *word)
{
	const char *s;

	for (s = word; (s = strchr(s, '[')); s++) {
		const char *in = s + 1 + (s[1] == '!' || s[1] == '^');

		/* one that comes first is part of the set */
		s = *in ? strchr(in + 1, ']') : NULL;
		if (!s)
			return -EINVAL;
	}
	return 0;
}

static int add_pattern(struct patterns *to, const char *word)
{
	int r = check_pattern(word);

	return r < 0 ? r : patterns_add(to, word);
}

static int read_serial(const char *word, uint64_t *ret)
{
	int r = parse_u64(word, ret);

	return r == 0 && *ret == UNKNOWN ? -EINVAL : r;
}

static int add_serial(struct profile *p, const char *word)
{
	uint64_t serial;
	int r = read_serial(word, &serial);

	return r < 0 ? r : numbers_add(&p->serials, serial);
}

static int add_path(struct profile *p, const char *word)
{
	return add_pattern(&p->paths, word);
}

static int add_host_bridge(struct profile *p, const char *word)
{
	return add_pattern(&p->host_bridges, word);
}

/* As lspci and modules.alias have them: always hexadecimal. */
static int add_vendor(struct profile *p, const char *word)
{
	const char *digits = strncasecmp(word, "0x", 2) == 0 ? word + 2 : word;
	char hex[8];
	uint64_t id;

	if (strlen(digits) > 4)
		return -EINVAL;
	strcpy(hex, "0x");
	strcpy(hex + 2, digits);
	if (parse_u64(hex, &id) < 0)
		return -EINVAL;
	return numbers_add(&p->vendors, id);
}

/* A number is a serial; everything else is a place. */
static int add_member(struct profile *p, const char *word)
{
	struct profile_member m = { .serial = UNKNOWN };

	if (parse_u64(word, &m.serial) == -EINVAL) {
		int r = check_pattern(word);

		if (r < 0)
			return r;
		m.serial = UNKNOWN;
		m.pattern = strdup(word);
		if (!m.pattern)
			return -ENOMEM;
	} else if (m.serial == UNKNOWN) {
		return -ERANGE;
	}
	if (grow(&p->members, p->n_members, sizeof(*p->members)) < 0) {
		free(m.pattern);
		return -ENOMEM;
	}
	p->members[p->n_members++] = m;
	return 0;
}

static void clear_serials(struct profile *p)
{
	numbers_clear(&p->serials);
}

static void clear_paths(struct profile *p)
{
	patterns_clear(&p->paths);
}

static void clear_host_bridges(struct profile *p)
{
	patterns_clear(&p->host_bridges);
}

static void clear_vendors(struct profile *p)
{
	numbers_clear(&p->vendors);
}

static int set_size(void *field, const char *value)
{
	uint64_t size;
	int r = parse_size(value, &size);

	if (r == 0 && size == 0)
		r = -EINVAL;
	if (r == 0)
		*(uint64_t *)field = size;
	return r;
}

static int set_ways(void *field, const char *value)
{
	uint64_t ways;

	if (parse_u64(value, &ways) < 0 || !ways_allowed(ways))
		return -EINVAL;
	*(unsigned int *)field = ways;
	return 0;
}

static int set_granularity(void *field, const char *value)
{
	uint64_t bytes;

	if (parse_size(value, &bytes) < 0 || !granularity_allowed(bytes))
		return -EINVAL;
	*(unsigned int *)field = bytes;
	return 0;
}

static int set_wait(void *field, const char *value)
{
	return parse_time_span(value, field);
}

static int set_deadline(void *field, const char *value)
{
	uint64_t usec;
	int r = parse_time_span(value, &usec);

	if (r == 0 && usec == 0)
		r = -EINVAL;
	if (r == 0)
		*(uint64_t *)field = usec == UNKNOWN ? 0 : usec;
	return r;
}

/* The sizes of pages that device-dax can be mapped with on x86 and arm64. */
static int set_align(void *field, const char *value)
{
	uint64_t size;

	if (parse_size(value, &size) < 0 || (size != 4 * KIB && size != 2 * MIB && size != GIB))
		return -EINVAL;
	*(uint64_t *)field = size;
	return 0;
}

static int set_bool(void *field, const char *value)
{
	static const char *const words[2][6] = { { "no", "false", "off", "0", "n", "f" },
						 { "yes", "true", "on", "1", "y", "t" } };
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(words[0]); i++)
		if (strcasecmp(value, words[i % 2][i / 2]) == 0) {
			*(bool *)field = i % 2;
			return 0;
		}
	return -EINVAL;
}

static int set_mode(void *field, const char *value)
{
	return memory_mode_from_name(value, field);
}

static int set_zone(void *field, const char *value)
{
	return zone_from_name(value, field);
}

static int set_word(void *field, const char *value, const char *(*name)(int), int first, int end)
{
	for (int i = first; i < end; i++)
		if (strcmp(name(i), value) == 0) {
			memcpy(field, &i, sizeof(i));
			return 0;
		}
	return -EINVAL;
}

static const char *any_capacity_name(int i)
{
	return capacity_name(i);
}

static const char *any_fewer_name(int i)
{
	return fewer_name(i);
}

static const char *any_on_deadline_name(int i)
{
	return on_deadline_name(i);
}

static int set_capacity(void *field, const char *value)
{
	return set_word(field, value, any_capacity_name, CAPACITY_RAM, _CAPACITY_MAX);
}

static int set_fewer(void *field, const char *value)
{
	return set_word(field, value, any_fewer_name, 0, _FEWER_MAX);
}

static int set_on_deadline(void *field, const char *value)
{
	return set_word(field, value, any_on_deadline_name, 0, _ON_DEADLINE_MAX);
}

static const char *any_on_failure_name(int i)
{
	return on_failure_name(i);
}

static int set_on_failure(void *field, const char *value)
{
	return set_word(field, value, any_on_failure_name, 0, _ON_FAILURE_MAX);
}

#define SIZE_TAKEN "an amount of memory such as 512M or 1.5G"
#define PATTERN_TAKEN ", where each [ has its ]"

static const struct key keys[_KEY_MAX] = {
	/* clang-format off */
	[KEY_SERIAL] = { "Match", "Serial", "serial numbers, decimal or behind 0x",
			 MANY(add_serial, clear_serials) },
	[KEY_PATH] = { "Match", "Path", "patterns of PCI addresses or slots" PATTERN_TAKEN,
		       MANY(add_path, clear_paths) },
	[KEY_HOST_BRIDGE] = { "Match", "HostBridge",
			      "patterns such as pci0000:0c or ACPI0016:*" PATTERN_TAKEN,
			      MANY(add_host_bridge, clear_host_bridges) },
	[KEY_VENDOR] = { "Match", "Vendor", "PCI vendor ids, up to four hexadecimal digits",
			 MANY(add_vendor, clear_vendors) },
	[KEY_MIN_SIZE] = { "Match", "MinSize", SIZE_TAKEN, ONE(min_size, set_size) },
	[KEY_MAX_SIZE] = { "Match", "MaxSize", SIZE_TAKEN, ONE(max_size, set_size) },
	[KEY_TYPE] = { "Match", "Type", "ram or pmem", ONE(capacity, set_capacity) },
	[KEY_WAYS] = { "Region", "Ways", WAYS_ALLOWED, ONE(ways, set_ways) },
	[KEY_GRANULARITY] = { "Region", "Granularity", GRANULARITY_ALLOWED,
			      ONE(granularity, set_granularity) },
	[KEY_SIZE] = { "Region", "Size", SIZE_TAKEN, ONE(size, set_size) },
	[KEY_MEMBERS] = { "Region", "Members",
			  "serial numbers, or patterns as Path=" PATTERN_TAKEN,
			  MANY(add_member, profile_members_clear) },
	[KEY_WAIT_SEC] = { "Region", "WaitSec", "a time such as 30s, 2min or infinity",
			   ONE(wait_usec, set_wait) },
	[KEY_FEWER] = { "Region", "Fewer", "wait, less or separate", ONE(fewer, set_fewer) },
	[KEY_MODE] = { "Memory", "Mode", "system-ram or devdax", ONE(mode, set_mode) },
	[KEY_ZONE] = { "Memory", "Zone", "movable or kernel", ONE(zone, set_zone) },
	[KEY_ONLINE] = { "Memory", "Online", "yes or no", ONE(online, set_bool) },
	[KEY_ALIGN] = { "Memory", "Align", "4K, 2M or 1G", ONE(align, set_align) },
	[KEY_DEADLINE_SEC] = { "Remove", "DeadlineSec",
			       "a time longer than 0 such as 30s, 2min or infinity",
			       ONE(deadline_usec, set_deadline) },
	[KEY_ON_DEADLINE] = { "Remove", "OnDeadline", "keep or revoke",
			      ONE(on_deadline, set_on_deadline) },
	[KEY_ON_FAILURE] = { "Remove", "OnFailure", "keep or evacuate",
			     ONE(on_failure, set_on_failure) },
	/* clang-format on */
};

static const char *const sections[] = { "Match", "Region", "Memory", "Remove" };

bool profile_key(size_t i, const char **ret_section, const char **ret_name)
{
	if (i >= ARRAY_SIZE(keys))
		return false;
	*ret_section = keys[i].section;
	*ret_name = keys[i].name;
	return true;
}

static const char *next_section(size_t i, const void *userdata)
{
	(void)userdata;
	return i < ARRAY_SIZE(sections) ? sections[i] : NULL;
}

/* The keys of one section, or all. */
static const char *next_key(size_t i, const void *section)
{
	size_t k;

	for (k = 0; k < ARRAY_SIZE(keys); k++)
		if ((!section || strcmp(keys[k].section, section) == 0) && i-- == 0)
			return keys[k].name;
	return NULL;
}

static const struct key *find_key(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

void reader_section(struct profile_reader *r, const char *name)
{
	const char *near;
	char buf[SHOWN_MAX + 4];
	size_t i;

	r->empty = false;
	r->outside = false;
	r->section = NULL;
	if (strncmp(name, "X-", 2) == 0)
		return;
	for (i = 0; i < ARRAY_SIZE(sections); i++)
		if (strcmp(sections[i], name) == 0)
			r->section = sections[i];
	if (r->section == sections[0] && !r->match.path)
		r->match = (struct key_place){ .path = r->path, .line = r->line };
	if (r->section)
		return;
	near = suggest(name, next_section, NULL);
	if (near)
		reader_error(r, "there is no section [%s]: did you mean [%s]?", shown(name, buf),
			     near);
	else
		reader_error(r,
			     "there is no section [%s]: there are [Match], [Region], [Memory] and "
			     "[Remove]",
			     shown(name, buf));
}

static void unknown_key(struct profile_reader *r, const char *name)
{
	const char *near = suggest(name, next_key, r->section);
	const struct key *elsewhere = find_key(name);
	char buf[SHOWN_MAX + 4];

	if (elsewhere) {
		reader_error(r, "%s= stands in [%s]: it belongs into [%s]", name, r->section,
			     elsewhere->section);
		return;
	}
	near = near ?: suggest(name, next_key, NULL);
	elsewhere = near ? find_key(near) : NULL;
	if (!elsewhere)
		reader_error(r, "there is no key %s= in [%s]: cxlmem.profile(5) has all",
			     shown(name, buf), r->section);
	else if (strcmp(elsewhere->section, r->section) == 0)
		reader_error(r, "there is no key %s= in [%s]: did you mean %s=?", shown(name, buf),
			     r->section, near);
	else
		reader_error(r, "there is no key %s=: did you mean %s= of [%s]?", shown(name, buf),
			     near, elsewhere->section);
}

/* Say what came of a value or of one word of it. */
static void set_done(struct profile_reader *r, const struct key *k, const char *value, int e)
{
	char buf[SHOWN_MAX + 4];

	if (e == 0)
		return;
	if (e == -ENOMEM) {
		r->error = e;
		return;
	}
	r->places[k - keys].bad = true;
	if (e == -ERANGE)
		reader_error(r, "%s= %s \"%s\": that is too much to count", k->name,
			     k->add ? "has" : "is", shown(value, buf));
	else
		reader_error(r, "%s= %s \"%s\": it takes %s", k->name, k->add ? "has" : "is",
			     shown(value, buf), k->takes);
}

static void add_words(struct profile_reader *r, const struct key *k, const char *value)
{
	_cleanup_free_ char *copy = strdup(value);
	char *rest = copy, *word;

	if (!copy) {
		r->error = -ENOMEM;
		return;
	}
	while ((word = strtok_r(rest, " \t\r", &rest)) && !r->error)
		set_done(r, k, word, k->add(r->profile, word));
}

static void reset(struct profile_reader *r, const struct key *k)
{
	struct profile defaults = { 0 };

	r->places[k - keys] = (struct key_place){ 0 };
	if (k->clear) {
		k->clear(r->profile);
		return;
	}
	profile_default(&defaults);
	memcpy((char *)r->profile + k->offset, (char *)&defaults + k->offset, k->size);
}

void reader_key(struct profile_reader *r, const char *name, const char *value)
{
	const struct key *k = find_key(name);
	struct key_place *place;
	char buf[SHOWN_MAX + 4];

	r->empty = false;
	if (r->outside) {
		reader_error(r, "%s= stands before any section: put it under [%s]",
			     shown(name, buf), k ? k->section : "Match");
		return;
	}
	if (!r->section || strncmp(name, "X-", 2) == 0)
		return;
	if (!k || strcmp(k->section, r->section) != 0) {
		unknown_key(r, name);
		return;
	}
	if (!*value) {
		reset(r, k);
		return;
	}
	place = &r->places[k - keys];
	if (k->set && place->path == r->path)
		reader_warning(r, "%s= was given in line %u already: the last one counts", name,
			       place->line);
	*place = (struct key_place){ .path = r->path, .line = r->line };
	if (k->add)
		add_words(r, k, value);
	else
		set_done(r, k, value, k->set((char *)r->profile + k->offset, value));
}
