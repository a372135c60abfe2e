/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * script_path.h - opens a policy's file if nobody but the trusted can have put it there.
 *
 * Whoever can change a policy schedules the machine. So the file, every directory on the way to
 * it from the root, and every symbolic link on that way must belong to a trusted user, and none
 * of them may be writable by others. A directory with the sticky bit (/tmp) may: there nobody
 * can replace what belongs to somebody else, and what is on the way is checked anyway. A group
 * counts as others, unless it is root's, or the owner's own (named like him, no other member).
 *
 * Every check is made on what was opened, never on a name that is looked up again.
 */
#ifndef SCXLUA_SCRIPT_PATH_H
#define SCXLUA_SCRIPT_PATH_H

#include <sys/types.h>

struct script_trust {
	uid_t root; /* 0, but for tests */
	uid_t user; /* who called sudo; root if nobody did */
};

/* Whom to trust: root, and $SUDO_UID if it is a number. */
struct script_trust script_trust(void);

/*
 * The file, open for reading, or -1 and one line in error[POLICY_ERROR_LEN]: which path, what
 * about it is not safe, what to do; or why it cannot be read.
 */
int script_path_open(const char *path, const struct script_trust *trust, char *error);

#endif
