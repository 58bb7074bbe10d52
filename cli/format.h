/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CLI_FORMAT_H
#define CXLMEM_CLI_FORMAT_H

/* How results are printed (--format). */
enum format {
	FORMAT_TABLE,	 /* for people */
	FORMAT_JSON,	 /* one JSON text, indented */
	FORMAT_JSON_SEQ, /* RFC 7464: each thing of a list, or each event, is a record of its own */
	_FORMAT_MAX,
};

/**
 * format_name - the word that is typed
 */
const char *format_name(enum format format);

/**
 * format_from_name - by the word that was typed
 * @ret_reason: the sentence, with the word that was probably meant
 *
 * Return: 0; -EINVAL with a reason.
 */
int format_from_name(const char *word, enum format *ret, char **ret_reason);

#endif
