// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "crc32c.h"
#include "harness.h"
#include "journal.h"
#include "json-util.h"

/* A directory with a journal in it. */
struct shelf {
	char dir[64], path[80];
	struct journal *journal;
	unsigned int fds;
};

static void open_it(struct shelf *s)
{
	assert_int_equal(journal_open(s->dir, &s->journal, NULL), 0);
	assert_int_equal(journal_lock(s->journal), 0);
}

static void setup(struct shelf *s)
{
	*s = (struct shelf){ .fds = count_fds() };
	strcpy(s->dir, "/tmp/cxlmem-journal-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/" JOURNAL_FILE, s->dir);
	open_it(s);
}

static void teardown(struct shelf *s)
{
	s->journal = journal_free(s->journal);
	assert_int_equal(unlink(s->path), 0);
	assert_int_equal(rmdir(s->dir), 0);
	assert_int_equal(count_fds(), s->fds);
}

static void put(struct shelf *s, int n, size_t padding)
{
	_cleanup_json_ struct json_object *json = json_object_new_object();
	_cleanup_free_ char *pad = calloc(1, padding + 1);

	memset(pad, 'x', padding);
	assert_int_equal(json_take(json, "n", json_object_new_int(n)), 0);
	assert_int_equal(json_set_string(json, "pad", pad), 0);
	assert_int_equal(journal_write(s->journal, &json, 1, n % 2), 0);
}

/* "1 2 3", and how many were damaged */
static char *numbers(struct shelf *s, size_t *ret_damaged)
{
	_cleanup_json_ struct json_object *all = NULL;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(journal_read(s->journal, &all, ret_damaged, NULL), 0);
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *v;

		assert_true(json_object_object_get_ex(json_object_array_get_idx(all, i), "n", &v));
		fprintf(f, "%s%d", i ? " " : "", json_object_get_int(v));
	}
	fclose(f);
	return text;
}

static void expect(struct shelf *s, const char *words, size_t damaged)
{
	size_t n = 0;
	_cleanup_free_ char *text = numbers(s, &n);

	assert_string_equal(text, words);
	assert_int_equal(n, damaged);
}

static void reopen(struct shelf *s)
{
	s->journal = journal_free(s->journal);
	open_it(s);
}

static void test_checksum(void **state)
{
	(void)state;
	/* RFC 3720, B.4, and the value that tables of checksums give for these digits */
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
	assert_int_equal(crc32c(0, (uint8_t[32]){ 0 }, 32), 0x8a9136aa);
}

static void test_round_trip(void **state)
{
	struct shelf s;
	struct stat st;

	(void)state;
	setup(&s);
	expect(&s, "", 0);
	put(&s, 1, 0);
	put(&s, 2, 5000);
	expect(&s, "1 2", 0);
	reopen(&s);
	expect(&s, "1 2", 0);
	/* one that was read goes on behind the last */
	put(&s, 3, 0);
	expect(&s, "1 2 3", 0);
	/* nothing grew: all was there from the beginning */
	assert_int_equal(stat(s.path, &st), 0);
	assert_int_equal(st.st_size, MIB);
	assert_int_equal(st.st_mode & 0777, 0600);
	teardown(&s);
}

static void poke(struct shelf *s, off_t at, const char *bytes, size_t n)
{
	_cleanup_close_ int fd = open(s->path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), (ssize_t)n);
}

static char *slurp(struct shelf *s)
{
	_cleanup_close_ int fd = open(s->path, O_RDONLY | O_CLOEXEC);
	char *text = calloc(1, MIB + 1);

	assert_int_equal(read(fd, text, MIB), (ssize_t)MIB);
	return text;
}

