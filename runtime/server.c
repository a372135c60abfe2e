// SPDX-License-Identifier: GPL-2.0-only
/*
 * server.c - see server.h.
 *
 * A client is a slot. Its life: it sends a line (in), the line is handed over (asked), the answer
 * is written (out), and only then is the next line looked at, so a client that does not read its
 * answers is not read from either. All descriptors are in one epoll set, which is what the loop
 * polls.
 */
#define _GNU_SOURCE
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { NOBODY = -1, LISTENER = SERVER_PEERS, BACKLOG = 16 };

struct peer {
	int fd;		/* -1 = free slot */
	bool asked;	/* on_line() was called, server_answer() not yet */
	bool has_asked; /* it has sent a whole line before */
	bool ended;	/* it sends no more */
	bool last;	/* is dropped when its answer is out */
	uint32_t interest;
	uint64_t since_ns; /* when it came, began its line, or was given its answer */
	char *out;
	size_t out_len, out_sent;
	size_t in_len;
	char in[SERVER_LINE_MAX + 1];
};

struct server {
	struct server_args args;
	struct sockaddr_un addr;
	dev_t dev; /* of our socket file: another may have taken its place */
	ino_t ino;
	int epoll_fd, listen_fd;
	uint32_t budget; /* requests until the next tick */
	uint64_t dropped;
	uint64_t now_ns; /* of the current call */
	struct peer peer[SERVER_PEERS];
};

/* ---- clients ---- */

static void peer_close(struct server *s, struct peer *p)
{
	if (p->fd < 0)
		return;
	close(p->fd); /* out of the epoll set, too */
	free(p->out);
	p->fd = -1;
	p->out = NULL;
	p->asked = false;
	if (s->args.on_gone)
		s->args.on_gone((uint32_t)(p - s->peer), s->args.arg);
}

static void peer_drop(struct server *s, struct peer *p)
{
	s->dropped++;
	peer_close(s, p);
}

/* Only what can be acted on: a line that waits behind an answer must not wake the loop. */
static void peer_watch(struct server *s, struct peer *p)
{
	struct epoll_event event = { .data.u32 = (uint32_t)(p - s->peer) };

	if (p->fd < 0)
		return;
	if (p->out)
		event.events = EPOLLOUT;
	else if (!p->asked && !p->ended)
		event.events = EPOLLIN;
	if (event.events == p->interest)
		return;
	p->interest = event.events;
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, p->fd, &event))
		peer_drop(s, p);
}

/* Writes what the socket takes. */
static void peer_write(struct server *s, struct peer *p)
{
	ssize_t n;

	while (p->out && p->out_sent < p->out_len) {
		n = send(p->fd, p->out + p->out_sent, p->out_len - p->out_sent,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			peer_close(s, p);
			return;
		}
		p->out_sent += (size_t)n;
	}
	if (!p->out)
		return;
	free(p->out);
	p->out = NULL;
	p->since_ns = s->now_ns; /* of the rest of a next line, if there is one */
	if (p->last)
		peer_close(s, p);
}

static void peer_give(struct server *s, struct peer *p, char *text)
{
	p->asked = false;
	if (!text) {
		peer_drop(s, p);
		return;
	}
	p->out_len = strlen(text);
	p->out_sent = 0;
	p->out = text;
	p->out[p->out_len++] = '\n'; /* in place of the NUL */
	p->since_ns = s->now_ns;
}

/* Hands over the first `len` bytes of what came in, and forgets them and a newline. */
static void peer_ask(struct server *s, struct peer *p, size_t len, size_t skip)
{
	char line[SERVER_LINE_MAX + 1];

	memcpy(line, p->in, len);
	line[len] = '\0';
	p->in_len -= len + skip;
	memmove(p->in, p->in + len + skip, p->in_len);
	p->asked = p->has_asked = true;
	s->budget--;
	s->args.on_line((uint32_t)(p - s->peer), line, len, s->args.arg);
}

static void peer_refuse_long(struct server *s, struct peer *p)
{
	char *text = s->args.too_long ? strdup(s->args.too_long) : NULL;

	p->last = p->ended = true;
	p->in_len = 0;
	if (text)
		s->dropped++;
	peer_give(s, p, text); /* which drops it if there is none */
}

/* Takes the next line, if it is there and may be taken. Says whether it did. */
static bool peer_next_line(struct server *s, struct peer *p)
{
	char *end;

	if (p->fd < 0 || p->asked || p->out || !s->budget)
		return false;
	end = memchr(p->in, '\n', p->in_len);
	if (end)
		peer_ask(s, p, (size_t)(end - p->in), 1);
	else if (p->in_len > SERVER_LINE_MAX)
		peer_refuse_long(s, p);
	else if (p->ended && p->in_len)
		peer_ask(s, p, p->in_len, 0); /* the last line may lack its newline */
	else
		return false;
	return true;
}

