// SPDX-License-Identifier: GPL-2.0-only
/*
 * synth.c - see synth.h.
 *
 * The rings have the layout of the real ones, down to the data mapped twice, so that ring.c
 * is run as it is.
 */
#define _GNU_SOURCE
#include "synth.h"

#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	RING_BYTES = 1 << 20,
	USER_RING_BYTES = 1 << 18,
	FIRST_PID = 1000,
	HEADER = BPF_RINGBUF_HDR_SZ,
	RECORD_STEP = sizeof(struct scxlua_record) + HEADER,
};

_Static_assert(RECORD_STEP % 8 == 0, "samples are multiples of 8");

/* A ring in memory: consumer's page, producer's page, data, the same data again. */
struct mirror {
	uint8_t *base;
	size_t bytes;
	uint64_t *consumer;
	uint64_t *producer;
	uint8_t *data;
	uint64_t mask;
};

struct thread {
	struct scxlua_record rec; /* of its last enqueue, kept up to date */
	uint64_t slice_ns;
	bool queued;
};

struct synth {
	struct mirror to_user;
	struct mirror to_kernel;
	struct ring ring;
	struct uring uring;
	struct scxlua_control control;
	struct synth_ledger ledger;
	struct scx_cpu *cpus;
	struct thread *threads;
	uint32_t nr_threads;
	uint32_t nr_cpus;
	uint32_t cursor;
	uint64_t random;
	uint64_t cookies;
	uint64_t now;
};

