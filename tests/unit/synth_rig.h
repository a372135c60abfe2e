/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * synth_rig.h - the made-up machine with the test as its scheduler: it reads the records and sends
 * the decisions.
 */
#ifndef SCXLUA_SYNTH_RIG_H
#define SCXLUA_SYNTH_RIG_H

#include "unit.h"

#include <stdbool.h>

#include "synth.h"

enum { NR_CPUS = 4, ALL = 15, SLICE = 1000000, NOTHING = 0 };

struct rig {
	struct synth *synth;
	uint64_t bad;			/* samples that were not records; none is expected */
	uint64_t hash;			/* of all records read */
	struct scxlua_affinity told[2]; /* the last part of each number that was read */
	uint32_t nr_told;
};

extern struct rig rig;

int rig_one_thread(void **state);
int rig_many_threads(void **state);
int rig_tear_down(void **state);

/* The next record, copied; of kind NOTHING if there is none. Affinities go to rig.told[]. */
struct scxlua_record next_record(void);
struct scxlua_record enqueue_one(void);

void send_decision(const struct scxlua_record *rec, int32_t cpu);
void send_flags(const struct scxlua_record *rec, int32_t cpu, uint32_t flags);

/* Sends the only thread to `cpu`; returns its next record, whose cpu is where it ran. */
struct scxlua_record run_on(const struct scxlua_record *rec, int32_t cpu);

const struct synth_ledger *ledger(void);
bool confine(uint32_t i, uint64_t mask); /* thread i */

#define ONE(test) cmocka_unit_test_setup_teardown(test, rig_one_thread, rig_tear_down)
#define MANY(test) cmocka_unit_test_setup_teardown(test, rig_many_threads, rig_tear_down)

#endif
