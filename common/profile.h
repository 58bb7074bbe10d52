/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_PROFILE_H
#define CXLMEM_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "picture.h"
#include "request.h"

/*
 * Profiles: what is to be done with a card that nobody named in a command. Files *.profile,
 * cxlmem.profile(5). Nothing here touches a machine but for reading these files.
 */

/* Type=, which capacity a card must have */
enum capacity { CAPACITY_ANY, CAPACITY_RAM, CAPACITY_PMEM, _CAPACITY_MAX };

/* Fewer=, what is done when the wait is over and members are missing */
enum fewer {
	FEWER_WAIT,	/* go on waiting */
	FEWER_LESS,	/* one region of those that are there, in the most ways allowed */
	FEWER_SEPARATE, /* a region of each */
	_FEWER_MAX,
};

enum on_deadline { ON_DEADLINE_KEEP, ON_DEADLINE_REVOKE, _ON_DEADLINE_MAX };

/* OnFailure=, what is done with the memory of a card that is failing */
enum on_failure { ON_FAILURE_KEEP, ON_FAILURE_EVACUATE, _ON_FAILURE_MAX };

/* Words of a list, each a pattern of fnmatch(3). */
struct patterns {
	char **list;
	size_t n;
};

struct numbers {
	uint64_t *list;
	size_t n;
};

/* A card that is to be in the set: by serial, or by place. */
struct profile_member {
	uint64_t serial; /* UNKNOWN: the pattern tells */
	char *pattern;	 /* as Path= */
};

struct profile {
	char *name; /* "10-pool.profile" without the ending */
	char *path; /* the file; drop-ins are in @dropins */
	struct patterns dropins;

	/* [Match]: each list that is not empty must have one that fits */
	struct numbers serials, vendors;
	struct patterns paths, host_bridges;
	uint64_t min_size, max_size; /* bytes; 0 and UNKNOWN when not given */
	enum capacity capacity;

	/* [Region] */
	unsigned int ways;		/* never 0: the number of members, or 1, when not given */
	unsigned int granularity;	/* bytes; 0 = what window and switches ask for */
	uint64_t size;			/* bytes; 0 = all there is */
	struct profile_member *members; /* empty, or exactly @ways of them */
	size_t n_members;
	uint64_t wait_usec; /* UNKNOWN = without end (the default); 0 with one way */
	enum fewer fewer;

	/* [Memory] */
	enum memory_mode mode; /* never MODE_DEFAULT */
	enum zone zone;	       /* system-ram: movable or kernel; devdax: ZONE_UNKNOWN */
	bool online;	       /* false with devdax */
	uint64_t align;	       /* devdax: bytes; 0 = as the kernel has it */

	/* [Remove] */
	uint64_t deadline_usec; /* 0 = none, as in a request */
	enum on_deadline on_deadline;
	enum on_failure on_failure;
};

/* What is wrong with a file. An error means that the profile is not used. */
struct profile_problem {
	char *path;
	unsigned int line; /* 0 = the file as a whole */
	bool error;	   /* else a warning */
	char *text;	   /* what is wrong and what it takes, one sentence */
};

struct profile_problems {
	struct profile_problem *list;
	size_t n;
};

struct profile_set {
	struct profile **list; /* by name: the first that matches a card has it */
	size_t n;
	struct profile_problems problems;
};

struct profile *profile_free(struct profile *p);
void profile_problems_clear(struct profile_problems *problems);
struct profile_set *profile_set_free(struct profile_set *set);

static inline void profile_freep(struct profile **p)
{
	profile_free(*p);
}

static inline void profile_set_freep(struct profile_set **set)
{
	profile_set_free(*set);
}

/* One file of a profile: the profile itself, or a drop-in. */
struct profile_text {
	const char *path; /* for messages */
	const char *text;
	size_t size; /* bytes; there may be anything in them */
};

