// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_ring.c - both rings against a kernel's end written here, byte for byte as
 * kernel/bpf/ringbuf.c does it, on memory mapped the way the kernel maps it.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"

enum {
	BYTES = 4096, /* of data: small, so that it wraps often */
	RECORD = sizeof(struct scxlua_record),
	VERDICT = sizeof(struct scxlua_verdict),
	HEADER = 8,
	ROOM = BYTES / (VERDICT + HEADER),
};

/* A ring as the kernel sees it. */
struct kernel {
	size_t page;
	uint8_t *base;
	uint64_t *consumer;
	uint64_t *producer;
	uint8_t *data;
	struct ring ring;
	struct uring uring;
	uint64_t bad;
	uint64_t sent;
	uint64_t taken;
};

static struct kernel k;

static int setup(void **state)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);
	int prot = PROT_READ | PROT_WRITE;
	uint8_t *again;

	(void)state;
	memset(&k, 0, sizeof(k));
	k.page = (size_t)sysconf(_SC_PAGESIZE);
	if (fd < 0 || ftruncate(fd, (off_t)(2 * k.page + BYTES)))
		return -1;
	k.base = mmap(NULL, 2 * k.page + 2 * BYTES, prot, MAP_SHARED, fd, 0);
	if (k.base == MAP_FAILED)
		return -1;
	k.consumer = (uint64_t *)(void *)k.base;
	k.producer = (uint64_t *)(void *)(k.base + k.page);
	k.data = k.base + 2 * k.page;
	again = mmap(k.data + BYTES, BYTES, prot, MAP_SHARED | MAP_FIXED, fd, (off_t)(2 * k.page));
	close(fd);
	k.ring = (struct ring){ .consumer_pos = k.consumer,
				.producer_pos = k.producer,
				.data = k.data,
				.mask = BYTES - 1 };
	k.uring = (struct uring){ .consumer_pos = k.consumer,
				  .producer_pos = k.producer,
				  .data = k.data,
				  .mask = BYTES - 1 };
	return again == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	return munmap(k.base, 2 * k.page + 2 * BYTES);
}

static uint32_t *header_at(uint64_t pos)
{
	return (uint32_t *)(void *)(k.data + (pos & (BYTES - 1)));
}

/* Claims and fills a sample of len bytes with the given header bits; false if the ring is full. */
static int put(uint32_t len, uint32_t bits)
{
	uint64_t step = (len + HEADER + 7) / 8 * 8;
	struct scxlua_record rec = { .kind = SCXLUA_REC_ENQUEUE, .cookie = k.sent, .pid = 1 };

	if (*k.producer + step - *k.consumer > BYTES)
		return 0;
	header_at(*k.producer)[0] = len | bits;
	header_at(*k.producer)[1] = 0;
	memcpy(header_at(*k.producer) + 2, &rec, len < RECORD ? len : RECORD);
	*k.producer += step;
	k.sent += len == RECORD && !bits;
	return 1;
}

static const struct scxlua_record *next(void)
{
	return ring_next(&k.ring, &k.bad);
}

static void expect_next(uint64_t cookie)
{
	const struct scxlua_record *rec = next();

	assert_non_null(rec);
	assert_true(rec->cookie == cookie);
}

static void records_come_in_order_over_the_wrap(void **state)
{
	uint64_t seed = 1;

	(void)state;
	while (k.taken < 10000) {
		for (uint32_t n = unit_below(&seed, 40); n > 0 && put(RECORD, 0); n--)
			;
		for (uint32_t n = unit_below(&seed, 40); n > 0 && k.taken < k.sent; n--)
			expect_next(k.taken++);
		if (k.taken == k.sent)
			assert_null(next());
		if (unit_below(&seed, 3) == 0)
			ring_release(&k.ring);
	}
	assert_int_equal(k.bad, 0);
}

