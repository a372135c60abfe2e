// SPDX-License-Identifier: GPL-2.0-only
/* synth.c - see synth.h. */
#define _GNU_SOURCE
#include "synth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mirror.h"

enum {
	RING_BYTES = 1 << 20,
	USER_RING_BYTES = 1 << 18,
	FIRST_PID = 1000,
	WORD_BITS = 64,
	ENQUEUE_NS = 100, /* between two enqueues */
	AGED_SLICE_NS = 1000 * 1000,
	LONGEST_SLICE_NS = 1000 * 1000 * 1000, /* what --max-slice-us can be */
};

struct thread {
	struct scxlua_record rec; /* of its last enqueue, kept up to date */
	uint64_t *mask;		  /* the CPUs it may use, `words` of the synth long */
	uint32_t mask_sent;	  /* the cpumask_seq that the runtime was told of, 0 = none */
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
	uint64_t *masks; /* of all threads */
	uint32_t nr_threads;
	uint32_t nr_cpus;
	uint32_t words;	 /* of a mask */
	uint32_t cursor; /* where synth_enqueue() goes on */
	uint32_t last;	 /* whom it enqueued last */
	uint64_t random;
	uint64_t cookies;
	uint64_t now;
	double (*follow)(void); /* whose time it is; NULL: our own */
};

/* splitmix64 */
static uint64_t next_random(struct synth *s)
{
	uint64_t x = s->random += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* ---- time ---- */

/* Something happens, `ns` after what happened before; of somebody else's time it takes hardly any. */
static void pass(struct synth *s, uint64_t ns)
{
	s->now += s->follow ? 1 : ns;
}

/* Not for each event: reading a clock is slow, above all on emulated machines. */
static void catch_up(struct synth *s)
{
	uint64_t now = s->follow ? (uint64_t)s->follow() : 0;

	if (now > s->now)
		s->now = now;
}

void synth_step(struct synth *s, uint64_t ns)
{
	pass(s, ns);
	catch_up(s);
}

void synth_follow(struct synth *s, double (*now_ns)(void))
{
	catch_up(s);
	s->follow = now_ns;
	if (now_ns)
		s->now = (uint64_t)now_ns();
}

const uint64_t *synth_clock(const struct synth *s)
{
	return &s->now;
}

/* ---- CPUs that a thread may use ---- */

static bool allows(const struct thread *t, uint32_t cpu)
{
	return t->mask[cpu / WORD_BITS] >> cpu % WORD_BITS & 1;
}

static bool may_run(const struct synth *s, const struct thread *t, uint32_t cpu)
{
	return s->cpus[cpu].online && allows(t, cpu);
}

static void allow(struct thread *t, uint32_t cpu)
{
	t->mask[cpu / WORD_BITS] |= 1ull << cpu % WORD_BITS;
}

static void allow_all(struct synth *s, struct thread *t)
{
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++)
		allow(t, cpu);
	t->rec.nr_cpus_allowed = (int32_t)s->nr_cpus;
}

/* One of the CPUs that are online and allowed, -1 if there is none. */
static int32_t usable_cpu(const struct synth *s, const struct thread *t, uint64_t random)
{
	uint32_t start = (uint32_t)(random % s->nr_cpus);

	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		uint32_t cpu = (start + i) % s->nr_cpus;

		if (may_run(s, t, cpu))
			return (int32_t)cpu;
	}
	return -1;
}

/* Where the thread runs; the kernel lifts an affinity that leaves no CPU. */
static int32_t find_cpu(struct synth *s, struct thread *t, uint64_t random)
{
	int32_t cpu = usable_cpu(s, t, random);

	if (cpu >= 0)
		return cpu;
	allow_all(s, t);
	t->rec.cpumask_seq++;
	return usable_cpu(s, t, random);
}

/* ---- making ---- */