static int mirror_map(struct mirror *m, int fd, uint32_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int prot = PROT_READ | PROT_WRITE;
	uint8_t *base;

	m->bytes = 2 * page + 2 * (size_t)bytes;
	if (ftruncate(fd, (off_t)(2 * page + bytes)))
		return -1;
	base = mmap(NULL, m->bytes, prot, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -1;
	m->base = base;
	m->consumer = (uint64_t *)(void *)base;
	m->producer = (uint64_t *)(void *)(base + page);
	m->data = base + 2 * page;
	m->mask = bytes - 1;
	base = mmap(m->data + bytes, bytes, prot, MAP_SHARED | MAP_FIXED, fd, (off_t)(2 * page));
	return base == MAP_FAILED ? -1 : 0;
}

static int mirror_new(struct mirror *m, uint32_t bytes)
{
	int fd = memfd_create("synth", MFD_CLOEXEC);
	int err;

	if (fd < 0)
		return -1;
	err = mirror_map(m, fd, bytes);
	close(fd);
	return err;
}

static void mirror_free(struct mirror *m)
{
	if (m->base)
		munmap(m->base, m->bytes);
}

/* splitmix64 */
static uint64_t next_random(struct synth *s)
{
	uint64_t x = s->random += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static void thread_new(struct synth *s, uint32_t i)
{
	struct thread *t = &s->threads[i];
	int32_t pid = t->rec.pid ? t->rec.pid + (int32_t)s->nr_threads : FIRST_PID + (int32_t)i;
	static const uint32_t weights[] = { 100, 100, 100, 100, 15, 335, 1024, 3 };

	memset(t, 0, sizeof(*t));
	t->rec.kind = SCXLUA_REC_ENQUEUE;
	t->rec.pid = pid;
	t->rec.tgid = pid - pid % 4;
	t->rec.ppid = 1;
	t->rec.cookie = ++s->cookies;
	t->rec.cpu = (int32_t)(i % s->nr_cpus);
	t->rec.nr_cpus_allowed = i % 16 == 15 ? 1 : (int32_t)s->nr_cpus;
	t->rec.cpumask_seq = 1;
	t->rec.weight = weights[next_random(s) % 8];
	t->rec.cgroup_weight = (uint16_t)(50u << i % 4);
	t->rec.cgroup_id = 1 + i % 8;
	snprintf(t->rec.comm, sizeof(t->rec.comm), "synth-%u", i % 1000000);
}

static void machine_new(struct synth *s)
{
	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		uint32_t sibling = (i ^ 1) < s->nr_cpus ? i ^ 1 : i;

		s->cpus[i] = (struct scx_cpu){ .online = 1,
					       .idle = 1,
					       .core = (int32_t)(i / 2),
					       .sibling = (int32_t)sibling,
					       .llc = i >= (s->nr_cpus + 1) / 2,
					       .capacity = 1024 };
	}
	s->control.nr_online = s->nr_cpus;
	for (uint32_t i = 0; i < s->nr_threads; i++)
		thread_new(s, i);
}

static void rings_attach(struct synth *s)
{
	struct mirror *in = &s->to_user;
	struct mirror *out = &s->to_kernel;

	s->ring = (struct ring){ .consumer_pos = in->consumer,
				 .producer_pos = in->producer,
				 .data = in->data,
				 .mask = in->mask };
	s->uring = (struct uring){ .consumer_pos = out->consumer,
				   .producer_pos = out->producer,
				   .data = out->data,
				   .mask = out->mask };
}

struct synth *synth_new(uint32_t nr_threads, uint32_t nr_cpus, uint64_t seed)
{
	struct synth *s;

	if (nr_threads == 0 || nr_cpus == 0)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->nr_threads = nr_threads;
	s->nr_cpus = nr_cpus;
	s->random = seed;
	s->now = 1000ull * 1000 * 1000 * 1000;
	s->threads = calloc(nr_threads, sizeof(*s->threads));
	s->cpus = calloc(nr_cpus, sizeof(*s->cpus));
	if (!s->threads || !s->cpus || mirror_new(&s->to_user, RING_BYTES) ||
	    mirror_new(&s->to_kernel, USER_RING_BYTES)) {
		synth_free(s);
		return NULL;
	}
	machine_new(s);
	rings_attach(s);
	return s;
}

void synth_free(struct synth *s)
{
	if (!s)
		return;
	mirror_free(&s->to_kernel);
	mirror_free(&s->to_user);
	free(s->cpus);
	free(s->threads);
	free(s);
}

struct ring *synth_ring(struct synth *s)
{
	return &s->ring;
}

struct uring *synth_uring(struct synth *s)
{
	return &s->uring;
}

const struct scx_cpu *synth_cpus(const struct synth *s)
{
	return s->cpus;
}

struct scxlua_control *synth_control(struct synth *s)
{
	return &s->control;
}

const struct synth_ledger *synth_ledger(const struct synth *s)
{
	return &s->ledger;
}

uint64_t synth_slice(const struct synth *s, uint32_t i)
{
	return s->threads[i].slice_ns;
}

static bool send_record(struct synth *s, const struct scxlua_record *rec)
{
	struct mirror *m = &s->to_user;
	uint64_t used = *m->producer - __atomic_load_n(m->consumer, __ATOMIC_ACQUIRE);
	uint8_t *at = m->data + (*m->producer & m->mask);
	const uint32_t header[2] = { sizeof(*rec), 0 };

	if (m->mask + 1 - used < RECORD_STEP)
		return false;
	memcpy(at, header, HEADER);
	memcpy(at + HEADER, rec, sizeof(*rec));
	__atomic_store_n(m->producer, *m->producer + RECORD_STEP, __ATOMIC_RELEASE);
	return true;
}

/* As BPF does, before the first enqueue of a thread that may not run everywhere. */
static bool send_affinity(struct synth *s, const struct scxlua_record *rec)
{
	struct scxlua_affinity affinity = { .kind = SCXLUA_REC_AFFINITY,
					    .pid = rec->pid,
					    .cookie = rec->cookie };
	struct scxlua_record sample;

	if (rec->seq || rec->nr_cpus_allowed == (int32_t)s->nr_cpus)
		return true;
	if ((uint32_t)rec->cpu < 64 * SCXLUA_MASK_WORDS)
		affinity.mask[rec->cpu / 64] = 1ull << rec->cpu % 64;
	memcpy(&sample, &affinity, sizeof(sample));
	return send_record(s, &sample);
}

static bool thread_enqueue(struct synth *s, struct thread *t)
{
	struct scxlua_record rec = t->rec;

	if (!send_affinity(s, &rec))
		return false;
	rec.seq++;
	rec.enqueue_ns = s->now;
	if (!send_record(s, &rec))
		return false;
	t->rec = rec;
	t->queued = true;
	s->ledger.queued++;
	s->now += 100;
	return true;
}

uint32_t synth_enqueue(struct synth *s, uint32_t n)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < s->nr_threads && done < n; i++) {
		struct thread *t = &s->threads[s->cursor];

		if (!t->queued) {
			if (!thread_enqueue(s, t))
				break;
			done++;
		}
		s->cursor = (s->cursor + 1) % s->nr_threads;
	}
	return done;
}

