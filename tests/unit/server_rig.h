/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server_rig.h - a line server in a directory of its own, what it was asked, and its clock: time is
 * an argument, so nothing here waits.
 */
#ifndef SCXLUA_SERVER_RIG_H
#define SCXLUA_SERVER_RIG_H

#include "unit.h"

#include <errno.h>
#include <stdbool.h>

#include "dial.h"

enum { BIG = 600000 }; /* more than a socket's buffers take */

struct rig {
	char dir[64], path[80];
	struct server *server;
	uint64_t now;
	bool defer;
	uint32_t peer; /* that asked last */
	uint32_t nr_lines, nr_gone;
	char line[SERVER_LINE_MAX + 1];
	size_t len;
};

extern struct rig rig;

int rig_set_up(void **state);
int rig_tear_down(void **state);

int open_at(const char *path, char *error); /* rig.server; error: SERVER_ERROR_LEN */
void run(void);
void tick(uint64_t later); /* nanoseconds */

#define WITH_RIG(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

#endif
