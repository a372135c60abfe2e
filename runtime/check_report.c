// SPDX-License-Identifier: GPL-2.0-only
/*
 * check_report.c - what the check found, as text or as JSON: problems first, each with what to do
 * about it, then the figures of each workload.
 */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_state.h"

enum { TEXT_BYTES = WHERE_BYTES + POLICY_ERROR_LEN };

struct kind_row {
	const char *key;
	const char *text; /* what the hook did; NULL: the detail says it */
	const char *hint;
};

/* clang-format off */
static const struct kind_row kinds[NR_FOUND] = {
	[FOUND_ERROR] = { "error", NULL, NULL },
	[FOUND_NEVER] = { "never_dispatched", "was given a task that was never dispatched",
		"give each task to scx.dispatch() once, at once or in a later dispatch()" },
	[FOUND_TWICE] = { "twice", "dispatched a task twice",
		"one decision for each time that enqueue() is given the task" },
	[FOUND_AGAIN] = { "again", "dispatched a task again that was not enqueued since",
		"a decided task is the kernel's until enqueue() is given it again" },
	[FOUND_ENDED] = { "ended", "dispatched a task whose thread has ended",
		"forget a task in exit_task(); scx.heap() and scx.fifo() do so by themselves" },
	[FOUND_NO_TASK] = { "no_task", "dispatched something that is not a task",
		"an empty queue gives nil: test for it before scx.dispatch()" },
	[FOUND_OFFLINE] = { "offline_cpu", "named a CPU that is offline",
		"look at scx.cpus[cpu].online, or name scx.CPU_ANY" },
	[FOUND_FORBIDDEN] = { "forbidden_cpu", "named a CPU that the task may not use",
		"ask scx.allowed(task, cpu) when dispatching: masks change while tasks are held" },
	[FOUND_BAD_CPU] = { "bad_cpu", "named an impossible cpu",
		"a cpu is scx.CPU_ANY or a whole number of 0..scx.nr_cpus-1" },
	[FOUND_BAD_SLICE] = { "bad_slice", "gave an impossible slice_ns",
		"a slice is 0 for the default, or 50 us to --max-slice-us, in nanoseconds" },
	[FOUND_BAD_VTIME] = { "bad_vtime", "gave an impossible vtime",
		"a vtime is 0..2^63; NaN comes from 0/0" },
	[FOUND_BAD_FLAGS] = { "bad_flags", "gave unknown flags",
		"flags are those of the scx table, or 0" },
	[FOUND_DENIED] = { "held_denied", "returned 0 and had left tasks that could run",
		"return how many are left, as queue:len(), or nobody asks again" },
	[FOUND_INVENTED] = { "held_invented", "returned more tasks than the policy holds",
		"return how many are left, as queue:len()" },
	[FOUND_OVER_ROOM] = { "room_ignored", "gave more than twice as many decisions as it had room",
		"stop after `room` decisions: the kernel keeps them in the order they have then" },
	[FOUND_LOST_STATE] = { "lost_state", NULL,
		"import() must put back what export() returns, or a reload loses it" },
	[FOUND_BAD_STATS] = { "bad_stats", NULL,
		"stats(t) puts at most 32 finite numbers in t, under keys of at most 31 bytes" },
	[FOUND_GROWTH] = { "growth", NULL,
		"keep things of a thread in task.data, or drop them in exit_task(); give lists a bound" },
	[FOUND_GARBAGE] = { "garbage", NULL,
		"no table, string, closure or boxed number for each task: locals, task.data, scx.heap()" },
	[FOUND_NOT_COMPILED] = { "not_compiled", NULL,
		"no closures, pairs, varargs, string building or table constructors in hot code" },
};
/* clang-format on */

struct problem {
	const struct kind_row *kind;
	const char *hint; /* NULL: none */
	enum check_hook at;
	uint64_t count;
	const uint64_t *by_load; /* NR_LOADS counts; NULL: not known */
	char text[TEXT_BYTES];	 /* with FILE:LINE where it is known */
};

typedef void (*say_fn)(const struct problem *p, void *arg);

/* ---- problems ---- */

static uint64_t sum(const uint64_t *by_load)
{
	uint64_t n = 0;

	for (int i = 0; i < NR_LOADS; i++)
		n += by_load[i];
	return n;
}

/* "FILE:LINE: hook(): ", the line that of the call if it is known, else that of the hook. */
static void put_place(const struct check *c, enum check_kind kind, enum check_hook at, char *to,
		      size_t size)
{
	const char *where = c->where_at[at], *colon = strrchr(where, ':');
	uint32_t line = c->line[kind][at];

	if (at == AT_NONE)
		snprintf(to, size, "%s", "");
	else if (line && colon)
		snprintf(to, size, "%.*s:%u: %s(): ", (int)(colon - where), where, line,
			 check_hook_key[at]);
	else
		snprintf(to, size, "%s%s%s(): ", where, where[0] ? ": " : "", check_hook_key[at]);
}

