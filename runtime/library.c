// SPDX-License-Identifier: GPL-2.0-only
/* library.c - see library.h. */
#include "library.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_lua.h"

enum { MAX_FILES = 64 };

struct library {
	size_t dir_len; /* of the paths, to be left out in comparisons */
	uint32_t nr;
	struct script *file[MAX_FILES];
};

static int add_file(struct library *lib, const char *path, char *error)
{
	if (lib->nr == MAX_FILES) {
		snprintf(error, POLICY_ERROR_LEN,
			 "%s: the library of policies has more than %d files", path, MAX_FILES);
		return -1;
	}
	if (script_read(&lib->file[lib->nr], path, error)) {
		snprintf(error + strlen(error), POLICY_ERROR_LEN - strlen(error),
			 " (the library of policies; set SCXLUA_LIBDIR)");
		return -1;
	}
	lib->nr++;
	return 0;
}

static bool is_lua_file(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && len > 4 && !strcmp(name + len - 4, ".lua");
}

/* The modules below scx; a directory without them is for require() to complain about. */
static int add_modules(struct library *lib, const char *dir, char *error)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int err = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/scx", dir);
	d = opendir(path);
	while (d && !err && (entry = readdir(d))) {
		if (!is_lua_file(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/scx/%s", dir, entry->d_name);
		err = add_file(lib, path, error);
	}
	if (d)
		closedir(d);
	return err;
}

int library_read(struct library **out, const char *dir, char *error)
{
	struct library *lib = calloc(1, sizeof(*lib));
	char path[PATH_MAX];

	if (!lib) {
		snprintf(error, POLICY_ERROR_LEN, "no memory for the library of policies in %s",
			 dir);
		return -1;
	}
	lib->dir_len = strlen(dir) + 1;
	snprintf(path, sizeof(path), "%s/scx.lua", dir);
	if (add_file(lib, path, error) || add_modules(lib, dir, error)) {
		library_free(lib);
		return -1;
	}
	*out = lib;
	return 0;
}

void library_free(struct library *lib)
{
	if (!lib)
		return;
	while (lib->nr)
		script_free(lib->file[--lib->nr]);
	free(lib);
}

const struct script *library_find(const struct library *lib, const char *file)
{
	for (uint32_t i = 0; i < lib->nr; i++)
		if (!strcmp(lib->file[i]->path + lib->dir_len, file))
			return lib->file[i];
	return NULL;
}
