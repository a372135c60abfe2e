/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crew.h - workers as the supervisor handles them: started, told to go, told to retire, watched,
 * killed. At most two at a time, one active and one loading; each has a slot of its own.
 */
#ifndef SCXLUA_CREW_H
#define SCXLUA_CREW_H

#include <sys/types.h>

#include "worker.h"

enum { CREW_SLOTS = 2, CREW_MESSAGE_LEN = 768 };

struct member {
	pid_t pid; /* 0 = none */
	int slot;  /* SCXLUA_OWN_WORKER0 + index */
	int go_fd;
	struct worker_shm *shm;
	uint64_t started_ns;
	bool awaited; /* told to retire: its end is no failure */

	/* What the watchdog saw last. */
	uint64_t batch, batch_cpu_ns, batch_wall_ns;
	uint64_t life, life_cpu_ns; /* heartbeat and calls begun, in one number */
};

/* Limits of a worker, all ns. */
struct crew_limits {
	uint64_t budget_ns;    /* CPU time in one call of the policy */
	uint64_t silent_ns;    /* CPU time without a sign of life, see member_silent() */
	uint64_t wall_ns;      /* wall time in one call, unless it is stopped */
	uint64_t load_call_ns; /* CPU time in one call of the policy during the warm-up */
	uint64_t load_ns;      /* CPU time from start to READY */
	uint64_t load_wall_ns; /* wall time from start to READY */
};

/* Shared memory and events for both slots. 0 or -errno. */
int crew_init(struct member member[CREW_SLOTS]);
void crew_fini(struct member member[CREW_SLOTS]);

/*
 * Forks a worker into a free slot of the array; `args` less shm, slot and fds. 0 or -errno. It inherits
 * whatever the supervisor has open or mapped.
 */
int member_start(struct member *m, struct worker_args args, uint64_t started_ns);

enum worker_state member_state(const struct member *m);
void member_go(struct member *m, bool adopt);
void member_retire(struct member *m);

/* Sends SIGKILL; its end is reported by waitpid(), possibly much later. */
void member_kill(struct member *m);

/* Forgets a worker that has been waited for. */
void member_gone(struct member *m);

/*
 * Did the sandbox end it? Writes which call of the policy was refused, and where it was made as
 * far as that is known, to message [CREW_MESSAGE_LEN]. After it has been waited for.
 */
bool member_breached(const struct member *m, int wait_status, char *message);

/*
 * Has it overrun a limit? Writes what it did, with FILE:LINE if known, to message
 * [CREW_MESSAGE_LEN]. CPU time is what counts: a worker that the machine does not let run, or
 * that somebody has stopped, is not at fault (BPF bypasses it meanwhile). One that is ending has
 * not overrun anything: why it ends is told when it has been waited for.
 */
bool member_overrun(struct member *m, const struct crew_limits *limits, uint64_t now_ns,
		    char *message);

/*
 * Has the active worker, whose last heartbeat is `beat_ns`, used up silent_ns since the last
 * one, and begun no call meanwhile? Then it is in an endless loop that its progress does not
 * tell of: outside of a hook, or in one that has written over that word. Its CPU time is the
 * kernel's word.
 */
bool member_silent(struct member *m, const struct crew_limits *limits, uint64_t beat_ns,
		   char *message);

#endif
