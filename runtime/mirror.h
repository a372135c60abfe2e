/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mirror.h - a BPF ring without BPF: memory with the layout that the kernel maps (the consumer's
 * page, the producer's page, the data, the same data again), so that ring.c is run as it is.
 * Made-up machines (synth.h) have the kernel's end of it.
 */
#ifndef SCXLUA_MIRROR_H
#define SCXLUA_MIRROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mirror {
	uint8_t *base;
	size_t bytes; /* that are mapped */
	uint64_t *consumer;
	uint64_t *producer;
	uint8_t *data;
	uint64_t mask;
};

/* `bytes` of data, a power of two of at least a page. 0 or -errno. Free NULL-initialised ones too. */
int mirror_new(struct mirror *m, uint32_t bytes);
void mirror_free(struct mirror *m);

/* Would `nr` samples of `len` bytes each (a multiple of 8) fit? */
bool mirror_has_room(const struct mirror *m, uint32_t len, uint32_t nr);

/* The producer's end: adds a sample; false if it does not fit. */
bool mirror_send(struct mirror *m, const void *sample, uint32_t len);

/* The consumer's end: takes a sample; false, and it stays, if there is none of this length. */
bool mirror_take(struct mirror *m, void *sample, uint32_t len);

#endif
