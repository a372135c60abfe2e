// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring.c - see ring.h.
 *
 * The contracts are the kernel's, kernel/bpf/ringbuf.c:
 * - Record ring: a producer claims space (the position moves on) with the busy bit set, and
 *   clears the bit with a full barrier when the sample is whole. So both the position and each
 *   header are loaded with acquire. Our position is stored with release: the space is not ours
 *   from then on.
 * - User ring: the kernel reads our position, then headers up to it; a length that reaches
 *   past the position or a position that is no multiple of 8 ends the drain with an error. It
 *   knows busy samples too, but one store with release after whole samples needs none.
 */
#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEADER = BPF_RINGBUF_HDR_SZ };

struct header {
	uint32_t len; /* and BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT */
	uint32_t page_offset;
};

_Static_assert(sizeof(struct header) == HEADER, "the kernel's header");

/* A sample as it lies in the ring. */
enum { VERDICT_STEP = (sizeof(struct scxlua_verdict) + HEADER + 7) / 8 * 8 };

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Maps both parts of a ring: a page of file offset 0, and the rest with the data twice. */
static int map_parts(int fd, uint32_t bytes, int first_prot, int rest_prot, void **first,
		     void **rest)
{
	size_t page = page_bytes();
	void *a, *b;

	if (bytes < page || bytes & (bytes - 1))
		return -EINVAL;
	a = mmap(NULL, page, first_prot, MAP_SHARED, fd, 0);
	if (a == MAP_FAILED)
		return -errno;
	b = mmap(NULL, page + 2 * (size_t)bytes, rest_prot, MAP_SHARED, fd, (off_t)page);
	if (b == MAP_FAILED) {
		int err = -errno;

		munmap(a, page);
		return err;
	}
	*first = a;
	*rest = b;
	return 0;
}

static void unmap_parts(const void *first, const void *rest, uint64_t mask)
{
	munmap((void *)(uintptr_t)first, page_bytes());
	munmap((void *)(uintptr_t)rest, page_bytes() + 2 * (mask + 1));
}

int ring_map(struct ring *r, int fd, uint32_t bytes)
{
	void *consumer = NULL, *producer = NULL;
	int err = map_parts(fd, bytes, PROT_READ | PROT_WRITE, PROT_READ, &consumer, &producer);

	if (err)
		return err;
	r->consumer_pos = consumer;
	r->producer_pos = producer;
	r->data = (const uint8_t *)producer + page_bytes();
	r->mask = bytes - 1;
	ring_attach(r);
	return 0;
}

void ring_unmap(struct ring *r)
{
	if (!r || !r->consumer_pos)
		return;
	unmap_parts(r->consumer_pos, r->producer_pos, r->mask);
	r->consumer_pos = NULL;
}

int uring_map(struct uring *r, int fd, uint32_t bytes)
{
	void *consumer = NULL, *producer = NULL;
	int err = map_parts(fd, bytes, PROT_READ, PROT_READ | PROT_WRITE, &consumer, &producer);

	if (err)
		return err;
	r->consumer_pos = consumer;
	r->producer_pos = producer;
	r->data = (uint8_t *)producer + page_bytes();
	r->mask = bytes - 1;
	uring_attach(r);
	return 0;
}

void uring_unmap(struct uring *r)
{
	if (!r || !r->consumer_pos)
		return;
	unmap_parts(r->consumer_pos, r->producer_pos, r->mask);
	r->consumer_pos = NULL;
}

void ring_attach(struct ring *r)
{
	uint64_t produced = __atomic_load_n(r->producer_pos, __ATOMIC_ACQUIRE);

	r->pos = __atomic_load_n(r->consumer_pos, __ATOMIC_ACQUIRE);
	if (r->pos % 8 || produced - r->pos > r->mask + 1) {
		r->pos = produced;
		ring_release(r);
	}
	r->seen = r->pos;
}

/* The producer's position, given the kernel's. */
static bool can_be(const struct uring *r, uint64_t produced, uint64_t consumed)
{
	return produced % 8 == 0 && produced - consumed <= r->mask + 1;
}