static void space_is_the_kernels_only_after_release(void **state)
{
	(void)state;
	while (put(RECORD, 0))
		;
	while (next())
		;
	assert_int_equal(*k.consumer, 0);
	assert_false(put(RECORD, 0));
	ring_release(&k.ring);
	assert_true(*k.consumer == *k.producer);
	assert_true(put(RECORD, 0));
}

static void busy_sample_holds_up_what_follows(void **state)
{
	(void)state;
	put(RECORD, 0);
	put(RECORD, BPF_RINGBUF_BUSY_BIT);
	put(RECORD, 0);
	expect_next(0);
	assert_null(next());
	assert_null(next());
	header_at(RECORD + HEADER)[0] &= ~BPF_RINGBUF_BUSY_BIT;
	assert_non_null(next());
	expect_next(1);
	assert_null(next());
	assert_int_equal(k.bad, 0);
}

static void discarded_samples_are_skipped_silently(void **state)
{
	(void)state;
	put(RECORD, BPF_RINGBUF_DISCARD_BIT);
	put(24, BPF_RINGBUF_DISCARD_BIT);
	put(RECORD, 0);
	put(RECORD, BPF_RINGBUF_DISCARD_BIT);
	expect_next(0);
	assert_null(next());
	ring_release(&k.ring);
	assert_true(*k.consumer == *k.producer);
	assert_int_equal(k.bad, 0);
}

static void samples_of_other_sizes_are_counted(void **state)
{
	const uint32_t len[] = { 0, 1, 8, RECORD - 1, RECORD + 1, RECORD + 8, 500 };

	(void)state;
	for (int i = 0; i < 7; i++) {
		assert_true(put(len[i], 0));
		assert_true(put(RECORD, 0));
		expect_next((uint64_t)i);
	}
	assert_null(next());
	assert_int_equal(k.bad, 7);
}

/* Random garbage in headers: never out of bounds (the sanitizers watch), never stuck. */
static void scribbled_headers_cannot_lead_astray(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (int round = 0; round < 5000; round++) {
		uint64_t first = *k.producer;
		uint32_t junk = (uint32_t)unit_random(&seed) & ~BPF_RINGBUF_BUSY_BIT;
		int n = 0;

		while (n < 8 && put(RECORD, 0))
			n++;
		if (round % 2)
			junk &= 0xfff;
		header_at(first + unit_below(&seed, 8) * (RECORD + HEADER))[0] = junk;
		for (int i = 0; i < 600 && next(); i++)
			;
		assert_true(k.ring.pos == *k.producer || header_at(k.ring.pos)[0] >> 31);
		/* Whatever was made of it, the next round starts clean. */
		k.ring.pos = *k.producer;
		ring_release(&k.ring);
	}
	assert_true(k.bad > 1000);
}

static void length_past_the_producer_skips_to_it(void **state)
{
	(void)state;
	put(RECORD, 0);
	put(RECORD, 0);
	put(RECORD, 0);
	header_at(RECORD + HEADER)[0] = BPF_RINGBUF_DISCARD_BIT - 1;
	expect_next(0);
	assert_null(next());
	assert_int_equal(k.bad, 1);
	put(RECORD, 0);
	expect_next(3);
}

static void next_worker_goes_on_where_the_last_one_released(void **state)
{
	struct ring other = k.ring;

	(void)state;
	for (int i = 0; i < 4; i++)
		put(RECORD, 0);
	expect_next(0);
	ring_release(&k.ring);
	expect_next(1); /* read, not released: the successor sees it again */
	ring_attach(&other);
	assert_true(ring_next(&other, &k.bad)->cookie == 1);
	while (next())
		;
	ring_release(&k.ring);
	ring_attach(&other);
	assert_null(ring_next(&other, &k.bad));
	assert_int_equal(k.bad, 0);
}

/* ---- user ring ---- */

