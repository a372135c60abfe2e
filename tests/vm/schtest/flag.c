// SPDX-License-Identifier: GPL-2.0-only
/* flag.c - a futex that is raised by one thread and taken down by another, and times it. */
#define _GNU_SOURCE
#include "schtest.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

struct flag {
	atomic_int is_up;	    /* the futex */
	_Atomic uint64_t raised_ns; /* written before is_up is set */
	atomic_uint nr;		    /* latencies so far; written by the waiter, and at a forget */
	uint64_t late_ns[FLAG_LATENCIES]; /* a ring; written by the waiter, read when it is dead */
};

struct flag *flag_new(void)
{
	return shared_alloc(sizeof(struct flag));
}

void flag_raise(struct flag *f)
{
	atomic_store(&f->raised_ns, now_ns());
	atomic_store(&f->is_up, 1);
	syscall(SYS_futex, &f->is_up, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void flag_wait(struct flag *f)
{
	unsigned int nr;

	while (!atomic_load(&f->is_up))
		syscall(SYS_futex, &f->is_up, FUTEX_WAIT, 0, NULL, NULL, 0);
	nr = atomic_fetch_add(&f->nr, 1);
	f->late_ns[nr % FLAG_LATENCIES] = now_ns() - atomic_load(&f->raised_ns);
	atomic_store(&f->is_up, 0);
}

void flag_reset(struct flag *f)
{
	atomic_store(&f->is_up, 0);
	flag_forget(f);
}

void flag_forget(struct flag *f)
{
	atomic_store(&f->nr, 0);
}

void flag_latencies(const struct flag *f, struct samples *to)
{
	unsigned int i, nr = atomic_load(&f->nr);

	for (i = 0; i < nr && i < FLAG_LATENCIES; i++)
		samples_add(to, f->late_ns[i]);
}
