/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * worker.h - the process that runs the policy.
 *
 * Forked by the supervisor, which has loaded the BPF and mapped the rings and the task table. In
 * this order: names itself to BPF, locks its memory, present and future, goes into the sandbox
 * (sandbox.h), makes the Lua state, loads the script, init(), compiles the hot paths on made-up
 * tasks, says READY and waits. When told to go it drains, decides and commits until told to
 * retire. It yields instead of sleeping: BPF gives it a CPU when there is work. After READY it
 * does not allocate, fault, block or log (scx.log() of a policy excepted).
 *
 * It talks to the supervisor through struct worker_shm alone: nothing it can do there, and no
 * way in which it can end, stops the supervisor or the machine.
 */
#ifndef SCXLUA_WORKER_H
#define SCXLUA_WORKER_H

#include <sys/types.h>

#include "engine.h"
#include "kernel.h"
#include "policy_lua.h"

enum worker_state {
	WORKER_LOADING,
	WORKER_READY,
	WORKER_ACTIVE,
	WORKER_RETIRED, /* stopped at a batch boundary, will not touch rings and table again */
	WORKER_FAILED,	/* could not load; see error */
};

enum setting_state { SETTING_NONE, SETTING_ASKED, SETTING_ANSWERED };

enum { WORKER_DEAD_MAX = 256, WHERE_LEN = 160, WORKER_STATE_MAX = 256 * 1024 };

struct worker_shm {
	/* written by the worker */
	uint32_t state;	      /* enum worker_state, with release */
	int32_t builtin_idle; /* what the script wants: 1, 0, -1 = no opinion */
	uint64_t page_faults; /* since it went active */
	uint64_t lua_bytes;
	struct engine_progress progress;
	struct engine_stats stats;
	uint32_t stats_done; /* the last of stats_wanted that policy_stats answers */
	struct policy_stats policy_stats;
	char name[64];
	char where[NR_HOOKS][WHERE_LEN]; /* FILE:LINE of each hook */
	char error[POLICY_ERROR_LEN];	 /* why loading failed, or the policy's last error */
	uint32_t refused; /* the system call that ended it; see sandbox_call_name() */

	/* written by the supervisor */
	uint32_t retire;       /* 1 = stop at the next batch boundary */
	uint32_t stats_wanted; /* counts up; what it is not answered for is being written */
	uint32_t adopt;	       /* 1 = offer the tasks that the predecessor held */
	uint32_t state_len; /* import() gets that much of state_text; the supervisor copies it ... */
	char state_text[WORKER_STATE_MAX]; /* ... from the predecessor, whose export() made it */

	/*
	 * A mailbox: the supervisor fills in key and value and says ASKED, the worker sets the
	 * option between two batches, fills in error ("" if it went well) and says ANSWERED.
	 */
	struct {
		uint32_t state; /* enum setting_state */
		char key[64], value[256];
		char error[POLICY_ERROR_LEN];
	} setting;

	/* A mailbox: the supervisor fills it while nr_dead is 0, the worker sets it to 0. */
	uint32_t nr_dead;
	uint64_t dead[WORKER_DEAD_MAX]; /* cookies of threads whose exit record was lost */
};

struct worker_args {
	struct kernel *kernel;
	struct table *table;
	const struct script *script;
	const struct library *library;
	const struct lua_option *options;
	size_t nr_options;
	struct engine_config engine;
	size_t arena_bytes;
	uint64_t load_ns; /* CPU time that the script's top level and init() may take */
	bool is_trusted;  /* no sandbox: as root, with every system call */
	struct worker_shm *shm;
	int slot; /* SCXLUA_OWN_WORKER0 or 1 */
	pid_t supervisor;
	int wake_fd; /* eventfd: tells the supervisor that state changed */
	int go_fd;   /* eventfd: READY -> ACTIVE */
};

/* Does not return. The exit status is 0 after RETIRED, 1 after FAILED. */
_Noreturn void worker_main(const struct worker_args *args);

#endif
