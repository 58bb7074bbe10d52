/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lab's agent in the guest: runs commands as root for the host, over a virtio-serial port.
 * wire.py describes the frames. The agent keeps nothing between connections: a HELLO kills what
 * the previous connection left running, which is also how it survives being snapshotted.
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT_NAME	"cxlmem.agent"
#define MAGIC		0x464c4d43u	/* "CMLF" */
#define PAYLOAD_MAX	(64u * 1024)
#define CHANNELS_MAX	64
#define STDIN_MAX	(256u * 1024)	/* the window wire.py grants itself */
#define RETRY_MS	20

enum frame_type {
	FRAME_HELLO = 1,
	FRAME_EXEC = 2,
	FRAME_STDIN = 3,
	FRAME_SIGNAL = 4,
	FRAME_RESIZE = 5,
	FRAME_WELCOME = 65,
	FRAME_STDOUT = 66,
	FRAME_STDERR = 67,
	FRAME_EXIT = 68,
	FRAME_CREDIT = 69,
	FRAME_FAILED = 70,
};

#define EXEC_PTY	1u

struct header {
	uint32_t magic;
	uint16_t type;
	uint16_t reserved;
	uint32_t channel;
	uint32_t length;
};

struct channel {
	uint32_t id;
	pid_t pid;			/* 0: this slot is free */
	int in, out, err;		/* -1: closed; a terminal has in == out */
	uint8_t *pending;		/* what the command has not read yet */
	size_t n_pending;
	bool in_eof;			/* close `in` when `pending` is empty */
};

struct agent {
	int port, signals;
	uint8_t buffer[sizeof(struct header) + PAYLOAD_MAX];
	size_t n_buffer;
	struct channel channels[CHANNELS_MAX];
};

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * 1000000L }, NULL);
}

static void write_all(int fd, const void *data, size_t size)
{
	const uint8_t *p = data;

	while (size > 0) {
		ssize_t n = write(fd, p, size);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN) {
				nap();
				continue;
			}
			return; /* the host is gone; it starts over with a HELLO */
		}
		p += n;
		size -= (size_t)n;
	}
}

static void send_frame(struct agent *a, uint16_t type, uint32_t channel, const void *data, size_t size)
{
	uint8_t frame[sizeof(struct header) + PAYLOAD_MAX];
	struct header h = {
		.magic = htole32(MAGIC),
		.type = htole16(type),
		.channel = htole32(channel),
		.length = htole32((uint32_t)size),
	};

	memcpy(frame, &h, sizeof(h));
	if (size > 0)
		memcpy(frame + sizeof(h), data, size);
	write_all(a->port, frame, sizeof(h) + size);
}

static void send_failed(struct agent *a, uint32_t channel, const char *what)
{
	char text[256];
	int n;

	n = snprintf(text, sizeof(text), "%s: %s", what, strerror(errno));
	send_frame(a, FRAME_FAILED, channel, text, (size_t)n);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void channel_release(struct channel *c)
{
	if (c->in == c->out)
		c->in = -1;
	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->err);
	free(c->pending);
	*c = (struct channel){ .in = -1, .out = -1, .err = -1 };
}

static struct channel *channel_find(struct agent *a, uint32_t id)
{
	for (size_t i = 0; i < CHANNELS_MAX; i++)
		if (a->channels[i].pid > 0 && a->channels[i].id == id)
			return &a->channels[i];
	return NULL;
}

/* Splits NUL-terminated strings into a vector; returns where they end, NULL when they do not fit. */
static const char *split_strings(const char *p, const char *end, uint32_t n, char **vector)
{
	for (uint32_t i = 0; i < n; i++) {
		const char *stop = memchr(p, 0, (size_t)(end - p));

		if (!stop)
			return NULL;
		vector[i] = (char *)p;
		p = stop + 1;
	}
	vector[n] = NULL;
	return p;
}