static void peer_pump(struct server *s, struct peer *p)
{
	do
		peer_write(s, p);
	while (peer_next_line(s, p));
	if (p->fd >= 0 && p->ended && !p->asked && !p->out && !p->in_len)
		peer_close(s, p);
	peer_watch(s, p);
}

static void peer_read(struct server *s, struct peer *p)
{
	size_t room = sizeof(p->in) - p->in_len;
	ssize_t n;

	if (!room)
		return; /* a line is there that has to wait for the next tick */
	n = recv(p->fd, p->in + p->in_len, room, MSG_DONTWAIT);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		peer_close(s, p);
	if (n < 0)
		return;
	if (!p->in_len && p->has_asked)
		p->since_ns = s->now_ns;
	p->in_len += (size_t)n;
	p->ended = !n;
}

static void peer_event(struct server *s, struct peer *p, uint32_t events)
{
	if (p->fd < 0)
		return;
	if (events & EPOLLIN && p->interest & EPOLLIN)
		peer_read(s, p);
	else if (events & (EPOLLHUP | EPOLLERR))
		peer_close(s, p);
	peer_pump(s, p);
}

/* Has it had its time? */
static bool peer_is_slow(const struct peer *p, uint64_t now_ns)
{
	bool waits_for_it = p->out || (!p->asked && (p->in_len || !p->has_asked));

	return waits_for_it && now_ns - p->since_ns > SERVER_PATIENCE_NS;
}

/* ---- accepting ---- */

static bool may_ask(const struct server *s, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return false;
	return cred.uid == 0 || cred.uid == s->args.uid;
}

static bool is_idle(const struct peer *p)
{
	return p->has_asked && !p->asked && !p->out && !p->in_len;
}

/* A free slot, or that of the client that has been idle the longest; NULL if all are busy. */
static struct peer *find_slot(struct server *s)
{
	struct peer *oldest = NULL;

	for (uint32_t i = 0; i < SERVER_PEERS; i++) {
		struct peer *p = &s->peer[i];

		if (p->fd < 0)
			return p;
		if (is_idle(p) && s->now_ns - p->since_ns > SERVER_PATIENCE_NS &&
		    (!oldest || p->since_ns < oldest->since_ns))
			oldest = p;
	}
	if (oldest)
		peer_drop(s, oldest);
	return oldest;
}

static void refuse(struct server *s, int fd, const char *text)
{
	s->dropped++;
	if (text && send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		send(fd, "\n", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void take_in(struct server *s, int fd)
{
	struct peer *p = NULL;
	struct epoll_event event = { .events = EPOLLIN };

	if (!may_ask(s, fd)) {
		refuse(s, fd, NULL);
		return;
	}
	p = find_slot(s);
	if (!p) {
		refuse(s, fd, s->args.too_many);
		return;
	}
	event.data.u32 = (uint32_t)(p - s->peer);
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event)) {
		refuse(s, fd, NULL);
		return;
	}
	*p = (struct peer){ .fd = fd, .interest = EPOLLIN, .since_ns = s->now_ns };
}

static void accept_peers(struct server *s)
{
	int fd;

	while (s->budget) {
		fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			/* Out of descriptors or memory: not again before the next tick. */
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
				s->budget = 0;
			return;
		}
		s->budget--;
		take_in(s, fd);
	}
}

/* ---- the socket file ---- */

static int fail(char *error, const char *what, const char *path, int err)
{
	snprintf(error, SERVER_ERROR_LEN, "cannot %s %.*s: %s", what, SERVER_ERROR_LEN - 200, path,
		 strerror(err));
	return -err;
}

/* Makes the directories above the socket; dir is changed and restored. */
static int make_dirs(char *dir, mode_t mode, char *error)
{
	char *slash = dir;
	int err;

	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		err = mkdir(dir, 0755) && errno != EEXIST ? errno : 0;
		if (err)
			fail(error, "make the directory", dir, err);
		*slash = '/';
		if (err)
			return -err;
	}
	if (mkdir(dir, mode) && errno != EEXIST)
		return fail(error, "make the directory", dir, errno);
	return 0;
}

/*
 * Makes the directory and opens and locks it, so that of two processes that find the same stale
 * file at the same time only one replaces it. The descriptor, or -errno.
 */