void uring_attach(struct uring *r)
{
	r->pos = __atomic_load_n(r->producer_pos, __ATOMIC_ACQUIRE);
	r->seen = __atomic_load_n(r->consumer_pos, __ATOMIC_ACQUIRE);
	/*
	 * Behind the kernel, after a repair that raced with a drain; or at a position that no
	 * producer before us can have reached. The kernel may be draining: until it stands where we do.
	 */
	while (r->pos != r->seen && !can_be(r, r->pos, r->seen)) {
		r->pos = r->seen;
		uring_publish(r);
		r->seen = __atomic_load_n(r->consumer_pos, __ATOMIC_ACQUIRE);
	}
}

bool uring_is_sound(const struct uring *r)
{
	uint64_t produced = __atomic_load_n(r->producer_pos, __ATOMIC_ACQUIRE);
	uint64_t consumed = __atomic_load_n(r->consumer_pos, __ATOMIC_ACQUIRE);

	/* Behind: the kernel has taken more since we looked. */
	return (int64_t)(consumed - produced) > 0 || can_be(r, produced, consumed);
}

/*
 * Steps over the sample at pos and says where it was. Returns its length with the discard bit
 * if set; -1 if the sample is not there yet, -2 if it reaches past the producer: no header can
 * be trusted up to there then, and all of it is skipped.
 */
static int64_t ring_step(struct ring *r, const uint8_t **payload)
{
	const uint8_t *at = r->data + (r->pos & r->mask);
	uint32_t len = __atomic_load_n((const uint32_t *)(const void *)at, __ATOMIC_ACQUIRE);
	uint64_t step = ((len & ~BPF_RINGBUF_DISCARD_BIT) + (uint64_t)HEADER + 7) / 8 * 8;

	if (len & BPF_RINGBUF_BUSY_BIT)
		return -1;
	if (step > r->seen - r->pos) {
		r->pos = r->seen;
		return -2;
	}
	*payload = at + HEADER;
	r->pos += step;
	return len;
}

const struct scxlua_record *ring_next(struct ring *r, uint64_t *bad)
{
	for (;;) {
		const uint8_t *payload;
		int64_t len;

		if (r->pos == r->seen) {
			r->seen = __atomic_load_n(r->producer_pos, __ATOMIC_ACQUIRE);
			if (r->pos == r->seen)
				return NULL;
		}
		len = ring_step(r, &payload);
		if (len == sizeof(struct scxlua_record))
			return (const void *)payload;
		if (len == -1)
			return NULL;
		if (len < 0 || !(len & BPF_RINGBUF_DISCARD_BIT))
			++*bad;
	}
}

void ring_release(struct ring *r)
{
	__atomic_store_n(r->consumer_pos, r->pos, __ATOMIC_RELEASE);
}

static uint64_t uring_free(const struct uring *r)
{
	uint64_t used = r->pos - r->seen;

	return used <= r->mask ? r->mask + 1 - used : 0;
}

uint32_t uring_room(struct uring *r)
{
	r->seen = __atomic_load_n(r->consumer_pos, __ATOMIC_ACQUIRE);
	return (uint32_t)(uring_free(r) / VERDICT_STEP);
}

uint32_t uring_backlog(struct uring *r)
{
	r->seen = __atomic_load_n(r->consumer_pos, __ATOMIC_ACQUIRE);
	return (uint32_t)((r->pos - r->seen) / VERDICT_STEP);
}

struct scxlua_verdict *uring_reserve(struct uring *r)
{
	struct header *header;

	if (uring_free(r) < VERDICT_STEP && uring_room(r) == 0)
		return NULL;
	header = (struct header *)(void *)(r->data + (r->pos & r->mask));
	header->len = sizeof(struct scxlua_verdict);
	header->page_offset = 0;
	r->pos += VERDICT_STEP;
	return (struct scxlua_verdict *)(void *)(header + 1);
}

void uring_publish(struct uring *r)
{
	__atomic_store_n(r->producer_pos, r->pos, __ATOMIC_RELEASE);
}