static void put_times(uint64_t n, char *to, size_t size)
{
	snprintf(to, size, n == 1 ? " (once)" : " (%llu times)", (unsigned long long)n);
}

static void put_text(const struct check *c, struct problem *p, enum check_kind kind)
{
	char place[WHERE_BYTES + 32], times[32];

	put_place(c, kind, p->at, place, sizeof(place));
	put_times(p->count, times, sizeof(times));
	if (kind == FOUND_ERROR)
		snprintf(p->text, TEXT_BYTES, "%s%s", c->error[p->at], times);
	else if (p->kind->text)
		snprintf(p->text, TEXT_BYTES, "%s%s%s", place, p->kind->text, times);
	else
		snprintf(p->text, TEXT_BYTES, "%s%s", place, c->detail[kind]);
}

/* What an error costs depends on the hook. */
static const char *hint_of(enum check_kind kind, enum check_hook at)
{
	static const char *const errors[NR_AT] = {
		[AT_ENQUEUE] = "the tasks of such a call get a default decision",
		[AT_DISPATCH] = "what is held then waits, and ages out in the end",
		[AT_EXIT_TASK] = "what the call would have done is left undone",
		[AT_CPU_ONLINE] = "what the call would have done is left undone",
		[AT_CPU_OFFLINE] = "what the call would have done is left undone",
		[AT_TICK] = "what the call would have done is left undone",
		[AT_STATS] = "no numbers are shown",
		[AT_EXPORT] = "a reload goes on without the policy's state",
		[AT_IMPORT] = "a reload goes on without the policy's state",
	};

	if (kind == FOUND_ERROR || (kind == FOUND_LOST_STATE && at == AT_EXPORT))
		return errors[at];
	return kinds[kind].hint;
}

static int each_kind(const struct check *c, enum check_kind kind, say_fn say, void *arg)
{
	int nr = 0;

	for (int at = 0; at < NR_AT; at++) {
		struct problem p = { .kind = &kinds[kind],
				     .hint = hint_of(kind, (enum check_hook)at),
				     .at = (enum check_hook)at,
				     .by_load = c->found[kind][at],
				     .count = sum(c->found[kind][at]) };

		if (!p.count)
			continue;
		put_text(c, &p, kind);
		say(&p, arg);
		nr++;
	}
	return nr;
}

/* "FILE:LINE: enqueue(): not compiled: why" */
static int each_abort(const struct check *c, say_fn say, void *arg)
{
	for (uint32_t i = 0; i < c->nr_aborts; i++) {
		const struct check_abort *abort = &c->abort[i];
		const char *why = strstr(abort->line, ": ");
		int len = why ? (int)(why - abort->line) : 0;
		struct problem p = { .kind = &kinds[FOUND_NOT_COMPILED],
				     .hint = kinds[FOUND_NOT_COMPILED].hint,
				     .at = abort->at,
				     .count = abort->times };
		char times[32];

		put_times(abort->times, times, sizeof(times));
		snprintf(p.text, TEXT_BYTES, "%.*s: %s(): not compiled: %s%s", len, abort->line,
			 check_hook_key[abort->at], why ? why + 2 : abort->line, times);
		say(&p, arg);
	}
	return (int)c->nr_aborts;
}

/* One call of `say` for each problem; returns how many. */
static int each_problem(const struct check *c, say_fn say, void *arg)
{
	static const struct kind_row unusable = {
		"unusable", NULL, "scxlua would not start with it, and refuse to reload it"
	};
	struct problem p = { .kind = &unusable, .hint = unusable.hint, .count = 1 };
	int nr = 0;

	if (c->fatal[0]) {
		snprintf(p.text, TEXT_BYTES, "%s", c->fatal);
		say(&p, arg);
		nr++;
	}
	for (int kind = 0; kind < NR_FOUND; kind++)
		nr += each_kind(c, (enum check_kind)kind, say, arg);
	return nr + each_abort(c, say, arg);
}

/* ---- text ---- */

static void say_nothing(const struct problem *p, void *arg)
{
	(void)p;
	(void)arg;
}

/* " [burst, steady]"; all of them, or not known: nothing. */
static void print_loads(FILE *f, const uint64_t *by_load)
{
	const char *before = " [";
	int nr = 0;

	for (int i = 0; by_load && i < NR_LOADS; i++)
		nr += by_load[i] != 0;
	if (nr == 0 || nr == NR_LOADS)
		return;
	for (int i = 0; i < NR_LOADS; i++) {
		if (!by_load[i])
			continue;
		fprintf(f, "%s%s", before, check_loads[i].name);
		before = ", ";
	}
	fputc(']', f);
}

static void say_text(const struct problem *p, void *arg)
{
	fprintf(arg, "  %s", p->text);
	print_loads(arg, p->by_load);
	fputc('\n', arg);
	if (p->hint)
		fprintf(arg, "    %s\n", p->hint);
}

