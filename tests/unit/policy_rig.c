// SPDX-License-Identifier: GPL-2.0-only
/* policy_rig.c - see policy_rig.h. */
#include "policy_rig.h"

#include <stdlib.h>
#include <string.h>

struct rig rig;

int rig_set_up(void **state)
{
	static const struct engine_config cfg = { .slice_ns = 5 * MS,
						  .max_slice_ns = 100 * MS,
						  .min_slice_ns = MS / 100 };
	struct engine_view view;

	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.synth = synth_new(NR_THREADS, NR_CPUS, 1);
	rig.table = table_new(2 * NR_THREADS, NR_CPUS);
	view = (struct engine_view){ synth_cpus(rig.synth), NR_CPUS, synth_control(rig.synth) };
	rig.engine = engine_new(&cfg, &view, synth_ring(rig.synth), synth_uring(rig.synth),
				rig.table, &rig.stats);
	rig.host = (struct lua_host){
		.engine = rig.engine,
		.cpus = view.cpus,
		.nr_cpus = NR_CPUS,
		.max_tasks = NR_THREADS,
		.libdir = getenv("SCXLUA_LIBDIR") ? NULL : "lua",
		.arena_bytes = ARENA,
		.load_ns = 1000 * MS,
	};
	return rig.synth && rig.table && rig.engine ? 0 : -1;
}

int rig_tear_down(void **state)
{
	(void)state;
	lua_policy_free(rig.lp);
	engine_free(rig.engine);
	table_free(rig.table);
	synth_free(rig.synth);
	return 0;
}

int load_text(const char *text)
{
	struct script script = { .path = (char *)(uintptr_t)"t.lua",
				 .text = (char *)(uintptr_t)text,
				 .len = strlen(text) };

	lua_policy_free(rig.lp);
	rig.lp = NULL;
	if (lua_policy_new(&rig.lp, &script, &rig.host, rig.error))
		return -1;
	engine_set_policy(rig.engine, lua_policy_ops(rig.lp));
	return 0;
}

void load_file(const char *path)
{
	struct script *script;

	assert_int_equal(script_read(&script, path, rig.error), 0);
	assert_int_equal(lua_policy_new(&rig.lp, script, &rig.host, rig.error), 0);
	script_free(script);
}

void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not contain \"%s\"", text, part);
}

void refuses(const char *text, const char *message)
{
	assert_int_equal(load_text(text), -1);
	assert_contains(rig.error, message);
}

const char *policy_error(void)
{
	return lua_policy_ops(rig.lp)->error;
}

void run_tasks(uint32_t tasks, uint32_t size)
{
	for (uint32_t i = 0; i < tasks / size; i++) {
		synth_enqueue(rig.synth, size);
		engine_cycle(rig.engine);
		engine_cycle(rig.engine);
		synth_drain(rig.synth);
	}
}