/* __bpf_user_ringbuf_peek(): 1 = a sample, 0 = none, -errno as the kernel returns it. */
static int take(struct scxlua_verdict *v)
{
	uint64_t producer = *k.producer, consumer = *k.consumer;
	uint32_t len, total;

	if (producer % 8)
		return -EINVAL;
	if (consumer >= producer)
		return 0;
	len = header_at(consumer)[0];
	if (len & BPF_RINGBUF_BUSY_BIT)
		return 0;
	len &= ~BPF_RINGBUF_DISCARD_BIT;
	total = (len + HEADER + 7) / 8 * 8;
	if (total > producer - consumer)
		return -EINVAL;
	if (len != VERDICT)
		return -E2BIG;
	memcpy(v, header_at(consumer) + 2, VERDICT);
	*k.consumer += total;
	return 1;
}

static int reserve(uint64_t cookie)
{
	struct scxlua_verdict *v = uring_reserve(&k.uring);

	if (!v)
		return 0;
	memset(v, 0, sizeof(*v));
	v->cookie = cookie;
	return 1;
}

static void verdicts_arrive_in_order_over_the_wrap(void **state)
{
	struct scxlua_verdict v;
	uint64_t seed = 3;

	(void)state;
	while (k.taken < 10000) {
		for (uint32_t n = unit_below(&seed, 100); n > 0 && reserve(k.sent); n--)
			k.sent++;
		uring_publish(&k.uring);
		for (uint32_t n = unit_below(&seed, 100); n > 0; n--) {
			int got = take(&v);

			assert_true(got >= 0);
			if (!got)
				break;
			assert_true(v.cookie == k.taken);
			k.taken++;
		}
		assert_int_equal(uring_backlog(&k.uring), k.sent - k.taken);
		assert_int_equal(uring_room(&k.uring), ROOM - (k.sent - k.taken));
	}
}

static void nothing_is_seen_before_publish(void **state)
{
	struct scxlua_verdict v;

	(void)state;
	reserve(7);
	assert_int_equal(take(&v), 0);
	uring_publish(&k.uring);
	assert_int_equal(take(&v), 1);
	assert_true(v.cookie == 7);
	assert_int_equal(take(&v), 0);
}

static void full_ring_refuses(void **state)
{
	struct scxlua_verdict v;
	int n = 0;

	(void)state;
	while (reserve(0))
		n++;
	assert_int_equal(n, ROOM);
	assert_int_equal(uring_room(&k.uring), 0);
	uring_publish(&k.uring);
	assert_int_equal(take(&v), 1);
	assert_int_equal(uring_room(&k.uring), 1);
	assert_true(reserve(1));
	assert_false(reserve(2));
}

static void absurd_consumer_position_means_no_room(void **state)
{
	(void)state;
	*k.consumer = 1u << 20;
	assert_int_equal(uring_room(&k.uring), 0);
	assert_false(reserve(1));
}

static void next_worker_writes_where_the_last_one_published(void **state)
{
	struct uring other = k.uring;
	struct scxlua_verdict v;

	(void)state;
	reserve(1);
	uring_publish(&k.uring);
	uring_attach(&other);
	uring_reserve(&other)->cookie = 2;
	uring_publish(&other);
	assert_int_equal(take(&v), 1);
	assert_int_equal(take(&v), 1);
	assert_true(v.cookie == 2);
}