static void print_figures(const struct check *c, enum check_load load)
{
	const struct check_figures *f = &c->figures[load];

	printf("  %-9s%7llu tasks", check_loads[load].name, (unsigned long long)f->tasks);
	if (!check_loads[load].run)
		printf(", %llu threads ended", (unsigned long long)f->ended);
	else if (c->where_at[AT_DISPATCH][0])
		printf(", %4.0f ns each (enqueue %.0f, dispatch %.0f), %.2f bytes", f->ns,
		       f->enqueue_ns, f->dispatch_ns, f->bytes);
	else
		printf(", %4.0f ns each (enqueue %.0f), %.2f bytes", f->ns, f->enqueue_ns,
		       f->bytes);
	if (load == LOAD_GROWTH)
		printf(", Lua keeps %zu KiB", c->heap_bytes >> 10);
	putchar('\n');
}

static void print_text(const struct check *c, const struct script *s, int problems)
{
	if (problems)
		printf("%s: %d problem%s\n", s->path, problems, problems == 1 ? "" : "s");
	else
		printf("%s: ok\n", s->path);
	each_problem(c, say_text, stdout);
	if (c->warning[0])
		printf("  note: %s\n", c->warning);
	for (int i = 0; !c->fatal[0] && i < NR_LOADS; i++)
		print_figures(c, (enum check_load)i);
}

/* ---- JSON ---- */

/* A script's words need not be UTF-8, JSON must be. */
static json_t *text_json(const char *text)
{
	json_t *string = json_string(text);
	char plain[PATH_MAX];

	if (string)
		return string;
	snprintf(plain, sizeof(plain), "%s", text);
	for (char *c = plain; *c; c++)
		if (!isascii((unsigned char)*c))
			*c = '?';
	return json_string(plain);
}

/* LINE of "FILE:LINE: ...", 0 if the text has none. */
static int line_of(const char *text)
{
	const char *end = strstr(text, ": "), *begin = end;

	while (begin && begin > text && isdigit((unsigned char)begin[-1]))
		begin--;
	return begin && begin > text && begin[-1] == ':' ? atoi(begin) : 0;
}

static void say_json(const struct problem *p, void *arg)
{
	json_t *loads = json_array();

	for (int i = 0; p->by_load && i < NR_LOADS; i++)
		if (p->by_load[i])
			json_array_append_new(loads, json_string(check_loads[i].name));
	json_array_append_new(arg, json_pack("{s:s, s:I, s:s, s:i, s:o, s:s, s:o}", "kind",
					     p->kind->key, "count", (json_int_t)p->count, "hook",
					     check_hook_key[p->at], "line", line_of(p->text),
					     "text", text_json(p->text), "hint",
					     p->hint ? p->hint : "", "workloads", loads));
}

static json_t *figures_json(const struct check *c)
{
	json_t *all = json_array();

	for (int i = 0; i < NR_LOADS; i++) {
		const struct check_figures *f = &c->figures[i];
		json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", check_loads[i].name,
				      "tasks", (json_int_t)f->tasks, "batches",
				      (json_int_t)f->batches, "threads_ended", (json_int_t)f->ended,
				      "never_dispatched", (json_int_t)f->never);

		if (check_loads[i].run)
			json_object_update_new(o, json_pack("{s:f, s:f, s:f, s:f}", "ns_per_task",
							    f->ns, "enqueue_ns_per_task",
							    f->enqueue_ns, "dispatch_ns_per_task",
							    f->dispatch_ns, "bytes_per_task",
							    f->bytes));
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *counters_json(const struct engine_stats *stats)
{
	json_t *o = json_object();

#define PUT_COUNTER(name, help)                                                                    \
	json_object_set_new(o, #name, json_integer((json_int_t)stats->name));
	ENGINE_COUNTERS(PUT_COUNTER)
#undef PUT_COUNTER
	return o;
}

static int print_json(const struct check *c, const struct script *s, int status, const char *file)
{
	json_t *problems = json_array(), *o;
	char hash[17];
	int err;

	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)s->hash);
	each_problem(c, say_json, problems);
	o = json_pack("{s:s, s:o, s:s, s:i, s:o, s:o, s:o, s:I, s:o}", "policy", c->name, "path",
		      text_json(s->path), "hash", hash, "status", status, "problems", problems,
		      "note", text_json(c->warning), "workloads", figures_json(c), "kept_bytes",
		      (json_int_t)c->heap_bytes, "engine", counters_json(&c->stats));
	if (!o)
		return -ENOMEM;
	if (!strcmp(file, "-"))
		err = json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) ||
		      putchar('\n') == EOF;
	else
		err = json_dump_file(o, file, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(o);
	return err ? -EIO : 0;
}

int check_report(const struct check *c, const struct script *s, const struct check_args *args)
{
	int problems = each_problem(c, say_nothing, NULL);
	int status = c->fatal[0] ? 2 : problems ? 1 : 0;

	if (!args->json) {
		print_text(c, s, problems);
	} else if (print_json(c, s, status, args->json)) {
		fprintf(stderr, "scxlua: cannot write %s\n", args->json);
		return 1;
	}
	return status;
}
