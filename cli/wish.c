/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wish.h"

#include <errno.h>
#include <string.h>

#include "request.h"
#include "util.h"

/* The daemon checks again; here it saves a round trip and tells usage errors from refusals. */
static int check(const struct wish *w, enum verb verb, char **ret_reason)
{
	_cleanup_(request_freep) struct request *request = request_new(verb);
	int r;

	if (!request)
		return -ENOMEM;
	for (unsigned int i = 0; i < _OPTION_MAX; i++) {
		if (!w->values[i])
			continue;
		r = request_set(request, option_table[i].name, w->values[i], ret_reason);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The mode among the words behind the first, where it does not belong: `set-mode region0 devdax` */
static const char *find_late_mode(const struct wish *w)
{
	enum memory_mode mode;

	if (memory_mode_from_name(w->objects[0], &mode) == 0)
		return NULL;
	for (size_t i = 1; i < w->n_objects; i++)
		if (memory_mode_from_name(w->objects[i], &mode) == 0)
			return w->objects[i];
	return NULL;
}

int wish_from_command(const struct command *command, struct wish *ret, char **ret_reason)
{
	struct wish w = {
		.verb = command->inner ?: command->verb,
		.objects = command->words,
		.n_objects = command->n_words,
	};
	enum verb verb;
	int r;

	if (w.verb->same_as)
		w.verb = verb_find(w.verb->same_as);
	r = verb_from_name(w.verb->name, &verb);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < _OPTION_MAX; i++)
		if (option_table[i].wish)
			w.values[i] = command->values[i];
	if (verb == VERB_SET_MODE && !w.values[OPTION_MODE] && find_late_mode(&w))
		return say(ret_reason, -EINVAL, "the mode comes first: `cxlmemctl set-mode %s %s`",
			   find_late_mode(&w), w.objects[0]);
	/* `set-mode devdax region0`: the mode is the first word unless it came as an option. */
	if (verb == VERB_SET_MODE && !w.values[OPTION_MODE]) {
		w.values[OPTION_MODE] = w.objects[0];
		w.objects++;
		w.n_objects--;
	}
	r = check(&w, verb, ret_reason);
	if (r < 0)
		return r;
	if (w.n_objects == 0)
		return say(ret_reason, -EINVAL, "%s", w.verb->missing);
	*ret = w;
	return 0;
}
