// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/safe.h"

#include <stdbool.h>
#include <string.h>

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f;
}

const char *sl_safe_text(char *buffer, size_t size, const char *text, size_t length)
{
	size_t at = 0;

	for (size_t i = 0; i < length && text[i]; i++) {
		unsigned char c = (unsigned char)text[i];
		size_t width = is_plain(c) ? 1 : 4;

		if (at + width >= size)
			break;
		if (width == 1)
			buffer[at] = (char)c;
		else
			(void)snprintf(buffer + at, size - at, "\\x%02x", c);
		at += width;
	}
	buffer[at] = '\0';
	return buffer;
}

void sl_safe_print(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (is_plain(c))
			(void)fputc(c, out);
		else
			(void)fprintf(out, "\\x%02x", c);
	}
}
