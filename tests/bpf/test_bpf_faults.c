// SPDX-License-Identifier: GPL-2.0-only
/* test_bpf_faults.c - each --fault of the BPF does what it says, and is counted. */
#include "rig.h"

static void faults(void **state)
{
	struct model_task *t[4];
	struct scxlua_verdict v;
	int i;

	(void)state;
	machine(2);
	busy();
	config()->fault_drop = 2;
	for (i = 0; i < 4; i++) {
		t[i] = held(100 + i, 3);
		decide(t[i], SCX_CPU_ANY, 1);
	}
	model.this_cpu = 0;
	drain_verdicts();
	assert_int_equal(total().decided, 2);
	assert_int_equal(total().injected, 2);

	machine(2);
	busy();
	config()->fault_ring_full = 2;
	for (i = 0; i < 4; i++)
		model_wake(plain(100 + i, 3));
	assert_int_equal(total().congested, 2);
	assert_int_equal(total().injected, 2);

	machine(2);
	busy();
	config()->fault_wrong_cpu = 2;
	for (i = 0; i < 4; i++) {
		t[i] = held(100 + i, 3);
		decide(t[i], 1, 1);
	}
	model.this_cpu = 0;
	drain_verdicts();
	assert_int_equal(total().decided, 4);
	assert_int_equal(total().bounced, 2);
	assert_int_equal(total().injected, 2);

	machine(2);
	busy();
	config()->fault_no_drain = 1;
	t[0] = held(100, 3);
	decide(t[0], 1, 1);
	model_dispatch(0);
	assert_int_equal(total().decided, 0);

	machine(2);
	busy();
	config()->fault_no_age = 1;
	t[0] = held(100, 3);
	model_advance(10 * config()->starve_ns);
	heartbeat();
	model_dispatch(0);
	model_timer_fire();
	assert_int_equal(at(t[0]), DSQ_HOLD + t[0]->cpu);

	machine(2);
	busy();
	config()->fault_no_starve = 1;
	t[0] = held(100, 3);
	decide(t[0], SCX_CPU_ANY, 1);
	model.this_cpu = 0;
	drain_verdicts();
	model_advance(10 * config()->starve_ns);
	model_timer_fire();
	assert_int_equal(at(t[0]), DSQ_SHARED);

	machine(2);
	busy();
	config()->fault_no_stale = 1;
	t[0] = held(100, 3);
	v = verdict_for(t[0], SCX_CPU_ANY, 1);
	v.seq += 5;
	v.cookie += 5;
	model_verdict(&v);
	model.this_cpu = 0;
	drain_verdicts();
	assert_int_equal(total().stale + total().gone, 0);
	assert_int_equal(at(t[0]), DSQ_SHARED); /* the wrong decision is carried out */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(faults),
	};

	return cmocka_run_group_tests_name("bpf_faults", tests, NULL, NULL);
}