static int lock_dir(const struct server *s, char *error)
{
	char dir[sizeof(s->addr.sun_path)];
	int fd, err;

	memcpy(dir, s->addr.sun_path, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	err = make_dirs(dir, s->args.dir_mode, error);
	if (err)
		return err;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(error, "open the directory", dir, errno);
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	err = errno == EWOULDBLOCK ? EADDRINUSE : errno;
	close(fd);
	return fail(error, "lock the directory", dir, err);
}

/* A socket file is there: 0 if nobody listens to it and it is gone now, or -errno. */
static int remove_stale(const struct server *s, char *error)
{
	const char *path = s->addr.sun_path;
	struct stat st;
	int fd, err;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : fail(error, "look at", path, errno);
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(error, SERVER_ERROR_LEN, "%s is in the way: it is not a socket", path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(error, "make a socket for", path, errno);
	/* EAGAIN: somebody listens and is busy. */
	err = connect(fd, (const struct sockaddr *)&s->addr, sizeof(s->addr)) ? errno : 0;
	close(fd);
	if (!err || err == EAGAIN)
		return fail(error, "listen on", path, EADDRINUSE);
	if (err != ECONNREFUSED)
		return fail(error, "try", path, err);
	if (unlink(path) && errno != ENOENT)
		return fail(error, "remove", path, errno);
	return 0;
}

static int bind_and_listen(struct server *s, char *error)
{
	const char *path = s->addr.sun_path;
	struct stat st;
	mode_t mask;
	int err;

	s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listen_fd < 0)
		return fail(error, "make a socket for", path, errno);
	mask = umask(0177); /* the file is made with its mode: it is never open to others */
	err = bind(s->listen_fd, (const struct sockaddr *)&s->addr, sizeof(s->addr)) ? errno : 0;
	umask(mask);
	if (err)
		return fail(error, "make", path, err);
	if (lstat(path, &st) || listen(s->listen_fd, BACKLOG))
		return fail(error, "listen on", path, errno);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

static int set_up(struct server *s, char *error)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = LISTENER };
	int dir_fd = lock_dir(s, error), err;

	if (dir_fd < 0)
		return dir_fd;
	err = remove_stale(s, error);
	if (!err)
		err = bind_and_listen(s, error);
	close(dir_fd);
	if (err)
		return err;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0 || epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->listen_fd, &event))
		return fail(error, "poll", s->addr.sun_path, errno);
	return 0;
}

/* ---- the interface ---- */

int server_open(struct server **out, const struct server_args *args, char *error)
{
	struct server *s;
	int err;

	if (args->path[0] != '/' || strlen(args->path) >= sizeof(s->addr.sun_path))
		return fail(error, "make a socket at", args->path, EINVAL);
	s = calloc(1, sizeof(*s));
	if (!s)
		return fail(error, "make", args->path, ENOMEM);
	s->args = *args;
	s->addr.sun_family = AF_UNIX;
	strcpy(s->addr.sun_path, args->path);
	s->epoll_fd = s->listen_fd = NOBODY;
	s->budget = SERVER_REQUESTS;
	for (uint32_t i = 0; i < SERVER_PEERS; i++)
		s->peer[i].fd = NOBODY;
	err = set_up(s, error);
	if (err) {
		server_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void server_close(struct server *s)
{
	struct stat st;

	if (!s)
		return;
	for (uint32_t i = 0; i < SERVER_PEERS; i++)
		peer_close(s, &s->peer[i]);
	if (s->ino && !lstat(s->addr.sun_path, &st) && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->addr.sun_path);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	free(s);
}

int server_fd(const struct server *s)
{
	return s && s->budget ? s->epoll_fd : -1;
}

void server_serve(struct server *s, uint64_t now_ns)
{
	struct epoll_event event[SERVER_PEERS + 1];
	int n = epoll_wait(s->epoll_fd, event, SERVER_PEERS + 1, 0);

	s->now_ns = now_ns;
	for (int i = 0; i < n; i++) {
		if (event[i].data.u32 == LISTENER)
			accept_peers(s);
		else
			peer_event(s, &s->peer[event[i].data.u32], event[i].events);
	}
}

void server_tick(struct server *s, uint64_t now_ns)
{
	s->now_ns = now_ns;
	s->budget = SERVER_REQUESTS;
	for (uint32_t i = 0; i < SERVER_PEERS; i++) {
		struct peer *p = &s->peer[i];

		if (p->fd >= 0 && peer_is_slow(p, now_ns))
			peer_drop(s, p);
		if (p->fd >= 0)
			peer_pump(s, p);
	}
}

void server_answer(struct server *s, uint32_t peer, char *text)
{
	struct peer *p = peer < SERVER_PEERS ? &s->peer[peer] : NULL;

	if (!p || p->fd < 0 || !p->asked)
		free(text);
	else
		peer_give(s, p, text);
}

uint64_t server_dropped(const struct server *s)
{
	return s ? s->dropped : 0;
}
