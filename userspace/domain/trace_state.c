// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/trace_state.h"

#include <string.h>

#define KEY_CHARS_MAX	256
#define VALUE_CHARS_MAX 256

struct member {
	struct sl_span whole;
	struct sl_span key;
};

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\t';
}

static struct sl_span trim(struct sl_span text)
{
	while (text.length && is_space(text.at[0])) {
		text.at++;
		text.length--;
	}
	while (text.length && is_space(text.at[text.length - 1]))
		text.length--;
	return text;
}

static bool is_lower_or_digit(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

/* Level 2 allows what level 1 did and more: an @ anywhere but first, a first digit. */
static bool is_key(struct sl_span key)
{
	if (!key.length || key.length > KEY_CHARS_MAX || !is_lower_or_digit(key.at[0]))
		return false;
	for (size_t i = 1; i < key.length; i++)
		if (!is_lower_or_digit(key.at[i]) && !sl_byte_in(key.at[i], "_-*/@"))
			return false;
	return true;
}

static bool is_value(struct sl_span value)
{
	if (!value.length || value.length > VALUE_CHARS_MAX)
		return false;
	for (size_t i = 0; i < value.length; i++)
		if (value.at[i] < ' ' || value.at[i] > '~' || value.at[i] == ',' ||
		    value.at[i] == '=')
			return false;
	return true;
}

static bool read_member(struct member *ret, struct sl_span text)
{
	const char *equals = memchr(text.at, '=', text.length);
	struct sl_span value;

	if (!equals)
		return false;
	ret->whole = text;
	ret->key = (struct sl_span){ text.at, (size_t)(equals - text.at) };
	value = (struct sl_span){ equals + 1, text.length - ret->key.length - 1 };
	return is_key(ret->key) && is_value(value);
}

static bool is_known(const struct member *members, size_t count, struct sl_span key)
{
	for (size_t i = 0; i < count; i++)
		if (sl_span_equal(members[i].key, key))
			return true;
	return false;
}

/* How many members there are, or -1. */
static int read_members(struct member members[SL_TRACESTATE_MEMBERS_MAX], struct sl_span rest)
{
	int count = 0, seen = 0;

	while (rest.length) {
		const char *comma = memchr(rest.at, ',', rest.length);
		size_t length = comma ? (size_t)(comma - rest.at) : rest.length;
		struct sl_span text = trim((struct sl_span){ rest.at, length });
		struct member member;

		rest.at += length + (comma != NULL);
		rest.length -= length + (comma != NULL);
		if (!text.length)
			continue;
		if (++seen > SL_TRACESTATE_MEMBERS_MAX || !read_member(&member, text))
			return -1;
		if (!is_known(members, (size_t)count, member.key))
			members[count++] = member;
	}
	return count;
}

void sl_trace_state(char ret[SL_TRACESTATE_MAX + 1], struct sl_span header)
{
	struct member members[SL_TRACESTATE_MEMBERS_MAX];
	int count = read_members(members, header);
	size_t length = 0;

	for (int i = 0; i < count; i++) {
		struct sl_span member = members[i].whole;

		if (length + (i > 0) + member.length > SL_TRACESTATE_MAX)
			break;
		if (i > 0)
			ret[length++] = ',';
		memcpy(ret + length, member.at, member.length);
		length += member.length;
	}
	ret[length] = '\0';
}
