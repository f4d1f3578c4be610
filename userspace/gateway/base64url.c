/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/base64url.h"

#include <errno.h>

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

int sl_base64url_decode(uint8_t *buffer, size_t size, size_t *ret_length, struct sl_span text)
{
	size_t length = text.length / 4 * 3 + (text.length % 4 * 6) / 8;
	unsigned int held = 0;
	size_t at = 0;

	if (text.length % 4 == 1)
		return -EINVAL;
	if (length > size)
		return -ENOBUFS;
	for (size_t i = 0; i < text.length; i++) {
		int value = digit(text.at[i]);

		if (value < 0)
			return -EINVAL;
		held = held << 6 | (unsigned int)value;
		if (i % 4 == 1)
			buffer[at++] = (uint8_t)(held >> 4);
		else if (i % 4 == 2)
			buffer[at++] = (uint8_t)(held >> 2);
		else if (i % 4 == 3)
			buffer[at++] = (uint8_t)held;
	}
	/* Bits that stand for nothing are 0, or two texts would mean the same. */
	if ((text.length % 4 == 2 && held & 0xf) || (text.length % 4 == 3 && held & 0x3))
		return -EINVAL;
	*ret_length = length;
	return 0;
}
