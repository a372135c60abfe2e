// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "scxlua.skel.h"
#include "topology.h"

#define SCX_SYSFS "/sys/kernel/sched_ext/"

enum { DEFAULT_DUMP_LEN = 32768, REPAIR_WAIT_US = 10000 };

struct kernel {
	struct scxlua_bpf *skel;
	struct bpf_link *link;
	struct ring ring;
	struct uring uring;
	struct scxlua_counters *counters; /* nr_cpus + 1 rows */
	struct scx_cpu *cpus;
	uint32_t nr_cpus;
};

/* libbpf says why a load failed only in its messages, the verifier's log among them: the end of
 * the last long one, or of several short ones, is kept. */
static char bpf_log[STATUS_ERROR_LEN];
static bool bpf_verbose;

static void keep_tail(const char *text)
{
	size_t have = strlen(bpf_log), len = strlen(text), room = sizeof(bpf_log) - 1;

	if (len > room) {
		text += len - room;
		len = room;
	}
	if (have + len > room) {
		memmove(bpf_log, bpf_log + have + len - room, room - len);
		have = room - len;
	}
	memcpy(bpf_log + have, text, len + 1);
}

__attribute__((format(printf, 2, 0))) static int keep_message(enum libbpf_print_level level,
							      const char *fmt, va_list ap)
{
	char *text;

	if (level == LIBBPF_DEBUG || vasprintf(&text, fmt, ap) < 0)
		return 0;
	if (bpf_verbose)
		fputs(text, stderr);
	keep_tail(text);
	free(text);
	return 0;
}

__attribute__((format(printf, 3, 4))) static enum status fail(enum status status, char *error,
							      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, STATUS_ERROR_LEN, fmt, ap);
	va_end(ap);
	return status;
}

/* First line of a small file, without its newline; "" if there is none. */
static void read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");

	line[0] = '\0';
	if (!f)
		return;
	if (!fgets(line, (int)size, f))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	fclose(f);
}

static enum status check_memlock(char *error)
{
	struct rlimit lim = { RLIM_INFINITY, RLIM_INFINITY };

	if (!setrlimit(RLIMIT_MEMLOCK, &lim))
		return STATUS_OK;
	if (!getrlimit(RLIMIT_MEMLOCK, &lim) && lim.rlim_cur == RLIM_INFINITY)
		return STATUS_OK;
	return fail(STATUS_LIMIT, error,
		    "RLIMIT_MEMLOCK is %llu KiB and cannot be raised: a scheduler must be locked in "
		    "memory; give it CAP_SYS_RESOURCE, or LimitMEMLOCK=infinity in its unit",
		    (unsigned long long)lim.rlim_cur / 1024);
}

/* Root, because the worker becomes somebody else; and what BPF asks for, which root may lack. */
static bool may_schedule(void)
{
	cap_flag_value_t bpf = CAP_CLEAR, perfmon = CAP_CLEAR, admin = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (caps) {
		cap_get_flag(caps, CAP_BPF, CAP_EFFECTIVE, &bpf);
		cap_get_flag(caps, CAP_PERFMON, CAP_EFFECTIVE, &perfmon);
		cap_get_flag(caps, CAP_SYS_ADMIN, CAP_EFFECTIVE, &admin);
		cap_free(caps);
	}
	return geteuid() == 0 && (admin == CAP_SET || (bpf == CAP_SET && perfmon == CAP_SET));
}

enum status kernel_preflight(char *error)
{
	char line[64];

	if (!may_schedule())
		return fail(
			STATUS_NO_ROOT, error,
			"scheduling this machine needs root (CAP_BPF, CAP_PERFMON, CAP_SYS_NICE); "
			"run it with sudo, or try `scxlua check POLICY`, which needs nothing");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return fail(STATUS_NO_BTF, error,
			    "/sys/kernel/btf/vmlinux: %s: the kernel has no BTF; it must be built "
			    "with CONFIG_DEBUG_INFO_BTF=y",
			    strerror(errno));
	if (access(SCX_SYSFS "state", R_OK))
		return fail(STATUS_NO_SCX, error,
			    SCX_SYSFS
			    "state: %s: this kernel has no sched_ext; it needs Linux 6.12 "
			    "or later with CONFIG_SCHED_CLASS_EXT=y, or try `make run`, "
			    "which boots one in a VM",
			    strerror(errno));
	read_line("/proc/sys/net/core/bpf_jit_enable", line, sizeof(line));
	if (!strcmp(line, "0"))
		return fail(STATUS_NO_JIT, error,
			    "the BPF JIT is off, and sched_ext needs it (error 524): "
			    "sysctl net.core.bpf_jit_enable=1");
	read_line(SCX_SYSFS "state", line, sizeof(line));
	if (!strcmp(line, "enabled")) {
		read_line(SCX_SYSFS "root/ops", line, sizeof(line));
		return fail(STATUS_BUSY, error,
			    "another sched_ext scheduler is attached (%s); stop it first",
			    line[0] ? line : "name unknown");
	}
	return check_memlock(error);
}

