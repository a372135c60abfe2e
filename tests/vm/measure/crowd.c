// SPDX-License-Identifier: GPL-2.0-only
/*
 * crowd.c - processes whose threads only spin: CPU hogs, measured or in the way of what is.
 *
 * One process per crowd, so that the kernel adds up its CPU time (its process clock, read in
 * one call) and a crowd can be in a cgroup of its own.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"

enum { SETTLE_LIMIT_S = 60 };

static atomic_int *nr_up; /* spinners of all crowds that have run; shared with the children */
static int nr_wanted;

static void *spin(void *unused)
{
	(void)unused;
	atomic_fetch_add(nr_up, 1);
	for (;;)
		__asm__ volatile("");
	return NULL;
}

static void join_cgroup(const char *cgroup)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	f = fopen(path, "w");
	if (!f || fprintf(f, "%d\n", getpid()) < 0 || fclose(f))
		die("cannot join %s: %s", path, strerror(errno));
}

static _Noreturn void be_crowd(int nr_threads, const char *name, int nice, const char *cgroup)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	if (mlockall(MCL_CURRENT | MCL_FUTURE)) /* not inherited */
		die("mlockall: %s", strerror(errno));
	if (cgroup)
		join_cgroup(cgroup);
	if (setpriority(PRIO_PROCESS, 0, nice))
		die("nice %d: %s", nice, strerror(errno));
	for (int i = 1; i < nr_threads; i++)
		thread_start(spin, NULL, name, nice);
	spin(NULL);
	_exit(1);
}

void crowd_start(struct crowd *crowd, int nr_threads, const char *name, int nice,
		 const char *cgroup)
{
	*crowd = (struct crowd){ .nr_threads = nr_threads };
	if (!nr_threads)
		return;
	if (!nr_up) {
		nr_up = mmap(NULL, sizeof(*nr_up), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (nr_up == MAP_FAILED)
			die("mmap: %s", strerror(errno));
	}
	nr_wanted += nr_threads;
	crowd->pid = fork();
	if (crowd->pid < 0)
		die("fork: %s", strerror(errno));
	if (!crowd->pid)
		be_crowd(nr_threads, name, nice, cgroup);
}

void crowd_settle(long settle_ms)
{
	uint64_t limit = now_ns() + (uint64_t)SETTLE_LIMIT_S * NS_PER_S;

	while (nr_up && atomic_load(nr_up) < nr_wanted) {
		if (waitpid(-1, NULL, WNOHANG) > 0)
			die("a process of spinners has ended");
		if (now_ns() > limit)
			die("%d of %d spinners have had no CPU for %d s",
			    nr_wanted - atomic_load(nr_up), nr_wanted, SETTLE_LIMIT_S);
		sleep_until(now_ns() + 20 * NS_PER_MS);
	}
	sleep_until(now_ns() + (uint64_t)settle_ms * NS_PER_MS);
}

/* A thread that runs now may have up to a tick more than the clock says. */
uint64_t crowd_cpu_ns(const struct crowd *crowd)
{
	struct timespec ts;
	clockid_t clock;

	if (!crowd->pid)
		return 0;
	if (clock_getcpuclockid(crowd->pid, &clock) || clock_gettime(clock, &ts))
		die("no CPU clock of process %d", crowd->pid);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static int64_t thread_switches(pid_t pid, const char *tid)
{
	static const char key[] = "nonvoluntary_ctxt_switches:";
	char path[64], line[128];
	int64_t value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%.20s/status", pid, tid);
	f = fopen(path, "r");
	if (!f)
		die("cannot read %s: %s", path, strerror(errno));
	while (value < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, sizeof(key) - 1))
			value = strtoll(line + sizeof(key) - 1, NULL, 10);
	fclose(f);
	if (value < 0)
		die("%s has no line '%s'", path, key);
	return value;
}

int64_t crowd_switches(const struct crowd *crowd)
{
	struct dirent *entry;
	int64_t sum = 0;
	char path[64];
	DIR *dir;

	if (!crowd->pid)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/task", crowd->pid);
	dir = opendir(path);
	if (!dir)
		die("cannot list %s: %s", path, strerror(errno));
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			sum += thread_switches(crowd->pid, entry->d_name);
	closedir(dir);
	return sum;
}

void crowd_stop(struct crowd *crowd)
{
	if (!crowd->pid)
		return;
	kill(crowd->pid, SIGKILL);
	waitpid(crowd->pid, NULL, 0);
	crowd->pid = 0;
}
