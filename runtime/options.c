// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum kind { FLAG, NUMBER, STRING, PAIR, FAULT, COMMAND };

struct row {
	const char *name;
	int letter; /* 0 = long form only */
	enum kind kind;
	size_t offset; /* into struct options; COMMAND: the enum command */
	uint32_t min, max, dflt;
	const char *arg;
	const char *help;
};

#define AT(field) offsetof(struct options, field)

static const struct row table[] = {
	{ "option", 'o', PAIR, 0, 0, 0, 0, "KEY=VALUE", "set an option of the policy; repeatable" },
	{ "slice-us", 's', NUMBER, AT(slice_us), 100, 1000000, 20000, "US",
	  "slice where no decision gives one; at most --max-slice-us" },
	{ "partial", 'p', FLAG, AT(partial), 0, 1, 0, NULL,
	  "schedule only tasks of class SCHED_EXT" },
	{ "verbose", 'v', FLAG, AT(verbose), 0, 1, 0, NULL, "show libbpf's messages" },
	{ "version", 'V', COMMAND, COMMAND_VERSION, 0, 0, 0, NULL, "print the version and exit" },
	{ "help", 'h', COMMAND, COMMAND_HELP, 0, 0, 0, NULL, "print this and exit" },
	{ "stats", 0, NUMBER, AT(stats_s), 1, 3600, 0, "SECS",
	  "print a line of statistics every SECS" },
	{ "monitor", 0, NUMBER, AT(monitor_s), 1, 3600, 0, "SECS",
	  "only print that line, of the scxlua that runs or will run" },
	{ "help-stats", 0, COMMAND, COMMAND_HELP_STATS, 0, 0, 0, NULL,
	  "print what the statistics mean and exit" },
	{ "json", 0, STRING, AT(json), 0, 0, 0, "FILE",
	  "write all counters to FILE at exit, - for standard output" },
	{ "exit-dump-len", 0, NUMBER, AT(exit_dump_len), 1024, 16777216, 32768, "BYTES",
	  "length of the kernel's dump after an ejection" },
	{ "max-slice-us", 0, NUMBER, AT(max_slice_us), 100, 1000000, 100000, "US",
	  "upper limit of all slices" },
	{ "hold-ms", 0, NUMBER, AT(hold_ms), 1, 1000, 20, "MS",
	  "an undecided task older than this may be taken by an idle CPU" },
	{ "starve-ms", 0, NUMBER, AT(starve_ms), 10, 1000, 500, "MS",
	  "a task that has not run for this long goes first; at most half of --timeout-ms" },
	{ "budget-ms", 0, NUMBER, AT(budget_ms), 1, 10000, 100, "MS",
	  "CPU time that one call of the policy may take" },
	{ "late-ms", 0, NUMBER, AT(late_ms), 150, 2000, 250, "MS",
	  "bypass a worker that gave no sign of life for this long" },
	{ "timeout-ms", 0, NUMBER, AT(timeout_ms), 1000, 30000, 5000, "MS",
	  "the kernel's watchdog" },
	{ "lua-mem", 0, NUMBER, AT(lua_mem_mib), 4, 2048, 64, "MIB", "memory of the Lua state" },
	{ "max-tasks", 0, NUMBER, AT(max_tasks), 64, 1048576, 32768, "N",
	  "threads that the policy can know at once" },
	{ "kthreads", 0, FLAG, AT(kthreads), 0, 1, 0, NULL,
	  "ask the policy about kernel threads too (not per-CPU ones)" },
	{ "no-sandbox", 0, FLAG, AT(no_sandbox), 0, 1, 0, NULL,
	  "let the policy do all that root may: files, sockets, processes" },
	{ "allow-unsafe-path", 0, FLAG, AT(allow_unsafe_path), 0, 1, 0, NULL,
	  "use a policy file that other users can change" },
	{ "fault", 0, FAULT, 0, 0, 0, 0, "NAME=N",
	  "for tests: inject a fault or turn off a guard" },
};

