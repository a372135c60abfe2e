// SPDX-License-Identifier: GPL-2.0-only
/* synth_rig.c - see synth_rig.h. */
#include "synth_rig.h"

#include <string.h>

struct rig rig;

static int set_up(uint32_t nr_threads)
{
	rig.bad = 0;
	rig.nr_told = 0;
	memset(rig.told, 0, sizeof(rig.told));
	rig.synth = synth_new(nr_threads, NR_CPUS, 1);
	return rig.synth ? 0 : -1;
}

int rig_one_thread(void **state)
{
	(void)state;
	return set_up(1);
}

int rig_many_threads(void **state)
{
	(void)state;
	return set_up(64);
}

int rig_tear_down(void **state)
{
	(void)state;
	synth_free(rig.synth);
	return rig.bad ? -1 : 0;
}

struct scxlua_record next_record(void)
{
	const struct scxlua_record *at = ring_next(synth_ring(rig.synth), &rig.bad);
	struct scxlua_record rec = { .kind = NOTHING };

	while (at && at->kind == SCXLUA_REC_AFFINITY) {
		struct scxlua_affinity part;

		memcpy(&part, at, sizeof(part));
		assert_in_range(part.first / 64 / SCXLUA_MASK_WORDS, 0, 1);
		rig.told[part.first / 64 / SCXLUA_MASK_WORDS] = part;
		rig.nr_told++;
		at = ring_next(synth_ring(rig.synth), &rig.bad);
		assert_non_null(at); /* comes before an enqueue */
		assert_int_equal(at->cookie, part.cookie);
	}
	if (at) {
		rec = *at;
		rig.hash = rig.hash * 31 + rec.kind + (uint64_t)rec.pid + rec.seq + rec.enqueue_ns +
			   rec.sum_exec_ns + (uint64_t)rec.cpu;
	}
	ring_release(synth_ring(rig.synth));
	return rec;
}

struct scxlua_record enqueue_one(void)
{
	assert_int_equal(synth_enqueue(rig.synth, 1), 1);
	return next_record();
}

void send_flags(const struct scxlua_record *rec, int32_t cpu, uint32_t flags)
{
	struct scxlua_verdict *v = uring_reserve(synth_uring(rig.synth));

	assert_non_null(v);
	*v = (struct scxlua_verdict){ .cookie = rec->cookie,
				      .seq = rec->seq,
				      .pid = rec->pid,
				      .cpu = cpu,
				      .flags = flags,
				      .slice_ns = SLICE };
	uring_publish(synth_uring(rig.synth));
}

void send_decision(const struct scxlua_record *rec, int32_t cpu)
{
	send_flags(rec, cpu, 0);
}

struct scxlua_record run_on(const struct scxlua_record *rec, int32_t cpu)
{
	assert_true(synth_waits(rig.synth, 0));
	send_decision(rec, cpu);
	assert_int_equal(synth_drain(rig.synth), 1);
	assert_false(synth_waits(rig.synth, 0));
	return enqueue_one();
}

const struct synth_ledger *ledger(void)
{
	return synth_ledger(rig.synth);
}

bool confine(uint32_t i, uint64_t mask)
{
	return synth_affinity(rig.synth, i, &mask);
}
