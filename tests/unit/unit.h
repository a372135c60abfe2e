/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unit.h - what every unit test includes: cmocka with what its header forgets to, and numbers
 * that are random but the same on every machine.
 */
#ifndef SCXLUA_UNIT_H
#define SCXLUA_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* splitmix64; the state is the test's own. */
static inline uint64_t unit_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* 0..n-1 */
static inline uint32_t unit_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((unit_random(state) >> 32) * n >> 32);
}

#endif
