// SPDX-License-Identifier: GPL-2.0-only
/*
 * topology.c - see topology.h.
 *
 * A group of CPUs (core, cache) is first known by its lowest CPU, then numbered in one pass in
 * ascending order: a CPU whose lowest is another one takes that one's number, which is final by
 * then. So lists that contradict each other still end in a partition of the CPUs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "topology.h"

enum {
	NR_CACHES = 16,		/* index0..index15; machines have up to 5 */
	TEXT_BYTES = 32 * 1024, /* every second of 8192 CPUs takes 20 KiB as a list */
	MAX_DIGITS = 9,		/* so that a number fits into 32 bits */
	MAX_LEVEL = 9,		/* of a cache */
	MAX_KHZ = 999 * 1000 * 1000,
};

struct reader {
	int dir; /* the directory that holds cpu0, cpu1, ... */
	char text[TEXT_BYTES];
};

/* Reads a file into r->text, without its last newline. Too long or with a NUL: false. */
__attribute__((format(printf, 2, 3))) static bool read_text(struct reader *r, const char *fmt, ...)
{
	char path[64];
	size_t len = 0;
	ssize_t n;
	va_list ap;
	int fd;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	fd = openat(r->dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((n = read(fd, r->text + len, TEXT_BYTES - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (n < 0 || len == TEXT_BYTES)
		return false;
	if (len > 0 && r->text[len - 1] == '\n')
		len--;
	r->text[len] = '\0';
	return strlen(r->text) == len;
}

/* Reads a decimal number at *at and moves *at behind it. */
static bool scan_number(const char **at, uint32_t *value)
{
	const char *s = *at;
	uint32_t n = 0;

	for (; *s >= '0' && *s <= '9'; s++) {
		if (s - *at == MAX_DIGITS)
			return false;
		n = n * 10 + (uint32_t)(*s - '0');
	}
	if (s == *at)
		return false;
	*at = s;
	*value = n;
	return true;
}

/* The number that is the whole text, if it is min..max; else 0. */
static uint32_t number(const char *text, uint32_t min, uint32_t max)
{
	uint32_t n;

	return scan_number(&text, &n) && *text == '\0' && n >= min && n <= max ? n : 0;
}

/* The lowest CPU of a list such as 0-3,8: at most `self`. -1 if malformed or without self. */
static int32_t lowest_of(const char *list, uint32_t self)
{
	uint32_t lowest = self;
	bool found = false;

	do {
		uint32_t first, last;

		if (!scan_number(&list, &first))
			return -1;
		last = first;
		if (*list == '-' && (list++, !scan_number(&list, &last) || last < first))
			return -1;
		if (first < lowest)
			lowest = first;
		if (self >= first && self <= last)
			found = true;
	} while (*list++ == ',');
	return list[-1] == '\0' && found ? (int32_t)lowest : -1;
}

static int32_t lowest_sibling(struct reader *r, uint32_t self)
{
	int32_t lowest = -1;

	if (read_text(r, "cpu%u/topology/core_cpus_list", self))
		lowest = lowest_of(r->text, self);
	/* The name before Linux 5.3. */
	if (lowest < 0 && read_text(r, "cpu%u/topology/thread_siblings_list", self))
		lowest = lowest_of(r->text, self);
	return lowest < 0 ? (int32_t)self : lowest;
}

/* -1 if no cache is known. */
static int32_t lowest_of_cache(struct reader *r, uint32_t self)
{
	uint32_t highest = 0;
	int32_t lowest = -1;

	for (unsigned int i = 0; i < NR_CACHES; i++) {
		uint32_t level;
		int32_t cpu;

		if (!read_text(r, "cpu%u/cache/index%u/type", self, i) ||
		    (strcmp(r->text, "Data") && strcmp(r->text, "Unified")) ||
		    !read_text(r, "cpu%u/cache/index%u/level", self, i))
			continue;
		level = number(r->text, 1, MAX_LEVEL);
		if (level <= highest ||
		    !read_text(r, "cpu%u/cache/index%u/shared_cpu_list", self, i))
			continue;
		cpu = lowest_of(r->text, self);
		if (cpu >= 0) {
			highest = level;
			lowest = cpu;
		}
	}
	return lowest;
}

/* The node of the link cpuN/nodeM; the lowest, should there be several. */
static int32_t node_of(const struct reader *r, uint32_t self)
{
	uint32_t node = TOPOLOGY_MAX_NODES;
	const struct dirent *entry;
	char path[16];
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "cpu%u", self);
	fd = openat(r->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((entry = readdir(dir))) {
		const char *s = entry->d_name + 4;
		uint32_t n;

		if (!strncmp(entry->d_name, "node", 4) && scan_number(&s, &n) && *s == '\0' &&
		    n < node)
			node = n;
	}
	closedir(dir);
	return node < TOPOLOGY_MAX_NODES ? (int32_t)node : 0;
}

/* The capacity; or, above TOPOLOGY_MAX_CAPACITY, the highest frequency in kHz, to be scaled. */
static uint32_t speed_of(struct reader *r, uint32_t self)
{
	uint32_t speed = 0;

	if (read_text(r, "cpu%u/cpu_capacity", self))
		speed = number(r->text, 1, TOPOLOGY_MAX_CAPACITY);
	if (!speed && read_text(r, "cpu%u/cpufreq/cpuinfo_max_freq", self))
		speed = number(r->text, TOPOLOGY_MAX_CAPACITY + 1, MAX_KHZ);
	return speed ? speed : TOPOLOGY_MAX_CAPACITY;
}

static bool is_offline(struct reader *r, uint32_t self)
{
	/* Often there is no such file for CPU 0, which cannot go offline then. */
	return read_text(r, "cpu%u/online", self) && !strcmp(r->text, "0");
}

/* Core and cache are the lowest CPU of the group here; llc is -1 where none is known. */
static void read_cpu(struct reader *r, struct topology_cpu *cpu, uint32_t self)
{
	int32_t lowest;

	if (is_offline(r, self))
		return;
	cpu[self].core = lowest_sibling(r, self);
	cpu[self].node = node_of(r, self);
	cpu[self].capacity = speed_of(r, self);
	lowest = lowest_of_cache(r, self);
	cpu[self].llc = lowest;
	if (lowest >= 0 && cpu[lowest].llc < 0)
		cpu[lowest].llc = lowest;
}

static void scale_speeds(struct topology_cpu *cpu, uint32_t nr_cpus)
{
	uint32_t fastest = 0;

	for (uint32_t i = 0; i < nr_cpus; i++)
		if (cpu[i].capacity > fastest)
			fastest = cpu[i].capacity;
	for (uint32_t i = 0; i < nr_cpus; i++) {
		uint64_t khz = cpu[i].capacity;

		if (khz > TOPOLOGY_MAX_CAPACITY) {
			cpu[i].capacity = (uint32_t)(khz * TOPOLOGY_MAX_CAPACITY / fastest);
			cpu[i].capacity += cpu[i].capacity == 0;
		}
	}
}

/* Puts CPU i, higher than all that are in it, into the ring of `member`, before the lowest. */
static void join_ring(struct topology_cpu *cpu, int32_t member, int32_t i)
{
	while (cpu[member].sibling > member)
		member = cpu[member].sibling;
	cpu[i].sibling = cpu[member].sibling;
	cpu[member].sibling = i;
}

static void number_groups(struct topology_cpu *cpu, uint32_t nr_cpus,
			  struct topology_counts *counts)
{
	for (int32_t i = 0; i < (int32_t)nr_cpus; i++) {
		struct topology_cpu *c = &cpu[i];

		if (c->core == i) {
			c->core = (int32_t)counts->nr_cores++;
		} else {
			join_ring(cpu, c->core, i);
			c->core = cpu[c->core].core;
		}
		if (c->llc == i)
			c->llc = (int32_t)counts->nr_llcs++;
		else
			c->llc = c->llc < 0 ? 0 : cpu[c->llc].llc;
		if ((uint32_t)c->node >= counts->nr_nodes)
			counts->nr_nodes = (uint32_t)c->node + 1;
	}
	if (nr_cpus && !counts->nr_llcs)
		counts->nr_llcs = 1;
}

int topology_read(const char *sysfs, struct topology_cpu *cpu, uint32_t nr_cpus,
		  struct topology_counts *counts)
{
	struct reader r = { .dir = -1 };
	char path[PATH_MAX];
	int err = 0;

	*counts = (struct topology_counts){ 0 };
	for (int32_t i = 0; i < (int32_t)nr_cpus; i++)
		cpu[i] = (struct topology_cpu){ i, i, -1, 0, TOPOLOGY_MAX_CAPACITY };
	if ((size_t)snprintf(path, sizeof(path), "%s/devices/system/cpu", sysfs) >= sizeof(path))
		err = -ENAMETOOLONG;
	else if ((r.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		err = errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (r.dir >= 0) {
		for (uint32_t i = 0; i < nr_cpus; i++)
			read_cpu(&r, cpu, i);
		close(r.dir);
	}
	scale_speeds(cpu, nr_cpus);
	number_groups(cpu, nr_cpus, counts);
	return err;
}
