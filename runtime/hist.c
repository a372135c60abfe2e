// SPDX-License-Identifier: GPL-2.0-only
/*
 * hist.c - see hist.h.
 *
 * Values below HIST_STEPS have a bucket each; above, the bucket is the exponent and the three
 * bits after the leading one.
 */
#include "hist.h"

#define LOAD(word) __atomic_load_n(&(word), __ATOMIC_RELAXED)
#define STORE(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELAXED)

enum { STEP_BITS = 3 };

_Static_assert(1 << STEP_BITS == HIST_STEPS, "steps per power of two");

static unsigned int bucket_of(uint64_t value)
{
	unsigned int log2;

	if (value < HIST_STEPS)
		return (unsigned int)value;
	log2 = 63 - (unsigned int)__builtin_clzll(value);
	return (log2 - STEP_BITS + 1) * HIST_STEPS +
	       (unsigned int)(value >> (log2 - STEP_BITS) & (HIST_STEPS - 1));
}

static uint64_t bucket_top(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < HIST_STEPS)
		return bucket;
	shift = bucket / HIST_STEPS - 1;
	return ((uint64_t)(bucket % HIST_STEPS + HIST_STEPS) << shift) + ((1ull << shift) - 1);
}

void hist_add(struct hist *h, uint64_t value)
{
	uint64_t *bucket = &h->bucket[bucket_of(value)];

	STORE(*bucket, *bucket + 1);
	STORE(h->sum, h->sum + value);
	if (value > h->max)
		STORE(h->max, value);
	STORE(h->count, h->count + 1);
}

uint64_t hist_quantile(const struct hist *h, double q)
{
	uint64_t count = LOAD(h->count);
	uint64_t max = LOAD(h->max);
	uint64_t seen = 0;
	double rank;

	if (count == 0)
		return 0;
	rank = q > 0 ? q * (double)count : 0;
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		seen += LOAD(h->bucket[i]);
		if (seen > 0 && (double)seen >= rank)
			return bucket_top(i) < max ? bucket_top(i) : max;
	}
	return max;
}

void hist_merge(struct hist *to, const struct hist *from)
{
	uint64_t max = LOAD(from->max);

	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		STORE(to->bucket[i], to->bucket[i] + LOAD(from->bucket[i]));
	STORE(to->sum, to->sum + LOAD(from->sum));
	if (max > to->max)
		STORE(to->max, max);
	STORE(to->count, to->count + LOAD(from->count));
}
