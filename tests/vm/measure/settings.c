// SPDX-License-Identifier: GPL-2.0-only
/* settings.c - the arguments of a measurement: KEY=VALUE, and items NAME:NUMBER:NUMBER. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

static long number_of(const char *what, const char *text, long min, long max)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max)
		die("%s: expected %ld..%ld, got '%s'", what, min, max, text);
	return value;
}

static void set(const struct setting *table, const char *key, const char *value)
{
	const struct setting *s;

	for (s = table; s->key; s++)
		if (!strcmp(s->key, key))
			break;
	if (!s->key)
		die("no setting '%s' here", key);
	if (s->number)
		*s->number = number_of(key, value, s->min, s->max);
	else if (!*value || strlen(value) > 15)
		die("%s: expected 1..15 characters, got '%s'", key, value);
	else
		*s->text = value;
}

int settings_parse(const struct setting *table, int argc, char **argv)
{
	int i, nr_items = 0;
	char *value;

	for (i = 0; i < argc; i++) {
		value = strchr(argv[i], '=');
		if (!value) {
			argv[nr_items++] = argv[i];
			continue;
		}
		*value++ = '\0';
		set(table, argv[i], value);
	}
	return nr_items;
}

const char *settings_item(char *item, long *number, int nr, long max)
{
	char *next = strchr(item, ':');
	int i;

	for (i = 0; i < nr && next; i++) {
		char *text = next + 1;

		*next = '\0';
		next = strchr(text, ':');
		if (next)
			*next = '\0';
		number[i] = number_of(item, text, 1, max);
	}
	if (i < nr || next || !*item || strlen(item) > 15)
		die("'%s': expected a name of 1..15 characters and %d numbers, NAME:N...", item,
		    nr);
	return item;
}
