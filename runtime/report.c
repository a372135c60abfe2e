// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "report.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PER_SECOND(field) ((double)(now->field - before->field) / seconds)

/* " | key value key value" */
static int policy_line(char *line, size_t size, const struct policy_stats *stats)
{
	size_t len = 0;

	for (uint32_t i = 0; i < stats->nr && len < size; i++)
		len += (size_t)snprintf(line + len, size - len, "%s%s %.6g", i ? " " : " | ",
					stats->stat[i].key, stats->stat[i].value);
	return (int)len;
}

int report_line(char *line, size_t size, const struct report *now, const struct report *before,
		double seconds)
{
	char own[POLICY_STATS_MAX * (POLICY_STAT_KEY_LEN + 16)] = "";

	policy_line(own, sizeof(own), &now->stats);
	return snprintf(
		line, size,
		"%s#%u%s: queued %.0f/s decided %.0f/s aged %.0f/s direct %.0f/s bypassed %.0f/s "
		"starved %.0f/s | batch p50 %llu p99 %llu, decide p50 %llu us p99 %llu us | "
		"slice %llu us%s\n",
		now->policy, now->generation, now->bypass ? " (bypass)" : "",
		PER_SECOND(bpf.queued), PER_SECOND(bpf.decided), PER_SECOND(bpf.aged_out),
		PER_SECOND(bpf.direct), PER_SECOND(bpf.bypassed), PER_SECOND(bpf.starved),
		(unsigned long long)hist_quantile(&now->engine.batch_size, 0.5),
		(unsigned long long)hist_quantile(&now->engine.batch_size, 0.99),
		(unsigned long long)hist_quantile(&now->engine.decide_ns, 0.5) / 1000,
		(unsigned long long)hist_quantile(&now->engine.decide_ns, 0.99) / 1000,
		(unsigned long long)now->applied_slice_ns / 1000, own);
}

void report_exit(FILE *f, const struct scxlua_exit *exit, const char *dump)
{
	if (dump[0])
		fprintf(f,
			"\nDEBUG DUMP\n"
			"================================================================================\n\n"
			"%s\n"
			"================================================================================\n\n",
			dump);
	fprintf(f, "EXIT: %s", exit->reason);
	if (exit->msg[0])
		fprintf(f, " (%s)", exit->msg);
	fputc('\n', f);
	fflush(f);
}

static int put(json_t *to, const char *name, uint64_t value)
{
	return json_object_set_new(to, name, json_integer((json_int_t)value));
}

static json_t *quantiles(const struct hist *h)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "count", (json_int_t)h->count, "p50",
			 (json_int_t)hist_quantile(h, 0.5), "p90",
			 (json_int_t)hist_quantile(h, 0.9), "p99",
			 (json_int_t)hist_quantile(h, 0.99), "p999",
			 (json_int_t)hist_quantile(h, 0.999), "max", (json_int_t)h->max);
}

/* Only keys that are UTF-8 and numbers that JSON has; a policy may say anything. */
static json_t *policy_stats(const struct policy_stats *stats)
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < stats->nr; i++)
		json_object_set_new(o, stats->stat[i].key, json_real(stats->stat[i].value));
	return o;
}

static json_t *exit_object(const struct scxlua_exit *exit, int exit_status)
{
	/* The kernel's text should be ASCII; %s of jansson wants UTF-8 and fails otherwise. */
	return json_pack("{s:i,s:I,s:s,s:s,s:i}", "kind", (int)exit->kind, "code",
			 (json_int_t)exit->code, "reason", exit->reason, "message", exit->msg,
			 "status", exit_status);
}

static json_t *build(const struct report *r, const struct scxlua_exit *exit, int exit_status)
{
	char hash[32];
	json_t *o = json_object();
	int err = 0;

	if (!o)
		return NULL;
	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)r->hash);
	err |= json_object_set_new(o, "policy", json_string(r->policy));
	err |= json_object_set_new(o, "hash", json_string(hash));
	err |= put(o, "generation", r->generation);
	err |= put(o, "applied_slice_ns", r->applied_slice_ns);
	err |= put(o, "lua_bytes", r->lua_bytes);
#define PUT(field, help) err |= put(o, #field, r->field);
	REPORT_COUNTERS(PUT)
#undef PUT
#define PUT(field, help) err |= put(o, #field, r->bpf.field);
	SCXLUA_BPF_COUNTERS(PUT)
#undef PUT
#define PUT(field, help) err |= put(o, #field, r->engine.field);
	ENGINE_COUNTERS(PUT)
#undef PUT
	err |= json_object_set_new(o, "batch_size", quantiles(&r->engine.batch_size));
	err |= json_object_set_new(o, "decide_ns", quantiles(&r->engine.decide_ns));
	err |= json_object_set_new(o, "policy_stats", policy_stats(&r->stats));
	err |= json_object_set_new(o, "exit", exit_object(exit, exit_status));
	if (!err)
		return o;
	json_decref(o);
	return NULL;
}

int report_json(const char *path, const struct report *r, const struct scxlua_exit *exit,
		int exit_status)
{
	json_t *o = build(r, exit, exit_status);
	FILE *f;
	int err;

	if (!o)
		return -ENOMEM;
	f = strcmp(path, "-") ? fopen(path, "we") : stdout;
	err = f ? json_dumpf(o, f, JSON_INDENT(2)) : -1;
	if (f) {
		err |= fputc('\n', f) == EOF;
		err |= f == stdout ? fflush(f) : fclose(f);
	}
	json_decref(o);
	return err ? -(errno ? errno : EIO) : 0;
}
