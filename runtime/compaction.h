/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compaction.h - memory compaction and the worker's locked memory.
 *
 * Locked pages are not paged out, but the kernel may move them to make room for large ones, and who
 * touches one meanwhile waits in a page fault: the worker, with all tasks behind it. The sysctl
 * vm.compact_unevictable_allowed says whether it may; it is 0 while we schedule. Before it is
 * changed its value is noted in a file, which is there for as long as the sysctl is not as it
 * was: if we are killed, the next start puts it right. What somebody else sets it to meanwhile
 * is left as it is. On a kernel without the sysctl all of this does nothing.
 *
 * The caller sees to it that no other scxlua schedules: compaction_recover() when it is the only
 * one, then compaction_hold() and compaction_release() in turn. Each returns 0 or -errno.
 */
#ifndef SCXLUA_COMPACTION_H
#define SCXLUA_COMPACTION_H

enum { COMPACTION_VALUE_LEN = 16, COMPACTION_PATH_LEN = 256 };

#define COMPACTION_SYSCTL "/proc/sys/vm/compact_unevictable_allowed"

struct compaction {
	char sysctl[COMPACTION_PATH_LEN]; /* the file of the value */
	char note[COMPACTION_PATH_LEN];	  /* ... and of what it was */
	char saved[COMPACTION_VALUE_LEN]; /* "" = we have not changed it */
};

/* The sysctl, and a note of its name in `dir`. */
void compaction_init(struct compaction *c, const char *dir);

/*
 * Restores what one that was killed has left. -EPERM: the note could be somebody else's work and
 * is not believed; -EINVAL: it is no number.
 */
int compaction_recover(struct compaction *c);

/* From here on locked pages stay where they are. What cannot be noted is not changed. */
int compaction_hold(struct compaction *c);

/* As it was before. */
int compaction_release(struct compaction *c);

#endif
