// SPDX-License-Identifier: GPL-2.0-only
/* feed.c - see bench.h. */
#include "bench.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.bpf.h"
#include "bench.skel.h"
#include "synth.h"

enum { NR_CPUS = 4, ROOM_FOR_ALL = 1 << 20 };

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

static int bpf_open(struct feed *f)
{
	int err;

	libbpf_set_print(quiet);
	f->skel = bench_bpf__open_and_load();
	if (!f->skel)
		return -errno;
	err = ring_map(&f->ring, bpf_map__fd(f->skel->maps.records), SCXLUA_RING_BYTES);
	if (!err)
		err = uring_map(&f->uring, bpf_map__fd(f->skel->maps.verdicts),
				SCXLUA_USER_RING_BYTES);
	return err;
}

static void bpf_close(struct feed *f)
{
	uring_unmap(&f->uring);
	ring_unmap(&f->ring);
	bench_bpf__destroy(f->skel);
	f->skel = NULL;
}

static int synth_open(struct feed *f)
{
	f->synth = synth_new(f->threads, NR_CPUS, 1);
	if (!f->synth)
		return -ENOMEM;
	f->ring = *synth_ring(f->synth);
	f->uring = *synth_uring(f->synth);
	return 0;
}

int feed_open(struct feed *f, uint32_t threads, bool use_bpf)
{
	int err = -EOPNOTSUPP;

	memset(f, 0, sizeof(*f));
	f->threads = threads;
	f->nr_cpus = NR_CPUS;
	f->control.nr_online = ROOM_FOR_ALL;
	f->cpus = calloc(NR_CPUS, sizeof(*f->cpus));
	if (!f->cpus)
		return -ENOMEM;
	for (int i = 0; i < NR_CPUS; i++)
		f->cpus[i].online = 1;
	if (use_bpf)
		err = bpf_open(f);
	if (err) {
		snprintf(f->why, sizeof(f->why), "%s", use_bpf ? strerror(-err) : "not asked for");
		bpf_close(f);
		err = synth_open(f);
	}
	return err;
}

void feed_close(struct feed *f)
{
	if (f->skel)
		bpf_close(f);
	synth_free(f->synth);
	free(f->cpus);
}

static uint32_t run(struct bpf_program *prog, struct bench_args *args)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(*args));

	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		return 0;
	return (uint32_t)args->n;
}

uint32_t feed_produce(struct feed *f, uint32_t n)
{
	struct bench_args args = { .n = n, .threads = f->threads, .first = f->produced };

	f->produced += n;
	if (f->synth)
		return synth_enqueue(f->synth, n);
	return run(f->skel->progs.produce, &args);
}

uint32_t feed_take(struct feed *f)
{
	struct bench_args args = { 0 };

	if (f->synth)
		return synth_drain(f->synth);
	return run(f->skel->progs.take, &args);
}

bool feed_nothing(struct feed *f)
{
	struct bench_args args = { 0 };

	return f->skel && run(f->skel->progs.nothing, &args) == 1;
}
