// SPDX-License-Identifier: GPL-2.0-only
/*
 * client.c - what other programs do to scxlua's sockets, for the tests in the VM.
 *
 *   client send SOCKET LINE		sends the line, prints the one that comes back
 *   client flood SOCKET N		N connections, one request on each; prints how many were
 *					answered, refused, and left without an answer
 *   client slow SOCKET SECS		asks for all that may be asked for, reads nothing for SECS
 *   client long SOCKET BYTES		one line of that length, never ended
 *   client notify SOCKET SECS		is a service manager for SECS: prints "MS TEXT" per message
 *
 * Exit status: 0, 1 if there was no connection or no answer, 2 usage.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ASK "{\"req\":\"stats\",\"cmd\":\"stats\"}\n"

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	return addr;
}

/* Waits up to 10 s for a place in the backlog and for answers. */
static int dial(const char *path)
{
	struct sockaddr_un addr = address(path);
	struct timeval patience = { .tv_sec = 10 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (const struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	fprintf(stderr, "client: %s: %s\n", path, strerror(errno));
	exit(1);
}

/* Reads a line, newline included; its length, 0 at the end, -1 if none came. */
static ssize_t read_line(int fd, char *line, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = recv(fd, line + len, size - 1 - len, 0);
		if (n <= 0)
			return n;
		len += (size_t)n;
	} while (line[len - 1] != '\n' && len < size - 1);
	line[len] = '\0';
	return (ssize_t)len;
}

static int send_one(const char *path, const char *text)
{
	static char line[1 << 20];
	int fd = dial(path);

	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 || send(fd, "\n", 1, MSG_NOSIGNAL) < 0)
		return 1;
	if (read_line(fd, line, sizeof(line)) <= 0)
		return 1;
	fputs(line, stdout);
	return 0;
}

static int flood(const char *path, int n)
{
	static char line[1 << 20];
	int *fd = calloc((size_t)n, sizeof(*fd)), answered = 0, refused = 0, none = 0;

	for (int i = 0; i < n; i++) {
		fd[i] = dial(path);
		/* One that has been refused already has its answer waiting. */
		if (send(fd[i], ASK, strlen(ASK), MSG_NOSIGNAL) < 0 && errno != EPIPE)
			perror("client: send");
	}
	for (int i = 0; i < n; i++) {
		if (read_line(fd[i], line, sizeof(line)) <= 0)
			none++;
		else if (strstr(line, "too many clients"))
			refused++;
		else
			answered++;
		close(fd[i]);
	}
	printf("answered %d refused %d none %d\n", answered, refused, none);
	free(fd);
	return 0;
}

static int slow(const char *path, int seconds)
{
	int fd = dial(path);

	while (send(fd, ASK, strlen(ASK), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		;
	sleep((unsigned int)seconds);
	return 0;
}

static int long_line(const char *path, int bytes)
{
	char *text = malloc((size_t)bytes), line[4096];
	int fd = dial(path);

	memset(text, 'a', (size_t)bytes);
	if (send(fd, text, (size_t)bytes, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		fprintf(stderr, "client: %s\n", strerror(errno));
	free(text);
	if (read_line(fd, line, sizeof(line)) <= 0)
		return 1;
	fputs(line, stdout);
	return 0;
}

static int storm(const char *pid, int n)
{
	struct timespec pause = { .tv_nsec = 10000000 };

	while (n--) {
		if (kill(atoi(pid), SIGHUP))
			return 1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int manage(const char *path, int seconds)
{
	struct sockaddr_un addr = address(path);
	struct pollfd fd = { .events = POLLIN };
	long long start = now_ms(), end = start + seconds * 1000ll;
	char text[1024];
	ssize_t n;

	fd.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(fd.fd, (const struct sockaddr *)&addr, sizeof(addr)))
		return 1;
	while (now_ms() < end) {
		if (poll(&fd, 1, (int)(end - now_ms())) != 1)
			continue;
		n = recv(fd.fd, text, sizeof(text) - 1, 0);
		if (n < 0)
			return 1;
		for (ssize_t i = 0; i < n; i++)
			if (text[i] == '\n')
				text[i] = ' ';
		printf("%lld %.*s\n", now_ms() - start, (int)n, text);
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const char *path, int n);
	} rows[] = { { "flood", flood },
		     { "slow", slow },
		     { "long", long_line },
		     { "storm", storm },
		     { "notify", manage } };

	if (argc == 4 && !strcmp(argv[1], "send"))
		return send_one(argv[2], argv[3]);
	for (size_t i = 0; argc == 4 && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(argv[1], rows[i].name))
			return rows[i].run(argv[2], atoi(argv[3]));
	fputs("usage: client send|flood|slow|long|storm|notify SOCKET ARG\n", stderr);
	return 2;
}