static void child_run(char **argv, char **envp, bool terminal, const int in[2], const int out[2],
		      const int err[2])
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (!terminal) {
		setsid();
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
	}
	if (chdir("/root") < 0)
		_exit(126);
	execvpe(argv[0], argv, envp);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void command_start(struct agent *a, uint32_t id, const uint8_t *data, size_t size)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 }, master = -1;
	char *argv[256], *envp[256];
	struct channel *c = NULL;
	struct winsize window = {};
	const char *p, *end = (const char *)data + size;
	uint32_t flags, argc, envc;
	uint16_t rows, columns;
	pid_t pid;

	if (size < 16)
		return;
	memcpy(&flags, data, 4);
	memcpy(&rows, data + 4, 2);
	memcpy(&columns, data + 6, 2);
	memcpy(&argc, data + 8, 4);
	memcpy(&envc, data + 12, 4);
	flags = le32toh(flags);
	argc = le32toh(argc);
	envc = le32toh(envc);
	errno = E2BIG;
	p = (const char *)data + 16;
	if (argc < 1 || argc > 255 || envc > 255 || !(p = split_strings(p, end, argc, argv)) ||
	    !split_strings(p, end, envc, envp))
		return send_failed(a, id, "the command is too long");
	for (size_t i = 0; i < CHANNELS_MAX && !c; i++)
		if (a->channels[i].pid == 0)
			c = &a->channels[i];
	if (!c) {
		errno = EAGAIN;
		return send_failed(a, id, "too many commands at once");
	}

	if (flags & EXEC_PTY) {
		window.ws_row = le16toh(rows);
		window.ws_col = le16toh(columns);
		pid = forkpty(&master, NULL, NULL, &window);
		if (pid >= 0 && pid > 0)
			fcntl(master, F_SETFD, FD_CLOEXEC);
	} else {
		if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
			pid = -1;
		else
			pid = fork();
	}
	if (pid == 0)
		child_run(argv, envp, flags & EXEC_PTY, in, out, err);
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&err[1]);
	if (pid < 0) {
		send_failed(a, id, "cannot start the command");
		close_fd(&in[1]);
		close_fd(&out[0]);
		close_fd(&err[0]);
		return;
	}
	*c = (struct channel){ .id = id, .pid = pid, .in = in[1], .out = out[0], .err = err[0] };
	if (master >= 0)
		c->in = c->out = master;
	fcntl(c->in, F_SETFL, O_NONBLOCK);
	fcntl(c->out, F_SETFL, O_NONBLOCK);
	if (c->err >= 0)
		fcntl(c->err, F_SETFL, O_NONBLOCK);
}

/* Sends what can be read now; closes the descriptor at its end. Returns whether there may be more. */
static bool output_forward(struct agent *a, struct channel *c, int *fd, uint16_t type)
{
	uint8_t data[32 * 1024];
	ssize_t n;

	if (*fd < 0)
		return false;
	n = read(*fd, data, sizeof(data));
	if (n > 0) {
		send_frame(a, type, c->id, data, (size_t)n);
		return true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (c->in == *fd)
		c->in = -1;
	close_fd(fd);
	return false;
}

static void input_flush(struct agent *a, struct channel *c)
{
	uint32_t credit;
	ssize_t n;

	if (c->in >= 0 && c->n_pending > 0) {
		n = write(c->in, c->pending, c->n_pending);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) { /* nobody reads: swallow it, the exit status tells */
			if (c->in != c->out)
				close_fd(&c->in);
			n = (ssize_t)c->n_pending;
		}
		memmove(c->pending, c->pending + n, c->n_pending - (size_t)n);
		c->n_pending -= (size_t)n;
		credit = htole32((uint32_t)n);
		send_frame(a, FRAME_CREDIT, c->id, &credit, sizeof(credit));
	}
	if (c->n_pending == 0 && c->in_eof && c->in != c->out)
		close_fd(&c->in);
}

static void input_take(struct agent *a, struct channel *c, const uint8_t *data, size_t size)
{
	uint32_t credit = htole32((uint32_t)size);

	if (size == 0) {
		c->in_eof = true;
	} else if (c->in < 0) {
		send_frame(a, FRAME_CREDIT, c->id, &credit, sizeof(credit));
		return;
	} else {
		if (!c->pending)
			c->pending = malloc(STDIN_MAX);
		if (!c->pending || c->n_pending + size > STDIN_MAX)
			return; /* the host broke its window; it will time out */
		memcpy(c->pending + c->n_pending, data, size);
		c->n_pending += size;
	}
	input_flush(a, c);
}

static void commands_kill(struct agent *a)
{
	for (size_t i = 0; i < CHANNELS_MAX; i++) {
		struct channel *c = &a->channels[i];

		if (c->pid == 0)
			continue;
		kill(-c->pid, SIGKILL);
		channel_release(c);
	}
}

static void commands_reap(struct agent *a)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		uint32_t result[2];

		for (size_t i = 0; i < CHANNELS_MAX; i++) {
			struct channel *c = &a->channels[i];

			if (c->pid != pid)
				continue;
			/* What a background process may still write is not waited for. */
			while (output_forward(a, c, &c->out, FRAME_STDOUT))
				;
			while (output_forward(a, c, &c->err, FRAME_STDERR))
				;
			result[0] = htole32(WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 0);
			result[1] = htole32(WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0);
			send_frame(a, FRAME_EXIT, c->id, result, sizeof(result));
			channel_release(c);
		}
	}
}

static void welcome(struct agent *a, const uint8_t *nonce, size_t size)
{
	char text[512];
	ssize_t n;
	int fd;

	commands_kill(a);
	if (size > 64)
		return;
	memcpy(text, nonce, size);
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text + size, sizeof(text) - size);
	if (fd >= 0)
		close(fd);
	send_frame(a, FRAME_WELCOME, 0, text, size + (n > 0 ? (size_t)n : 0));
}

