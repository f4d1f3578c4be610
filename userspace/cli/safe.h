/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from maps, sockets and packets, made fit for a terminal and for JSON: a
 * name must not move the cursor of the person who reads it.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

/*
 * @text up to @length bytes or its NUL, printable ASCII as it is, the rest as
 * \xNN, cut to @size (at least 1) and terminated. Returns @buffer.
 */
const char *sl_safe_text(char *buffer, size_t size, const char *text, size_t length);

/* The same straight to a stream, whole. Tabs and newlines are escaped too. */
void sl_safe_print(FILE *out, const char *text);
