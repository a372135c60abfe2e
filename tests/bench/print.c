// SPDX-License-Identifier: GPL-2.0-only
/* print.c - the figures as a table for people and as JSON for programs. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

static const char *const column_name[NR_COLUMNS] = { "drain", "policy", "validate", "commit",
						     "cycle" };

static const char *const rival_name[NR_RIVAL] = { "consume", "select_cpu",  "submit",
						  "sum",     "bpf produce", "bpf take" };

/* ---- ratios ---- */

static const struct subject *find(const struct bench *b, const char *name)
{
	for (int i = 0; i < b->nr_subjects; i++)
		if (!strcmp(b->subject[i].name, name))
			return &b->subject[i];
	return NULL;
}

enum ratio {
	FIFO_POLICY,
	FIFO_CYCLE,
	VTIME_POLICY,
	VTIME_CYCLE,
	RIVAL_RINGS,
	RIVAL_ALL,
	NR_RATIOS
};

static const char *const ratio_name[NR_RATIOS] = {
	"fifo: policy in Lua / in C",  "fifo: cycle in Lua / in C",
	"vtime: policy in Lua / in C", "vtime: cycle in Lua / in C",
	"rustland's rings / fifo Lua", "rustland with select_cpu / fifo Lua",
};

/* What is below the clock's resolution is no denominator. */
static double quotient(double a, double b)
{
	return b >= 2 ? a / b : 0;
}

/* 0 where something was not measured, or is too small for it. */
static double ratio(const struct bench *b, enum ratio which, int size)
{
	bool is_vtime = which == VTIME_POLICY || which == VTIME_CYCLE;
	enum column column = which == FIFO_POLICY || which == VTIME_POLICY ? POLICY : CYCLE;
	const struct subject *lua = find(b, is_vtime ? "vtime Lua" : "fifo Lua");
	const struct subject *c = find(b, is_vtime ? "vtime C" : "fifo C");
	const double *rival = b->rival[size];

	if (!lua || !c)
		return 0;
	if (which == RIVAL_RINGS)
		return quotient(rival[CONSUME] + rival[SUBMIT], lua->ns[size][CYCLE]);
	if (which == RIVAL_ALL)
		return quotient(rival[RIVAL_SUM], lua->ns[size][CYCLE]);
	return quotient(lua->ns[size][column], c->ns[size][column]);
}

/* ---- output ---- */

static void print_head(const char *title)
{
	printf("\n%-38s", title);
	for (int i = 0; i < NR_BATCHES; i++)
		printf(" %9u", batch_size[i]);
	printf("\n");
}

static void print_results(const struct bench *b)
{
	print_head("ns per task, at a batch of");
	for (int i = 0; i < b->nr_subjects; i++) {
		for (int c = 0; c < NR_COLUMNS; c++) {
			printf("%-12s %-25s", c ? "" : b->subject[i].name, column_name[c]);
			for (int size = 0; size < NR_BATCHES; size++)
				printf(" %9.1f", b->subject[i].ns[size][c]);
			printf("\n");
		}
	}
}

static void print_rival(const struct bench *b)
{
	if (!b->rustland) {
		printf("rustland's way is not measured: it needs BPF (%s)\n", b->feed.why);
		return;
	}
	for (int c = 0; c < NR_RIVAL; c++) {
		printf("%-12s %-25s",
		       c == 0	    ? "rustland" :
		       c == PRODUCE ? "kernel" :
				      "",
		       rival_name[c]);
		for (int size = 0; size < NR_BATCHES; size++)
			printf(" %9.1f", b->rival[size][c]);
		printf("\n");
	}
}

static void print_ratios(const struct bench *b)
{
	print_head("ratios");
	for (int r = 0; r < NR_RATIOS; r++) {
		printf("%-38s", ratio_name[r]);
		for (int size = 0; size < NR_BATCHES; size++) {
			double value = ratio(b, r, size);

			if (value > 0)
				printf(" %9.2f", value);
			else
				printf(" %9s", "-");
		}
		printf("\n");
	}
}

void print_table(const struct bench *b)
{
	printf("rings: %s%s; %u threads; medians of %u x %u tasks; a clock reading: %.0f ns\n",
	       b->feed.skel ? "BPF" : "made up, BPF: ", b->feed.why, b->feed.threads,
	       b->opt.repeats, b->opt.tasks, b->clock);
	print_results(b);
	print_rival(b);
	print_ratios(b);
	if (b->missing)
		printf("\n%llu tasks came back without a decision: do not trust this run\n",
		       (unsigned long long)b->missing);
}

static void json_row(FILE *f, const char *key, const double *by_size, size_t stride)
{
	fprintf(f, "\"%s\": [", key);
	for (int size = 0; size < NR_BATCHES; size++)
		fprintf(f, "%s%.2f", size ? ", " : "", by_size[(size_t)size * stride]);
	fprintf(f, "]");
}

static void json_results(FILE *f, const struct bench *b)
{
	for (int i = 0; i < b->nr_subjects; i++) {
		fprintf(f, "%s\n\t\t\"%s\": {", i ? "," : "", b->subject[i].name);
		for (int c = 0; c < NR_COLUMNS; c++) {
			fprintf(f, "%s", c ? ", " : " ");
			json_row(f, column_name[c], &b->subject[i].ns[0][c], NR_COLUMNS);
		}
		fprintf(f, " }");
	}
}

static void json_rival(FILE *f, const struct bench *b)
{
	for (int c = 0; c < NR_RIVAL; c++) {
		fprintf(f, "%s\n\t\t", c ? "," : "");
		json_row(f, rival_name[c], &b->rival[0][c], NR_RIVAL);
	}
}

static void json_ratios(FILE *f, const struct bench *b)
{
	for (int r = 0; r < NR_RATIOS; r++) {
		double value[NR_BATCHES];

		for (int size = 0; size < NR_BATCHES; size++)
			value[size] = ratio(b, r, size);
		fprintf(f, "%s\n\t\t", r ? "," : "");
		json_row(f, ratio_name[r], value, 1);
	}
}

/* Every list has one number per batch size; ns per task, ratios without unit. */
void write_json(const struct bench *b)
{
	FILE *f = fopen(b->opt.json, "w");

	if (!f) {
		perror(b->opt.json);
		return;
	}
	fprintf(f, "{\n\t\"rings\": \"%s\",\n\t\"batch\": [1, 8, 64, 512],\n",
		b->feed.skel ? "bpf" : "synth");
	fprintf(f, "\t\"repeats\": %u, \"tasks\": %u, \"threads\": %u,\n", b->opt.repeats,
		b->opt.tasks, b->feed.threads);
	fprintf(f, "\t\"clock_ns\": %.2f, \"missing\": %llu,\n\t\"scxlua\": {", b->clock,
		(unsigned long long)b->missing);
	json_results(f, b);
	fprintf(f, "\n\t}");
	if (b->rustland) {
		fprintf(f, ",\n\t\"rustland\": {");
		json_rival(f, b);
		fprintf(f, "\n\t}");
	}
	fprintf(f, ",\n\t\"ratios\": {");
	json_ratios(f, b);
	fprintf(f, "\n\t}\n}\n");
	if (fclose(f))
		perror(b->opt.json);
}
