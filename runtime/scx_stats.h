/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scx_stats.h - our statistics for the tools of the scx project (scxtop, the OpenMetrics relay),
 * which find them on the socket SCX_STATS_PATH of whichever scheduler runs.
 *
 * The protocol is that of scx's rust/scx_stats: lines of JSON, {"req":"stats","args":
 * {"target":"top"}} and {"req":"stats_meta"}, answered {"errno":0,"args":{"resp":...}}. The relay
 * wants numbers at the top level or in structs within dicts, so histograms are flattened here.
 */
#ifndef SCXLUA_SCX_STATS_H
#define SCXLUA_SCX_STATS_H

#include <stdio.h>

#include "report.h"
#include "server.h"

#define SCX_STATS_PATH "/var/run/scx/root/stats"

struct scx_stats;

/*
 * Listens on `path`; `uid` and root may ask. get() fills in the figures of now. Errors as of
 * server_open().
 */
int scx_stats_open(struct scx_stats **out, const char *path, uid_t uid,
		   void (*get)(struct report *r, void *arg), void *arg, char *error);
void scx_stats_close(struct scx_stats *s);
struct server *scx_stats_server(struct scx_stats *s); /* NULL if s is */

/* --help-stats: every figure with its type and meaning, in the form that scx schedulers use. */
void scx_stats_help(FILE *f);

#endif
