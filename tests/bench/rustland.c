// SPDX-License-Identifier: GPL-2.0-only
/*
 * rustland.c - the way of scx_rustland_core, for comparison: libbpf's ring_buffer__consume()
 * stopped after every record, which is copied out; a system call that runs a BPF program to
 * choose a CPU; user_ring_buffer__reserve() and submit for each task.
 */
#include "bench.h"

#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>

#include "bench.skel.h"

struct rustland {
	struct feed *feed;
	struct ring_buffer *in;
	struct user_ring_buffer *out;
	struct scxlua_record current;
	struct scxlua_record *taken; /* of this batch */
};

enum { MAX_BATCH = 1024 };

/* A negative value makes libbpf publish the position and return: one record per call. */
static int take_record(void *ctx, void *data, size_t size)
{
	struct rustland *r = ctx;

	memcpy(&r->current, data, size < sizeof(r->current) ? size : sizeof(r->current));
	return -1;
}

struct rustland *rustland_new(struct feed *f)
{
	struct rustland *r = f->skel ? calloc(1, sizeof(*r)) : NULL;

	if (!r)
		return NULL;
	r->feed = f;
	r->in = ring_buffer__new(bpf_map__fd(f->skel->maps.records), take_record, r, NULL);
	r->out = user_ring_buffer__new(bpf_map__fd(f->skel->maps.verdicts), NULL);
	r->taken = calloc(MAX_BATCH, sizeof(*r->taken));
	if (!r->in || !r->out || !r->taken) {
		rustland_free(r);
		return NULL;
	}
	return r;
}

void rustland_free(struct rustland *r)
{
	if (!r)
		return;
	free(r->taken);
	user_ring_buffer__free(r->out);
	ring_buffer__free(r->in);
	free(r);
}

static void submit(struct rustland *r, const struct scxlua_record *rec)
{
	struct scxlua_verdict *v = user_ring_buffer__reserve(r->out, sizeof(*v));

	if (!v)
		return;
	*v = (struct scxlua_verdict){ .cookie = rec->cookie,
				      .seq = rec->seq,
				      .slice_ns = 5000000,
				      .vtime = rec->enqueue_ns,
				      .pid = rec->pid,
				      .cpu = SCX_CPU_ANY };
	user_ring_buffer__submit(r->out, v);
}

void rustland_run(struct rustland *r, uint32_t n, struct rustland_time *t)
{
	uint64_t begin = clock_ns(), taken, asked, sent;

	for (uint32_t i = 0; i < n; i++) {
		ring_buffer__consume(r->in);
		r->taken[i] = r->current;
	}
	taken = clock_ns();
	for (uint32_t i = 0; i < n; i++)
		feed_nothing(r->feed);
	asked = clock_ns();
	for (uint32_t i = 0; i < n; i++)
		submit(r, &r->taken[i]);
	sent = clock_ns();
	t->consume += (double)(taken - begin);
	t->select_cpu += (double)(asked - taken);
	t->submit += (double)(sent - asked);
}
