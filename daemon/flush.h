/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_FLUSH_H
#define CXLMEM_FLUSH_H

#include <stdint.h>

/*
 * fdatasync() by a thread of its own, so that who has to know that something is on the disk can do meanwhile what
 * does not depend on it. A process and its children share one, and any of them may be killed at any time: what they
 * share is two numbers, and no lock that the dead could hold.
 */
struct flush;

/**
 * flush_new - for one file, which stays the caller's and is kept open longer
 * @ret: the caller's, flush_free()
 *
 * Return: 0, or -ENOMEM.
 */
int flush_new(int fd, struct flush **ret);

/**
 * flush_start - from now on by a thread of this process; before, and where none is to be had, by whoever asks
 */
void flush_start(struct flush *f);

/**
 * flush_free - not in a child (NULL is fine)
 */
struct flush *flush_free(struct flush *f);

/**
 * flush_child - in a child, the file has another number
 */
void flush_child(struct flush *f, int fd);

/**
 * flush_begin - bring to the disk what is in the file now
 *
 * Return: a ticket to wait with.
 */
uint32_t flush_begin(struct flush *f);

/**
 * flush_last - the ticket that was given last, by whichever process
 */
uint32_t flush_last(struct flush *f);

/**
 * flush_wait - until what the ticket stands for is on the disk
 *
 * Return: 0; -errno: it is not known whether it is. Told once.
 */
int flush_wait(struct flush *f, uint32_t ticket);

#endif
