// SPDX-License-Identifier: GPL-2.0-only
/* samples.c - measured numbers: all are kept, so that quantiles are exact. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

void samples_init(struct samples *s, size_t cap)
{
	*s = (struct samples){ .value = calloc(cap ? cap : 1, sizeof(*s->value)), .cap = cap };
	if (!s->value)
		die("no memory for %zu samples", cap);
}

bool samples_add(struct samples *s, uint64_t value)
{
	if (s->n == s->cap)
		return false;
	s->value[s->n++] = value;
	s->is_sorted = false;
	return true;
}

void samples_append(struct samples *to, const struct samples *from)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		if (!samples_add(to, from->value[i]))
			die("no room for the samples of all threads");
}

static int by_value(const void *a, const void *b)
{
	uint64_t l = *(const uint64_t *)a, r = *(const uint64_t *)b;

	return l < r ? -1 : l > r;
}

uint64_t samples_quantile(struct samples *s, unsigned int permille)
{
	size_t rank;

	if (!s->n)
		return 0;
	if (!s->is_sorted)
		qsort(s->value, s->n, sizeof(*s->value), by_value);
	s->is_sorted = true;
	rank = (s->n * (permille < 1000 ? permille : 1000) + 999) / 1000;
	return s->value[rank ? rank - 1 : 0];
}

uint64_t samples_mean(const struct samples *s)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		sum += (double)s->value[i];
	return s->n ? (uint64_t)(sum / (double)s->n + 0.5) : 0;
}

void samples_free(struct samples *s)
{
	free(s->value);
	memset(s, 0, sizeof(*s));
}

int64_t off_permille(double got, double want)
{
	return llround(fabs(got / want - 1) * 1000);
}