static void frame_handle(struct agent *a, const struct header *h, const uint8_t *data, size_t size)
{
	uint32_t id = le32toh(h->channel), number;
	struct channel *c = channel_find(a, id);
	struct winsize window = {};
	uint16_t rows, columns;

	switch (le16toh(h->type)) {
	case FRAME_HELLO:
		welcome(a, data, size);
		break;
	case FRAME_EXEC:
		if (!c)
			command_start(a, id, data, size);
		break;
	case FRAME_STDIN:
		if (c)
			input_take(a, c, data, size);
		break;
	case FRAME_SIGNAL:
		if (!c || size != 4)
			break;
		memcpy(&number, data, 4);
		kill(-c->pid, (int)le32toh(number));
		break;
	case FRAME_RESIZE:
		if (!c || size != 4 || c->in < 0)
			break;
		memcpy(&rows, data, 2);
		memcpy(&columns, data + 2, 2);
		window.ws_row = le16toh(rows);
		window.ws_col = le16toh(columns);
		ioctl(c->in, TIOCSWINSZ, &window);
		break;
	}
}

/* Takes complete frames out of the buffer; what is not a frame is skipped byte by byte. */
static void buffer_parse(struct agent *a)
{
	size_t at = 0;

	while (a->n_buffer - at >= sizeof(struct header)) {
		struct header h;
		size_t size;

		memcpy(&h, a->buffer + at, sizeof(h));
		size = le32toh(h.length);
		if (le32toh(h.magic) != MAGIC || h.reserved != 0 || size > PAYLOAD_MAX) {
			at++;
			continue;
		}
		if (a->n_buffer - at < sizeof(h) + size)
			break;
		frame_handle(a, &h, a->buffer + at + sizeof(h), size);
		at += sizeof(h) + size;
	}
	memmove(a->buffer, a->buffer + at, a->n_buffer - at);
	a->n_buffer -= at;
}

static void port_read(struct agent *a)
{
	ssize_t n = read(a->port, a->buffer + a->n_buffer, sizeof(a->buffer) - a->n_buffer);

	if (n > 0) {
		a->n_buffer += (size_t)n;
		buffer_parse(a);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		a->n_buffer = 0; /* the host is not connected */
		nap();
	}
}

/* The port is found by its name in sysfs: udev and its links may not be there yet. */
static int port_open(void)
{
	for (;;) {
		DIR *dir = opendir("/sys/class/virtio-ports");
		struct dirent *entry;

		while (dir && (entry = readdir(dir))) {
			char path[512], name[64] = "";
			FILE *file;
			int fd = -1;

			snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
			file = fopen(path, "re");
			if (!file)
				continue;
			if (fgets(name, sizeof(name), file) && strcmp(name, PORT_NAME "\n") == 0) {
				snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
				fd = open(path, O_RDWR | O_CLOEXEC);
			}
			fclose(file);
			if (fd >= 0) {
				closedir(dir);
				return fd;
			}
		}
		if (dir)
			closedir(dir);
		nap();
	}
}

static void loop_once(struct agent *a)
{
	struct pollfd fds[2 + 3 * CHANNELS_MAX];
	struct channel *of[2 + 3 * CHANNELS_MAX];
	nfds_t n = 0;

	fds[n++] = (struct pollfd){ .fd = a->port, .events = POLLIN };
	fds[n++] = (struct pollfd){ .fd = a->signals, .events = POLLIN };
	for (size_t i = 0; i < CHANNELS_MAX; i++) {
		struct channel *c = &a->channels[i];

		if (c->pid == 0)
			continue;
		if (c->out >= 0) {
			of[n] = c;
			fds[n++] = (struct pollfd){ .fd = c->out, .events = POLLIN };
		}
		if (c->err >= 0) {
			of[n] = c;
			fds[n++] = (struct pollfd){ .fd = c->err, .events = POLLIN };
		}
		if (c->in >= 0 && c->n_pending > 0) {
			of[n] = c;
			fds[n++] = (struct pollfd){ .fd = c->in, .events = POLLOUT };
		}
	}
	if (poll(fds, n, -1) < 0)
		return;
	for (nfds_t i = 2; i < n; i++) {
		struct channel *c = of[i];

		if (!fds[i].revents || c->pid == 0)
			continue;
		if (fds[i].events == POLLOUT)
			input_flush(a, c);
		else if (fds[i].fd == c->out)
			output_forward(a, c, &c->out, FRAME_STDOUT);
		else if (fds[i].fd == c->err)
			output_forward(a, c, &c->err, FRAME_STDERR);
	}
	if (fds[1].revents) {
		struct signalfd_siginfo info;

		if (read(a->signals, &info, sizeof(info)) > 0)
			commands_reap(a);
	}
	if (fds[0].revents & POLLIN)
		port_read(a);
	else if (fds[0].revents)
		nap(); /* POLLHUP: nobody is connected */
}

int main(void)
{
	static struct agent a;
	sigset_t mask;

	for (size_t i = 0; i < CHANNELS_MAX; i++)
		a.channels[i] = (struct channel){ .in = -1, .out = -1, .err = -1 };
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);
	a.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (a.signals < 0) {
		perror("signalfd");
		return EXIT_FAILURE;
	}
	a.port = port_open();
	for (;;)
		loop_once(&a);
}