/* The first operand, if it is one of these; without one, a policy schedules all. */
static const struct verb {
	const char *name;
	enum command command;
	uint32_t min, max; /* operands */
	const char *options, *operands, *help;
} verbs[] = {
	{ "run", COMMAND_RUN, 2, UINT32_MAX, "[OPTION]...", "POLICY.lua -- CMD...",
	  "schedule only CMD and what it starts; end when it ends" },
	{ "check", COMMAND_CHECK, 1, 1, "[-o KEY=VALUE]... [--json -]", "POLICY.lua",
	  "try a policy on made-up tasks: no root, no kernel support needed" },
	{ "status", COMMAND_STATUS, 0, 0, "[--json -]", "", "print what runs and how it is" },
	{ "reload", COMMAND_RELOAD, 0, 1, "", "[FILE]",
	  "reload the running script, or FILE, and print the outcome" },
	{ "set", COMMAND_SET, 1, UINT32_MAX, "", "KEY=VALUE...",
	  "set options of the running policy, or builtin_idle" },
	{ "top", COMMAND_TOP, 0, 0, "", "", "print the live line of what runs every second" },
};

static const struct {
	const char *name;
	size_t offset;
} faults[] = {
	{ "drop", AT(fault_drop) },
	{ "ring_full", AT(fault_ring_full) },
	{ "wrong_cpu", AT(fault_wrong_cpu) },
	{ "no_drain", AT(fault_no_drain) },
	{ "no_age", AT(fault_no_age) },
	{ "no_starve", AT(fault_no_starve) },
	{ "no_stale", AT(fault_no_stale) },
	{ "no_bypass", AT(fault_no_bypass) },
	{ "no_validate", AT(fault_no_validate) },
	{ "no_watchdog", AT(fault_no_watchdog) },
	{ "unsafe", AT(fault_unsafe) },
};

enum {
	NR_ROWS = sizeof(table) / sizeof(table[0]),
	NR_VERBS = sizeof(verbs) / sizeof(verbs[0]),
	NR_FAULTS = sizeof(faults) / sizeof(faults[0]),
};

static uint32_t *field(struct options *o, size_t offset)
{
	return (uint32_t *)((char *)o + offset);
}

static int parse_number(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < min || value > max)
		return -1;
	*out = (uint32_t)value;
	return 0;
}

static enum status number(struct options *o, const struct row *row, const char *arg, char *error)
{
	if (!parse_number(arg, row->min, row->max, field(o, row->offset)))
		return STATUS_OK;
	snprintf(error, STATUS_ERROR_LEN, "--%s: expected %u..%u, got %s", row->name, row->min,
		 row->max, arg);
	return STATUS_USAGE;
}

/* key=value: cut in place, argv is ours to change. */
static enum status pair(struct options *o, char *arg, char *error)
{
	char *eq = strchr(arg, '=');

	if (!eq || eq == arg) {
		snprintf(error, STATUS_ERROR_LEN, "-o: expected KEY=VALUE, got %s", arg);
		return STATUS_USAGE;
	}
	if (o->nr_policy_options == MAX_POLICY_OPTIONS) {
		snprintf(error, STATUS_ERROR_LEN, "-o: more than %d options", MAX_POLICY_OPTIONS);
		return STATUS_USAGE;
	}
	*eq = '\0';
	o->policy_option[o->nr_policy_options++] = (struct lua_option){ arg, eq + 1 };
	return STATUS_OK;
}

static enum status fault(struct options *o, char *arg, char *error)
{
	char *eq = strchr(arg, '=');
	uint32_t i, n = 1;

	if (eq && parse_number(eq + 1, 0, UINT32_MAX, &n)) {
		snprintf(error, STATUS_ERROR_LEN, "--fault: expected NAME=N, got %s", arg);
		return STATUS_USAGE;
	}
	for (i = 0; i < NR_FAULTS; i++) {
		size_t len = eq ? (size_t)(eq - arg) : strlen(arg);

		if (strlen(faults[i].name) == len && !strncmp(faults[i].name, arg, len)) {
			*field(o, faults[i].offset) = n;
			return STATUS_OK;
		}
	}
	snprintf(error, STATUS_ERROR_LEN, "--fault: unknown fault %s", arg);
	return STATUS_USAGE;
}

