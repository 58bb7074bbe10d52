/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_JOURNAL_H
#define CXLMEM_JOURNAL_H

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What is being done to the machine, written down before it is done (docs/state.md). One file of fixed
 * size, made once and then overwritten from its start, so that a record is on the disk after one write and
 * no change of metadata. Daemon and worker write into the same open file: its offset is theirs together, and
 * so is the count of records. It also tells a new daemon that a worker of the old one still lives.
 */
struct journal;

#define JOURNAL_FILE "journal"

/**
 * journal_open - open the journal of a directory, making both if they are not there
 * @dir: "/var/lib/cxlmem"
 * @ret: the caller's, journal_free()
 *
 * Return: 0; -errno with a reason.
 */
int journal_open(const char *dir, struct journal **ret, char **ret_reason);

/**
 * journal_free - close it (NULL is fine)
 */
struct journal *journal_free(struct journal *j);

static inline void journal_freep(struct journal **j)
{
	journal_free(*j);
}

/**
 * journal_lock - be the only one that writes: this process and its children
 *
 * Return: 0; -EAGAIN while another process has it, which may be a worker that the kernel has not let go.
 */
int journal_lock(struct journal *j);

/**
 * journal_child - in a child process, keep it open as @fd
 *
 * Return: 0, or -errno.
 */
int journal_child(struct journal *j, int fd);

/**
 * journal_read - all records that are whole, oldest first; @ret is an array, the caller's
 * @ret_damaged: how many were cut off or changed; each of them alone is lost
 *
 * Also sets where the next one goes.
 *
 * Return: 0; -errno with a reason.
 */
int journal_read(struct journal *j, struct json_object **ret, size_t *ret_damaged, char **ret_reason);

/**
 * journal_rewind - nothing that is in it matters any more: begin at its start again if it is half full
 */
void journal_rewind(struct journal *j);

/**
 * journal_write - append records in one write
 * @records: stay the caller's
 * @sync: have all on the disk, with whatever was written before, when it returns
 *
 * Return: 0; -errno: it is not known what of them was written.
 */
int journal_write(struct journal *j, struct json_object *const *records, size_t n, bool sync);

/**
 * journal_flush - begin to bring to the disk whatever was written so far, and do not wait for it
 *
 * Return: a ticket for journal_wait() in this process or another that has the journal.
 */
uint32_t journal_flush(struct journal *j);

/**
 * journal_flushing - the ticket of the last journal_flush(), by whichever process
 */
uint32_t journal_flushing(struct journal *j);

/**
 * journal_wait - until what was written before that journal_flush() is on the disk
 *
 * Return: 0; -errno: it is not known whether it is.
 */
int journal_wait(struct journal *j, uint32_t ticket);

/**
 * journal_refuse - the sentence for what is not done because it cannot be written down first
 *
 * Return: @error, or -ENOMEM.
 */
int journal_refuse(const struct journal *j, int error, char **ret_reason);

/**
 * journal_usec - microseconds that this process and its children have spent on writing into it, and
 * on waiting for the disk
 */
uint64_t journal_usec(const struct journal *j);

#endif
