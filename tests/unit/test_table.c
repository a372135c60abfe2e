// SPDX-License-Identifier: GPL-2.0-only
/* test_table.c - the task table against an array that is searched from end to end. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "table.h"

enum { SLOTS = 256, NR_CPUS = 70, CHURN = 100000 };

struct known {
	uint64_t cookie;
	struct scx_task *task;
};

struct model {
	struct known known[SLOTS];
	uint32_t len;
	uint64_t last_cookie;
};

static int setup(void **state)
{
	*state = table_new(SLOTS, NR_CPUS);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	table_free(*state);
	return 0;
}

/* The policy's data[] carries the cookie, so that a slot that moved or was shared shows. */
static void churn_add(struct table *t, struct model *m)
{
	struct scx_task *task = table_take(t, ++m->last_cookie);

	if (m->len == SLOTS) {
		assert_null(task);
		return;
	}
	assert_non_null(task);
	assert_true(task->data[0] == 0 && task->held_ == 0 && task->queue_ == NULL);
	task->data[0] = (double)m->last_cookie;
	m->known[m->len++] = (struct known){ m->last_cookie, task };
}

static void churn_remove(struct table *t, struct model *m, uint32_t i)
{
	struct known gone = m->known[i];

	table_remove(t, gone.task);
	assert_false(table_owns(t, gone.task));
	assert_true(table_knows(t, gone.task));
	assert_null(table_find(t, gone.cookie));
	m->known[i] = m->known[--m->len];
}

static void check_one(const struct table *t, const struct known *k)
{
	assert_ptr_equal(table_find(t, k->cookie), k->task);
	assert_true(table_owns(t, k->task));
	assert_true(k->task->cookie_ == k->cookie);
	assert_true(k->task->data[0] == (double)k->cookie);
}

static void check_all(const struct table *t, const struct model *m)
{
	uint32_t pos = 0, n = 0;

	for (uint32_t i = 0; i < m->len; i++)
		check_one(t, &m->known[i]);
	while (table_next(t, &pos))
		n++;
	assert_int_equal(n, m->len);
	assert_int_equal(table_len(t), m->len);
}

/* A load that drifts between empty and full, with the oldest threads living to the end. */
static void churn(struct table *t, struct model *m, uint64_t seed)
{
	for (int i = 0; i < CHURN; i++) {
		uint32_t add = i / 2000 % 2 ? 45 : 55;
		uint32_t n = m->len;

		if (unit_below(&seed, 100) < add || n < 20)
			churn_add(t, m);
		else
			churn_remove(t, m, 10 + unit_below(&seed, n - 10));
		if (n > 20)
			check_one(t, &m->known[unit_below(&seed, n - 1)]);
		if (i % 1000 == 0)
			check_all(t, m);
	}
	check_all(t, m);
}

static void churn_is_like_its_model(void **state)
{
	static struct model m;

	memset(&m, 0, sizeof(m));
	churn(*state, &m, 1);
}

static void churn_is_like_its_model_at_the_wrap(void **state)
{
	static struct model m;

	memset(&m, 0, sizeof(m));
	m.last_cookie = 0xffffffffu - CHURN / 4;
	churn(*state, &m, 2);
}

/* Cookies that agree in their low half are two threads all the same. */
static void equal_low_halves_are_told_apart(void **state)
{
	struct scx_task *task[SLOTS];

	for (uint64_t i = 0; i < SLOTS; i++)
		task[i] = table_take(*state, i << 32 | 7);
	for (uint64_t i = 0; i < SLOTS; i += 2)
		table_remove(*state, task[i]);
	for (uint64_t i = 0; i < SLOTS; i++)
		assert_ptr_equal(table_find(*state, i << 32 | 7), i % 2 ? task[i] : NULL);
}

static void full_table_refuses_only_new_threads(void **state)
{
	struct scx_task *first;

	assert_int_equal(table_cap(*state), SLOTS);
	first = table_take(*state, 1);
	for (uint64_t c = 2; c <= SLOTS; c++)
		assert_non_null(table_take(*state, c));
	assert_null(table_take(*state, SLOTS + 1));
	assert_ptr_equal(table_take(*state, 1), first);
	table_remove(*state, first);
	assert_ptr_equal(table_take(*state, SLOTS + 1), first);
	assert_null(table_take(*state, SLOTS + 2));
}

static void cookie_zero_is_nobody(void **state)
{
	assert_null(table_take(*state, 0));
	assert_null(table_find(*state, 0));
}

