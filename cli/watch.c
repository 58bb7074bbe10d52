/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "actions.h"
#include "bus.h"
#include "status.h"

/* Faster nobody reads; a running operation has a little more done after each. */
#define REDRAW_MSEC 250
#define RUNNING_MSEC 1000

#define ENTER_SCREEN "\033[?1049h\033[?25l"
#define LEAVE_SCREEN "\033[?25h\033[?1049l"

struct watching {
	struct cli *cli;
	sd_bus_slot *picture_slot, *operation_slots[3], *daemon_slot;
	int signals;
	sigset_t signals_before;
	struct termios terminal_before;
	bool keys;    /* standard input is a terminal, and its keys come one by one */
	bool dirty;   /* something has changed since it was drawn */
	bool running; /* some operation was under way then */
};

static void watching_clear(struct watching *w)
{
	sd_bus_slot_unref(w->picture_slot);
	for (size_t i = 0; i < ARRAY_SIZE(w->operation_slots); i++)
		sd_bus_slot_unref(w->operation_slots[i]);
	sd_bus_slot_unref(w->daemon_slot);
	if (w->signals < 0)
		return;
	closep_fd(w->signals);
	(void)sigprocmask(SIG_SETMASK, &w->signals_before, NULL);
}

static int on_change(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
	struct watching *w = userdata;

	(void)message;
	(void)ret_error;
	w->dirty = true;
	return 0;
}

static int watch_daemon(struct watching *w, char **ret_reason)
{
	sd_bus *bus = w->cli->bus;
	int r;

	if ((r = bus_watch(bus, &w->picture_slot, BUS_PATH, BUS_MANAGER, "PictureChanged", on_change,
			   w, ret_reason)) < 0 ||
	    (r = bus_watch(bus, &w->operation_slots[0], BUS_PATH, BUS_MANAGER, "OperationAdded",
			   on_change, w, ret_reason)) < 0 ||
	    (r = bus_watch(bus, &w->operation_slots[1], BUS_PATH, BUS_MANAGER, "OperationFinished",
			   on_change, w, ret_reason)) < 0 ||
	    (r = bus_watch(bus, &w->operation_slots[2], NULL, "org.freedesktop.DBus.Properties",
			   "PropertiesChanged", on_change, w, ret_reason)) < 0)
		return r;
	return bus_watch_daemon(bus, &w->daemon_slot, on_change, w, ret_reason);
}

static int take_signals(struct watching *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);
	if (sigprocmask(SIG_BLOCK, &set, &w->signals_before) < 0)
		return -errno;
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->signals < 0) {
		int r = -errno;

		(void)sigprocmask(SIG_SETMASK, &w->signals_before, NULL);
		return r;
	}
	return 0;
}

static void take_keys(struct watching *w)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &w->terminal_before) < 0)
		return;
	raw = w->terminal_before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	w->keys = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void give_keys_back(struct watching *w)
{
	if (w->keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &w->terminal_before);
}

static unsigned int screen_lines(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

/* Over what stands there, so that nothing flickers; what does not fit is cut off. */
static void put_on_screen(struct cli *cli, const char *text)
{
	unsigned int room = screen_lines();

	fputs("\033[H\033[?7l", cli->out);
	for (unsigned int n = 0; *text && n < room; n++) {
		size_t length = strcspn(text, "\n");

		fprintf(cli->out, "%s%.*s\033[K", n ? "\r\n" : "", (int)length, text);
		text += length + (text[length] == '\n');
	}
	fputs("\033[J\033[?7h", cli->out);
}

static int draw(struct watching *w)
{
	_cleanup_free_ char *reason = NULL, *text = NULL;
	char when[16] = "";
	time_t now = time(NULL);
	struct tm tm;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int r;

	if (!f)
		return -ENOMEM;
	if (localtime_r(&now, &tm))
		strftime(when, sizeof(when), "%T", &tm);
	fprintf(f, "%s  q or Ctrl-C ends\n\n", when);
	w->dirty = w->running = false;
	r = status_write(w->cli, f, &w->cli->out_style, &w->running, &reason);
	if (r < 0)
		/* It comes back, and its name with it. */
		fprintf(f, "%s\n", reason ?: "out of memory");
	if (fclose(f) != 0)
		return -ENOMEM;
	put_on_screen(w->cli, text);
	return fflush(w->cli->out) == 0 ? 0 : -EIO;
}

/* 1: it is to end. */
static int take_signal(struct watching *w)
{
	struct signalfd_siginfo info;

	while (read(w->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGWINCH)
			return 1;
		term_style(STDOUT_FILENO, &w->cli->out_style);
		w->dirty = true;
	}
	return 0;
}

static int take_key(struct watching *w)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n <= 0)
		w->keys = false;
	return n == 1 && (key == 'q' || key == 'Q');
}

static int64_t now_msec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* Until somebody wants it to end (1), or one of the times is over or something has come (0). */
static int wait_for_news(struct watching *w, int64_t drawn)
{
	struct pollfd fds[] = {
		{ .fd = sd_bus_get_fd(w->cli->bus), .events = sd_bus_get_events(w->cli->bus) },
		{ .fd = w->signals, .events = POLLIN },
		{ .fd = w->keys ? STDIN_FILENO : -1, .events = POLLIN },
	};
	int64_t left = -1;

	if (w->dirty || w->running) {
		left = drawn + (w->dirty ? REDRAW_MSEC : RUNNING_MSEC) - now_msec();
		if (left <= 0)
			return 0;
	}
	if (poll(fds, ARRAY_SIZE(fds), left) < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[1].revents && take_signal(w))
		return 1;
	return fds[2].revents ? take_key(w) : 0;
}

static int follow(struct watching *w, char **ret_reason)
{
	int64_t drawn = 0;
	int r;

	w->dirty = true;
	for (;;) {
		int64_t age = now_msec() - drawn;

		if ((w->dirty && age >= REDRAW_MSEC) || (w->running && age >= RUNNING_MSEC)) {
			r = draw(w);
			if (r < 0)
				return say(ret_reason, r, "the screen can no longer be drawn");
			drawn = now_msec();
		}
		do
			r = sd_bus_process(w->cli->bus, NULL);
		while (r > 0);
		if (r < 0)
			return bus_explain(NULL, r, "watch", ret_reason);
		r = wait_for_news(w, drawn);
		if (r != 0)
			return r < 0 ? bus_explain(NULL, r, "watch", ret_reason) : 0;
	}
}

int watch_status(struct cli *cli, const struct command *command)
{
	_cleanup_(watching_clear) struct watching w = { .cli = cli, .signals = -1 };
	_cleanup_free_ char *reason = NULL;
	int r;

	if (!cli->out_style.terminal || command_is_json(command) ||
	    command_has(command, OPTION_QUIET)) {
		complain(cli, "watch draws on a terminal, and there is none it may draw on: `cxlmemctl "
			      "monitor` prints a line for each change, with --json one that programs read");
		return STATUS_FAILED;
	}
	if ((r = bus_connect(cli, &reason)) < 0 || (r = watch_daemon(&w, &reason)) < 0 ||
	    (r = bus_ping(cli->bus, &reason)) < 0)
		return cli_fail(cli, r, reason);
	r = take_signals(&w);
	if (r < 0)
		return cli_fail(cli, r, "signals cannot be waited for: too many files are open");
	take_keys(&w);
	fputs(ENTER_SCREEN, cli->out);
	r = follow(&w, &reason);
	fputs(LEAVE_SCREEN, cli->out);
	give_keys_back(&w);
	return r < 0 ? cli_fail(cli, r, reason) : STATUS_DONE;
}
