/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include <ini.h>

#include "profile-internal.h"

/*
 * libinih takes files apart, but it says nothing about the second thing that is wrong, nothing
 * about empty sections, and has a line of 200 bytes. It is therefore given its lines one by one by
 * next_line(), which reports what libinih would refuse or, being made for other files, would
 * understand otherwise than systemd: "key: value", comments behind values, indented lines. Long
 * lines go in as several, which libinih takes for one value.
 */

#define LINE_LIMIT 4096	  /* bytes, with all its continuations */
#define INIH_LINE 200	  /* what libinih has at least, unless a distribution changed it */
#define PROBLEMS_LIMIT 50 /* of one file: after so many it is something else than a profile */

static const char blanks[] = " \t\r";

struct lines {
	struct profile_reader *reader;
	const char *text, *end; /* what was not read yet */
	unsigned int line;	/* number of the last physical line */
	char *entry;		/* a line with its continuations; owned; NULL: none is at work */
	const char *rest;	/* of @entry, for libinih */
	bool probe;		/* libinih is to say which section it is in */
	char *key, *value;	/* what libinih made of the entry; owned */
	bool stop;
};

const char *shown(const char *text, char buf[static SHOWN_MAX + 4])
{
	size_t n = strlen(text);

	if (n > SHOWN_MAX) {
		n = SHOWN_MAX;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(buf, text, n);
	strcpy(buf + n, text[n] ? "..." : "");
	return buf;
}

/* Length of the UTF-8 sequence at @s, or 0 (RFC 3629). */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80		 ? 1 :
		   (s[0] & 0xe0) == 0xc0 ? 2 :
		   (s[0] & 0xf0) == 0xe0 ? 3 :
		   (s[0] & 0xf8) == 0xf0 ? 4 :
					   0;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7fU >> n);
	size_t i;

	if (n == 0 || n > left)
		return 0;
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (n > 1 && (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)))
		return 0;
	return n;
}

/* Whether a line is text; what no editor writes ends the reading of the file. */
static bool line_is_text(struct lines *l, const char *line, size_t n)
{
	const unsigned char *s = (const unsigned char *)line;
	size_t i, step;

	l->reader->line = l->line;
	for (i = 0; i < n; i += step) {
		if ((s[i] < ' ' && s[i] != '\t' && !(s[i] == '\r' && i + 1 == n)) || s[i] == 0x7f) {
			reader_error(l->reader, "the file is no text: byte 0x%02x in column %zu",
				     s[i], i + 1);
			l->stop = true;
			return false;
		}
		step = utf8_length(s + i, n - i);
		/* The control characters above ASCII are two bytes that begin with 0xc2. */
		if (step == 0 || (s[i] == 0xc2 && s[i + 1] < 0xa0)) {
			reader_error(l->reader, "column %zu is not UTF-8", i + 1);
			return false;
		}
	}
	return true;
}

/* Append to l->entry; false when there is no memory or it gets too long. */
static bool entry_append(struct lines *l, const char *s, size_t n)
{
	size_t have = l->entry ? strlen(l->entry) : 0;
	char *longer;

	if (have + n > LINE_LIMIT) {
		reader_error(
			l->reader,
			"the line is too long: %u bytes are the most, lists may be spread over "
			"several lines with the same key",
			LINE_LIMIT);
		return false;
	}
	longer = realloc(l->entry, have + n + 1);
	if (!longer) {
		l->reader->error = -ENOMEM;
		return false;
	}
	memcpy(longer + have, s, n);
	longer[have + n] = '\0';
	l->entry = longer;
	return true;
}

/*
 * The next line that is neither blank nor comment, with the lines it is continued on, into
 * l->entry.
 *
 * Return: false at the end of the text.
 */
static bool next_entry(struct lines *l)
{
	bool more = false, bad = false;
	unsigned int first = 0;

	while (l->text < l->end && !l->stop && !l->reader->error) {
		const char *line = l->text, *nl = memchr(line, '\n', l->end - line);
		size_t n = (nl ?: l->end) - line;

		l->text = nl ? nl + 1 : l->end;
		l->line++;
		if (!more)
			first = l->line;
		if (l->reader->n_told >= PROBLEMS_LIMIT) {
			l->reader->line = l->line;
			reader_error(l->reader, "so much is wrong that the rest was not read");
			return false;
		}
		bad |= !line_is_text(l, line, n);
		l->reader->line = first;
		while (n && strchr(blanks, *line)) {
			line++;
			n--;
		}
		while (n && strchr(blanks, line[n - 1]))
			n--;
		if (n && (*line == '#' || *line == ';')) {
			bad &= more;
			continue;
		}
		more = n && line[n - 1] == '\\';
		n -= more;
		if (l->entry && n && !bad)
			bad = !entry_append(l, " ", 1);
		if (n && !bad)
			bad = !entry_append(l, line, n);
		if (more)
			continue;
		if (l->entry && !bad)
			return true;
		free(l->entry);
		l->entry = NULL;
		bad = false;
	}
	return l->entry && !bad && !l->stop && !l->reader->error;
}

