/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dial.h - the other end of the sockets that the tests of server.c and its protocols serve: a
 * directory for them, and clients that never block.
 */
#ifndef SCXLUA_DIAL_H
#define SCXLUA_DIAL_H

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server.h"

#define SECOND 1000000000ull

/* A new directory; static memory. */
static inline const char *dial_dir(void)
{
	static char dir[64];

	snprintf(dir, sizeof(dir), "/tmp/scxlua-unit.XXXXXX");
	assert_non_null(mkdtemp(dir));
	return dir;
}

static inline struct sockaddr_un dial_addr(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	return addr;
}

/* A connection; -1 and errno if there is none. */
static inline int dial(const char *path)
{
	struct sockaddr_un addr = dial_addr(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -1;
}

/* Sends what the socket takes; returns how much that was. */
static inline size_t say(int fd, const char *text)
{
	ssize_t n = send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);

	return n < 0 ? 0 : (size_t)n;
}

/* What has come, as a string in static memory; "" if nothing has; "EOF" if nothing will. The end
 * is a reset if what we sent was not read. */
static inline const char *hear(int fd)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return !len && (!n || errno == ECONNRESET) ? "EOF" : text;
}

/* Serves as the loop of the supervisor does, until there is nothing to do at this time. */
static inline void serve(struct server *s, uint64_t now_ns)
{
	struct pollfd fd = { .events = POLLIN };

	for (int i = 0; i < 1000; i++) {
		fd.fd = server_fd(s);
		if (fd.fd < 0 || poll(&fd, 1, 0) != 1)
			return;
		server_serve(s, now_ns);
	}
	fail_msg("the server is never quiet");
}

#endif
