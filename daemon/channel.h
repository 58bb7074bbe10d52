/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_CHANNEL_H
#define CXLMEM_CHANNEL_H

#include <json-c/json_object.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Messages between the daemon and a worker: a 32-bit length in host order, then JSON. Both ends are the
 * same program, so there is no version and no byte order to agree on.
 */
struct channel {
	int fd;
	char *in; /* bytes not yet taken */
	size_t in_n, in_room;
};

/**
 * channel_clear - close the socket and free what was read
 */
void channel_clear(struct channel *c);

/**
 * channel_send - send one message whole, waiting when the socket is full
 *
 * Return: 0, or -errno.
 */
int channel_send(struct channel *c, struct json_object *message);

/**
 * channel_fill - read once what is there
 *
 * Return: bytes read, 0 at the end of the stream, -EAGAIN, or -errno.
 */
int channel_fill(struct channel *c);

/**
 * channel_take - the next whole message that has been read
 * @ret: the caller's (json_object_put)
 *
 * Return: 1 with a message, 0 when there is none yet, -EBADMSG, -ENOMEM.
 */
int channel_take(struct channel *c, struct json_object **ret);

#endif