/* The value of an enum member in the running kernel's BTF, 0 if it has none of that name. */
static uint64_t kernel_enum(const struct btf *btf, const char *type, const char *member)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM64);
	const struct btf_type *t;
	unsigned int i;

	if (id < 0)
		id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	if (id < 0)
		return 0;
	t = btf__type_by_id(btf, (uint32_t)id);
	for (i = 0; i < btf_vlen(t); i++) {
		if (btf_is_enum64(t)) {
			if (!strcmp(btf__name_by_offset(btf, btf_enum64(t)[i].name_off), member))
				return btf_enum64_value(&btf_enum64(t)[i]);
		} else if (!strcmp(btf__name_by_offset(btf, btf_enum(t)[i].name_off), member)) {
			return (uint64_t)btf_enum(t)[i].val;
		}
	}
	return 0;
}

/* A flag that this kernel does not know is left out: none of them is needed for correctness
 * but ENQ_LAST and KEEP_BUILTIN_IDLE, which every sched_ext kernel has. */
static uint64_t ops_flags(bool partial)
{
	struct btf *btf = btf__load_vmlinux_btf();
	uint64_t flags;

	if (!btf)
		return 0;
	flags = kernel_enum(btf, "scx_ops_flags", "SCX_OPS_ENQ_LAST") |
		kernel_enum(btf, "scx_ops_flags", "SCX_OPS_KEEP_BUILTIN_IDLE") |
		kernel_enum(btf, "scx_ops_flags", "SCX_OPS_ENQ_EXITING") |
		kernel_enum(btf, "scx_ops_flags", "SCX_OPS_ENQ_MIGRATION_DISABLED") |
		kernel_enum(btf, "scx_ops_flags", "SCX_OPS_ALLOW_QUEUED_WAKEUP");
	if (partial)
		flags |= kernel_enum(btf, "scx_ops_flags", "SCX_OPS_SWITCH_PARTIAL");
	btf__free(btf);
	return flags;
}

static int size_maps(struct kernel *k, uint32_t dump_len)
{
	struct scxlua_bpf *skel = k->skel;
	int err;

	err = bpf_map__set_max_entries(skel->maps.counters, k->nr_cpus + 1);
	if (!err)
		err = bpf_map__set_max_entries(skel->maps.cpus, k->nr_cpus);
	if (!err)
		err = bpf_map__set_value_size(skel->maps.data_exit_dump, dump_len);
	return err;
}

/* A kernel that was given a hotplug sequence refuses to attach if CPUs came or went since. */
static void set_ops(struct kernel *k, const struct kernel_args *args, uint32_t dump_len)
{
	char seq[32];

	read_line(SCX_SYSFS "hotplug_seq", seq, sizeof(seq));
	k->skel->struct_ops.scxlua_ops->hotplug_seq = strtoull(seq, NULL, 10);
	k->skel->struct_ops.scxlua_ops->flags = ops_flags(args->partial);
	k->skel->struct_ops.scxlua_ops->timeout_ms = args->timeout_ms;
	k->skel->struct_ops.scxlua_ops->exit_dump_len = dump_len;
	k->skel->rodata->cfg = args->config;
	k->skel->rodata->cfg.nr_cpu_ids = k->nr_cpus;
	k->skel->rodata->cfg.exit_dump_len = dump_len;
}

static void *map_array(const struct bpf_map *map)
{
	size_t len = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return mem == MAP_FAILED ? NULL : mem;
}

/* Which CPUs are online is the kernel's to tell afterwards; this is the state before attach. */
static void set_online(struct kernel *k)
{
	char path[64], line[8];
	uint32_t cpu;

	for (cpu = 0; cpu < k->nr_cpus; cpu++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
		read_line(path, line, sizeof(line));
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u", cpu);
		/* A CPU that cannot go offline has no such file. */
		k->cpus[cpu].online = line[0] ? line[0] == '1' : !access(path, F_OK);
	}
	kernel_mend(k, 0);
}

/* Which CPUs belong together, for the policy to read in scx.cpus[]. */
static int set_topology(struct kernel *k)
{
	struct topology_cpu *cpus = calloc(k->nr_cpus, sizeof(*cpus));
	struct topology_counts counts;
	int err = cpus ? topology_read("/sys", cpus, k->nr_cpus, &counts) : -ENOMEM;

	for (uint32_t i = 0; cpus && i < k->nr_cpus; i++) {
		k->cpus[i].core = cpus[i].core;
		k->cpus[i].sibling = cpus[i].sibling;
		k->cpus[i].llc = cpus[i].llc;
		k->cpus[i].node = cpus[i].node;
		k->cpus[i].capacity = cpus[i].capacity;
	}
	free(cpus);
	return err;
}

