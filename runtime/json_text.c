// SPDX-License-Identifier: GPL-2.0-only
/* json_text.c - see json_text.h. */
#define _GNU_SOURCE
#include "json_text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

json_t *json_text(const char *text)
{
	json_t *string = json_string(text);
	char *copy, *c;

	if (string)
		return string;
	copy = strdup(text);
	for (c = copy; c && *c; c++)
		if (*c & 0x80)
			*c = '?';
	string = copy ? json_string(copy) : NULL;
	free(copy);
	return string;
}
