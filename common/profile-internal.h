/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_PROFILE_INTERNAL_H
#define CXLMEM_PROFILE_INTERNAL_H

#include "profile.h"

/* What profile-*.c share. */

enum profile_key_id {
	KEY_SERIAL,
	KEY_PATH,
	KEY_HOST_BRIDGE,
	KEY_VENDOR,
	KEY_MIN_SIZE,
	KEY_MAX_SIZE,
	KEY_TYPE,
	KEY_WAYS,
	KEY_GRANULARITY,
	KEY_SIZE,
	KEY_MEMBERS,
	KEY_WAIT_SEC,
	KEY_FEWER,
	KEY_MODE,
	KEY_ZONE,
	KEY_ONLINE,
	KEY_ALIGN,
	KEY_DEADLINE_SEC,
	KEY_ON_DEADLINE,
	KEY_ON_FAILURE,
	_KEY_MAX,
};

/* Where a key was given last; @path NULL: nowhere. */
struct key_place {
	const char *path;
	unsigned int line;
	bool bad; /* its value was refused */
};

/* A profile while it is read from one or several files. */
struct profile_reader {
	struct profile *profile;
	struct profile_problems *problems;
	const char *path;    /* the file that is read */
	unsigned int line;   /* where its present entry begins */
	const char *section; /* of the key table; NULL: outside, or in one that is skipped */
	bool outside;	     /* before the first section */
	bool failed;	     /* there was an error among the problems */
	unsigned int n_told; /* problems of this file */
	int error;	     /* -ENOMEM */
	struct key_place places[_KEY_MAX];
	struct key_place match; /* the first [Match]; bad: something in one was refused */
	bool empty;		/* neither a section nor a key was there */
};

#define SHOWN_MAX 48

/**
 * shown - a text from a file as it stands in a sentence: cut short, at the end of a character
 *
 * Return: @buf.
 */
const char *shown(const char *text, char buf[static SHOWN_MAX + 4]);

/**
 * reader_error, reader_warning - something is wrong at the present line
 */
void reader_error(struct profile_reader *r, const char *format, ...) _printf_(2, 3);
void reader_warning(struct profile_reader *r, const char *format, ...) _printf_(2, 3);

/**
 * reader_error_at - something is wrong with a key that was given before
 */
void reader_error_at(struct profile_reader *r, const struct key_place *at, const char *format, ...)
	_printf_(3, 4);

/**
 * profile_read_lines - take a text apart; calls reader_section() and reader_key() for what is in it
 */
void profile_read_lines(struct profile_reader *r, const struct profile_text *t);

/**
 * reader_section - "[@name]" is there; reader_key - "@name=@value" is there
 */
void reader_section(struct profile_reader *r, const char *name);
void reader_key(struct profile_reader *r, const char *name, const char *value);

/**
 * profile_check - whether what was read fits together, and defaults that hang on other keys
 */
void profile_check(struct profile_reader *r);

/**
 * profile_default - the value of each key that is not given
 */
void profile_default(struct profile *p);

/**
 * patterns_add, numbers_add - append to a list; 0 or -ENOMEM
 */
int patterns_add(struct patterns *p, const char *word);
int numbers_add(struct numbers *n, uint64_t number);
void patterns_clear(struct patterns *p);
void numbers_clear(struct numbers *n);
void profile_members_clear(struct profile *p);

#endif
