// SPDX-License-Identifier: LGPL-2.1-or-later
#include "blockers.h"

#include <errno.h>
#include <string.h>

#include "json-util.h"

/* Numbers of an object that are 0 when they are not there. */
struct number {
	const char *key;
	uint64_t *value;
};

static int write_numbers(struct json_object *o, const struct number *numbers, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		if (*numbers[i].value)
			r = json_set_u64(o, numbers[i].key, *numbers[i].value);
	return r;
}

static int read_numbers(struct json_object *o, const struct number *numbers, size_t n, char **ret_reason)
{
	struct json_object *v;

	for (size_t i = 0; i < n; i++)
		if (json_object_object_get_ex(o, numbers[i].key, &v) &&
		    json_read_u64(v, numbers[i].value) < 0)
			return say(ret_reason, -EINVAL, "\"%s\" is no number", numbers[i].key);
	return 0;
}

#define PROCESS_NUMBERS(p)                                                            \
	{ { "pid", &(p)->pid },       { "bytes", &(p)->bytes },   { "huge", &(p)->huge }, \
	  { "locked", &(p)->locked }, { "pinned", &(p)->pinned } }
#define BLOCK_NUMBERS(b)                                                                    \
	{ { "movable", &(b)->movable }, { "kernel", &(b)->kernel }, { "huge", &(b)->huge }, \
	  { "locked", &(b)->locked },	{ "held", &(b)->held } }

static int process_to_json(struct blocker_process *p, struct json_object *list)
{
	const struct number numbers[] = PROCESS_NUMBERS(p);
	struct json_object *o = json_object_new_object();
	int r;

	r = json_append(list, o);
	if (r == 0)
		r = write_numbers(o, numbers, ARRAY_SIZE(numbers));
	if (r == 0)
		r = json_set_string(o, "name", p->name);
	if (r == 0)
		r = json_set_true(o, "open", p->open);
	return r == 0 ? json_set_true(o, "mapped", p->mapped) : r;
}

static int block_to_json(struct blocker_block *b, struct json_object *list)
{
	const struct number numbers[] = BLOCK_NUMBERS(b);
	struct json_object *o = json_object_new_object();
	int r;

	r = json_append(list, o);
	if (r == 0)
		r = json_set_u64(o, "block", b->number);
	if (r == 0)
		r = write_numbers(o, numbers, ARRAY_SIZE(numbers));
	return r == 0 ? json_set_true(o, "going", b->going) : r;
}

int blockers_to_json(const struct blockers *b, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct json_object *processes, *blocks;
	int r;

	if (!o)
		return -ENOMEM;
	if ((r = json_set_string(o, "region", b->region)) < 0 ||
	    (r = json_set_string(o, "dax", b->dax)) < 0 ||
	    (r = json_set_u64(o, "node", b->node)) < 0 ||
	    (r = json_set_true(o, "devdax", b->devdax)) < 0 ||
	    (b->devdax && (r = json_set_u64(o, "active", b->active)) < 0) ||
	    (r = json_set_true(o, "partial", b->partial)) < 0)
		return r;
	processes = json_object_new_array();
	r = json_take(o, "processes", processes);
	for (size_t i = 0; r == 0 && i < b->n_processes; i++)
		r = process_to_json(&b->processes[i], processes);
	if (r < 0)
		return r;
	blocks = json_object_new_array();
	r = json_take(o, "blocks", blocks);
	for (size_t i = 0; r == 0 && i < b->n_blocks; i++)
		r = block_to_json(&b->blocks[i], blocks);
	if (r == 0)
		*ret = TAKE_PTR(o);
	return r;
}

static int process_from_json(struct json_object *o, struct blockers *b, char **ret_reason)
{
	int r = grow(&b->processes, b->n_processes, sizeof(*b->processes));
	struct blocker_process *p;

	if (r < 0)
		return r;
	p = &b->processes[b->n_processes++];
	r = read_numbers(o, (const struct number[])PROCESS_NUMBERS(p), 5, ret_reason);
	p->open = json_flag(o, "open");
	p->mapped = json_flag(o, "mapped");
	return r == 0 ? strdup_or_null(json_text(o, "name"), &p->name) : r;
}

static int block_from_json(struct json_object *o, struct blockers *b, char **ret_reason)
{
	int r = grow(&b->blocks, b->n_blocks, sizeof(*b->blocks));
	struct blocker_block *block;
	struct number number = { "block", NULL };

	if (r < 0)
		return r;
	block = &b->blocks[b->n_blocks++];
	number.value = &block->number;
	block->going = json_flag(o, "going");
	r = read_numbers(o, &number, 1, ret_reason);
	return r == 0 ? read_numbers(o, (const struct number[])BLOCK_NUMBERS(block), 5, ret_reason) : r;
}

static int read_list(struct json_object *json, const char *key, struct blockers *b,
		     int (*read)(struct json_object *, struct blockers *, char **), char **ret_reason)
{
	struct json_object *list;
	int r = 0;

	if (!json_object_object_get_ex(json, key, &list))
		return 0;
	if (!json_object_is_type(list, json_type_array))
		return say(ret_reason, -EINVAL, "\"%s\" is no list", key);
	for (size_t i = 0; r == 0 && i < json_object_array_length(list); i++)
		r = read(json_object_array_get_idx(list, i), b, ret_reason);
	return r;
}

int blockers_from_json(struct json_object *json, struct blockers **ret, char **ret_reason)
{
	_cleanup_(blockers_freep) struct blockers *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	if (!json_object_is_type(json, json_type_object))
		return say(ret_reason, -EINVAL, "it is no object");
	b->node = b->active = UNKNOWN;
	b->devdax = json_flag(json, "devdax");
	b->partial = json_flag(json, "partial");
	if ((r = read_numbers(json, (const struct number[]){ { "node", &b->node },
							     { "active", &b->active } },
			      2, ret_reason)) < 0 ||
	    (r = strdup_or_null(json_text(json, "region"), &b->region)) < 0 ||
	    (r = strdup_or_null(json_text(json, "dax"), &b->dax)) < 0 ||
	    (r = read_list(json, "processes", b, process_from_json, ret_reason)) < 0 ||
	    (r = read_list(json, "blocks", b, block_from_json, ret_reason)) < 0)
		return r;
	*ret = TAKE_PTR(b);
	return 0;
}
