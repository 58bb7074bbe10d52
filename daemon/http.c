// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unix-socket.h"
#include "util.h"

struct connection {
	struct http *http;
	uint64_t id;
	int fd; /* the io source's */
	sd_event_source *io, *deadline;
	char request[HTTP_REQUEST_MAX + 1];
	size_t n_request;
	bool asked; /* its request was read, and it waits for the answer */
	bool head;  /* it wants no body */
	char *answer;
	size_t n_answer, sent;
};

struct http {
	sd_event *event;
	sd_event_source *io;
	char *socket_path, *path;
	http_ask_t ask;
	void *userdata;
	struct connection *connections[HTTP_CONNECTIONS_MAX]; /* NULL = a free place */
	uint64_t last_id;
};

static void hang_up(struct connection *c)
{
	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
		if (c->http->connections[i] == c)
			c->http->connections[i] = NULL;
	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->deadline);
	free(c->answer);
	free(c);
}

/* The answer may end the connection: nothing is to be done with it afterwards. */
static void send_more(struct connection *c)
{
	while (c->sent < c->n_answer) {
		ssize_t n = send(c->fd, c->answer + c->sent, c->n_answer - c->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && sd_event_source_set_io_events(c->io, EPOLLOUT) >= 0)
			return;
		if (n < 0)
			break;
		c->sent += (size_t)n;
	}
	hang_up(c);
}

static void answer(struct connection *c, const char *status, const char *type, const char *text)
{
	int n = asprintf(&c->answer,
			 "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
			 status, type, strlen(text), c->head ? "" : text);

	if (n < 0) {
		c->answer = NULL;
		hang_up(c);
		return;
	}
	c->n_answer = (size_t)n;
	send_more(c);
}

static void refuse(struct connection *c, const char *status, const char *sentence)
{
	c->asked = true;
	answer(c, status, "text/plain; charset=utf-8", sentence);
}

/* The value of a header field; "" when it is not there. @lines: behind the request line, cut up. */
static const char *field(char *lines, const char *name)
{
	char *at;

	for (char *line = strtok_r(lines, "\r\n", &at); line; line = strtok_r(NULL, "\r\n", &at)) {
		char *colon = strchr(line, ':');

		if (colon && (size_t)(colon - line) == strlen(name) && !strncasecmp(line, name, strlen(name)))
			return colon + 1 + strspn(colon + 1, " \t");
	}
	return "";
}

static bool is_path(const struct http *h, char *target)
{
	target[strcspn(target, "?")] = 0;
	return !strcmp(target, h->path) || !strcmp(target, "/");
}

/* All of the header is there. */
static void serve(struct connection *c)
{
	char *line = c->request, *rest = strchr(line, '\n'), *method, *target, *version, *at;

	*rest++ = 0;
	method = strtok_r(line, " \r", &at);
	target = strtok_r(NULL, " \r", &at);
	version = strtok_r(NULL, " \r", &at);
	if (!method || !target || !version || strncmp(version, "HTTP/1.", 7) != 0) {
		refuse(c, "400 Bad Request", "This is no request of HTTP/1.\n");
		return;
	}
	c->head = !strcmp(method, "HEAD");
	if (!c->head && strcmp(method, "GET") != 0) {
		refuse(c, "405 Method Not Allowed", "Only GET and HEAD: there is something to read here.\n");
	} else if (!is_path(c->http, target)) {
		refuse(c, "404 Not Found", "There is only /metrics.\n");
	} else {
		c->asked = true;
		/* Until there is an answer, only the end of the connection is of interest. */
		(void)sd_event_source_set_io_events(c->io, 0);
		c->http->ask(c->id, field(rest, "Accept"), c->http->userdata);
	}
}

static bool is_whole(const char *request)
{
	return strstr(request, "\r\n\r\n") || strstr(request, "\n\n");
}

static void receive(struct connection *c)
{
	ssize_t n = recv(c->fd, c->request + c->n_request, HTTP_REQUEST_MAX - c->n_request, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		hang_up(c);
		return;
	}
	c->n_request += (size_t)n;
	c->request[c->n_request] = 0;
	if (memchr(c->request, 0, c->n_request))
		refuse(c, "400 Bad Request", "There is a zero byte in the request.\n");
	else if (is_whole(c->request))
		serve(c);
	else if (c->n_request == HTTP_REQUEST_MAX)
		refuse(c, "431 Request Header Fields Too Large", "The request is too long.\n");
}

static int on_connection(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct connection *c = userdata;

	(void)s, (void)fd;
	if (c->answer)
		send_more(c);
	else if (c->asked || !(revents & EPOLLIN))
		hang_up(c);
	else
		receive(c);
	return 0;
}

static int on_deadline(sd_event_source *s, uint64_t when, void *userdata)
{
	(void)s, (void)when;
	hang_up(userdata);
	return 0;
}

/* Takes @fd. */
static int add_connection(struct http *h, struct connection **place, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	int r = c ? sd_event_add_io(h->event, &c->io, fd, EPOLLIN, on_connection, c) : -ENOMEM;

	if (r >= 0)
		r = sd_event_source_set_io_fd_own(c->io, true);
	if (r < 0)
		close(fd);
	if (r >= 0)
		r = sd_event_add_time_relative(h->event, &c->deadline, CLOCK_MONOTONIC, HTTP_DEADLINE_USEC, 0,
					       on_deadline, c);
	if (r < 0) {
		if (c)
			sd_event_source_disable_unref(c->io);
		free(c);
		return r;
	}
	c->http = h;
	c->fd = fd;
	c->id = ++h->last_id;
	*place = c;
	return 0;
}

static int on_connect(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	struct http *h = userdata;
	int connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)s, (void)revents;
	if (connection < 0)
		return 0;
	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
		if (!h->connections[i]) {
			(void)add_connection(h, &h->connections[i], connection);
			return 0;
		}
	/* Whoever comes now finds a closed door, and tries again. */
	close(connection);
	return 0;
}

int http_new(sd_event *event, const char *socket_path, const char *path, http_ask_t ask, void *userdata,
	     struct http **ret)
{
	struct http *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->event = sd_event_ref(event);
	h->ask = ask;
	h->userdata = userdata;
	h->path = strdup(path);
	r = h->path ? unix_socket_listen(event, socket_path, 0666, on_connect, h, &h->io) : -ENOMEM;
	if (r >= 0) {
		h->socket_path = strdup(socket_path);
		r = h->socket_path ? 0 : -ENOMEM;
	}
	if (r < 0) {
		http_free(h);
		return r;
	}
	*ret = h;
	return 0;
}

struct http *http_free(struct http *h)
{
	if (!h)
		return NULL;
	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
		if (h->connections[i])
			hang_up(h->connections[i]);
	sd_event_source_disable_unref(h->io);
	if (h->socket_path)
		(void)unlink(h->socket_path);
	free(h->socket_path);
	free(h->path);
	sd_event_unref(h->event);
	free(h);
	return NULL;
}

void http_answer(struct http *h, uint64_t id, const char *type, const char *text)
{
	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
		struct connection *c = h->connections[i];

		if (!c || c->id != id || c->answer)
			continue;
		if (text)
			answer(c, "200 OK", type, text);
		else
			answer(c, "503 Service Unavailable", "text/plain; charset=utf-8",
			       "cxlmemd is out of memory, or stopping.\n");
		return;
	}
}
