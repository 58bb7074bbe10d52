/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_UTIL_H
#define CXLMEM_UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _printf_(a, b) __attribute__((format(printf, a, b)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A number nobody could read: a broken or half-gone device leaves it out. Never shown as zero. */
#define UNKNOWN UINT64_MAX
#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline int closep_fd(int fd)
{
	if (fd >= 0)
		close(fd);
	return -1;
}

static inline void closep(int *fd)
{
	*fd = closep_fd(*fd);
}

#define TAKE_PTR(p)                         \
	({                                  \
		__typeof__(p) _taken = (p); \
		(p) = NULL;                 \
		_taken;                     \
	})

static inline uint64_t align_down(uint64_t v, uint64_t to)
{
	return v - v % to;
}

static inline uint64_t align_up(uint64_t v, uint64_t to)
{
	return align_down(v + to - 1, to);
}

/**
 * streq_null - compare two strings of which either may be NULL
 *
 * Return: true if both are NULL or both are equal.
 */
bool streq_null(const char *a, const char *b);

/**
 * strdup_or_null - duplicate a string that may be NULL
 * @ret: on success a new string owned by the caller, or NULL if @s is NULL
 *
 * Return: 0, or -ENOMEM.
 */
int strdup_or_null(const char *s, char **ret);

/**
 * grow - make room for one more element in an array
 * @array: pointer to the array (a T **), reallocated when needed
 * @n: elements in use
 * @size: bytes of one element
 *
 * Capacity doubles at powers of two, so no capacity field is needed. The new element is zeroed.
 *
 * Return: 0, or -ENOMEM (the array is untouched).
 */
int grow(void *array, size_t n, size_t size);

/**
 * say - set a reason, the one sentence a person reads
 * @reason: where to put it (may be NULL); an older text is freed. Owned by the caller.
 * @error: a negative errno, handed back so that `return say(&reason, -EINVAL, ...)` reads well
 *
 * Return: @error, or -ENOMEM when the text could not be made.
 */
int say(char **reason, int error, const char *format, ...) _printf_(3, 4);

/**
 * format_size - a size as people write it: "256M", "1.5G", "unknown"
 * @bytes: size in bytes, or UNKNOWN
 * @buf: at least 32 bytes, returned
 *
 * Binary units (1G = 1024M). At most two digits after the point, and only where they are exact
 * enough.
 */
char *format_size(uint64_t bytes, char buf[static 32]);

/**
 * parse_size - read a size as people write it: "512M", "1.5G", "2GiB", "268435456"
 * @ret: bytes
 *
 * Binary units; the letter may be followed by "B" or "iB", in any case.
 *
 * Return: 0; -EINVAL if it is no size; -ERANGE if it does not fit 64 bits.
 */
/* libsystemd.a, which the client may be linked with, has one of its own. */
int parse_size(const char *s, uint64_t *ret) __asm__("cxlmem_parse_size");

/**
 * parse_u64 - read a whole number, decimal or 0x hexadecimal, and nothing else
 *
 * Return: 0; -EINVAL; -ERANGE.
 */
int parse_u64(const char *s, uint64_t *ret);

#endif
