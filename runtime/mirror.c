// SPDX-License-Identifier: GPL-2.0-only
/* mirror.c - see mirror.h. */
#define _GNU_SOURCE
#include "mirror.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HEADER = BPF_RINGBUF_HDR_SZ };

static int map(struct mirror *m, int fd, uint32_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int prot = PROT_READ | PROT_WRITE;
	uint8_t *base;

	if (ftruncate(fd, (off_t)(2 * page + bytes)))
		return -errno;
	m->bytes = 2 * page + 2 * (size_t)bytes;
	base = mmap(NULL, m->bytes, prot, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	m->base = base;
	m->consumer = (uint64_t *)(void *)base;
	m->producer = (uint64_t *)(void *)(base + page);
	m->data = base + 2 * page;
	m->mask = bytes - 1;
	base = mmap(m->data + bytes, bytes, prot, MAP_SHARED | MAP_FIXED, fd, (off_t)(2 * page));
	return base == MAP_FAILED ? -errno : 0;
}

int mirror_new(struct mirror *m, uint32_t bytes)
{
	int fd = memfd_create("mirror", MFD_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = map(m, fd, bytes);
	close(fd);
	return err;
}

void mirror_free(struct mirror *m)
{
	if (m->base)
		munmap(m->base, m->bytes);
}

bool mirror_has_room(const struct mirror *m, uint32_t len, uint32_t nr)
{
	uint64_t used = *m->producer - __atomic_load_n(m->consumer, __ATOMIC_ACQUIRE);

	return m->mask + 1 - used >= (uint64_t)nr * (len + HEADER);
}

bool mirror_send(struct mirror *m, const void *sample, uint32_t len)
{
	uint8_t *at = m->data + (*m->producer & m->mask);
	const uint32_t header[2] = { len, 0 };

	if (!mirror_has_room(m, len, 1))
		return false;
	memcpy(at, header, HEADER);
	memcpy(at + HEADER, sample, len);
	__atomic_store_n(m->producer, *m->producer + HEADER + len, __ATOMIC_RELEASE);
	return true;
}

bool mirror_take(struct mirror *m, void *sample, uint32_t len)
{
	uint64_t ready = __atomic_load_n(m->producer, __ATOMIC_ACQUIRE) - *m->consumer;
	const uint8_t *at = m->data + (*m->consumer & m->mask);
	uint32_t has;

	if (ready < len + HEADER)
		return false;
	memcpy(&has, at, sizeof(has));
	if (has != len)
		return false;
	memcpy(sample, at + HEADER, len);
	__atomic_store_n(m->consumer, *m->consumer + HEADER + len, __ATOMIC_RELEASE);
	return true;
}
