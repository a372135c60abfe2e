/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ring.h - the two BPF ring buffers, read and written straight through their mappings.
 *
 * struct ring consumes a BPF_MAP_TYPE_RINGBUF, struct uring produces into a
 * BPF_MAP_TYPE_USER_RINGBUF. Layout (Documentation/bpf/ringbuf.rst): a page with the consumer's
 * position, a page with the producer's, then the data, mapped twice in a row so that no sample
 * wraps. Positions only grow; a sample has an 8-byte header whose low 32 bits are its length
 * and two flag bits. libbpf's consumers do the same one call per sample; here the caller owns
 * the loop and publishes the position once per batch.
 */
#ifndef SCXLUA_RING_H
#define SCXLUA_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

struct ring {
	uint64_t *consumer_pos;	      /* ours */
	const uint64_t *producer_pos; /* the kernel's */
	const uint8_t *data;
	uint64_t mask; /* bytes - 1 */
	uint64_t pos;  /* next to read; published by ring_release() */
	uint64_t seen; /* the producer's position when last looked at */
};

struct uring {
	const uint64_t *consumer_pos; /* the kernel's */
	uint64_t *producer_pos;	      /* ours */
	uint8_t *data;
	uint64_t mask;
	uint64_t pos;  /* next to write; published by uring_publish() */
	uint64_t seen; /* the consumer's position when last looked at */
};

/* Map a ring of `bytes` of data given its map fd. 0 or -errno. Unmap with the other. */
int ring_map(struct ring *r, int fd, uint32_t bytes);
void ring_unmap(struct ring *r);
int uring_map(struct uring *r, int fd, uint32_t bytes);
void uring_unmap(struct uring *r);

/*
 * The next record, in place; valid until ring_release(). NULL if there is none yet, or the
 * next one is still being written. A sample of another size than a record (a newer kernel side,
 * a scribbled ring) is skipped and counted in *bad; one that reaches past the producer takes
 * everything up to there with it, counted once.
 */
const struct scxlua_record *ring_next(struct ring *r, uint64_t *bad);

/* Gives everything read so far back to the kernel. */
void ring_release(struct ring *r);

/* How many verdicts fit now. */
uint32_t uring_room(struct uring *r);

/* How many verdicts the kernel has not taken yet. */
uint32_t uring_backlog(struct uring *r);

/* Space for one verdict, to be filled in place; NULL if the ring is full. */
struct scxlua_verdict *uring_reserve(struct uring *r);

/* Makes everything reserved so far visible to the kernel. */
void uring_publish(struct uring *r);

/*
 * Takes over where the last user of our end stopped (worker hand-over, attach); at the kernel's
 * position if that user left an impossible one.
 */
void ring_attach(struct ring *r);
void uring_attach(struct uring *r);

/* Is our position, as anybody who maps the ring may have left it, a possible one? */
bool uring_is_sound(const struct uring *r);

#endif
