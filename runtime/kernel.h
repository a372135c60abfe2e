/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kernel.h - the BPF side: loading, attaching, and the memory it shares with us.
 *
 * The only module that sees the BPF skeleton. Everything that can fail or is slow (verifier,
 * maps, mappings) is in kernel_load(); kernel_attach() only registers the scheduler. The link is
 * never pinned: when the supervisor dies, the kernel returns every task to the fair class.
 */
#ifndef SCXLUA_KERNEL_H
#define SCXLUA_KERNEL_H

#include <stdbool.h>

#include "ring.h"
#include "status.h"

struct kernel;

struct kernel_args {
	struct scxlua_config config; /* nr_cpu_ids and exit_dump_len are filled in by kernel_load() */
	uint32_t timeout_ms;	     /* of the kernel's watchdog, 1..30000 */
	uint32_t exit_dump_len;	     /* bytes, 0 = the kernel's default */
	bool partial;		     /* only tasks of class SCHED_EXT */
	bool verbose;		     /* libbpf's messages to stderr */
};

/*
 * Is this machine able to run a sched_ext scheduler, now, for this user? Returns STATUS_OK, or
 * another status with one line in error[STATUS_ERROR_LEN]: what is missing and what to do.
 */
enum status kernel_preflight(char *error);

/* Opens, sizes and loads the BPF object and maps its rings. Nothing is attached. */
enum status kernel_load(struct kernel **out, const struct kernel_args *args, char *error);
void kernel_free(struct kernel *k); /* detaches too */

enum status kernel_attach(struct kernel *k, char *error);
void kernel_detach(struct kernel *k);

/* Runs a control program in this process; see enum scxlua_op. Result >= 0, or -errno. */
int kernel_op(struct kernel *k, enum scxlua_op op, int arg, int pid, uint64_t cookie);

uint32_t kernel_nr_cpus(const struct kernel *k); /* CPU numbers are below this */
struct scxlua_control *kernel_control(struct kernel *k);
const struct scx_cpu *kernel_cpus(const struct kernel *k);
struct ring *kernel_ring(struct kernel *k);
struct uring *kernel_uring(struct kernel *k);

/*
 * For a process that is to run a policy, before it does: of the memory shared with BPF it keeps
 * what it needs, and write access only to the two rings' own positions, the decision ring's data,
 * and the control words. What is mapped read-only here cannot be made writable again: the
 * kernel does not allow that for BPF maps. kernel_op() works no more in the sandbox,
 * kernel_sum() not after this. 0 or -errno.
 */
int kernel_confine(struct kernel *k);

/* When BPF last saw the worker get a CPU: changes with each turn while we are attached. */
uint64_t kernel_worker_turn(const struct kernel *k);

/*
 * What a worker can write and the next one depends on is as it should be: the position in the decision
 * ring, the number of CPUs, that decisions are taken, what is said of tasks that it holds, and a
 * sign of life that is in the future.
 * For when a worker becomes active, and none is.
 */
void kernel_mend(struct kernel *k, uint64_t now_ns);

/*
 * Both rings empty and consistent again, whatever a dead worker wrote there. No worker may be
 * active. Records that get lost are those of tasks on hold queues, which age out.
 */
void kernel_reset_rings(struct kernel *k);

/* Counters summed over all CPUs. */
void kernel_sum(const struct kernel *k, struct scxlua_counters *sum);

/* What the kernel's dump shall say of the running script. */
void kernel_set_script(struct kernel *k, const char *name, uint64_t hash, const char *error);

/* kind is 0 while the scheduler is attached. */
const struct scxlua_exit *kernel_exit(const struct kernel *k);
const char *kernel_exit_dump(const struct kernel *k); /* "" if none */

#endif
