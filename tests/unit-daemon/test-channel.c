// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "channel.h"
#include "json-util.h"
#include "under-valgrind.h"

struct pair {
	struct channel a, b;
};

static void open_pair(struct pair *p)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	*p = (struct pair){ { .fd = fds[0] }, { .fd = fds[1] } };
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
}

static void close_pair(struct pair *p)
{
	channel_clear(&p->a);
	channel_clear(&p->b);
	assert_int_equal(p->a.fd, -1);
	assert_null(p->b.in);
}

static struct json_object *message(int n)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "n", json_object_new_int(n));
	return o;
}

static void send_number(struct channel *c, int n)
{
	_cleanup_json_ struct json_object *o = message(n);

	assert_int_equal(channel_send(c, o), 0);
}

static void expect_number(struct channel *c, int n)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct json_object *v;

	assert_int_equal(channel_take(c, &o), 1);
	assert_true(json_object_object_get_ex(o, "n", &v));
	assert_int_equal(json_object_get_int(v), n);
}

static void expect_none(struct channel *c)
{
	struct json_object *untouched = (void *)c, *o = untouched;

	assert_int_equal(channel_take(c, &o), 0);
	assert_ptr_equal(o, untouched);
}

static void test_in_order(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p);
	assert_int_equal(channel_fill(&p.b), -EAGAIN);
	expect_none(&p.b);
	for (int i = 0; i < 100; i++)
		send_number(&p.a, i);
	assert_true(channel_fill(&p.b) > 0);
	for (int i = 0; i < 100; i++)
		expect_number(&p.b, i);
	expect_none(&p.b);
	/* and the other way, on the same socket */
	send_number(&p.b, -5);
	assert_true(channel_fill(&p.a) > 0);
	expect_number(&p.a, -5);
	close_pair(&p);
}

/* Two messages and a bit, cut at each place there is. */
static void test_split(void **state)
{
	char wire[256];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		_cleanup_json_ struct json_object *o = message(i);
		size_t length;
		const char *text = json_object_to_json_string_length(o, JSON_C_TO_STRING_PLAIN,
								     &length);
		uint32_t header = (uint32_t)length;

		memcpy(wire + n, &header, sizeof(header));
		memcpy(wire + n + sizeof(header), text, length);
		n += sizeof(header) + length;
	}
	for (size_t cut = 1; cut < n; cut++) {
		int taken = 0;
		struct pair p;

		open_pair(&p);
		for (size_t from = 0, to = cut; from < n; from = to, to = n) {
			struct json_object *o;

			assert_int_equal(send(p.a.fd, wire + from, to - from, 0), to - from);
			assert_int_equal(channel_fill(&p.b), to - from);
			while (channel_take(&p.b, &o) == 1) {
				struct json_object *v;

				assert_true(json_object_object_get_ex(o, "n", &v));
				assert_int_equal(json_object_get_int(v), taken++);
				json_object_put(o);
			}
			assert_int_equal(taken, to < n / 2 ? 0 : to < n ? 1 : 2);
		}
		expect_none(&p.b);
		close_pair(&p);
	}
}

struct sender {
	struct channel *channel;
	struct json_object *message;
	int result;
};

static void *send_it(void *userdata)
{
	struct sender *s = userdata;

	s->result = channel_send(s->channel, s->message);
	return NULL;
}

