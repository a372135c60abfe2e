// SPDX-License-Identifier: GPL-2.0-only
/* topology.c - which CPUs share a core, and which a last-level cache, as sysfs says. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "measure.h"

/* The first number in a file of a CPU's directory; -1 if there is no such file. */
static int read_number(int cpu, const char *file)
{
	char path[128];
	int value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/%s", cpu, file);
	f = fopen(path, "r");
	if (!f)
		return -1;
	if (fscanf(f, "%d", &value) != 1)
		value = -1;
	fclose(f);
	return value;
}

/* A CPU's last-level cache is named by the first CPU that shares it; without one, by the package. */
static int llc_name(int cpu)
{
	int index, level, highest = 0, name = -1;
	char file[64];

	for (index = 0; index < 8; index++) {
		snprintf(file, sizeof(file), "cache/index%d/level", index);
		level = read_number(cpu, file);
		if (level <= highest)
			continue;
		highest = level;
		snprintf(file, sizeof(file), "cache/index%d/shared_cpu_list", index);
		name = read_number(cpu, file);
	}
	return name >= 0 ? name : read_number(cpu, "topology/package_cpus_list");
}

static int dense(const int *name, int cpu, const int *number, int *nr)
{
	int i;

	for (i = 0; i < cpu; i++)
		if (name[i] == name[cpu])
			return number[i];
	return (*nr)++;
}

void topology_read(struct topology *t)
{
	int core_name[MAX_CPUS], llc[MAX_CPUS], cpu;

	*t = (struct topology){ .nr_cpus = (int)sysconf(_SC_NPROCESSORS_CONF) };
	if (t->nr_cpus > MAX_CPUS)
		die("more than %d CPUs", MAX_CPUS);
	for (cpu = 0; cpu < t->nr_cpus; cpu++) {
		core_name[cpu] = read_number(cpu, "topology/thread_siblings_list");
		llc[cpu] = llc_name(cpu);
		if (core_name[cpu] < 0 || llc[cpu] < 0)
			die("sysfs does not say to which core and cache CPU %d belongs", cpu);
		t->core[cpu] = dense(core_name, cpu, t->core, &t->nr_cores);
		t->llc[cpu] = dense(llc, cpu, t->llc, &t->nr_llcs);
	}
}