static void owns_only_slots_in_use(void **state)
{
	struct scx_task *task = table_take(*state, 1);
	struct scx_task stranger = { .cookie_ = 1 };
	char *at = (char *)task;

	/* Bytes that would pass for a cookie wherever they are read. */
	table_take(*state, 2);
	memset(at, 0xff, 2 * sizeof(*task));
	assert_true(table_owns(*state, task));
	for (size_t i = 1; i < sizeof(*task); i++)
		assert_false(table_owns(*state, (void *)(at + i)));
	assert_false(table_owns(*state, task + 2)); /* a slot, but free */
	assert_false(table_owns(*state, task - 1));
	assert_false(
		table_owns(*state, (void *)(uintptr_t)((uintptr_t)task - sizeof(*task) * 1000)));
	assert_false(table_owns(*state, (void *)((uintptr_t)task + sizeof(*task) * SLOTS)));
	assert_false(table_owns(*state, NULL));
	assert_false(table_owns(*state, (void *)UINTPTR_MAX));
	assert_false(table_owns(*state, &stranger));
	assert_true(table_knows(*state, task));
	assert_false(table_knows(*state, (void *)(at + 1)));
	assert_false(table_knows(*state, task + 2)); /* never in use */
	assert_false(table_knows(*state, task - 1));
	assert_false(table_knows(*state, NULL));
	assert_false(table_knows(*state, &stranger));
}

static void refresh_copies_the_record(void **state)
{
	struct scx_task *task = table_take(*state, 9);
	struct scxlua_record rec = {
		.kind = SCXLUA_REC_ENQUEUE,
		.flags = SCX_TASK_NEW,
		.pid = 11,
		.tgid = 12,
		.cookie = 9,
		.seq = 5,
		.ppid = 13,
		.nice = -20,
		.cpu = 3,
		.nr_cpus_allowed = 8,
		.cpumask_seq = 4,
		.weight = 10000,
		.enqueue_ns = 1ull << 52,
		.start_ns = 21,
		.stop_ns = 22,
		.exec_ns = 23,
		.sum_exec_ns = 24,
		.nvcsw = 25,
		.cgroup_id = 26,
	};

	memset(rec.comm, 'x', sizeof(rec.comm));
	task->data[3] = 1.5;
	task->payload = 77;
	task->seq_ = 4;
	task->held_ = 1;
	task->vtime = 99;
	task_refresh(task, &rec);
	assert_string_equal((const char *)task->comm, "xxxxxxxxxxxxxxx");
	assert_int_equal(task->pid, 11);
	assert_int_equal(task->tgid, 12);
	assert_int_equal(task->ppid, 13);
	assert_int_equal(task->nice, -20);
	assert_int_equal(task->cpu, 3);
	assert_int_equal(task->nr_cpus_allowed, 8);
	assert_int_equal(task->cpumask_seq, 4);
	assert_int_equal(task->weight, 10000);
	assert_int_equal(task->flags, SCX_TASK_NEW);
	assert_true(task->enqueue_ns == 0x1p52 && task->start_ns == 21 && task->stop_ns == 22);
	assert_true(task->exec_ns == 23 && task->sum_exec_ns == 24 && task->nvcsw == 25);
	assert_true(task->cgroup_id == 26);
	/* Not the kernel's to say. */
	assert_true(task->data[3] == 1.5 && task->payload == 77 && task->vtime == 99);
	assert_true(task->seq_ == 4 && task->held_ == 1 && task->cookie_ == 9);
}

static void held_come_oldest_first(void **state)
{
	struct scx_task *out[SLOTS];
	uint64_t seed = 3;
	uint32_t nr_held = 0, n;

	for (uint64_t c = 1; c <= SLOTS; c++) {
		struct scx_task *task = table_take(*state, c);

		task->held_ = c % 3 != 0;
		task->enqueue_ns = unit_below(&seed, 40);
		nr_held += task->held_;
	}
	n = table_held(*state, out, SLOTS);
	assert_int_equal(n, nr_held);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(out[i]->held_, 1);
		if (i)
			assert_true(out[i - 1]->enqueue_ns < out[i]->enqueue_ns ||
				    (out[i - 1]->enqueue_ns == out[i]->enqueue_ns &&
				     out[i - 1]->cookie_ < out[i]->cookie_));
	}
}

