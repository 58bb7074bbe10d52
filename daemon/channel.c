// SPDX-License-Identifier: LGPL-2.1-or-later
#include "channel.h"

#include <errno.h>
#include <json-c/json_tokener.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "util.h"

#define MESSAGE_MAX (64u * 1024 * 1024)
#define FILL_SIZE (64u * 1024)

void channel_clear(struct channel *c)
{
	c->fd = closep_fd(c->fd);
	free(c->in);
	c->in = NULL;
	c->in_n = c->in_room = 0;
}

static int send_all(int fd, struct iovec *iov, size_t n)
{
	while (n > 0) {
		struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
		ssize_t sent = sendmsg(fd, &m, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			if (poll(&p, 1, -1) < 0 && errno != EINTR)
				return -errno;
			continue;
		}
		if (sent < 0)
			return -errno;
		while (n > 0 && (size_t)sent >= iov->iov_len) {
			sent -= (ssize_t)iov->iov_len;
			iov++;
			n--;
		}
		if (n > 0) {
			iov->iov_base = (char *)iov->iov_base + sent;
			iov->iov_len -= (size_t)sent;
		}
	}
	return 0;
}

int channel_send(struct channel *c, struct json_object *message)
{
	size_t length;
	const char *text = json_object_to_json_string_length(message, JSON_C_TO_STRING_PLAIN, &length);
	uint32_t header;
	struct iovec iov[2];

	if (!text)
		return -ENOMEM;
	if (length > MESSAGE_MAX)
		return -EMSGSIZE;
	header = (uint32_t)length;
	iov[0] = (struct iovec){ &header, sizeof(header) };
	iov[1] = (struct iovec){ (void *)text, length };
	return send_all(c->fd, iov, 2);
}

int channel_fill(struct channel *c)
{
	ssize_t n;

	if (c->in_room - c->in_n < FILL_SIZE) {
		char *p = realloc(c->in, c->in_n + 2 * FILL_SIZE);

		if (!p)
			return -ENOMEM;
		c->in = p;
		c->in_room = c->in_n + 2 * FILL_SIZE;
	}
	n = recv(c->fd, c->in + c->in_n, c->in_room - c->in_n, 0);
	if (n < 0)
		return -errno;
	c->in_n += (size_t)n;
	return (int)n;
}

int channel_take(struct channel *c, struct json_object **ret)
{
	struct json_tokener *tokener;
	struct json_object *message;
	uint32_t length;
	bool whole;

	if (c->in_n < sizeof(length))
		return 0;
	memcpy(&length, c->in, sizeof(length));
	if (length > MESSAGE_MAX)
		return -EBADMSG;
	if (c->in_n < sizeof(length) + length)
		return 0;
	tokener = json_tokener_new();
	if (!tokener)
		return -ENOMEM;
	message = json_tokener_parse_ex(tokener, c->in + sizeof(length), (int)length);
	whole = json_tokener_get_parse_end(tokener) == length;
	json_tokener_free(tokener);
	if (!message || !whole) {
		json_object_put(message);
		return -EBADMSG;
	}
	c->in_n -= sizeof(length) + length;
	memmove(c->in, c->in + sizeof(length) + length, c->in_n);
	*ret = message;
	return 1;
}
