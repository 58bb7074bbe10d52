// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http.h"
#include "util.h"

struct fixture {
	char dir[32], path[64];
	sd_event *event;
	struct http *http;
	unsigned int fds;
	unsigned int asked;
	uint64_t id;
	char *accept;
	const char *text; /* the answer at once; NULL = the test answers */
};

static void on_ask(uint64_t id, const char *accept, void *userdata)
{
	struct fixture *f = userdata;

	f->asked++;
	f->id = id;
	free(f->accept);
	f->accept = strdup(accept);
	if (f->text)
		http_answer(f->http, id, "text/x", f->text);
}

static void setup(struct fixture *f, const char *text)
{
	*f = (struct fixture){ .dir = "/tmp/http-XXXXXX", .fds = count_fds(), .text = text };
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/run/socket", f->dir);
	assert_int_equal(sd_event_new(&f->event), 0);
	assert_int_equal(http_new(f->event, f->path, "/metrics", on_ask, f, &f->http), 0);
}

static void teardown(struct fixture *f)
{
	f->http = http_free(f->http);
	assert_int_equal(access(f->path, F_OK), -1);
	*strrchr(f->path, '/') = 0;
	assert_int_equal(rmdir(f->path), 0);
	assert_int_equal(rmdir(f->dir), 0);
	sd_event_unref(f->event);
	free(f->accept);
	assert_int_equal(count_fds(), f->fds);
}

/* Let the server do what there is to do. */
static void settle(struct fixture *f)
{
	while (sd_event_run(f->event, 0) > 0)
		;
}

static int connect_to(struct fixture *f)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(a.sun_path, f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	settle(f);
	return fd;
}

static void say_to(struct fixture *f, int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	settle(f);
}

/* All that comes; fails unless the server ends the connection behind it. */
static char *hear(struct fixture *f, int fd)
{
	char *text = calloc(1, 8 * MIB);
	size_t n = 0;
	ssize_t got;

	assert_non_null(text);
	while ((got = recv(fd, text + n, 8 * MIB - 1 - n, 0)) != 0) {
		if (got < 0) {
			assert_int_equal(errno, EAGAIN);
			assert_true(sd_event_run(f->event, 1000000) > 0);
			continue;
		}
		n += (size_t)got;
	}
	close(fd);
	return text;
}

static void expect_status(struct fixture *f, const char *request, const char *status)
{
	int fd = connect_to(f);
	_cleanup_free_ char *text = NULL;

	say_to(f, fd, request);
	text = hear(f, fd);
	if (strncmp(text, status, strlen(status)) != 0)
		fail_msg("\"%s\" was answered with \"%s\"", request, text);
}

