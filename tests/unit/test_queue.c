// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_queue.c - heap and FIFO against a list that is searched from end to end.
 *
 * The model keeps key and order of pushing of each task; the first is the one with the lowest
 * pair. A FIFO is a heap whose keys are all the same.
 */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "queue.h"

enum { NR_TASKS = 300, CAP = 200 };

static struct scx_task task[NR_TASKS];

struct model {
	double key[NR_TASKS];
	uint64_t order[NR_TASKS]; /* 0 = not in the queue */
	uint64_t pushed;
	uint32_t len;
};

static int clear(void **state)
{
	(void)state;
	memset(task, 0, sizeof(task));
	return 0;
}

static int model_first(const struct model *m)
{
	int best = -1;

	for (int i = 0; i < NR_TASKS; i++) {
		if (!m->order[i])
			continue;
		if (best < 0 || m->key[i] < m->key[best] ||
		    (m->key[i] == m->key[best] && m->order[i] < m->order[best]))
			best = i;
	}
	return best;
}

static int model_push(struct model *m, uint32_t i, double key)
{
	if (m->order[i] && m->key[i] == key)
		return 0;
	if (!m->order[i] && m->len == CAP)
		return -1;
	m->len += !m->order[i];
	m->key[i] = key;
	m->order[i] = ++m->pushed;
	return 0;
}

static void model_remove(struct model *m, int i)
{
	m->order[i] = 0;
	m->len--;
}

static struct scx_task *model_task(int i)
{
	return i < 0 ? NULL : &task[i];
}

static struct scx_task *pop(struct scx_queue *q, int is_heap)
{
	return is_heap ? scx_heap_pop(q) : scx_fifo_pop(q);
}

static void step(struct scx_queue *q, struct model *m, int is_heap, uint64_t *seed)
{
	uint32_t i = unit_below(seed, NR_TASKS);
	uint32_t what = unit_below(seed, 10);
	double key = is_heap ? unit_below(seed, 50) : 0; /* few keys: many ties */
	int first = model_first(m);

	if (what < 6) {
		int got = is_heap ? scx_heap_push(q, &task[i], key) : scx_fifo_push(q, &task[i]);

		assert_int_equal(got, model_push(m, i, key));
	} else if (what < 9) {
		assert_ptr_equal(pop(q, is_heap), model_task(first));
		if (first >= 0)
			model_remove(m, first);
	} else {
		assert_int_equal(scx_queue_remove(q, &task[i]), m->order[i] ? 0 : -1);
		if (m->order[i])
			model_remove(m, (int)i);
	}
}

static void check(const struct scx_queue *q, const struct model *m, int is_heap)
{
	int first = model_first(m);

	assert_int_equal(scx_queue_len(q), m->len);
	assert_ptr_equal(is_heap ? scx_heap_peek(q) : scx_fifo_peek(q), model_task(first));
	if (is_heap)
		assert_true(scx_heap_key(q) == (first < 0 ? 0 : m->key[first]));
	for (int i = 0; i < NR_TASKS; i++)
		assert_ptr_equal(task[i].queue_, m->order[i] ? q : NULL);
}

static void run_model(int is_heap, uint64_t seed)
{
	struct scx_queue *q = is_heap ? scx_heap_new(CAP) : scx_fifo_new(CAP);
	static struct model m;

	memset(&m, 0, sizeof(m));
	for (int i = 0; i < 20000; i++) {
		step(q, &m, is_heap, &seed);
		check(q, &m, is_heap);
	}
	while (m.len) {
		int first = model_first(&m);

		assert_ptr_equal(pop(q, is_heap), &task[first]);
		model_remove(&m, first);
	}
	assert_null(pop(q, is_heap));
	scx_queue_free(q);
}

static void heap_is_like_its_model(void **state)
{
	(void)state;
	run_model(1, 1);
	run_model(1, 2);
}

static void fifo_is_like_its_model(void **state)
{
	(void)state;
	run_model(0, 3);
	run_model(0, 4);
}

static void equal_keys_keep_their_order(void **state)
{
	struct scx_queue *q = scx_heap_new(NR_TASKS);

	(void)state;
	for (int i = 0; i < NR_TASKS; i++)
		assert_int_equal(scx_heap_push(q, &task[i], 7), 0);
	for (int i = 0; i < NR_TASKS; i++)
		assert_ptr_equal(scx_heap_pop(q), &task[i]);
	scx_queue_free(q);
}

static void new_key_goes_behind_its_equals(void **state)
{
	struct scx_queue *q = scx_heap_new(CAP);

	(void)state;
	for (int i = 0; i < 4; i++)
		scx_heap_push(q, &task[i], 10);
	scx_heap_push(q, &task[0], 10); /* same key: same place */
	assert_ptr_equal(scx_heap_peek(q), &task[0]);
	scx_heap_push(q, &task[0], 20);
	scx_heap_push(q, &task[0], 10);
	assert_int_equal(scx_queue_len(q), 4);
	assert_ptr_equal(scx_heap_pop(q), &task[1]);
	scx_heap_pop(q);
	scx_heap_pop(q);
	assert_ptr_equal(scx_heap_pop(q), &task[0]);
	scx_queue_free(q);
}

