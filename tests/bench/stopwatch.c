// SPDX-License-Identifier: GPL-2.0-only
/* stopwatch.c - see bench.h. */
#include "bench.h"

#include <time.h>

uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

double clock_cost(void)
{
	enum { TIMES = 10000 };
	uint64_t begin = clock_ns();

	for (int i = 0; i < TIMES; i++)
		clock_ns();
	return (double)(clock_ns() - begin) / TIMES;
}

static uint64_t hook_begin(struct stopwatch *s)
{
	uint64_t now = clock_ns();

	if (!s->first)
		s->first = now;
	s->calls++;
	return now;
}

static int timed_enqueue(struct policy *p, struct scx_task **tasks, uint32_t n)
{
	struct stopwatch *s = p->self;
	uint64_t begin = hook_begin(s);
	int ret = s->inner->ops->enqueue(s->inner, tasks, n);

	s->spent += clock_ns() - begin;
	return ret;
}

static int timed_dispatch(struct policy *p, uint32_t room)
{
	struct stopwatch *s = p->self;
	uint64_t begin = hook_begin(s);
	int ret = s->inner->ops->dispatch(s->inner, room);

	s->spent += clock_ns() - begin;
	return ret;
}

/* The other hooks are not called here: no exits, no CPU events, and a tick is not per task. */
void stopwatch_init(struct stopwatch *s, struct policy *inner)
{
	*s = (struct stopwatch){ .inner = inner, .policy.self = s };
	s->ops.enqueue = timed_enqueue;
	s->ops.dispatch = inner->ops->dispatch ? timed_dispatch : NULL;
	s->policy.ops = &s->ops;
}