static enum status apply(struct options *o, const struct row *row, char *arg, char *error)
{
	switch (row->kind) {
	case FLAG:
		*field(o, row->offset) = 1;
		return STATUS_OK;
	case NUMBER:
		return number(o, row, arg, error);
	case STRING:
		*(const char **)((char *)o + row->offset) = arg;
		return STATUS_OK;
	case PAIR:
		return pair(o, arg, error);
	case FAULT:
		return fault(o, arg, error);
	case COMMAND:
		o->command = (enum command)row->offset;
		return STATUS_OK;
	}
	return STATUS_USAGE;
}

/* getopt's two descriptions of the table; val is the row number + 256. */
static void describe(char *letters, struct option *longs)
{
	uint32_t i;

	*letters++ = ':'; /* a missing argument is ':' rather than '?' */
	for (i = 0; i < NR_ROWS; i++) {
		longs[i] = (struct option){ table[i].name,
					    table[i].arg ? required_argument : no_argument, NULL,
					    (int)i + 256 };
		if (!table[i].letter)
			continue;
		*letters++ = (char)table[i].letter;
		if (table[i].arg)
			*letters++ = ':';
	}
	*letters = '\0';
	longs[NR_ROWS] = (struct option){ 0 };
}

static const struct row *find_row(int got)
{
	uint32_t i;

	if (got >= 256)
		return &table[got - 256];
	for (i = 0; i < NR_ROWS; i++)
		if (table[i].letter == got)
			return &table[i];
	return NULL;
}

static enum status policy_operand(struct options *o, char *error)
{
	if (!o->nr_operands) {
		snprintf(error, STATUS_ERROR_LEN, "no policy given; try scxlua policies/fifo.lua");
		return STATUS_USAGE;
	}
	if (o->nr_operands > 1) {
		snprintf(error, STATUS_ERROR_LEN, "one policy only: %s is too many", o->operand[1]);
		return STATUS_USAGE;
	}
	o->policy = o->operand[0];
	return STATUS_OK;
}

/* The verb that the first operand is, which is taken away; NULL if it is none. */
static const struct verb *take_verb(struct options *o)
{
	for (uint32_t i = 0; o->nr_operands && i < NR_VERBS; i++) {
		if (strcmp(o->operand[0], verbs[i].name))
			continue;
		o->operand++;
		o->nr_operands--;
		return &verbs[i];
	}
	return NULL;
}

/*
 * POLICY.lua -- CMD [ARG]... Without the -- options of the command would be taken for ours. The
 * kernel ends argv with NULL.
 */
static enum status run_operands(struct options *o)
{
	o->policy = o->operand[0];
	o->command_argv = o->operand + 1;
	o->partial = 1;
	return STATUS_OK;
}

static enum status verb_operands(struct options *o, const struct verb *verb, bool has_dashes,
				 char *error)
{
	uint32_t i;

	o->command = verb->command;
	if (verb->command == COMMAND_CHECK)
		return policy_operand(o, error);
	if (o->nr_operands < verb->min || (verb->command == COMMAND_RUN && !has_dashes)) {
		snprintf(error, STATUS_ERROR_LEN, "%s: expected %s", verb->name, verb->operands);
		return STATUS_USAGE;
	}
	if (o->nr_operands > verb->max) {
		snprintf(error, STATUS_ERROR_LEN, "%s: %s is too many", verb->name,
			 o->operand[verb->max]);
		return STATUS_USAGE;
	}
	if (verb->command == COMMAND_RUN)
		return run_operands(o);
	for (i = 0; verb->command == COMMAND_SET && i < o->nr_operands; i++) {
		if (strchr(o->operand[i], '=') > o->operand[i])
			continue;
		snprintf(error, STATUS_ERROR_LEN, "set: expected KEY=VALUE, got %s", o->operand[i]);
		return STATUS_USAGE;
	}
	return STATUS_OK;
}

static enum status operands(struct options *o, int argc, char **argv, char *error)
{
	const struct verb *verb;

	if (o->command != COMMAND_RUN)
		return STATUS_OK;
	o->operand = argv + optind;
	o->nr_operands = (uint32_t)(argc - optind);
	verb = take_verb(o);
	if (verb)
		return verb_operands(o, verb, !strcmp(argv[optind - 1], "--"), error);
	if (!o->monitor_s)
		return policy_operand(o, error);
	o->command = COMMAND_MONITOR;
	if (!o->nr_operands)
		return STATUS_OK;
	snprintf(error, STATUS_ERROR_LEN, "--monitor runs no policy: %s is too many",
		 o->operand[0]);
	return STATUS_USAGE;
}

