// SPDX-License-Identifier: GPL-2.0-only
/*
 * tasks.c - the processes whose scheduling is tested.
 *
 * Each is in a cgroup of its own, as schtest has it: for a scheduler of cgroups they are strangers
 * to each other. No controller is switched on.
 */
#define _GNU_SOURCE
#include "schtest.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { UP_LIMIT_S = 60 };

struct topology topology;

static const char *root;
static pid_t pids[MAX_TASKS];
static int nr_tasks;
static atomic_int *nr_up; /* written by the tasks */

int first_cpu_of(const int *group, int number)
{
	int cpu;

	for (cpu = 0; cpu < topology.nr_cpus; cpu++)
		if (group[cpu] == number)
			return cpu;
	return -1;
}

cpu_set_t cpus_of(const int *group, int number)
{
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < topology.nr_cpus; cpu++)
		if (group[cpu] == number)
			CPU_SET(cpu, &set);
	return set;
}

cpu_set_t all_cpus(void)
{
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < topology.nr_cpus; cpu++)
		CPU_SET(cpu, &set);
	return set;
}

/* A kernel without NUMA names no nodes. */
cpu_set_t cpus_of_node(int node)
{
	char path[64];
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < topology.nr_cpus; cpu++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/node%d", cpu, node);
		if (!access(path, F_OK))
			CPU_SET(cpu, &set);
	}
	return CPU_COUNT(&set) ? set : all_cpus();
}

void *shared_alloc(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("no memory for %zu bytes: %s", bytes, strerror(errno));
	return p;
}

void tasks_init(const char *cgroup_root)
{
	root = cgroup_root;
	nr_up = shared_alloc(sizeof(*nr_up));
}

static void cgroup_path(char *path, size_t size, int task, const char *file)
{
	snprintf(path, size, "%s/schtest-%d%s", root, task, file);
}

static void cgroup_make(int task)
{
	char path[256];

	cgroup_path(path, sizeof(path), task, "");
	if (mkdir(path, 0755) && errno != EEXIST)
		die("cannot make the cgroup %s: %s", path, strerror(errno));
}

static void cgroup_join(int task)
{
	char path[256];
	FILE *f;

	cgroup_path(path, sizeof(path), task, "/cgroup.procs");
	f = fopen(path, "w");
	if (!f || fprintf(f, "%d\n", getpid()) < 0 || fclose(f))
		die("cannot join %s: %s", path, strerror(errno));
}

int task_start(void (*run)(void *arg), void *arg, const cpu_set_t *cpus)
{
	int task = nr_tasks;

	if (task == MAX_TASKS)
		die("more than %d tasks", MAX_TASKS);
	cgroup_make(task);
	pids[task] = fork();
	if (pids[task] < 0)
		die("fork: %s", strerror(errno));
	if (!pids[task]) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		cgroup_join(task);
		if (cpus && sched_setaffinity(0, sizeof(*cpus), cpus))
			die("sched_setaffinity: %s", strerror(errno));
		run(arg);
		_exit(1);
	}
	nr_tasks++;
	return task;
}

void task_is_up(void)
{
	atomic_fetch_add(nr_up, 1);
}

void tasks_wait_up(int nr)
{
	uint64_t limit = now_ns() + (uint64_t)UP_LIMIT_S * NS_PER_S;

	while (atomic_load(nr_up) < nr) {
		if (waitpid(-1, NULL, WNOHANG) > 0)
			die("a task has ended");
		if (now_ns() > limit)
			die("%d of %d tasks have had no CPU for %d s", nr - atomic_load(nr_up), nr,
			    UP_LIMIT_S);
		sleep_until(now_ns() + 5 * NS_PER_MS);
	}
}

void task_allow(int task, const cpu_set_t *cpus)
{
	if (sched_setaffinity(pids[task], sizeof(*cpus), cpus))
		die("sched_setaffinity: %s", strerror(errno));
}

uint64_t task_cpu_ns(int task)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pids[task], &clock) || clock_gettime(clock, &ts))
		die("no CPU clock of process %d", pids[task]);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* A cgroup may be busy for a moment after its last process was waited for. */
static void cgroup_remove(int task)
{
	char path[256];
	int tries;

	cgroup_path(path, sizeof(path), task, "");
	for (tries = 0; rmdir(path) && errno == EBUSY && tries < 100; tries++)
		sleep_until(now_ns() + 10 * NS_PER_MS);
}

void tasks_end(void)
{
	int i;

	for (i = 0; i < nr_tasks; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < nr_tasks; i++)
		waitpid(pids[i], NULL, 0);
	for (i = 0; i < nr_tasks; i++)
		cgroup_remove(i);
	nr_tasks = 0;
	atomic_store(nr_up, 0);
}