static void short_array_gets_the_oldest(void **state)
{
	struct scx_task *all[SLOTS], *some[10];

	for (uint64_t c = 1; c <= SLOTS; c++) {
		struct scx_task *task = table_take(*state, c);

		task->held_ = 1;
		task->enqueue_ns = (double)(c * 37 % SLOTS);
	}
	assert_int_equal(table_held(*state, all, SLOTS), SLOTS);
	assert_int_equal(table_held(*state, some, 10), 10);
	assert_memory_equal(all, some, sizeof(some));
	assert_int_equal(table_held(*state, some, 0), 0);
}

static void reset_forgets_everything(void **state)
{
	for (uint64_t c = 1; c <= 100; c++)
		table_take(*state, c)->data[0] = 5;
	table_remove(*state, table_find(*state, 50));
	table_reset(*state);
	assert_int_equal(table_len(*state), 0);
	for (uint64_t c = 1; c <= 100; c++)
		assert_null(table_find(*state, c));
	for (uint64_t c = 1; c <= SLOTS; c++)
		assert_true(table_take(*state, c)->data[0] == 0);
}

static void forked_workers_share_it(void **state)
{
	struct scx_task *task = table_take(*state, 1);
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct scx_task *other = table_take(*state, 2);

		task->data[1] = 42;
		_exit(other && other != task ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(task->data[1] == 42);
	assert_non_null(table_find(*state, 2));
}

/* A new thread may run anywhere, also in a slot whose last owner could not. */
static void affinity_belongs_to_the_thread(void **state)
{
	struct table *t = *state;
	struct scx_task *task = table_take(t, 1), *other = table_take(t, 2);
	struct scxlua_affinity rec = { .mask = { 1ull << 63, 1ull << 1 } };

	assert_true(table_allows(t, task, 0) && table_allows(t, task, NR_CPUS - 1));
	assert_false(table_allows(t, task, NR_CPUS));
	assert_false(table_allows(t, task, UINT32_MAX));
	table_set_mask(t, task, &rec);
	for (uint32_t cpu = 0; cpu < NR_CPUS; cpu++) {
		assert_int_equal(table_allows(t, task, cpu), cpu == 63 || cpu == 65);
		assert_true(table_allows(t, other, cpu));
	}
	rec.first = 64; /* a later part: the first word stays */
	rec.mask[0] = 1;
	table_set_mask(t, task, &rec);
	assert_true(table_allows(t, task, 63) && table_allows(t, task, 64));
	assert_false(table_allows(t, task, 65));
	rec.first = 1 << 20; /* no such CPUs: nothing happens */
	table_set_mask(t, task, &rec);
	assert_true(table_allows(t, task, 64));
	table_remove(t, task);
	assert_ptr_equal(table_take(t, 3), task);
	assert_true(table_allows(t, task, 0));
}

static void sizes_are_rounded_or_refused(void **state)
{
	const struct {
		uint32_t asked, got;
	} size[] = { { 1, 1 }, { 2, 2 }, { 3, 4 }, { 1000, 1024 } };

	(void)state;
	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		struct table *t = table_new(size[i].asked, NR_CPUS);

		assert_int_equal(table_cap(t), size[i].got);
		for (uint64_t c = 1; c <= size[i].got; c++)
			assert_non_null(table_take(t, c));
		assert_null(table_take(t, size[i].got + 1));
		table_free(t);
	}
	assert_null(table_new(0, NR_CPUS));
	assert_null(table_new(UINT32_MAX, NR_CPUS));
	table_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(churn_is_like_its_model, setup, teardown),
		cmocka_unit_test_setup_teardown(churn_is_like_its_model_at_the_wrap, setup,
						teardown),
		cmocka_unit_test_setup_teardown(equal_low_halves_are_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(full_table_refuses_only_new_threads, setup,
						teardown),
		cmocka_unit_test_setup_teardown(cookie_zero_is_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(owns_only_slots_in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(refresh_copies_the_record, setup, teardown),
		cmocka_unit_test_setup_teardown(held_come_oldest_first, setup, teardown),
		cmocka_unit_test_setup_teardown(short_array_gets_the_oldest, setup, teardown),
		cmocka_unit_test_setup_teardown(reset_forgets_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(forked_workers_share_it, setup, teardown),
		cmocka_unit_test_setup_teardown(affinity_belongs_to_the_thread, setup, teardown),
		cmocka_unit_test(sizes_are_rounded_or_refused),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