static void test_get(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	struct fixture f;
	int fd;

	(void)state;
	setup(&f, "a 1\n");
	assert_int_equal(stat(f.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	fd = connect_to(&f);
	/* In pieces, and one side of the connection closed behind it, as `nc -N` does. */
	say_to(&f, fd, "GET /metrics?x=1 HT");
	assert_int_equal(f.asked, 0);
	say_to(&f, fd, "TP/1.1\r\nHost: x\r\naccept:  text/plain;q=1\r\n\r");
	say_to(&f, fd, "\n");
	shutdown(fd, SHUT_WR);
	text = hear(&f, fd);
	assert_string_equal(text, "HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nContent-Length: 4\r\n"
				  "Connection: close\r\n\r\na 1\n");
	assert_string_equal(f.accept, "text/plain;q=1");
	expect_status(&f, "GET / HTTP/1.0\n\n", "HTTP/1.1 200 OK");
	assert_string_equal(f.accept, "");
	teardown(&f);
}

static void test_head(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct fixture f;
	int fd;

	(void)state;
	setup(&f, "a 1\n");
	fd = connect_to(&f);
	say_to(&f, fd, "HEAD /metrics HTTP/1.1\r\n\r\n");
	text = hear(&f, fd);
	assert_non_null(strstr(text, "Content-Length: 4\r\n"));
	assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
	teardown(&f);
}

static void test_refused(void **state)
{
	char long_one[HTTP_REQUEST_MAX + 1];
	struct fixture f;
	int fd;

	(void)state;
	setup(&f, "a 1\n");
	expect_status(&f, "POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405");
	expect_status(&f, "GET /secrets HTTP/1.1\r\n\r\n", "HTTP/1.1 404");
	expect_status(&f, "GET /metrics\r\n\r\n", "HTTP/1.1 400");
	expect_status(&f, "\r\n\r\n", "HTTP/1.1 400");
	expect_status(&f, "GET /metrics HTTP/2.0\r\n\r\n", "HTTP/1.1 400");
	memset(long_one, 'x', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = 0;
	expect_status(&f, long_one, "HTTP/1.1 431");
	fd = connect_to(&f);
	assert_int_equal(send(fd, "GET \0/ HTTP/1.1\r\n\r\n", 19, 0), 19);
	settle(&f);
	free(hear(&f, fd));
	assert_int_equal(f.asked, 0);
	teardown(&f);
}

/* A text that fits into no buffer, and somebody who takes it slowly: others are answered meanwhile. */
static void test_slow(void **state)
{
	_cleanup_free_ char *text = NULL, *big = malloc(4 * MIB + 1);
	struct fixture f;
	char c;
	int fd;

	(void)state;
	assert_non_null(big);
	memset(big, 'x', 4 * MIB);
	big[4 * MIB] = 0;
	setup(&f, big);
	fd = connect_to(&f);
	say_to(&f, fd, "GET / HTTP/1.1\r\n\r\n");
	assert_int_equal(recv(fd, &c, 1, 0), 1);
	settle(&f);
	expect_status(&f, "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200");
	text = hear(&f, fd);
	assert_int_equal(strlen(strstr(text, "\r\n\r\n")), 4 + 4 * MIB);
	/* One that takes nothing more goes, and so does what it was to get. */
	fd = connect_to(&f);
	say_to(&f, fd, "GET / HTTP/1.1\r\n\r\n");
	close(fd);
	settle(&f);
	teardown(&f);
}

/* The answer comes later; who has gone by then is not missed. */
static void test_later(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct fixture f;
	uint64_t first;
	int fd, gone;

	(void)state;
	setup(&f, NULL);
	gone = connect_to(&f);
	say_to(&f, gone, "GET / HTTP/1.1\r\n\r\n");
	first = f.id;
	close(gone);
	settle(&f);
	fd = connect_to(&f);
	say_to(&f, fd, "GET / HTTP/1.1\r\n\r\n");
	assert_int_equal(f.asked, 2);
	http_answer(f.http, first, "text/x", "for nobody");
	http_answer(f.http, f.id, NULL, NULL);
	http_answer(f.http, f.id, "text/x", "too late");
	text = hear(&f, fd);
	assert_int_equal(strncmp(text, "HTTP/1.1 503", 12), 0);
	teardown(&f);
}

/* So many, and no more; a place that gets free is taken again. */
static void test_many(void **state)
{
	int fds[HTTP_CONNECTIONS_MAX], extra;
	struct fixture f;
	char c;

	(void)state;
	setup(&f, "a 1\n");
	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
		fds[i] = connect_to(&f);
	extra = connect_to(&f);
	assert_int_equal(recv(extra, &c, 1, 0), 0);
	close(extra);
	close(fds[3]);
	settle(&f);
	expect_status(&f, "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200");
	/* Who is still connected when the daemon ends finds the end of the connection. */
	f.http = http_free(f.http);
	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
		if (i != 3) {
			assert_int_equal(recv(fds[i], &c, 1, 0), 0);
			close(fds[i]);
		}
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),  cmocka_unit_test(test_head),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_slow), cmocka_unit_test(test_later), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
