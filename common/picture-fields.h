/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_PICTURE_FIELDS_H
#define CXLMEM_PICTURE_FIELDS_H

#include "picture.h"

/*
 * The one description of a picture in JSON: which key is which member of which struct. Reading and
 * writing both walk over it, so they cannot drift apart.
 */
enum field_type {
	FIELD_NAME,   /* char *, must be there */
	FIELD_STRING, /* char *, left out when NULL */
	FIELD_NUMBER, /* uint64_t, must be there */
	FIELD_U64,    /* uint64_t, left out when UNKNOWN */
	FIELD_I64,    /* two's complement in a uint64_t, left out when UNKNOWN */
	FIELD_UINT,   /* unsigned int, left out when 0 */
	FIELD_INT,    /* int, left out when negative */
	FIELD_BOOL,   /* bool, left out when false */
	FIELD_TRI,    /* enum tristate, left out when MAYBE */
	FIELD_DECODE, /* enum tristate, "commit" or "reset" as cxl list has it; left out when MAYBE */
	FIELD_KIND,   /* enum port_kind, must be there */
	FIELD_STATE,  /* enum mem_state, left out when unknown */
	FIELD_ZONE,   /* enum zone, left out when unknown */
	FIELD_REF,    /* int index, written as a name, left out when -1 */
	FIELD_HEALTH, /* struct health, an object, left out when not known */
};

enum ref { REF_WINDOW, REF_PORT, REF_MEMDEV, REF_SLOT, REF_REGION, _REF_MAX };

struct field {
	const char *key;
	enum field_type type;
	size_t offset;
	enum ref ref; /* FIELD_REF: to what */
};

/* A kind of object: its members, and the arrays of further objects in it. */
struct object_type {
	const char *key; /* of the array in the object around it */
	const struct field *fields;
	size_t n_fields;
	size_t size;				   /* of one object */
	size_t array_offset, count_offset;	   /* in the object around it */
	void *(*add)(void *parent);		   /* a new one at the end of the array */
	const struct object_type *const *children; /* NULL-terminated; NULL = none */
};

extern const struct object_type picture_type;
extern const struct field health_fields[];
extern const size_t n_health_fields;

/**
 * picture_ref_name - name of the object that an index refers to; NULL for -1
 */
const char *picture_ref_name(const struct picture *p, enum ref ref, int index);

/**
 * picture_check - bring a picture that was read from somewhere into the promised order and refuse
 * what cannot be (ranges beyond 64 bits, a port before its parent)
 *
 * Return: 0; -EINVAL with a reason.
 */
int picture_check(struct picture *p, char **ret_reason);

#endif
