// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/ident.h"

#include <string.h>

#include "userspace/base/hex.h"

static bool is_hex_digit(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
	       (byte >= 'A' && byte <= 'F');
}

bool sl_is_hex(struct sl_span text, size_t length)
{
	if (text.length != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_hex_digit(text.at[i]))
			return false;
	return true;
}

static bool is_dash_place(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

bool sl_is_uuid4(struct sl_span text)
{
	if (text.length != SL_UUID_BYTES - 1)
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (is_dash_place(i) ? text.at[i] != '-' : !is_hex_digit(text.at[i]))
			return false;
	return text.at[14] == '4' && sl_byte_in(text.at[19], "89abAB");
}

bool sl_is_ulid(struct sl_span text)
{
	static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

	if (text.length != 26 || text.at[0] < '0' || text.at[0] > '7')
		return false;
	for (size_t i = 0; i < text.length; i++) {
		char byte = text.at[i];

		if (byte >= 'a' && byte <= 'z')
			byte = (char)(byte - 'a' + 'A');
		if (!sl_byte_in(byte, crockford))
			return false;
	}
	return true;
}

bool sl_is_identifier(struct sl_span text, size_t max)
{
	if (!text.length || text.length > max)
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (text.at[i] <= ' ' || text.at[i] >= 0x7f)
			return false;
	return true;
}

void sl_uuid4(char ret[SL_UUID_BYTES], const uint8_t random[16])
{
	static const size_t parts[] = { 8, 4, 4, 4, 12 };
	char digits[32], *from = digits, *to = ret;
	uint8_t bytes[16];

	memcpy(bytes, random, sizeof(bytes));
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	sl_hex(digits, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		memcpy(to, from, parts[i]);
		from += parts[i];
		to += parts[i];
		*to++ = '-';
	}
	to[-1] = '\0';
}
