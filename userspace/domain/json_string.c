// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/json_scan.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define EACH(byte) (0x0101010101010101ull * (byte))

/* The top bit of each byte that is zero; exact for the lowest such byte. */
static uint64_t zeros(uint64_t word)
{
	return (word - EACH(0x01)) & ~word & EACH(0x80);
}

/* Eight bytes at a time: most of a body is skipped here. */
const char *sl_json_skip_plain(const char *at, const char *end)
{
	for (; end - at >= 8; at += 8) {
		uint64_t word, stop;

		memcpy(&word, at, sizeof(word));
		word = le64toh(word);
		stop = ((word - EACH(0x20)) & ~word & EACH(0x80)) | (word & EACH(0x80)) |
		       zeros(word ^ EACH('"')) | zeros(word ^ EACH('\\'));
		if (stop)
			return at + (__builtin_ctzll(stop) >> 3);
	}
	while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' &&
	       *at != '\\')
		at++;
	return at;
}

/* The second byte's range says what is overlong, a surrogate or beyond U+10FFFF. */
size_t sl_utf8_length(const char *at, const char *end)
{
	const unsigned char *bytes = (const unsigned char *)at;
	unsigned char first = bytes[0], low = 0x80, high = 0xbf;
	size_t length = 2;

	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	if (first >= 0xe0)
		length = first < 0xf0 ? 3 : 4;
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if ((size_t)(end - at) < length || bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static int hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The four digits behind \u, or -1. */
static int32_t read_hex4(const char *at, const char *end)
{
	int32_t value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(at[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* At the u of an escape: behind it, or NULL when it is no character. */
static const char *read_unicode(uint32_t *ret, const char *at, const char *end)
{
	int32_t code = read_hex4(at + 1, end), low;

	if (code < 0 || (code >= 0xdc00 && code <= 0xdfff))
		return NULL;
	at += 5;
	if (code >= 0xd800 && code <= 0xdbff) {
		if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
			return NULL;
		low = read_hex4(at + 2, end);
		if (low < 0xdc00 || low > 0xdfff)
			return NULL;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		at += 6;
	}
	*ret = (uint32_t)code;
	return at;
}

/* At a backslash: behind the escape and what it means, or NULL. */
static const char *read_escape(uint32_t *ret, const char *at, const char *end)
{
	static const char names[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (++at == end)
		return NULL;
	if (*at == 'u')
		return read_unicode(ret, at, end);
	found = memchr(names, *at, sizeof(names) - 1);
	if (!found)
		return NULL;
	*ret = (unsigned char)means[found - names];
	return at + 1;
}

static size_t write_utf8(char ret[4], uint32_t code)
{
	if (code < 0x80) {
		ret[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		ret[0] = (char)(0xc0 | code >> 6);
		ret[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		ret[0] = (char)(0xe0 | code >> 12);
		ret[1] = (char)(0x80 | (code >> 6 & 0x3f));
		ret[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	ret[0] = (char)(0xf0 | code >> 18);
	ret[1] = (char)(0x80 | (code >> 12 & 0x3f));
	ret[2] = (char)(0x80 | (code >> 6 & 0x3f));
	ret[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

int sl_json_scan_string(struct sl_json_scan *scan, unsigned int *ret_flags)
{
	const char *at = scan->at + 1, *end = scan->end;
	unsigned int flags = 0;

	for (;;) {
		at = sl_json_skip_plain(at, end);
		if (at == end)
			return sl_json_fail(scan, at, -EINVAL, "a string does not end");
		if (*at == '"')
			break;
		if (*at == '\\') {
			uint32_t code = 0;
			const char *behind = read_escape(&code, at, end);

			if (!behind)
				return sl_json_fail(scan, at, -EINVAL,
						    "an escape that means no character");
			flags |= code ? SL_JSON_ESCAPES : SL_JSON_ESCAPES | SL_JSON_NUL;
			at = behind;
		} else if ((unsigned char)*at < 0x20) {
			return sl_json_fail(scan, at, -EINVAL, "a control character in a string");
		} else {
			size_t length = sl_utf8_length(at, end);

			if (!length)
				return sl_json_fail(scan, at, -EINVAL, "not UTF-8");
			at += length;
		}
	}
	scan->at = at + 1;
	*ret_flags = flags;
	return 0;
}

/* Without quotes; false when it is not a string. */
static bool contents(struct sl_span *ret, struct sl_json_value value)
{
	if (value.type != SL_JSON_STRING || value.raw.length < 2)
		return false;
	*ret = (struct sl_span){ value.raw.at + 1, value.raw.length - 2 };
	return true;
}

int sl_json_text(char *buffer, size_t size, size_t *ret_length, struct sl_json_value value)
{
	struct sl_span text;
	const char *at, *end;
	size_t length = 0;

	if (!contents(&text, value))
		return -EINVAL;
	for (at = text.at, end = at + text.length; at < end;) {
		const char *part = at;
		size_t bytes;
		char utf8[4];

		at = memchr(part, '\\', (size_t)(end - part));
		if (at != part) { /* up to the next escape it is as it was sent */
			at = at ? at : end;
			bytes = (size_t)(at - part);
		} else {
			uint32_t code = 0;

			at = read_escape(&code, at, end);
			if (!at)
				return -EINVAL;
			if (!code)
				return -EILSEQ;
			bytes = write_utf8(utf8, code);
			part = utf8;
		}
		if (bytes >= size - length || length >= size)
			return -ENOBUFS;
		memcpy(buffer + length, part, bytes);
		length += bytes;
	}
	if (length >= size)
		return -ENOBUFS;
	buffer[length] = '\0';
	*ret_length = length;
	return 0;
}

int sl_json_plain(struct sl_span *ret, struct sl_json_value value)
{
	struct sl_span text;

	if (!contents(&text, value) || memchr(text.at, '\\', text.length))
		return -EINVAL;
	*ret = text;
	return 0;
}
