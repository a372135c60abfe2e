// SPDX-License-Identifier: GPL-2.0-only
/* notify.c - see notify.h. */
#define _GNU_SOURCE
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int send_text(const struct notify *n, const char *text)
{
	if (n->fd < 0)
		return 0;
	return send(n->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void send_state(struct notify *n, const char *text)
{
	if (send_text(n, text))
		snprintf(n->state, sizeof(n->state), "%s", text);
	else
		n->state[0] = '\0';
}

/* Half of what the manager allows, if it is us that it watches. */
static uint64_t watchdog_every_ns(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtoul(pid, NULL, 10) != (unsigned long)getpid()))
		return 0;
	return strtoull(usec, NULL, 10) * 1000 / 2;
}

static int connect_to(struct notify *n, const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || !name[1] || len >= sizeof(addr.sun_path))
		return -EINVAL;
	memcpy(addr.sun_path, name, len);
	if (name[0] == '@')
		addr.sun_path[0] = '\0'; /* an abstract name */
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd < 0)
		return -errno;
	if (!connect(n->fd, (const struct sockaddr *)&addr,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'))))
		return 0;
	return -errno;
}

int notify_open(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int err = 0;

	*n = (struct notify){ .fd = -1 };
	if (name && *name)
		err = connect_to(n, name);
	if (err)
		notify_close(n);
	else
		n->every_ns = watchdog_every_ns();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return err;
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

void notify_ready(struct notify *n)
{
	send_state(n, "READY=1");
}

void notify_reloading(struct notify *n, uint64_t now_ns)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)(now_ns / 1000));
	send_state(n, text);
}

void notify_stopping(struct notify *n)
{
	send_state(n, "STOPPING=1");
}

void notify_status(struct notify *n, const char *text)
{
	char message[sizeof("STATUS=") + NOTIFY_TEXT_LEN];

	if (n->fd < 0 || !strcmp(n->status, text))
		return;
	snprintf(message, sizeof(message), "STATUS=%.*s", NOTIFY_TEXT_LEN - 1, text);
	if (!send_text(n, message))
		snprintf(n->status, sizeof(n->status), "%s", text);
}

void notify_tick(struct notify *n, uint64_t now_ns)
{
	if (n->fd < 0)
		return;
	if (n->state[0] && !send_text(n, n->state))
		n->state[0] = '\0';
	if (n->every_ns && now_ns - n->watchdog_ns >= n->every_ns && !send_text(n, "WATCHDOG=1"))
		n->watchdog_ns = now_ns;
}
