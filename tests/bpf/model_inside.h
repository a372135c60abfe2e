/* SPDX-License-Identifier: GPL-2.0-only */
/* model_inside.h - what the sources of the model kernel share, and tests have no business with. */
#ifndef SCXLUA_MODEL_INSIDE_H
#define SCXLUA_MODEL_INSIDE_H

#include "kernel_model.h"

#define require(cond, ...)                                                                         \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			print_error(__VA_ARGS__);                                                  \
			print_error("\n");                                                         \
			fail();                                                                    \
		}                                                                                  \
	} while (0)

static inline struct model_task *model_of(const struct task_struct *p)
{
	return (struct model_task *)(void *)(uintptr_t)p;
}

int model_allows(const struct model_task *t, int cpu);
void model_call_hook(void (**hook)(void));
void model_unlink(struct model_task *t); /* from the queue it is on, if any */
void model_link(struct model_dsq *q, struct model_task *t, int by_vtime, u64 flags);
bool model_take_first(struct model_dsq *q); /* to this CPU's local queue; false = none may */

#endif
