/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CXLMEM_HTTP_H
#define CXLMEM_HTTP_H

#include <systemd/sd-event.h>

/*
 * As much of HTTP as `curl --unix-socket`, Telegraf or a proxy in front of it needs to fetch one text: GET and
 * HEAD of one path over a unix socket, an answer, and the end of the connection. Nobody can keep the event loop:
 * nothing blocks, there are few connections, and each has one deadline for all of it.
 */
struct http;

#define HTTP_CONNECTIONS_MAX 16
#define HTTP_REQUEST_MAX     4096 /* bytes */
#define HTTP_DEADLINE_USEC   (20 * UINT64_C(1000000))

/**
 * http_ask_t - somebody wants the text
 * @id: for http_answer(), which may be called at once or later
 * @accept: the media types that the client takes, as it has them; "" = it did not say
 *
 * A client that has gone meanwhile is not told of; answering it does nothing.
 */
typedef void (*http_ask_t)(uint64_t id, const char *accept, void *userdata);

/**
 * http_new - listen
 * @socket_path: a file that is there already is replaced; everybody may connect
 * @path: of the text, "/metrics"; "/" leads there, too
 * @ret: the caller's, http_free()
 *
 * Return: 0, or -errno.
 */
int http_new(sd_event *event, const char *socket_path, const char *path, http_ask_t ask, void *userdata,
	     struct http **ret);

/**
 * http_free - stop listening, close all connections, remove the socket (NULL is fine)
 */
struct http *http_free(struct http *h);

/**
 * http_answer - send the text to who asked for it
 * @text: stays the caller's; NULL = there is none, 503
 */
void http_answer(struct http *h, uint64_t id, const char *type, const char *text);

#endif