static void strange_keys_are_ordered(void **state)
{
	struct scx_queue *q = scx_heap_new(CAP);
	const double key[] = { INFINITY, 1e300, 3, NAN, -3, -INFINITY };

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_int_equal(scx_heap_push(q, &task[i], key[i]), 0);
	assert_int_equal(scx_heap_push(q, &task[3], NAN), 0); /* the same key, 0, again */
	for (int i = 5; i >= 0; i--)
		assert_ptr_equal(scx_heap_pop(q), &task[i]);
	scx_queue_free(q);
}

static void full_queue_refuses_and_keeps(void **state)
{
	struct scx_queue *heap = scx_heap_new(1), *fifo = scx_fifo_new(1);

	(void)state;
	assert_int_equal(scx_heap_push(heap, &task[0], 1), 0);
	assert_int_equal(scx_heap_push(heap, &task[1], 0), -1);
	assert_int_equal(scx_heap_push(heap, &task[0], 5), 0);
	assert_true(scx_heap_key(heap) == 5);
	assert_int_equal(scx_fifo_push(fifo, &task[2]), 0);
	assert_int_equal(scx_fifo_push(fifo, &task[1]), -1);
	assert_int_equal(scx_fifo_push(fifo, &task[2]), 0);
	assert_null(task[1].queue_);
	scx_queue_free(heap);
	scx_queue_free(fifo);
}

static void task_is_in_one_queue(void **state)
{
	struct scx_queue *a = scx_heap_new(CAP), *b = scx_fifo_new(CAP);

	(void)state;
	assert_int_equal(scx_heap_push(a, &task[0], 1), 0);
	assert_int_equal(scx_fifo_push(b, &task[0]), -1);
	assert_int_equal(scx_queue_remove(b, &task[0]), -1);
	assert_ptr_equal(task[0].queue_, a);
	queue_forget(&task[0]);
	assert_int_equal(scx_queue_len(a), 0);
	assert_int_equal(scx_fifo_push(b, &task[0]), 0);
	queue_forget(&task[0]);
	queue_forget(&task[0]);
	assert_int_equal(scx_queue_len(b), 0);
	scx_queue_free(a);
	scx_queue_free(b);
}

static void free_lets_tasks_go(void **state)
{
	struct scx_queue *a = scx_heap_new(CAP), *b = scx_fifo_new(CAP);

	(void)state;
	for (int i = 0; i < 100; i++) {
		scx_heap_push(a, &task[i], -i);
		scx_fifo_push(b, &task[100 + i]);
	}
	scx_queue_free(a);
	scx_queue_free(b);
	for (int i = 0; i < NR_TASKS; i++)
		assert_null(task[i].queue_);
	scx_queue_free(NULL);
}

static void wrong_use_is_refused(void **state)
{
	struct scx_queue *heap = scx_heap_new(CAP), *fifo = scx_fifo_new(CAP);

	(void)state;
	assert_null(scx_heap_new(0));
	assert_null(scx_fifo_new(UINT32_MAX));
	assert_int_equal(scx_heap_push(fifo, &task[0], 1), -1);
	assert_int_equal(scx_fifo_push(heap, &task[0]), -1);
	assert_int_equal(scx_heap_push(NULL, &task[0], 1), -1);
	assert_int_equal(scx_heap_push(heap, NULL, 1), -1);
	assert_int_equal(scx_fifo_push(NULL, &task[0]), -1);
	assert_int_equal(scx_fifo_push(fifo, NULL), -1);
	scx_heap_push(heap, &task[0], 3);
	scx_fifo_push(fifo, &task[1]);
	assert_null(scx_fifo_pop(heap));
	assert_null(scx_heap_pop(fifo));
	assert_null(scx_heap_pop(NULL));
	assert_null(scx_fifo_peek(NULL));
	assert_true(scx_heap_key(fifo) == 0);
	assert_int_equal(scx_queue_len(NULL), 0);
	assert_int_equal(scx_queue_remove(NULL, &task[0]), -1);
	assert_int_equal(scx_queue_remove(heap, NULL), -1);
	scx_queue_free(heap);
	scx_queue_free(fifo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(heap_is_like_its_model, clear),
		cmocka_unit_test_setup(fifo_is_like_its_model, clear),
		cmocka_unit_test_setup(equal_keys_keep_their_order, clear),
		cmocka_unit_test_setup(new_key_goes_behind_its_equals, clear),
		cmocka_unit_test_setup(strange_keys_are_ordered, clear),
		cmocka_unit_test_setup(full_queue_refuses_and_keeps, clear),
		cmocka_unit_test_setup(task_is_in_one_queue, clear),
		cmocka_unit_test_setup(free_lets_tasks_go, clear),
		cmocka_unit_test_setup(wrong_use_is_refused, clear),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