static int map_memory(struct kernel *k)
{
	int err;

	k->counters = map_array(k->skel->maps.counters);
	k->cpus = map_array(k->skel->maps.cpus);
	if (!k->counters || !k->cpus)
		return -errno;
	err = ring_map(&k->ring, bpf_map__fd(k->skel->maps.records), SCXLUA_RING_BYTES);
	if (!err)
		err = uring_map(&k->uring, bpf_map__fd(k->skel->maps.verdicts),
				SCXLUA_USER_RING_BYTES);
	return err;
}

static enum status load_failed(int err, char *error)
{
	const char *log = bpf_log;
	size_t len = strlen(log);

	/* Leave room for the sentence; the end of the log says why. */
	if (len > STATUS_ERROR_LEN - 160)
		log += len - (STATUS_ERROR_LEN - 160);
	return fail(STATUS_REJECTED, error,
		    "the kernel refused the BPF programs: %s; -v shows all of libbpf's messages. "
		    "They end: %s",
		    strerror(-err), log);
}

enum status kernel_load(struct kernel **out, const struct kernel_args *args, char *error)
{
	uint32_t dump_len = args->exit_dump_len ? args->exit_dump_len : DEFAULT_DUMP_LEN;
	struct kernel *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return fail(STATUS_FAILED, error, "out of memory");
	bpf_verbose = args->verbose;
	bpf_log[0] = '\0';
	libbpf_set_print(keep_message);
	k->nr_cpus = (uint32_t)libbpf_num_possible_cpus();
	k->skel = scxlua_bpf__open();
	err = k->skel ? size_maps(k, dump_len) : -errno;
	if (!err) {
		set_ops(k, args, dump_len);
		err = scxlua_bpf__load(k->skel);
	}
	if (err) {
		kernel_free(k);
		return load_failed(err, error);
	}
	err = map_memory(k);
	if (err) {
		kernel_free(k);
		return fail(STATUS_FAILED, error, "cannot map the BPF rings: %s", strerror(-err));
	}
	set_online(k);
	err = set_topology(k);
	if (err) {
		kernel_free(k);
		return fail(STATUS_FAILED, error, "cannot read the CPU topology in /sys: %s",
			    strerror(-err));
	}
	*out = k;
	return STATUS_OK;
}

static int map_read_only(const struct bpf_map *map, void *mem, size_t len)
{
	void *at = mmap(mem, len, PROT_READ, MAP_SHARED | MAP_FIXED, bpf_map__fd(map), 0);

	return at == MAP_FAILED ? -errno : 0;
}

/*
 * The record ring's data and the kernel's positions are mapped read-only from the start, see
 * ring_map(). BPF trusts what is in its .bss (whose processes are ours, how it ended) and in
 * the rows of CPUs, so that must not be a policy's to write. The control words that others write
 * share a page with the worker's: BPF takes each of them to be possibly absurd.
 */
int kernel_confine(struct kernel *k)
{
	struct bpf_map *map;
	int err = 0;

	munmap(k->counters, sizeof(*k->counters) * (k->nr_cpus + 1));
	k->counters = NULL;
	bpf_object__for_each_map(map, k->skel->obj)
	{
		size_t len;
		void *mem = bpf_map__initial_value(map, &len);

		if (!mem || !bpf_map__is_internal(map) || map == k->skel->maps.data_control)
			continue;
		if (!(bpf_map__map_flags(map) & BPF_F_MMAPABLE))
			continue; /* strings only: what libbpf keeps is not the map's memory */
		if (!err)
			err = map_read_only(map, mem, len);
	}
	if (!err)
		err = map_read_only(k->skel->maps.cpus, k->cpus, sizeof(*k->cpus) * k->nr_cpus);
	return err;
}

void kernel_free(struct kernel *k)
{
	if (!k)
		return;
	kernel_detach(k);
	ring_unmap(&k->ring);
	uring_unmap(&k->uring);
	if (k->counters)
		munmap(k->counters, sizeof(*k->counters) * (k->nr_cpus + 1));
	if (k->cpus)
		munmap(k->cpus, sizeof(*k->cpus) * k->nr_cpus);
	scxlua_bpf__destroy(k->skel);
	free(k);
}