/* Positions that a policy has written: the next worker starts where the kernel is. */
static void next_worker_mends_positions(void **state)
{
	static const uint64_t offset[] = { 4, BYTES + 8, 1ull << 40, 1ull << 63, (uint64_t)-8 };
	struct ring in = k.ring;
	struct uring out = k.uring;
	struct scxlua_verdict v;

	(void)state;
	for (size_t i = 0; i < sizeof(offset) / sizeof(offset[0]); i++) {
		*k.producer = *k.consumer + offset[i];
		assert_int_equal(uring_is_sound(&out), *k.producer < *k.consumer);
		uring_attach(&out);
		assert_true(uring_is_sound(&out));
		assert_int_equal(uring_backlog(&out), 0);
		uring_reserve(&out)->cookie = i;
		uring_publish(&out);
		assert_int_equal(take(&v), 1);
		assert_true(v.cookie == i);
		if (offset[i] == (uint64_t)-8)
			continue; /* can be: some records again, or what is none */
		put(RECORD, 0);
		*k.ring.consumer_pos += offset[i];
		ring_attach(&in);
		assert_null(ring_next(&in, &k.bad));
		put(RECORD, 0);
		assert_non_null(ring_next(&in, &k.bad));
		ring_release(&in);
	}
	assert_int_equal(k.bad, 0);
}

/* ---- mapping ---- */

/* A file that is as long as a map of that kind can be mapped, which a real map's data twice. */
static int long_file(void)
{
	int fd = memfd_create("map", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(2 * k.page + 2 * BYTES)), 0);
	return fd;
}

static void maps_are_laid_out_as_the_kernel_has_them(void **state)
{
	uint64_t consumed = 40, produced = 48;
	int fd = long_file();
	struct ring in;
	struct uring out;

	(void)state;
	assert_int_equal(pwrite(fd, &consumed, 8, 0), 8);
	assert_int_equal(pwrite(fd, &produced, 8, (off_t)k.page), 8);
	assert_int_equal(pwrite(fd, "data", 4, (off_t)(2 * k.page)), 4);
	assert_int_equal(ring_map(&in, fd, BYTES), 0);
	assert_int_equal(uring_map(&out, fd, BYTES), 0);
	assert_true(in.pos == 40 && *in.producer_pos == 48 && in.mask == BYTES - 1);
	assert_true(out.pos == 48 && out.seen == 40);
	assert_memory_equal(in.data, "data", 4);
	assert_memory_equal(out.data, "data", 4);
	*in.consumer_pos = 48;
	assert_int_equal(*out.consumer_pos, 48);
	ring_unmap(&in);
	uring_unmap(&out);
	ring_unmap(&in); /* twice is harmless */
	uring_unmap(NULL);
	close(fd);
}

static void bad_sizes_and_files_are_refused(void **state)
{
	struct ring in = { .mask = 1 };
	struct uring out = { .mask = 1 };
	int fd = long_file();

	(void)state;
	assert_int_equal(ring_map(&in, fd, 0), -EINVAL);
	assert_int_equal(ring_map(&in, fd, 100), -EINVAL);
	assert_int_equal(uring_map(&out, fd, 3 * BYTES), -EINVAL);
	assert_int_equal(ring_map(&in, -1, BYTES), -EBADF);
	assert_int_equal(uring_map(&out, -1, BYTES), -EBADF);
	assert_true(in.mask == 1 && out.mask == 1);
	close(fd);
}

#define WITH_RING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RING(records_come_in_order_over_the_wrap),
		WITH_RING(space_is_the_kernels_only_after_release),
		WITH_RING(busy_sample_holds_up_what_follows),
		WITH_RING(discarded_samples_are_skipped_silently),
		WITH_RING(samples_of_other_sizes_are_counted),
		WITH_RING(scribbled_headers_cannot_lead_astray),
		WITH_RING(length_past_the_producer_skips_to_it),
		WITH_RING(next_worker_goes_on_where_the_last_one_released),
		WITH_RING(verdicts_arrive_in_order_over_the_wrap),
		WITH_RING(nothing_is_seen_before_publish),
		WITH_RING(full_ring_refuses),
		WITH_RING(absurd_consumer_position_means_no_room),
		WITH_RING(next_worker_writes_where_the_last_one_published),
		WITH_RING(next_worker_mends_positions),
		WITH_RING(maps_are_laid_out_as_the_kernel_has_them),
		WITH_RING(bad_sizes_and_files_are_refused),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
