/* SPDX-License-Identifier: GPL-2.0-only */
/* json_text.h - text from anywhere (file names, thread names, error messages cut short) in JSON. */
#ifndef SCXLUA_JSON_TEXT_H
#define SCXLUA_JSON_TEXT_H

struct json_t;

/* A new JSON string, whatever bytes it has: if it is not UTF-8, each byte above 127 becomes '?'.
 * NULL if memory is short. */
struct json_t *json_text(const char *text);

#endif
