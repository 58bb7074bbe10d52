/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_SYSFS_H
#define CXLMEM_SYSFS_H

#include <stddef.h>
#include <stdint.h>

#include "door.h"
#include "util.h"

/*
 * Reading and writing of attributes, part of the door. Each call is timed into door->kernel_usec.
 * Paths are printf formats relative to /sys.
 */

#define SYSFS_VALUE_MAX 4096

/**
 * sysfs_read - an attribute's text without the trailing newline
 * @ret: a new string, the caller's
 *
 * Return: 0, or -errno of open or read.
 */
int sysfs_read(struct door *door, char **ret, const char *format, ...) _printf_(3, 4);

/**
 * sysfs_read_u64 - an attribute that is one number, decimal or 0x hexadecimal
 *
 * Return: 0, or -errno (-EINVAL: not a number); @ret untouched.
 */
int sysfs_read_u64(struct door *door, uint64_t *ret, const char *format, ...) _printf_(3, 4);

/**
 * sysfs_write - write a value in one call, as the kernel's stores expect
 *
 * Return: 0, or -errno of open or write.
 */
int sysfs_write(struct door *door, const char *value, const char *format, ...) _printf_(3, 4);

/**
 * sysfs_exists - whether a path is there
 */
bool sysfs_exists(struct door *door, const char *format, ...) _printf_(2, 3);

/**
 * sysfs_link_name - last component of a symbolic link's target ("kmem" for .../driver)
 * @ret: a new string, or NULL if there is no such link
 *
 * Return: 0 (also when the link is missing), or -errno.
 */
int sysfs_link_name(struct door *door, char **ret, const char *format, ...) _printf_(3, 4);

/**
 * sysfs_link - where a symbolic link points to
 * @ret: a new string
 *
 * Return: 0; -ENOENT when there is no such link; -errno.
 */
int sysfs_link(struct door *door, char **ret, const char *format, ...) _printf_(3, 4);

/**
 * door_time - microseconds of CLOCK_MONOTONIC, for timing calls that do not go through here
 */
uint64_t door_time(void);

/* The name of one directory entry; return non-zero to stop, handed through. */
typedef int (*sysfs_entry_t)(const char *name, void *userdata);

/**
 * sysfs_each - call @f for each entry of a directory ("." and ".." left out)
 *
 * Return: 0, -errno of opening it, or what @f returned to stop.
 */
int sysfs_each(struct door *door, sysfs_entry_t f, void *userdata, const char *format, ...)
	_printf_(4, 5);

#endif
