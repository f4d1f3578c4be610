/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/gateway_private.h"

#include <errno.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value up to the next '&', decoded. */
static int decode(char *buffer, size_t size, const char *at, const char *end)
{
	size_t length = 0;

	for (; at < end && *at != '&'; at++) {
		char c = *at == '+' ? ' ' : *at;

		if (c == '%') {
			int high = end - at > 2 ? hex_digit(at[1]) : -1;
			int low = end - at > 2 ? hex_digit(at[2]) : -1;

			if (high < 0 || low < 0 || (!high && !low))
				return -EINVAL;
			c = (char)(high << 4 | low);
			at += 2;
		}
		if (length + 1 >= size)
			return -EINVAL;
		buffer[length++] = c;
	}
	buffer[length] = '\0';
	return 0;
}

int sl_query_value(char *buffer, size_t size, struct sl_span query, const char *name)
{
	const char *at = query.at, *end = query.at + query.length;
	size_t length = strlen(name);

	while (at < end) {
		const char *next = memchr(at, '&', (size_t)(end - at));

		if ((size_t)(end - at) > length && !memcmp(at, name, length) && at[length] == '=')
			return decode(buffer, size, at + length + 1, end);
		if (!next)
			break;
		at = next + 1;
	}
	return -ENOENT;
}