/* It runs; half the time it uses its slice up, else it sleeps and is woken again. */
static void thread_run(struct synth *s, struct thread *t, int32_t cpu, uint64_t slice_ns)
{
	struct scxlua_record *rec = &t->rec;
	uint64_t random = next_random(s);
	bool expires = random & 1;
	uint64_t ran = expires ? slice_ns : random % (slice_ns + 1);

	if (rec->nr_cpus_allowed > 1)
		rec->cpu = cpu >= 0 ? cpu : (int32_t)((random >> 32) % s->nr_cpus);
	rec->start_ns = ++s->now;
	s->now += ran / s->nr_cpus;
	rec->stop_ns = s->now;
	rec->sum_exec_ns += ran;
	rec->exec_ns = expires ? rec->exec_ns + ran : 0;
	rec->nvcsw += !expires;
	rec->flags = expires ? SCX_TASK_EXPIRED : SCX_TASK_WAKEUP;
	t->queued = false;
}

static void take_verdict(struct synth *s, const struct scxlua_verdict *v)
{
	uint32_t i = (uint32_t)(v->pid - FIRST_PID) % s->nr_threads;
	struct thread *t = &s->threads[i];

	if (v->kind == SCXLUA_VERDICT_KICK) {
		s->ledger.kicks++;
		return;
	}
	if (v->cookie != t->rec.cookie) {
		s->ledger.gone++;
		return;
	}
	if (v->seq != t->rec.seq || !t->queued) {
		s->ledger.stale++;
		return;
	}
	t->slice_ns = v->slice_ns;
	thread_run(s, t, v->cpu, v->slice_ns);
	s->ledger.decided++;
}

/* As the kernel does: a bad sample ends the drain. Only ours are here, so none is expected. */
uint32_t synth_drain(struct synth *s)
{
	uint64_t random = next_random(s);
	struct mirror *m = &s->to_kernel;
	uint64_t producer = __atomic_load_n(m->producer, __ATOMIC_ACQUIRE);
	uint64_t pos = *m->consumer;
	uint32_t n = 0;

	while (pos < producer) {
		const uint8_t *at = m->data + (pos & m->mask);
		struct scxlua_verdict v;
		uint32_t len;

		memcpy(&len, at, sizeof(len));
		if (len != sizeof(v) || producer - pos < HEADER + sizeof(v))
			break;
		memcpy(&v, at + HEADER, sizeof(v));
		take_verdict(s, &v);
		pos += HEADER + sizeof(v);
		n++;
	}
	__atomic_store_n(m->consumer, pos, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < s->nr_cpus; i++)
		s->cpus[i].idle = random >> i % 64 & 1;
	return n;
}

uint32_t synth_age(struct synth *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->nr_threads; i++) {
		if (!s->threads[i].queued)
			continue;
		thread_run(s, &s->threads[i], SCX_CPU_ANY, 1000 * 1000);
		s->ledger.aged_out++;
		n++;
	}
	return n;
}

void synth_exit(struct synth *s, uint32_t i)
{
	struct thread *t = &s->threads[i];
	struct scxlua_record rec = { .kind = SCXLUA_REC_EXIT,
				     .pid = t->rec.pid,
				     .cookie = t->rec.cookie };

	if (t->queued)
		s->ledger.exited++;
	/* One that was never enqueued is not known to anyone. */
	if (t->rec.seq && !send_record(s, &rec))
		s->control.lost_exits++;
	thread_new(s, i);
}
