/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_JSON_UTIL_H
#define CXLMEM_JSON_UTIL_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

#include "util.h"

static inline void json_putp(struct json_object **o)
{
	json_object_put(*o);
}

#define _cleanup_json_ _cleanup_(json_putp)

/**
 * json_take - put a value into an object under a key
 * @key: not copied, here and below: a literal, or what lives as long as the process
 * @value: handed over in any case; NULL means that it could not be made
 *
 * Return: 0, or -ENOMEM.
 */
int json_take(struct json_object *o, const char *key, struct json_object *value);

/**
 * json_append - the same for the end of an array
 */
int json_append(struct json_object *array, struct json_object *value);

/**
 * json_set_string - set a key to a string; nothing is written for NULL
 *
 * Return: 0, or -ENOMEM.
 */
int json_set_string(struct json_object *o, const char *key, const char *s);

/**
 * json_set_u64 - set a key to a number; nothing is written for UNKNOWN
 *
 * Return: 0, or -ENOMEM.
 */
int json_set_u64(struct json_object *o, const char *key, uint64_t v);

/**
 * json_set_true - set a key to true; nothing is written for false
 *
 * Return: 0, or -ENOMEM.
 */
int json_set_true(struct json_object *o, const char *key, bool yes);

/**
 * json_text - the string under a key, the object's; NULL when there is none, or something else
 */
const char *json_text(struct json_object *o, const char *key);

/**
 * json_flag - whether what is under a key is true; what is not there is false
 */
bool json_flag(struct json_object *o, const char *key);

/**
 * json_number - the whole number under a key; UNKNOWN when there is none, or something else
 */
uint64_t json_number(struct json_object *o, const char *key);

/**
 * json_read_u64 - a whole number that is not negative
 *
 * Return: 0, or -EINVAL.
 */
int json_read_u64(struct json_object *value, uint64_t *ret);

#endif
