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

/*
 * Maps the data a second time behind itself. mremap() from a length of 0 does that to shared
 * memory, and a policy in its sandbox may be warmed up with it; valgrind knows no such mremap(),
 * so there it is a file.
 */
static int double_data(uint8_t *data, uint32_t bytes)
{
	const int prot = PROT_READ | PROT_WRITE;
	void *twin = mremap(data, 0, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, data + bytes);
	int fd, err = 0;

	if (twin != MAP_FAILED)
		return 0;
	fd = memfd_create("mirror", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, bytes) ||
	    mmap(data, bytes, prot, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mmap(data + bytes, bytes, prot, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		err = -errno;
	close(fd);
	return err;
}

int mirror_new(struct mirror *m, uint32_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t mapped = 2 * page + 2 * (size_t)bytes;
	uint8_t *base =
		mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return -errno;
	m->bytes = mapped;
	m->base = base;
	m->consumer = (uint64_t *)(void *)base;
	m->producer = (uint64_t *)(void *)(base + page);
	m->data = base + 2 * page;
	m->mask = bytes - 1;
	return double_data(m->data, bytes);
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
