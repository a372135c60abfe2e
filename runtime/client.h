/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * client.h - the commands that ask a running scxlua, over its control socket (control.h).
 *
 * Each prints its answer on standard output, or one line on standard error that says what is
 * wrong, and returns the exit status: STATUS_OK, STATUS_NO_ROOT if the socket is not for this
 * user, STATUS_FAILED otherwise.
 */
#ifndef SCXLUA_CLIENT_H
#define SCXLUA_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "status.h"

/* What runs and how it is, for people; as JSON if json is "-", it may be NULL. */
enum status client_status(const char *json);

/* Reloads the running script, or file, and waits for the outcome. file may be NULL. */
enum status client_reload(const char *file);

/* Sets options of the running policy, "KEY=VALUE" each; goes on after one that is refused. */
enum status client_set(char *const *pair, uint32_t nr_pairs);

/*
 * Prints the live line every `seconds` until interrupted or scxlua ends. wait: goes on then, and
 * waits for a scxlua if none runs.
 */
enum status client_monitor(uint32_t seconds, bool wait);

#endif