enum status kernel_attach(struct kernel *k, char *error)
{
	k->link = bpf_map__attach_struct_ops(k->skel->maps.scxlua_ops);
	if (k->link)
		return STATUS_OK;
	if (errno == EBUSY)
		return fail(STATUS_BUSY, error,
			    "another sched_ext scheduler was attached meanwhile; stop it first");
	if (errno == 524)
		return fail(STATUS_NO_JIT, error,
			    "the BPF JIT is off, and sched_ext needs it (error 524): "
			    "sysctl net.core.bpf_jit_enable=1");
	return fail(STATUS_FAILED, error, "the kernel did not attach the scheduler: %s: %s",
		    strerror(errno),
		    kernel_exit(k)->msg[0] ? kernel_exit(k)->msg : "see the kernel's log");
}

void kernel_detach(struct kernel *k)
{
	if (!k->link)
		return;
	bpf_link__destroy(k->link);
	k->link = NULL;
}

int kernel_op(struct kernel *k, enum scxlua_op op, int arg, int pid, uint64_t cookie)
{
	struct scxlua_op_args args = { .op = op, .arg = arg, .pid = pid, .cookie = cookie };
	/* The kernel copies the context of a syscall program back to where it came from. */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));
	int err = bpf_prog_test_run_opts(bpf_program__fd(k->skel->progs.scxlua_op), &opts);

	if (err)
		return -errno;
	return (int)opts.retval < 0 ? (int)opts.retval : args.result;
}

uint32_t kernel_nr_cpus(const struct kernel *k)
{
	return k->nr_cpus;
}

struct scxlua_control *kernel_control(struct kernel *k)
{
	return (struct scxlua_control *)&k->skel->data_control->control;
}

const struct scx_cpu *kernel_cpus(const struct kernel *k)
{
	return k->cpus;
}

struct ring *kernel_ring(struct kernel *k)
{
	return &k->ring;
}

struct uring *kernel_uring(struct kernel *k)
{
	return &k->uring;
}

uint64_t kernel_worker_turn(const struct kernel *k)
{
	return __atomic_load_n(&k->skel->bss->worker_last_run, __ATOMIC_RELAXED);
}

static uint32_t count_online(const struct kernel *k)
{
	uint32_t cpu, nr = 0;

	for (cpu = 0; cpu < k->nr_cpus; cpu++)
		nr += __atomic_load_n(&k->cpus[cpu].online, __ATOMIC_ACQUIRE) != 0;
	return nr;
}

void kernel_mend(struct kernel *k, uint64_t now_ns)
{
	struct scxlua_control *control = kernel_control(k);
	uint32_t nr;

	uring_attach(&k->uring);
	__atomic_store_n(&control->drain_off, 0, __ATOMIC_SEQ_CST);
	control->held = control->busy = control->stalled = 0;
	control->due_ns = 0;
	if (control->heartbeat_ns > now_ns)
		control->heartbeat_ns = now_ns;
	do { /* BPF counts too, when a CPU comes or goes */
		nr = count_online(k);
		__atomic_store_n(&control->nr_online, nr, __ATOMIC_SEQ_CST);
	} while (nr != count_online(k));
}

void kernel_reset_rings(struct kernel *k)
{
	struct scxlua_control *control = kernel_control(k);

	__atomic_store_n(&control->drain_off, 1, __ATOMIC_SEQ_CST);
	usleep(REPAIR_WAIT_US); /* a drain that runs now has interrupts off, and ends before most likely */
	__atomic_store_n(k->uring.producer_pos,
			 __atomic_load_n(k->uring.consumer_pos, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
	__atomic_store_n(k->ring.consumer_pos,
			 __atomic_load_n(k->ring.producer_pos, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
	__atomic_store_n(&control->drain_off, 0, __ATOMIC_SEQ_CST);
}

void kernel_sum(const struct kernel *k, struct scxlua_counters *sum)
{
	uint64_t *to = (uint64_t *)sum;
	uint32_t row, i;

	memset(sum, 0, sizeof(*sum));
	for (row = 0; row <= k->nr_cpus; row++) {
		const uint64_t *from = (const uint64_t *)&k->counters[row];

		for (i = 0; i < sizeof(*sum) / sizeof(*to); i++)
			to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	}
}

void kernel_set_script(struct kernel *k, const char *name, uint64_t hash, const char *error)
{
	snprintf(k->skel->bss->script_name, sizeof(k->skel->bss->script_name), "%s", name);
	k->skel->bss->script_hash = hash;
	snprintf(k->skel->bss->script_error, sizeof(k->skel->bss->script_error), "%s", error);
}

const struct scxlua_exit *kernel_exit(const struct kernel *k)
{
	return (const struct scxlua_exit *)&k->skel->bss->exit_info;
}

const char *kernel_exit_dump(const struct kernel *k)
{
	return (const char *)k->skel->data_exit_dump;
}
