// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/library.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define HEAD_LINES     16
#define VERSION_PREFIX "-- version: "

static struct sl_span take_line(struct sl_span *rest)
{
	const char *end = rest->length ? memchr(rest->at, '\n', rest->length) : NULL;
	const size_t length = end ? (size_t)(end - rest->at) : rest->length;
	const struct sl_span line = { rest->at, length };
	const size_t used = length + (end != NULL);

	*rest = (struct sl_span){ rest->at + used, rest->length - used };
	return line;
}

static bool begins(struct sl_span text, const char *with)
{
	const size_t length = strlen(with);

	return text.length >= length && memcmp(text.at, with, length) == 0;
}

static int read_version(uint32_t *ret, struct sl_span digits)
{
	uint64_t version = 0;

	if (!digits.length || digits.length > 10)
		return -EINVAL;
	for (size_t i = 0; i < digits.length; i++) {
		if (!isdigit((unsigned char)digits.at[i]))
			return -EINVAL;
		version = version * 10 + (uint64_t)(digits.at[i] - '0');
	}
	if (!version || version > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)version;
	return 0;
}

int sl_redis_library_version(uint32_t *ret, struct sl_span code)
{
	const size_t prefix = strlen(VERSION_PREFIX);
	struct sl_span rest = code;

	for (int i = 0; i < HEAD_LINES && rest.length; i++) {
		const struct sl_span line = take_line(&rest);

		if (begins(line, VERSION_PREFIX))
			return read_version(
				ret, (struct sl_span){ line.at + prefix, line.length - prefix });
	}
	return -ENOENT;
}

int sl_redis_library_valid(const char *name, struct sl_span code)
{
	const size_t length = strlen(name);
	struct sl_span rest = code;
	struct sl_span head;

	if (!length || length >= SL_REDIS_LIBRARY_NAME_BYTES || !code.length ||
	    code.length > SL_REDIS_LIBRARY_BYTES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return -EINVAL;
	head = take_line(&rest);
	if (!begins(head, "#!lua name=") || head.length != strlen("#!lua name=") + length ||
	    memcmp(head.at + strlen("#!lua name="), name, length) != 0)
		return -EINVAL;
	return 0;
}

/* The value behind the name @key of a flat list of names and values. */
static const struct sl_redis_reply *member(const struct sl_redis_reply *list, const char *key)
{
	for (size_t i = 0; i + 1 < list->count; i += 2)
		if (sl_span_is(sl_redis_item(list, i)->text, key))
			return sl_redis_item(list, i + 1);
	return sl_redis_item(list, list->count);
}

static enum sl_redis_library_state judge(struct sl_span theirs, struct sl_span ours)
{
	uint32_t their_version, our_version;

	if (sl_span_equal(theirs, ours))
		return SL_REDIS_LIBRARY_SAME;
	if (sl_redis_library_version(&their_version, theirs) ||
	    sl_redis_library_version(&our_version, ours))
		return SL_REDIS_LIBRARY_OLDER;
	return their_version > our_version ? SL_REDIS_LIBRARY_NEWER : SL_REDIS_LIBRARY_OLDER;
}

int sl_redis_library_compare(enum sl_redis_library_state *ret, const struct sl_redis_reply *reply,
			     const char *name, struct sl_span code)
{
	const struct sl_redis_reply *library;

	if (reply->type != SL_REDIS_ARRAY)
		return -EINVAL;
	/* LIBRARYNAME is a pattern: only the one of exactly this name counts. */
	for (size_t i = 0; i < reply->count; i++) {
		library = &reply->items[i];
		if (library->type != SL_REDIS_ARRAY)
			return -EINVAL;
		if (!sl_span_is(member(library, "library_name")->text, name))
			continue;
		if (member(library, "library_code")->type != SL_REDIS_STRING)
			return -EINVAL;
		*ret = judge(member(library, "library_code")->text, code);
		return 0;
	}
	*ret = SL_REDIS_LIBRARY_MISSING;
	return 0;
}