/* Far more than a socket holds: the sender waits, also with an end that does not block. */
static void test_large(void **state)
{
	size_t size = 3 * MIB;
	struct json_object *got = NULL;
	struct sender s = { .result = 1 };
	char *text = malloc(size + 1);
	pthread_t thread;
	struct pair p;
	int r;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = '\0';
	open_pair(&p);
	assert_int_equal(fcntl(p.a.fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(fcntl(p.b.fd, F_SETFL, 0), 0);
	s.channel = &p.a;
	s.message = json_object_new_string_len(text, (int)size);
	assert_int_equal(pthread_create(&thread, NULL, send_it, &s), 0);
	while ((r = channel_take(&p.b, &got)) == 0)
		assert_true(channel_fill(&p.b) > 0);
	assert_int_equal(r, 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(s.result, 0);
	assert_int_equal(json_object_get_string_len(got), size);
	assert_string_equal(json_object_get_string(got), text);
	json_object_put(s.message);
	json_object_put(got);
	free(text);
	close_pair(&p);
}

static void put(struct channel *c, uint32_t length, const char *text)
{
	assert_int_equal(send(c->fd, &length, sizeof(length), 0), sizeof(length));
	assert_int_equal(send(c->fd, text, strlen(text), 0), strlen(text));
}

static void test_garbage(void **state)
{
	static const char *const bad[] = { "{\"n\":", "}", "x", "{\"n\":1", "\"open", "[1,", "nul" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct json_object *untouched = (void *)&i, *o = untouched;
		struct pair p;

		open_pair(&p);
		put(&p.a, (uint32_t)strlen(bad[i]), bad[i]);
		assert_true(channel_fill(&p.b) > 0);
		assert_int_equal(channel_take(&p.b, &o), -EBADMSG);
		assert_ptr_equal(o, untouched);
		/* and it stays so: after garbage nothing can be found again */
		assert_int_equal(channel_take(&p.b, &o), -EBADMSG);
		close_pair(&p);
	}
}

/* More after the value than the value itself: a length and a text that do not agree. */
static void test_trailing(void **state)
{
	struct json_object *o;
	struct pair p;

	(void)state;
	open_pair(&p);
	put(&p.a, 9, "{\"n\":1}{}");
	assert_true(channel_fill(&p.b) > 0);
	assert_int_equal(channel_take(&p.b, &o), -EBADMSG);
	close_pair(&p);
}

static void test_oversized(void **state)
{
	static const uint32_t lengths[] = { 64 * 1024 * 1024 + 1, UINT32_MAX };
	struct json_object *o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct pair p;

		open_pair(&p);
		/* refused by its length, before any of it is waited for */
		put(&p.a, lengths[i], "");
		assert_true(channel_fill(&p.b) > 0);
		assert_int_equal(channel_take(&p.b, &o), -EBADMSG);
		close_pair(&p);
	}
}

static void test_too_much_to_send(void **state)
{
	size_t size = 64 * MIB + 1;
	struct json_object *o;
	struct pair p;
	char *text;

	(void)state;
	/* json-c goes through the text byte by byte */
	if (under_valgrind())
		skip();
	text = malloc(size);
	assert_non_null(text);
	memset(text, 'x', size);
	o = json_object_new_string_len(text, (int)size);
	free(text);
	assert_non_null(o);
	open_pair(&p);
	assert_int_equal(channel_send(&p.a, o), -EMSGSIZE);
	json_object_put(o);
	/* nothing of it went out, the channel is good for the next */
	send_number(&p.a, 7);
	assert_true(channel_fill(&p.b) > 0);
	expect_number(&p.b, 7);
	close_pair(&p);
}

static void test_empty(void **state)
{
	struct json_object *o;
	struct pair p;

	(void)state;
	open_pair(&p);
	put(&p.a, 0, "");
	assert_true(channel_fill(&p.b) > 0);
	assert_int_equal(channel_take(&p.b, &o), -EBADMSG);
	close_pair(&p);
}

static void test_closed(void **state)
{
	_cleanup_json_ struct json_object *o = message(1);
	struct pair p;

	(void)state;
	open_pair(&p);
	send_number(&p.a, 3);
	channel_clear(&p.a);
	/* what was sent before is still there */
	assert_true(channel_fill(&p.b) > 0);
	expect_number(&p.b, 3);
	assert_int_equal(channel_fill(&p.b), 0);
	assert_int_equal(channel_fill(&p.b), 0);
	/* no SIGPIPE */
	assert_int_equal(channel_send(&p.b, o), -EPIPE);
	close_pair(&p);
}

static void test_clear_twice(void **state)
{
	unsigned int fds = count_fds();
	struct pair p;

	(void)state;
	open_pair(&p);
	send_number(&p.a, 3);
	assert_true(channel_fill(&p.b) > 0);
	close_pair(&p);
	close_pair(&p);
	assert_int_equal(count_fds(), fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),    cmocka_unit_test(test_split),
		cmocka_unit_test(test_large),	    cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_trailing),    cmocka_unit_test(test_oversized),
		cmocka_unit_test(test_too_much_to_send), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_closed),	    cmocka_unit_test(test_clear_twice),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
