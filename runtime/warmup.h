/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * warmup.h - makes a freshly loaded policy's code hot before it schedules anything.
 *
 * The policy runs on made-up threads (synth.h) through the engine it will keep, whose rings,
 * table and counters are swapped for private ones meanwhile (engine_swap): the outbox stays
 * where it is, because its address is a constant of the compiled code.
 */
#ifndef SCXLUA_WARMUP_H
#define SCXLUA_WARMUP_H

#include "policy_lua.h"

/*
 * Batches of 512, 64, 8 and 1 with wake-ups, expiries and exits, until a round no longer makes
 * the Lua heap grow (nothing new was compiled) or enough have passed (the policy allocates as
 * it runs); then every thread exits, so that the policy holds no task, and the garbage is
 * collected. Numbers the policy keeps (a virtual clock, counters) have moved on.
 *
 * host: the one the policy was made with; host->engine must be idle and hold no task. Its
 * policy is this one afterwards. Takes about 50 ms, allocates and frees about 2 MB.
 * Returns 0, or -1 and one line in error[POLICY_ERROR_LEN]: the policy's first error.
 */
int policy_warm_up(struct lua_policy *lp, const struct lua_host *host, char *error);

#endif
