/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * library.h - the Lua files that policies require(), read in advance.
 *
 * A sandboxed policy has no files, and user nobody may not reach those of a checkout in somebody's
 * home. Read once per run of scxlua, they also stay what they were when a newer version is
 * installed meanwhile.
 */
#ifndef SCXLUA_LIBRARY_H
#define SCXLUA_LIBRARY_H

struct library;
struct script;

/*
 * Reads DIR/scx.lua and DIR/scx/WORD.lua. 0, or -1 and one line in error[POLICY_ERROR_LEN]: a
 * library without scx.lua is an error, and so is a file that cannot be read.
 */
int library_read(struct library **out, const char *dir, char *error);
void library_free(struct library *lib);

/* The file of module "scx" or "scx.WORD", by its name in the directory ("scx.lua",
 * "scx/WORD.lua"); NULL if there is none. */
const struct script *library_find(const struct library *lib, const char *file);

#endif
