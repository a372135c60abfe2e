/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hist.h - a histogram of 64-bit values with a bounded relative error.
 *
 * Eight linear steps in every power of two (at most 12.5 % wide), after the scheme of HDR
 * histograms. No pointers and no allocation, so it may lie in shared memory: one process adds,
 * another reads. A reader may see a count that is one behind; accepted.
 */
#ifndef SCXLUA_HIST_H
#define SCXLUA_HIST_H

#include <stdint.h>

enum { HIST_STEPS = 8, HIST_BUCKETS = 62 * HIST_STEPS };

struct hist {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t value);

/* Upper edge of the bucket that holds quantile q (0..1), at most max; 0 if empty. */
uint64_t hist_quantile(const struct hist *h, double q);

/* Adds every count of `from` to `to`. */
void hist_merge(struct hist *to, const struct hist *from);

#endif