/* Whether no word is longer than libinih takes at once; a section is one word. */
static bool words_fit(struct lines *l, size_t limit)
{
	const char *s = l->entry;

	while (*s) {
		size_t n = *l->entry == '[' ? strlen(s) : strcspn(s, blanks);

		if (n > limit) {
			char buf[SHOWN_MAX + 4];

			reader_error(l->reader, "\"%s\" is too long: a word has up to %zu bytes",
				     shown(s, buf), limit);
			return false;
		}
		s += n;
		s += strspn(s, blanks);
	}
	return true;
}

static bool section_is_fine(struct lines *l)
{
	size_t n = strlen(l->entry);
	char buf[SHOWN_MAX + 4];

	if (n > 2 && strcspn(l->entry, "]") == n - 1)
		return true;
	/* what follows is in no section that is known */
	l->reader->section = NULL;
	l->reader->outside = false;
	reader_error(l->reader,
		     "\"%s\" is no section: that is a name in brackets, alone on its line",
		     shown(l->entry, buf));
	return false;
}

static bool pair_is_fine(struct lines *l)
{
	size_t n = strcspn(l->entry, "=:");
	const char *s = l->entry + n;
	char buf[SHOWN_MAX + 4];
	size_t key;

	if (*s != '=') {
		reader_error(l->reader,
			     "\"%s\" has no \"=\": a line is Key=value, [Section] or a comment",
			     shown(l->entry, buf));
		return false;
	}
	if (n == 0) {
		reader_error(l->reader, "\"%s\" has no key in front of \"=\"",
			     shown(l->entry, buf));
		return false;
	}
	key = strcspn(l->entry, " \t\r=");
	if (key + strspn(l->entry + key, blanks) != n) {
		reader_error(l->reader, "\"%s\" has more than one word in front of \"=\"",
			     shown(l->entry, buf));
		return false;
	}
	memmove(l->entry + key, s, strlen(s) + 1);
	s = l->entry + key;
	while (*(s += strcspn(s, blanks))) {
		s += strspn(s, blanks);
		if (*s != '#' && *s != ';')
			continue;
		reader_error(l->reader,
			     "\"%s\" is behind a value: a comment stands on a line of its own",
			     shown(s, buf));
		return false;
	}
	return true;
}

static void entry_done(struct lines *l)
{
	if (l->key && !l->reader->error)
		reader_key(l->reader, l->key, l->value);
	free(l->key);
	free(l->value);
	free(l->entry);
	l->key = l->value = l->entry = NULL;
}

/* As much of the entry as fits into libinih's line; what follows the first part is indented. */
static char *next_part(struct lines *l, char *buf, size_t limit)
{
	size_t n = strlen(l->rest), at = 0;

	if (l->rest != l->entry)
		buf[at++] = ' ';
	if (n > limit) {
		/* words_fit() made sure that there is a blank */
		for (n = limit; n > 0 && !strchr(blanks, l->rest[n]); n--)
			;
	}
	memcpy(buf + at, l->rest, n);
	strcpy(buf + at + n, "\n");
	l->rest += n;
	l->rest += strspn(l->rest, blanks);
	return buf;
}

/* libinih's reader: the next line for it, in a buffer of @size bytes. */
static char *next_line(char *buf, int size, void *stream)
{
	struct lines *l = stream;
	/* a blank in front, a newline, "\r" and the end */
	size_t limit = (size < INIH_LINE ? size : INIH_LINE) - 4;

	if (l->probe) {
		l->probe = false;
		return strcpy(buf, "=\n");
	}
	if (l->rest && *l->rest)
		return next_part(l, buf, limit);
	for (;;) {
		entry_done(l);
		l->rest = NULL;
		if (!next_entry(l))
			return NULL;
		if (!(*l->entry == '[' ? section_is_fine(l) : pair_is_fine(l)) ||
		    !words_fit(l, limit))
			continue;
		l->probe = *l->entry == '[';
		l->rest = l->entry;
		return next_part(l, buf, limit);
	}
}

/* libinih's handler; 0 would be an error. */
static int take(void *user, const char *section, const char *name, const char *value)
{
	struct lines *l = user;
	char *longer;

	if (l->reader->error)
		return 1;
	if (!*name) { /* our probe */
		reader_section(l->reader, section);
		return 1;
	}
	if (!l->key) {
		l->key = strdup(name);
		l->value = strdup(value);
		if (!l->key || !l->value)
			l->reader->error = -ENOMEM;
		return 1;
	}
	if (asprintf(&longer, "%s%s%s", l->value, *l->value ? " " : "", value) < 0) {
		l->reader->error = -ENOMEM;
		return 1;
	}
	free(l->value);
	l->value = longer;
	return 1;
}

void profile_read_lines(struct profile_reader *r, const struct profile_text *t)
{
	struct lines l = { .reader = r, .text = t->text, .end = t->text + t->size };
	static const char mark[] = { '\xef', '\xbb', '\xbf' };
	int e;

	r->path = t->path;
	r->section = NULL;
	r->outside = true;
	r->n_told = 0;
	/* A byte order mark says nothing about UTF-8. */
	if (t->size >= sizeof(mark) && memcmp(t->text, mark, sizeof(mark)) == 0)
		l.text += sizeof(mark);
	e = ini_parse_stream(next_line, &l, take, &l);
	/* Its own words for what next_line() let through: there is none, but it is not our code. */
	if (e > 0 && !r->error)
		reader_error(r, "libinih does not understand the file");
	else if (e < 0)
		r->error = -ENOMEM;
	free(l.key);
	free(l.value);
	free(l.entry);
}
