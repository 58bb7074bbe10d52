/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_UDEV_RULES_H
#define CXLMEM_UDEV_RULES_H

#include <stddef.h>

/* Reading of udev's rules files, as far as is needed to say what they do (udev(7)). */

/* KEY{attribute} op "value" */
struct rule_token {
	char *key;
	char *attribute; /* NULL = none */
	char op[3];	 /* "==", "!=", "=", "+=", "-=", ":=" */
	char *value;
};

struct rule {
	unsigned int line; /* where it begins */
	struct rule_token *tokens;
	size_t n_tokens;
};

/* Called for each rule, in order; the rule is gone after the call. Return: 0, or -errno to stop. */
typedef int (*rule_t)(const char *path, const struct rule *rule, void *userdata);

/**
 * udev_rules_each - go through all rules that are in force below a root
 * @root: "" for the machine itself
 *
 * /etc comes before /run, /usr/local/lib and /usr/lib: a file hides those of its name in the later ones, and an
 * empty one (or a link to /dev/null) hides them without saying anything. Files are taken in the order of their
 * names, as udev does. What cannot be read or understood is passed over: udev does that too, and complains itself.
 *
 * Return: 0, -ENOMEM, or what @f returned.
 */
int udev_rules_each(const char *root, rule_t f, void *userdata);

/**
 * rule_find - the first token with this key, attribute (NULL = without) and one of these operators
 * @ops: one character for each: '=' for assignment ("=", "+=", ":="), '?' for "==", '!' for "!="
 *
 * Return: the token, or NULL.
 */
const struct rule_token *rule_find(const struct rule *rule, const char *key, const char *attribute,
				   char op);

#endif