/**
 * profile_parse - read a profile and its drop-ins, in this order
 * @name: without ".profile"
 * @texts: the profile, then its drop-ins
 * @problems: everything that is wrong is appended, errors and warnings; also when it fails
 * @ret: the caller's
 *
 * Return: 0; -EINVAL when there was an error among the problems; -ENOMEM.
 */
int profile_parse(const char *name, const struct profile_text *texts, size_t n_texts,
		  struct profile_problems *problems, struct profile **ret);

/**
 * profile_parse_text - the same for one text without drop-ins
 */
int profile_parse_text(const char *name, const char *path, const char *text, size_t size,
		       struct profile_problems *problems, struct profile **ret);

/**
 * profile_load_file - read one file that somebody names, with no drop-ins
 *
 * As profile_parse(); a file that cannot be read is a problem, too.
 */
int profile_load_file(const char *path, struct profile_problems *problems, struct profile **ret);

/**
 * profile_set_load - read all profiles of this machine
 * @root: directory that stands for / (tests); NULL or "" = /
 * @ret: what could be used, with all problems; the caller's
 *
 * From /etc/cxlmem/profiles.d, /run/..., /usr/local/lib/... and /usr/lib/cxlmem/profiles.d: of
 * files with the same name the first one counts; a link to /dev/null or an empty file masks it.
 * Drop-ins are NAME.profile.d/ *.conf in the same directories and by the same rules.
 *
 * Return: 0, whatever is wrong with the files; -ENOMEM.
 */
int profile_set_load(const char *root, struct profile_set **ret);

/**
 * profile_set_find - a profile by its name, or NULL
 */
const struct profile *profile_set_find(const struct profile_set *set, const char *name);

/**
 * profile_set_match - the profile for a card: the first one that matches
 *
 * Return: it, owned by the set; or NULL: the card is to be left alone.
 */
const struct profile *profile_set_match(const struct profile_set *set, const struct picture *p,
					int memdev);

/**
 * profile_matches - whether a profile is for a card, other profiles aside: all of [Match] fits,
 * and it is one of the members if there are any
 */
bool profile_matches(const struct profile *profile, const struct picture *p, int memdev);

/**
 * profile_member - the first of the profile's members that a card can be
 *
 * Return: its index, or -1.
 */
int profile_member(const struct profile *profile, const struct picture *p, int memdev);

/**
 * profile_match_text - [Match] and Members= in one line: "Serial=0x1001,0x1002 MinSize=1G"
 *
 * Return: 0, or -ENOMEM.
 */
int profile_match_text(const struct profile *profile, char **ret);

/**
 * profile_to_json, profile_problems_to_json, profile_set_to_json - for other programs
 * (docs/dbus.md); @ret is the caller's
 *
 * Return: 0, or -ENOMEM.
 */
int profile_to_json(const struct profile *profile, struct json_object **ret);
int profile_problems_to_json(const struct profile_problems *problems, struct json_object **ret);
int profile_set_to_json(const struct profile_set *set, struct json_object **ret);

/**
 * profile_problems_add - append one; @path and the text are copied
 *
 * Return: 0, or -ENOMEM.
 */
int profile_problems_add(struct profile_problems *problems, const char *path, unsigned int line,
			 bool error, const char *format, ...) _printf_(5, 6);

/**
 * profile_problem_text - "FILE:LINE: what is wrong", as people and editors read it
 *
 * Return: 0, or -ENOMEM.
 */
int profile_problem_text(const struct profile_problem *problem, char **ret);

/**
 * profile_key - walk over all keys that there are; false behind the last one
 */
bool profile_key(size_t i, const char **ret_section, const char **ret_name);

const char *capacity_name(enum capacity c);	  /* "ram", "pmem"; NULL for any */
const char *fewer_name(enum fewer f);		  /* "wait", "less", "separate" */
const char *on_deadline_name(enum on_deadline d); /* "keep", "revoke" */
const char *on_failure_name(enum on_failure f);	  /* "keep", "evacuate" */

#endif
