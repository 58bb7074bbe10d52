/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_DIRECT_H
#define CXLMEM_DIRECT_H

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/*
 * root's clients speak to the daemon itself, as systemctl does to systemd: the same objects and signals as
 * on the system bus, without the process in between.
 */

#define DIRECT_DIRECTORY "/run/cxlmem"
#define DIRECT_SOCKET "/run/cxlmem/private"

struct direct;

/* Put all objects on a connection. Return: 0, or -errno. */
typedef int (*direct_publish_t)(sd_bus *bus, void *userdata);

/**
 * direct_new - listen on DIRECT_SOCKET
 * @publish: called with each new connection
 * @ret: the caller's, direct_free()
 *
 * Return: 0, or -errno.
 */
int direct_new(sd_event *event, direct_publish_t publish, void *userdata, struct direct **ret);

/**
 * direct_free - close the socket and all connections (NULL is fine)
 */
struct direct *direct_free(struct direct *d);

/**
 * direct_nth - the connections there are
 *
 * Return: borrowed, valid until the event loop runs again; NULL past the last, and for d = NULL.
 */
sd_bus *direct_nth(struct direct *d, size_t n);

#endif
