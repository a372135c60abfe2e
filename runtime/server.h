/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server.h - a Unix stream socket that takes lines and answers them, for the loop of a process
 * that must not wait.
 *
 * No call blocks, whatever the clients do. What they can cost is bounded: SERVER_PEERS clients,
 * lines of SERVER_LINE_MAX bytes, one request of each at a time, SERVER_REQUESTS requests and
 * new clients of all together between two ticks. A client that takes more than SERVER_PATIENCE_NS
 * to send its first line, to end a line that it has begun, or to read its answer is dropped. One
 * that has asked before may stay, idle, until its place is needed by another.
 *
 * Order of use: server_open; in the loop poll() on server_fd, server_serve when it is readable,
 * server_tick every 10 to 100 ms; server_close.
 */
#ifndef SCXLUA_SERVER_H
#define SCXLUA_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_PATIENCE_NS 5000000000ull

enum {
	SERVER_PEERS = 16,
	SERVER_LINE_MAX = 4096, /* without the newline */
	SERVER_REQUESTS = 32,	/* between two ticks */
	SERVER_ERROR_LEN = 512,
};

struct server;

struct server_args {
	const char *path; /* of the socket, absolute; it gets mode 0600 */
	mode_t dir_mode;  /* of its directory, if that has to be made; parents get 0755 */
	uid_t uid;	  /* who may ask, besides root */

	/*
	 * A client has sent a line, NUL-terminated, without its newline. It must be answered once,
	 * by server_answer(), now or later; no other line of this client comes before that.
	 */
	void (*on_line)(uint32_t peer, const char *line, size_t len, void *arg);
	/* A client is gone, answered or not; its number is free for another. May be NULL. */
	void (*on_gone)(uint32_t peer, void *arg);
	void *arg;

	const char *too_many, *too_long; /* sent to clients for which that is so; may be NULL */
};

/*
 * Makes the socket. Strings in args are borrowed. A socket file that nobody listens to is
 * replaced. 0; -EADDRINUSE if another process listens there, or is about to; another -errno if
 * it cannot be made. error[SERVER_ERROR_LEN] says which object failed and why.
 */
int server_open(struct server **out, const struct server_args *args, char *error);

/* Drops the clients and removes the socket file, if it is still ours. NULL is fine. */
void server_close(struct server *s);

/* To be polled for reading; -1 while there is nothing to poll for until the next tick. */
int server_fd(const struct server *s);

/* Serves whoever can be. now_ns: CLOCK_MONOTONIC. */
void server_serve(struct server *s, uint64_t now_ns);

/* Drops who is too slow, and serves who had to wait. */
void server_tick(struct server *s, uint64_t now_ns);

/*
 * The answer to the line that `peer` sent: one line of text without its newline, from malloc(),
 * freed here. NULL (no memory) drops the client. An answer to nobody is freed and forgotten.
 */
void server_answer(struct server *s, uint32_t peer, char *text);

/* Clients that were refused or dropped so far. */
uint64_t server_dropped(const struct server *s);

#endif
