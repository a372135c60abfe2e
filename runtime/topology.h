/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * topology.h - which CPUs share a core, a cache, a memory node, and how fast each one is.
 *
 * Read once from sysfs (Documentation/ABI/stable/sysfs-devices-system-cpu and
 * testing/sysfs-devices-system-cpu). What is missing there, malformed or contradictory gives a
 * default or the nearest consistent reading, never an error: a scheduler must start anywhere.
 */
#ifndef SCXLUA_TOPOLOGY_H
#define SCXLUA_TOPOLOGY_H

#include <stdint.h>

enum {
	TOPOLOGY_MAX_CAPACITY = 1024,
	TOPOLOGY_MAX_NODES = 1024, /* what the kernel can have (MAX_NUMNODES) */
};

/* One CPU. Numbers of cores and caches are dense, in the order of their lowest CPU. */
struct topology_cpu {
	int32_t core;	 /* default: a core of its own */
	int32_t sibling; /* next CPU of the core, the first again after the last; default: itself */
	int32_t llc;	 /* last-level cache; default 0 */
	int32_t node;	 /* NUMA node as the kernel numbers it; default 0 */
	uint32_t capacity; /* 1..1024, 1024 = the fastest; default 1024 */
};

/* All are at least 1 if there is a CPU. */
struct topology_counts {
	uint32_t nr_cores;
	uint32_t nr_llcs;
	uint32_t nr_nodes; /* the highest number + 1 */
};

/*
 * Fills cpu[0..nr_cpus-1] and *counts from the sysfs mounted at `sysfs`. A CPU that is offline has
 * the defaults. Returns 0, also if nothing is there; -errno if the directory of CPUs is there and
 * cannot be opened (-EMFILE, -EACCES): everything has its default then. Opens files, so not for
 * the time after attach.
 */
int topology_read(const char *sysfs, struct topology_cpu *cpu, uint32_t nr_cpus,
		  struct topology_counts *counts);

#endif
