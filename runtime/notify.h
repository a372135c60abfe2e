/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * notify.h - tells the service manager what state we are in (sd_notify(3), systemd.service(5)
 * Type=notify-reload), without libsystemd.
 *
 * Where nobody wants to know ($NOTIFY_SOCKET is not set) all of it does nothing. Nothing blocks:
 * a message that the manager cannot take now is sent again at the next tick, unless a newer one
 * has replaced it.
 */
#ifndef SCXLUA_NOTIFY_H
#define SCXLUA_NOTIFY_H

#include <stdint.h>

enum { NOTIFY_TEXT_LEN = 512 };

struct notify {
	int fd;			      /* -1 = nobody to tell */
	uint64_t every_ns;	      /* WATCHDOG=1 that often, 0 = never */
	uint64_t watchdog_ns;	      /* when the last one went out */
	char state[NOTIFY_TEXT_LEN];  /* to be sent again, "" if it has been sent */
	char status[NOTIFY_TEXT_LEN]; /* last told */
};

/*
 * Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID and removes them from the environment:
 * children are not meant. 0, or -errno if there is a socket that cannot be used; n is usable then,
 * too.
 */
int notify_open(struct notify *n);
void notify_close(struct notify *n);

void notify_ready(struct notify *n);
void notify_reloading(struct notify *n, uint64_t now_ns); /* paired with notify_ready() */
void notify_stopping(struct notify *n);

/* One line for people; told only when it differs from the last one. */
void notify_status(struct notify *n, const char *text);

/* From the main loop: this is what the manager's watchdog watches. now_ns: CLOCK_MONOTONIC. */
void notify_tick(struct notify *n, uint64_t now_ns);

#endif