/* getopt's complaint in words; optopt is the letter, or what describe() gave a long option. */
static enum status not_an_option(const char *arg, int got, char *error)
{
	const char *why = got == ':'	? "its argument is missing" :
			  optopt >= 256 ? "it takes no argument" :
					  "unknown option";

	if (optopt && optopt < 256)
		snprintf(error, STATUS_ERROR_LEN, "-%c: %s; --help lists the options", optopt, why);
	else
		snprintf(error, STATUS_ERROR_LEN, "%s: %s; --help lists the options", arg, why);
	return STATUS_USAGE;
}

/* A guard that acts as late as the kernel's watchdog is none. */
static enum status guards_in_time(const struct options *o, char *error)
{
	uint32_t most_ms = o->timeout_ms / 2;

	if (o->hold_ms <= most_ms && o->starve_ms <= most_ms)
		return STATUS_OK;
	snprintf(error, STATUS_ERROR_LEN,
		 "--%s %u: at most half of --timeout-ms (%u), or the kernel ends the scheduler before "
		 "its guards act",
		 o->hold_ms > most_ms ? "hold-ms" : "starve-ms",
		 o->hold_ms > most_ms ? o->hold_ms : o->starve_ms, o->timeout_ms);
	return STATUS_USAGE;
}

enum status options_parse(struct options *o, int argc, char **argv, char *error)
{
	struct option longs[NR_ROWS + 1];
	char letters[2 * NR_ROWS + 2];
	enum status status;
	uint32_t i;
	int got;

	memset(o, 0, sizeof(*o));
	for (i = 0; i < NR_ROWS; i++)
		if (table[i].kind == NUMBER)
			*field(o, table[i].offset) = table[i].dflt;
	describe(letters, longs);
	opterr = 0;
	optind = 0; /* glibc: forget an earlier parse, also one that ended within a cluster */
	while ((got = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct row *row = got == ':' || got == '?' ? NULL : find_row(got);

		if (!row) {
			return not_an_option(argv[optind - 1], got, error);
		}
		status = apply(o, row, optarg, error);
		if (status != STATUS_OK)
			return status;
	}
	if (o->slice_us > o->max_slice_us)
		o->slice_us = o->max_slice_us;
	status = guards_in_time(o, error);
	if (status != STATUS_OK)
		return status;
	return operands(o, argc, argv, error);
}

static void help_row(FILE *f, const struct row *row)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%s--%s%s%s", row->letter ? '-' : ' ',
		 row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
		 row->arg ? " " : "", row->arg ? row->arg : "");
	fprintf(f, "  %-28s %s", left, row->help);
	if (row->kind == NUMBER && row->dflt)
		fprintf(f, " (%u..%u, default %u)", row->min, row->max, row->dflt);
	else if (row->kind == NUMBER)
		fprintf(f, " (%u..%u)", row->min, row->max);
	fputc('\n', f);
}

static void help_verbs(FILE *f)
{
	char left[64];
	uint32_t i;

	fputs("usage: scxlua [OPTION]... POLICY.lua\n", f);
	for (i = 0; i < NR_VERBS; i++)
		fprintf(f, "       scxlua %s%s%s%s%s\n", verbs[i].name,
			*verbs[i].options ? " " : "", verbs[i].options,
			*verbs[i].operands ? " " : "", verbs[i].operands);
	fputs("\nMakes a Lua script the CPU scheduler of this machine, until Ctrl-C. SIGHUP reloads\n"
	      "the script.\n\n",
	      f);
	for (i = 0; i < NR_VERBS; i++) {
		snprintf(left, sizeof(left), "%s %s", verbs[i].name, verbs[i].operands);
		fprintf(f, "  %-28s %s\n", left, verbs[i].help);
	}
	fputc('\n', f);
}

void options_help(FILE *f)
{
	uint32_t i;

	help_verbs(f);
	for (i = 0; i < NR_ROWS; i++)
		help_row(f, &table[i]);
	fputs("\nExit status:\n", f);
#define HELP_STATUS(name, code, help) fprintf(f, " %3d  %s\n", code, help);
	STATUS_TABLE(HELP_STATUS)
#undef HELP_STATUS
}