static void thread_new(struct synth *s, uint32_t i)
{
	struct thread *t = &s->threads[i];
	int32_t pid = t->rec.pid ? t->rec.pid + (int32_t)s->nr_threads : FIRST_PID + (int32_t)i;
	static const uint32_t weights[] = { 100, 100, 100, 100, 15, 335, 1024, 3 };

	memset(t, 0, sizeof(*t));
	t->mask = &s->masks[(size_t)i * s->words];
	memset(t->mask, 0, s->words * sizeof(*t->mask));
	t->rec.kind = SCXLUA_REC_ENQUEUE;
	t->rec.pid = pid;
	t->rec.tgid = pid - pid % 4;
	t->rec.ppid = 1;
	t->rec.cookie = ++s->cookies;
	t->rec.cpu = (int32_t)(i % s->nr_cpus);
	t->rec.cpumask_seq = 1;
	t->rec.weight = weights[next_random(s) % 8];
	t->rec.cgroup_weight = (uint16_t)(50u << i % 4);
	t->rec.cgroup_id = 1 + i % 8;
	snprintf(t->rec.comm, sizeof(t->rec.comm), "synth-%u", i % 1000000);
	if (i % 16 == 15) {
		allow(t, i % s->nr_cpus);
		t->rec.nr_cpus_allowed = 1;
	} else {
		allow_all(s, t);
	}
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
	s->words = (nr_cpus + WORD_BITS - 1) / WORD_BITS;
	s->threads = calloc(nr_threads, sizeof(*s->threads));
	s->masks = calloc(nr_threads, s->words * sizeof(*s->masks));
	s->cpus = calloc(nr_cpus, sizeof(*s->cpus));
	if (!s->threads || !s->masks || !s->cpus || mirror_new(&s->to_user, RING_BYTES) ||
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
	free(s->masks);
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

/* ---- facts ---- */

uint64_t synth_slice(const struct synth *s, uint32_t i)
{
	return s->threads[i].slice_ns;
}

int32_t synth_pid(const struct synth *s, uint32_t i)
{
	return s->threads[i].rec.pid;
}

bool synth_waits(const struct synth *s, uint32_t i)
{
	return s->threads[i].queued;
}

bool synth_allows(const struct synth *s, uint32_t i, uint32_t cpu)
{
	return cpu < s->nr_cpus && allows(&s->threads[i], cpu);
}

uint32_t synth_cpumask_seq(const struct synth *s, uint32_t i)
{
	return s->threads[i].rec.cpumask_seq;
}

uint32_t synth_find(const struct synth *s, int32_t pid)
{
	return pid < FIRST_PID ? s->nr_threads : (uint32_t)(pid - FIRST_PID) % s->nr_threads;
}

uint32_t synth_last(const struct synth *s)
{
	return s->last;
}

/* ---- records ---- */

static bool has_room(const struct synth *s, uint32_t nr)
{
	return mirror_has_room(&s->to_user, sizeof(struct scxlua_record), nr);
}

static bool send_record(struct synth *s, const struct scxlua_record *rec)
{
	return mirror_send(&s->to_user, rec, sizeof(*rec));
}

/* As BPF does, before an enqueue: where the thread may run, if the runtime does not know. */
static bool needs_affinity(const struct synth *s, const struct thread *t)
{
	if (t->mask_sent == t->rec.cpumask_seq)
		return false;
	return t->mask_sent || t->rec.nr_cpus_allowed < (int32_t)s->nr_cpus;
}

static uint32_t nr_parts(const struct synth *s)
{
	return (s->words + SCXLUA_MASK_WORDS - 1) / SCXLUA_MASK_WORDS;
}

static void send_affinity(struct synth *s, const struct thread *t)
{
	for (uint32_t word = 0; word < s->words; word += SCXLUA_MASK_WORDS) {
		struct scxlua_affinity part = { .kind = SCXLUA_REC_AFFINITY,
						.first = word * WORD_BITS,
						.pid = t->rec.pid,
						.cookie = t->rec.cookie };
		uint32_t left = s->words - word;

		memcpy(part.mask, t->mask + word,
		       (left < SCXLUA_MASK_WORDS ? left : SCXLUA_MASK_WORDS) * sizeof(*t->mask));
		mirror_send(&s->to_user, &part, sizeof(part));
	}
}

static bool thread_enqueue(struct synth *s, struct thread *t)
{
	struct scxlua_record *rec = &t->rec;

	if (!has_room(s, 1 + nr_parts(s)))
		return false;
	if (!may_run(s, t, (uint32_t)rec->cpu))
		rec->cpu = find_cpu(s, t, (uint64_t)rec->cpu);
	if (needs_affinity(s, t))
		send_affinity(s, t);
	t->mask_sent = rec->cpumask_seq;
	rec->seq++;
	rec->enqueue_ns = s->now;
	send_record(s, rec);
	t->queued = true;
	s->ledger.queued++;
	pass(s, ENQUEUE_NS);
	return true;
}

uint32_t synth_enqueue(struct synth *s, uint32_t n)
{
	uint32_t done = 0;

	catch_up(s);
	for (uint32_t i = 0; i < s->nr_threads && done < n; i++) {
		struct thread *t = &s->threads[s->cursor];

		if (!t->queued) {
			if (!thread_enqueue(s, t))
				break;
			s->last = s->cursor;
			done++;
		}
		s->cursor = (s->cursor + 1) % s->nr_threads;
	}
	return done;
}

/* ---- verdicts ---- */

/* It runs; half the time it uses its slice up, else it sleeps and is woken again. */
static void thread_run(struct synth *s, struct thread *t, uint32_t cpu, uint64_t slice_ns,
		       uint64_t random)
{
	struct scxlua_record *rec = &t->rec;
	bool expires = random & 1;
	uint64_t ran = expires ? slice_ns : random % (slice_ns + 1);

	rec->cpu = (int32_t)cpu;
	pass(s, 1);
	rec->start_ns = s->now;
	s->cpus[cpu].since_ns = s->now;
	s->cpus[cpu].slice_ns = slice_ns;
	s->cpus[cpu].task_pid = rec->pid;
	s->cpus[cpu].idle = 0;
	pass(s, ran / s->nr_cpus);
	rec->stop_ns = s->now;
	rec->sum_exec_ns += ran;
	rec->exec_ns = expires ? rec->exec_ns + ran : 0;
	rec->nvcsw += !expires;
	rec->flags = expires ? SCX_TASK_EXPIRED : SCX_TASK_WAKEUP;
	t->queued = false;
}

/* The CPU of the verdict, or if it cannot be that one, the thread's own or any. */
static uint32_t target_cpu(struct synth *s, struct thread *t, int32_t cpu, uint32_t flags,
			   uint64_t random)
{
	if (cpu >= 0 && (uint32_t)cpu < s->nr_cpus && may_run(s, t, (uint32_t)cpu)) {
		if (!(flags & SCX_IF_IDLE) || s->cpus[cpu].idle)
			return (uint32_t)cpu;
		s->ledger.idle_missed++;
		cpu = SCX_CPU_ANY;
	}
	if (cpu == SCX_CPU_ANY)
		return (uint32_t)find_cpu(s, t, random >> 32);
	s->ledger.bounced++;
	return (uint32_t)find_cpu(s, t, (uint64_t)t->rec.cpu);
}

static void thread_place(struct synth *s, struct thread *t, int32_t cpu, uint32_t flags,
			 uint64_t slice_ns)
{
	uint64_t random = next_random(s);

	/* As BPF does: nobody promises that the verdict was checked (--fault no_validate). */
	if (slice_ns > LONGEST_SLICE_NS)
		slice_ns = LONGEST_SLICE_NS;
	thread_run(s, t, target_cpu(s, t, cpu, flags, random), slice_ns, random);
}

/* Each CPU falls idle with even odds, and when there was nothing to run. */
static void rest(struct synth *s, bool all)
{
	uint64_t random = next_random(s);

	for (uint32_t i = 0; i < s->nr_cpus; i++) {
		if (!s->cpus[i].online || (!all && random >> i % WORD_BITS & 1))
			continue;
		s->cpus[i].idle = 1;
		s->cpus[i].task_pid = 0;
	}
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
	thread_place(s, t, v->cpu, v->flags, v->slice_ns);
	s->ledger.decided++;
}

/* As the kernel does: a bad sample ends the drain. Only ours are here, so none is expected. */
uint32_t synth_drain(struct synth *s)
{
	struct scxlua_verdict v;
	uint32_t n = 0;

	catch_up(s);
	for (; mirror_take(&s->to_kernel, &v, sizeof(v)); n++)
		take_verdict(s, &v);
	rest(s, n == 0);
	return n;
}

uint32_t synth_age(struct synth *s)
{
	uint32_t n = 0;

	catch_up(s);
	for (uint32_t i = 0; i < s->nr_threads; i++) {
		if (!s->threads[i].queued)
			continue;
		thread_place(s, &s->threads[i], SCX_CPU_ANY, 0, AGED_SLICE_NS);
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

/* Only for a thread that can be enqueued at once; the caller has looked. */
static void thread_requeue(struct synth *s, struct thread *t)
{
	catch_up(s);
	t->queued = false;
	s->ledger.cancelled++;
	thread_enqueue(s, t);
}

bool synth_affinity(struct synth *s, uint32_t i, const uint64_t *mask)
{
	struct thread *t = &s->threads[i];
	int32_t nr = 0;

	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++)
		nr += mask[cpu / WORD_BITS] >> cpu % WORD_BITS & 1;
	if (nr == 0 || !has_room(s, 1 + nr_parts(s)))
		return false;
	memset(t->mask, 0, s->words * sizeof(*t->mask));
	for (uint32_t cpu = 0; cpu < s->nr_cpus; cpu++)
		if (mask[cpu / WORD_BITS] >> cpu % WORD_BITS & 1)
			allow(t, cpu);
	t->rec.nr_cpus_allowed = nr;
	t->rec.cpumask_seq++;
	if (t->queued)
		thread_requeue(s, t);
	return true;
}

bool synth_cpu(struct synth *s, uint32_t cpu, bool online)
{
	struct scxlua_record rec = { .kind = SCXLUA_REC_CPU, .cpu = (int32_t)cpu, .flags = online };

	if (s->cpus[cpu].online == online || (!online && s->control.nr_online == 1))
		return false;
	if (!send_record(s, &rec))
		return false;
	s->cpus[cpu].online = online;
	s->cpus[cpu].idle = online;
	s->cpus[cpu].task_pid = 0;
	s->control.nr_online += online ? 1 : -1u;
	return true;
}
