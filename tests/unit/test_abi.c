// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_abi.c - abi.h as the C compiler sees it against abi.h as LuaJIT does.
 *
 * Writes every size, offset and constant to a file and has abi.lua compare it with what
 * ffi.cdef makes of the block cut out of abi.h. $SCXLUA_CDEF names that block (default
 * build/abi_cdef.h), $SCXLUA_SRC the source tree (default "."), $LUAJIT the interpreter.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi.h"

struct fact {
	const char *what;
	const char *name;
	const char *member;
	long value;
	size_t bytes;
};

#define SIZE(s) { "size", #s, "", sizeof(struct s), 0 }
#define FIELD(s, f) { "field", #s, #f, offsetof(struct s, f), sizeof(((struct s *)0)->f) }
#define CONST(c) { "const", #c, "", c, 0 }

static const struct fact facts[] = {
	SIZE(scx_task),
	FIELD(scx_task, pid),
	FIELD(scx_task, tgid),
	FIELD(scx_task, ppid),
	FIELD(scx_task, nice),
	FIELD(scx_task, cgroup_weight),
	FIELD(scx_task, comm),
	FIELD(scx_task, cpu),
	FIELD(scx_task, nr_cpus_allowed),
	FIELD(scx_task, cpumask_seq),
	FIELD(scx_task, weight),
	FIELD(scx_task, flags),
	FIELD(scx_task, payload),
	FIELD(scx_task, enqueue_ns),
	FIELD(scx_task, start_ns),
	FIELD(scx_task, stop_ns),
	FIELD(scx_task, exec_ns),
	FIELD(scx_task, sum_exec_ns),
	FIELD(scx_task, nvcsw),
	FIELD(scx_task, cgroup_id),
	FIELD(scx_task, vtime),
	FIELD(scx_task, data),
	FIELD(scx_task, cookie_),
	FIELD(scx_task, seq_),
	FIELD(scx_task, queue_),
	FIELD(scx_task, index_),
	FIELD(scx_task, held_),
	FIELD(scx_task, order_),
	SIZE(scx_cpu),
	FIELD(scx_cpu, online),
	FIELD(scx_cpu, idle),
	FIELD(scx_cpu, task_pid),
	FIELD(scx_cpu, queued),
	FIELD(scx_cpu, since_ns),
	FIELD(scx_cpu, slice_ns),
	FIELD(scx_cpu, core),
	FIELD(scx_cpu, sibling),
	FIELD(scx_cpu, llc),
	FIELD(scx_cpu, node),
	FIELD(scx_cpu, capacity),
	FIELD(scx_cpu, reserved_),
	SIZE(scx_decision),
	FIELD(scx_decision, task),
	FIELD(scx_decision, cpu),
	FIELD(scx_decision, slice_ns),
	FIELD(scx_decision, vtime),
	FIELD(scx_decision, flags),
	FIELD(scx_decision, reserved),
	SIZE(scx_outbox),
	FIELD(scx_outbox, n),
	FIELD(scx_outbox, cap),
	FIELD(scx_outbox, default_slice_us_),
	FIELD(scx_outbox, max_slice_us_),
	FIELD(scx_outbox, now_ns),
	FIELD(scx_outbox, decision),
	CONST(SCX_CPU_ANY),
	CONST(SCX_NR_DATA),
	CONST(SCX_TASK_WAKEUP),
	CONST(SCX_TASK_NEW),
	CONST(SCX_TASK_PREEMPTED),
	CONST(SCX_TASK_EXPIRED),
	CONST(SCX_TASK_LAST),
	CONST(SCX_PREEMPT),
	CONST(SCX_IF_IDLE),
};

static const char *env_or(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static void write_facts(FILE *f)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		const struct fact *fact = &facts[i];

		fprintf(f, "%s %s %s %ld %zu\n", fact->what, fact->name, fact->member, fact->value,
			fact->bytes);
	}
}

/* Runs abi.lua on the cdef and a table; its exit status, its words copied to ours. */
static int compare(const char *cdef, const char *table)
{
	char script[4096];
	int status;
	pid_t child;

	snprintf(script, sizeof(script), "%s/tests/unit/abi.lua", env_or("SCXLUA_SRC", "."));
	child = fork();
	if (child == 0) {
		const char *lua = env_or("LUAJIT", "luajit");

		dup2(STDERR_FILENO, STDOUT_FILENO);
		execlp(lua, lua, script, cdef, table, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int compare_with(const char *extra)
{
	char path[] = "/tmp/scxlua-abi-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	int status;

	assert_non_null(f);
	write_facts(f);
	fputs(extra, f);
	fclose(f);
	status = compare(env_or("SCXLUA_CDEF", "build/abi_cdef.h"), path);
	unlink(path);
	return status;
}

static void lua_sees_what_c_sees(void **state)
{
	int status = compare_with("");

	(void)state;
	if (status == 127)
		skip();
	assert_int_equal(status, 0);
}

/* The comparison itself: a wrong line must make it fail, or it proves nothing. */
static void a_difference_is_noticed(void **state)
{
	int status = compare_with("field scx_task pid 4 4\n");

	(void)state;
	if (status == 127)
		skip();
	assert_int_equal(status, 1);
}

/* What the rest of the code relies on without saying so. */
static void layout_is_what_the_code_assumes(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct scxlua_record) % 8, 0);
	assert_int_equal(sizeof(struct scxlua_verdict) % 8, 0);
	assert_int_equal(offsetof(struct scxlua_control, heartbeat_ns), 64);
	assert_int_equal(offsetof(struct scxlua_control, shared_depth), 128);
	assert_int_equal(sizeof(((struct scx_task *)0)->comm),
			 sizeof(((struct scxlua_record *)0)->comm));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lua_sees_what_c_sees),
		cmocka_unit_test(a_difference_is_noticed),
		cmocka_unit_test(layout_is_what_the_code_assumes),
	};

	return cmocka_run_group_tests_name("abi", tests, NULL, NULL);
}
