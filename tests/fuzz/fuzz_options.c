// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_options.c - any bytes as a command line, an argument per line.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

enum { MAX_ARGS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[STATUS_ERROR_LEN] = "", name[] = "scxlua", *argv[MAX_ARGS + 2] = { name };
	char *text = malloc(size + 1), *rest = text;
	struct options o;
	int argc = 1;

	memcpy(text, data, size);
	text[size] = '\0';
	while (rest && argc <= MAX_ARGS)
		argv[argc++] = strsep(&rest, "\n");
	if (options_parse(&o, argc, argv, error) != STATUS_OK && !error[0])
		abort(); /* refused without a word */
	free(text);
	return 0;
}
