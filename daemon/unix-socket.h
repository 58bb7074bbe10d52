/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_UNIX_SOCKET_H
#define CXLMEM_UNIX_SOCKET_H

#include <sys/types.h>
#include <systemd/sd-event.h>

/**
 * unix_socket_listen - listen on a stream socket in the file system
 * @path: what is there of a daemon that was killed is replaced; its directory is made if need be
 * @mode: of the file: who may connect
 * @on_connect: called when somebody does, with the socket to accept() from
 * @ret: the caller's; closes the socket when it is freed, and leaves the file
 *
 * Return: 0, or -errno.
 */
int unix_socket_listen(sd_event *event, const char *path, mode_t mode, sd_event_io_handler_t on_connect,
		       void *userdata, sd_event_source **ret);

#endif
