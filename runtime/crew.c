// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sandbox.h"

enum { KERNEL_PF_EXITING = 4 /* of linux/sched.h, in /proc since Linux 2.6 */ };

int crew_init(struct member member[CREW_SLOTS])
{
	int i;

	for (i = 0; i < CREW_SLOTS; i++) {
		void *shm = mmap(NULL, sizeof(struct worker_shm), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		member[i] = (struct member){ .slot = SCXLUA_OWN_WORKER0 + i, .go_fd = -1 };
		if (shm == MAP_FAILED)
			return -errno;
		member[i].shm = shm;
		member[i].go_fd = eventfd(0, EFD_CLOEXEC);
		if (member[i].go_fd < 0)
			return -errno;
	}
	return 0;
}

void crew_fini(struct member member[CREW_SLOTS])
{
	int i;

	for (i = 0; i < CREW_SLOTS; i++) {
		member_kill(&member[i]);
		while (member[i].pid && waitpid(member[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
		if (member[i].shm)
			munmap(member[i].shm, sizeof(struct worker_shm));
		if (member[i].go_fd >= 0)
			close(member[i].go_fd);
	}
}

/* In the worker: the other's shared memory is not for its policy to write. */
static void forget_other(const struct member *m)
{
	const struct member *other = m->slot == SCXLUA_OWN_WORKER0 ? m + 1 : m - 1;

	munmap(other->shm, sizeof(*other->shm));
}

int member_start(struct member *m, struct worker_args args, uint64_t started_ns)
{
	pid_t pid;

	memset(m->shm, 0, sizeof(*m->shm));
	args.shm = m->shm;
	args.slot = m->slot;
	args.go_fd = m->go_fd;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		forget_other(m);
		worker_main(&args);
	}
	m->pid = pid;
	m->awaited = false;
	m->batch = m->batch_cpu_ns = m->batch_wall_ns = 0;
	m->life = m->life_cpu_ns = 0;
	m->started_ns = started_ns;
	return 0;
}

enum worker_state member_state(const struct member *m)
{
	return __atomic_load_n(&m->shm->state, __ATOMIC_ACQUIRE);
}

void member_go(struct member *m, bool adopt)
{
	uint64_t one = 1;

	m->shm->adopt = adopt;
	/* An eventfd takes it unless the counter overflows. */
	if (write(m->go_fd, &one, sizeof(one)) < 0)
		member_kill(m);
}

void member_retire(struct member *m)
{
	m->awaited = true;
	__atomic_store_n(&m->shm->retire, 1, __ATOMIC_RELEASE);
}

void member_kill(struct member *m)
{
	if (m->pid)
		kill(m->pid, SIGKILL);
}

void member_gone(struct member *m)
{
	struct pollfd fd = { .fd = m->go_fd, .events = POLLIN };
	uint64_t unread;

	m->pid = 0;
	/* A go that it did not live to read must not start its successor. */
	if (poll(&fd, 1, 0) == 1 && read(m->go_fd, &unread, sizeof(unread)) < 0)
		m->go_fd = -1;
}

static uint64_t to_ns(struct timespec ts)
{
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t cpu_ns(const struct member *m)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(m->pid, &clock) || clock_gettime(clock, &ts))
		return 0;
	return to_ns(ts);
}

/* Its state in /proc: the letter, and the kernel's flags. False if it cannot be told. */
static bool read_state(const struct member *m, char *letter, unsigned int *flags)
{
	char path[64], line[512], *after;
	size_t len = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)m->pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	len = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	line[len] = '\0';
	after = strrchr(line, ')');
	return after && sscanf(after, ") %c %*d %*d %*d %*d %*d %u", letter, flags) == 2;
}

/* T is stopped, t traced. */
static bool is_stopped(const struct member *m)
{
	unsigned int flags;
	char letter;

	return read_state(m, &letter, &flags) && (letter == 'T' || letter == 't');
}

/*
 * On its way out, or waiting to be waited for. The kernel takes its time to give back all that
 * is locked, and that time looks like the hook's in which it ended.
 */
static bool is_ending(const struct member *m)
{
	unsigned int flags;
	char letter;

	return read_state(m, &letter, &flags) && flags & KERNEL_PF_EXITING;
}

/* "FILE:LINE: hook()", or as much of it as is known. */
static void describe_hook(const struct member *m, uint32_t hook, char *buf, size_t size)
{
	if (hook >= NR_HOOKS)
		hook = HOOK_NONE;
	snprintf(buf, size, "%.*s%s%s()", WHERE_LEN - 1, m->shm->where[hook],
		 m->shm->where[hook][0] ? ": " : "", engine_hook_name[hook]);
}

bool member_breached(const struct member *m, int wait_status, char *message)
{
	uint32_t refused = __atomic_load_n(&m->shm->refused, __ATOMIC_ACQUIRE);
	uint32_t hook = m->shm->progress.in_hook;
	char where[CREW_MESSAGE_LEN / 2];

	if (WIFEXITED(wait_status) ?
		    WEXITSTATUS(wait_status) != SANDBOX_REFUSED_STATUS || !refused :
		    WTERMSIG(wait_status) != SIGSYS)
		return false;
	if (hook)
		describe_hook(m, hook, where, sizeof(where));
	else
		snprintf(where, sizeof(where), "%.*s: %s", WHERE_LEN - 1, m->shm->where[HOOK_LOAD],
			 member_state(m) == WORKER_LOADING ? "while loading" : "between calls");
	snprintf(message, CREW_MESSAGE_LEN,
		 "%s: the policy made the system call %s, which a policy may not: worker ended",
		 where, sandbox_call_name(refused));
	return true;
}

static bool overrun_load(const struct member *m, const struct crew_limits *limits, uint64_t cpu,
			 uint64_t now_ns, char *message)
{
	uint64_t wall = now_ns - m->started_ns;

	if (cpu < limits->load_ns && wall < limits->load_wall_ns)
		return false;
	snprintf(message, CREW_MESSAGE_LEN,
		 "%.*s%sthe script is not ready after %llu ms (%llu ms of CPU time)", WHERE_LEN - 1,
		 m->shm->where[HOOK_ENQUEUE], m->shm->where[HOOK_ENQUEUE][0] ? ": " : "",
		 (unsigned long long)(wall / 1000000), (unsigned long long)(cpu / 1000000));
	return true;
}

static bool overrun_call(const struct member *m, uint32_t hook, uint64_t cpu, uint64_t now_ns,
			 char *message)
{
	char what[CREW_MESSAGE_LEN / 2];

	describe_hook(m, hook, what, sizeof(what));
	snprintf(message, CREW_MESSAGE_LEN,
		 "%s: has not returned after %llu ms (%llu ms of CPU time)", what,
		 (unsigned long long)((now_ns - m->batch_wall_ns) / 1000000),
		 (unsigned long long)((cpu - m->batch_cpu_ns) / 1000000));
	return true;
}

static bool is_over(struct member *m, const struct crew_limits *limits, uint64_t now_ns,
		    char *message)
{
	uint32_t hook = __atomic_load_n(&m->shm->progress.in_hook, __ATOMIC_ACQUIRE);
	uint64_t batch = __atomic_load_n(&m->shm->progress.batch, __ATOMIC_ACQUIRE);
	bool loading = member_state(m) == WORKER_LOADING;
	uint64_t budget = loading ? limits->load_call_ns : limits->budget_ns;
	uint64_t cpu = cpu_ns(m);

	if (loading && overrun_load(m, limits, cpu, now_ns, message))
		return true;
	if (!hook || batch != m->batch || !m->batch_wall_ns) {
		m->batch = batch;
		m->batch_cpu_ns = cpu;
		m->batch_wall_ns = now_ns;
		return false;
	}
	if (cpu - m->batch_cpu_ns < budget &&
	    (loading || now_ns - m->batch_wall_ns < limits->wall_ns || is_stopped(m)))
		return false;
	return overrun_call(m, hook, cpu, now_ns, message);
}

bool member_overrun(struct member *m, const struct crew_limits *limits, uint64_t now_ns,
		    char *message)
{
	return is_over(m, limits, now_ns, message) && !is_ending(m);
}

bool member_silent(struct member *m, const struct crew_limits *limits, uint64_t beat_ns,
		   char *message)
{
	uint64_t life = beat_ns + __atomic_load_n(&m->shm->progress.batch, __ATOMIC_RELAXED);
	uint64_t cpu = cpu_ns(m);

	if (life != m->life || !m->life_cpu_ns) {
		m->life = life;
		m->life_cpu_ns = cpu;
		return false;
	}
	if (cpu < m->life_cpu_ns + limits->silent_ns || is_ending(m))
		return false;
	snprintf(message, CREW_MESSAGE_LEN,
		 "%.*s: the worker has given no sign of life in %llu ms of CPU time", WHERE_LEN - 1,
		 m->shm->where[HOOK_LOAD], (unsigned long long)((cpu - m->life_cpu_ns) / 1000000));
	return true;
}
