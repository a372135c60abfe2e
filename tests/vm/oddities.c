// SPDX-License-Identifier: GPL-2.0-only
/*
 * oddities.c - what stress-ng does not do to a scheduler.
 *
 *   oddities exec-from-thread   threads that are not the leader execute this program again
 *   oddities migrate-disable    runs an XDP program for long, during which the kernel has
 *                               disabled migration of the calling thread; twice per CPU
 *   oddities classes            threads that go round the scheduling classes
 *   oddities renice             every thread group whose name begins with stress-ng gets another
 *                               nice value, again and again
 *   oddities yields             64 threads that only give up their CPU: each time is a decision
 *   oddities ext CMD [ARG]...   executes CMD in the class SCHED_EXT
 *
 * Runs until it is killed; a status other than 0 means that it could not.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SCHED_EXT
#define SCHED_EXT 7
#endif

enum { NR_THREADS = 4, NR_YIELDERS = 64, SPIN = 20000 };

static void spin(void)
{
	for (volatile int i = 0; i < SPIN; i++)
		;
}

/* ---- exec from a thread ---- */

static void *exec_again(void *arg)
{
	spin();
	execv("/proc/self/exe", arg);
	return NULL;
}

static void *only_run(void *arg)
{
	for (;;)
		spin();
	return arg;
}

static char **arguments;

static int exec_from_thread(void)
{
	pthread_t thread;

	for (int i = 0; i < NR_THREADS; i++)
		if (pthread_create(&thread, NULL, i ? only_run : exec_again, (void *)arguments))
			return 1;
	pause();
	return 0;
}

/* ---- migration disabled ---- */

static int load_xdp(void)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_XDP,
				.insn_cnt = sizeof(pass) / sizeof(pass[0]),
				.insns = (uintptr_t)pass,
				.license = (uintptr_t)"GPL" };

	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
}

static void *run_xdp(void *arg)
{
	static char packet[64];
	union bpf_attr attr = { .test = { .prog_fd = *(uint32_t *)arg,
					  .data_in = (uintptr_t)packet,
					  .data_size_in = sizeof(packet),
					  .repeat = 1000000 } };

	while (!syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)))
		;
	perror("oddities: BPF_PROG_TEST_RUN");
	exit(1);
}

static int migrate_disable(void)
{
	static int fd;
	pthread_t thread;

	fd = load_xdp();
	if (fd < 0) {
		perror("oddities: BPF_PROG_LOAD");
		return 1;
	}
	for (int i = 0; i < NR_THREADS; i++)
		if (pthread_create(&thread, NULL, run_xdp, &fd))
			return 1;
	pause();
	return 0;
}

/* ---- classes ---- */

static void *go_round(void *arg)
{
	static const int policy[] = { SCHED_OTHER, SCHED_BATCH, SCHED_IDLE,
				      SCHED_EXT,   SCHED_FIFO,	SCHED_RR };

	for (unsigned int i = 0;; i++) {
		int p = policy[i % (sizeof(policy) / sizeof(policy[0]))];
		struct sched_param param = { .sched_priority = p == SCHED_FIFO || p == SCHED_RR };

		sched_setscheduler(0, p, &param);
		spin();
		if (i % 64 == 0)
			usleep(1000);
	}
	return arg;
}

static int classes(void)
{
	pthread_t thread;

	for (int i = 0; i < NR_THREADS; i++)
		if (pthread_create(&thread, NULL, go_round, NULL))
			return 1;
	pause();
	return 0;
}

/* ---- nice values ---- */

static int is_stressor(const char *pid)
{
	char path[64], comm[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	f = fopen(path, "r");
	if (!f)
		return 0; /* it has ended, or is no process */
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	fclose(f);
	return !strncmp(comm, "stress-ng", strlen("stress-ng"));
}

static int renice(void)
{
	for (int i = 0;; i++) {
		DIR *proc = opendir("/proc");
		struct dirent *entry;

		if (!proc)
			return 1;
		while ((entry = readdir(proc)))
			if (is_stressor(entry->d_name))
				setpriority(PRIO_PROCESS, (id_t)atoi(entry->d_name),
					    i * 7 % 40 - 20);
		closedir(proc);
		usleep(1000);
	}
}

static int as_ext(char **argv)
{
	struct sched_param param = { 0 };

	if (!sched_setscheduler(0, SCHED_EXT, &param))
		execvp(argv[0], argv);
	perror("oddities: ext");
	return 1;
}

/* ---- yields ---- */

static void *only_yield(void *arg)
{
	for (;;)
		sched_yield();
	return arg;
}

static int yields(void)
{
	pthread_t thread;

	for (int i = 0; i < NR_YIELDERS; i++)
		if (pthread_create(&thread, NULL, only_yield, NULL))
			return 1;
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} row[] = { { "exec-from-thread", exec_from_thread },
		    { "migrate-disable", migrate_disable },
		    { "classes", classes },
		    { "renice", renice },
		    { "yields", yields } };

	arguments = argv;
	if (argc > 2 && !strcmp(argv[1], "ext"))
		return as_ext(argv + 2);
	for (size_t i = 0; argc == 2 && i < sizeof(row) / sizeof(row[0]); i++)
		if (!strcmp(argv[1], row[i].name))
			return row[i].run();
	fprintf(stderr, "usage: oddities exec-from-thread | migrate-disable | classes | renice | "
			"yields | ext CMD [ARG]...\n");
	return 2;
}