/* Each byte of three records is changed, and each is cut off at each byte: the others are whole. */
static void test_damage(void **state)
{
	_cleanup_free_ char *text = NULL;
	size_t ends[4] = { 0 }, n = 1, total, bad = 0;
	struct shelf s;

	(void)state;
	setup(&s);
	for (int i = 1; i <= 3; i++)
		put(&s, i, 0);
	text = slurp(&s);
	total = strlen(text);
	for (char *p = text; n <= 3 && (p = strstr(p, "}\n")); p += 2)
		ends[n++] = (size_t)(p + 2 - text);
	assert_int_equal(ends[3], total);
	for (size_t i = 0; i < total; i++) {
		size_t damaged = 0, which = 0;
		_cleanup_free_ char *words = NULL;
		static const char *const left[] = { "2 3", "1 3", "1 2" };
		char other = (char)(text[i] ^ 1);

		while (i >= ends[which + 1])
			which++;
		poke(&s, (off_t)i, &other, 1);
		words = numbers(&s, &damaged);
		/* the line's own end belongs to nobody */
		if (strcmp(words, left[which]) != 0 && (text[i] != '\n' || strcmp(words, "1 2 3") != 0))
			fail_msg("byte %zu changed: %s", i, words);
		bad += damaged;
		poke(&s, (off_t)i, &text[i], 1);
	}
	assert_true(bad > 0);
	for (size_t i = ends[2]; i < total; i++) {
		_cleanup_free_ char *words = NULL;
		_cleanup_free_ char *zeros = calloc(1, total - i);
		size_t damaged = 0;

		/* The last was not written to its end, and a new daemon writes the next. */
		poke(&s, (off_t)i, zeros, total - i);
		words = numbers(&s, &damaged);
		assert_string_equal(words, i == total - 1 ? "1 2 3" : "1 2");
		put(&s, 4, 0);
		free(words);
		words = numbers(&s, &damaged);
		assert_string_equal(words, i == total - 1 ? "1 2 3 4" : "1 2 4");
		poke(&s, 0, text, MIB);
	}
	teardown(&s);
}

/* Once round and over the old ones, which do not come back and are not taken for damaged. */
static void test_wraps(void **state)
{
	struct shelf s;
	struct stat st;

	(void)state;
	setup(&s);
	for (int i = 1; i <= 60; i++) {
		size_t damaged = 0;
		_cleanup_free_ char *words = NULL, *end = NULL;

		/* of lengths that do not divide each other */
		journal_rewind(s.journal);
		put(&s, 3 * i, 30011);
		put(&s, 3 * i + 1, 307);
		put(&s, 3 * i + 2, 0);
		if (i % 7 == 0)
			reopen(&s);
		words = numbers(&s, &damaged);
		assert_int_equal(damaged, 0);
		assert_true(asprintf(&end, "%d %d %d", 3 * i, 3 * i + 1, 3 * i + 2) > 0);
		assert_true(strlen(words) >= strlen(end));
		assert_string_equal(words + strlen(words) - strlen(end), end);
	}
	assert_int_equal(stat(s.path, &st), 0);
	assert_int_equal(st.st_size, MIB);
	/* what does not fit is written all the same, and forgotten about later */
	put(&s, 1, 2 * MIB);
	journal_rewind(s.journal);
	assert_int_equal(stat(s.path, &st), 0);
	assert_int_equal(st.st_size, MIB);
	teardown(&s);
}

static void test_lock(void **state)
{
	struct journal *other;
	struct shelf s;
	int pipes[2];
	pid_t pid;
	char c;

	(void)state;
	setup(&s);
	assert_int_equal(journal_open(s.dir, &other, NULL), 0);
	assert_int_equal(journal_lock(other), -EAGAIN);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		close(pipes[1]);
		/* a worker outlives its daemon */
		if (journal_child(s.journal, 100) < 0)
			_exit(1);
		close_range(101, ~0U, 0);
		_exit(read(pipes[0], &c, 1) == 0 ? 0 : 1);
	}
	s.journal = journal_free(s.journal);
	assert_int_equal(journal_lock(other), -EAGAIN);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(journal_lock(other), 0);
	s.journal = other;
	teardown(&s);
}

static void test_cannot(void **state)
{
	_cleanup_free_ char *reason = NULL;
	struct journal *j = NULL;
	char dir[] = "/tmp/cxlmem-journal-XXXXXX", path[80];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/" JOURNAL_FILE, dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(journal_open(dir, &j, &reason) < 0);
	assert_null(j);
	assert_non_null(strstr(reason, path));
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_true(journal_open(dir, &j, &reason) < 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(journal_open(dir, &j, &reason), -EBADMSG);
	assert_non_null(strstr(reason, "move it away"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void test_refusal(void **state)
{
	_cleanup_free_ char *reason = NULL;
	struct shelf s;

	(void)state;
	setup(&s);
	assert_int_equal(journal_refuse(s.journal, -ENOSPC, &reason), -ENOSPC);
	assert_non_null(strstr(reason, strerror(ENOSPC)));
	assert_non_null(strstr(reason, s.dir));
	teardown(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksum), cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damage),	 cmocka_unit_test(test_wraps),
		cmocka_unit_test(test_lock),	 cmocka_unit_test(test_cannot),
		cmocka_unit_test(test_refusal),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
