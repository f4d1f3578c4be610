// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/json_scan.h"

#include <errno.h>
#include <string.h>

_Static_assert(SL_JSON_DEPTH_MAX < 64, "a word holds a bit for each open container");

/* What the loop over a value keeps: no recursion, so that depth costs no stack. */
struct nest {
	uint64_t objects;   /* a bit for each open container, the innermost lowest: an object? */
	bool wants_a_value; /* else a comma or a closing bracket */
};

void sl_json_scan_start(struct sl_json_scan *ret, struct sl_span text)
{
	const char *start = text.length ? text.at : "";

	*ret = (struct sl_json_scan){
		.at = start,
		.end = start + text.length,
		.start = start,
	};
}

int sl_json_fail(struct sl_json_scan *scan, const char *at, int err, const char *message)
{
	scan->error = (struct sl_json_error){ (size_t)(at - scan->start), message };
	return err;
}

enum sl_json_type sl_json_type_of(char first)
{
	switch (first) {
	case '{':
		return SL_JSON_OBJECT;
	case '[':
		return SL_JSON_ARRAY;
	case '"':
		return SL_JSON_STRING;
	case 't':
	case 'f':
		return SL_JSON_BOOL;
	case 'n':
		return SL_JSON_NULL;
	default:
		return SL_JSON_NUMBER;
	}
}

int sl_json_scan_key(struct sl_json_scan *scan, struct sl_span *ret_raw, unsigned int *ret_flags)
{
	const char *start = scan->at;
	int err;

	if (!sl_json_at(scan, '"'))
		return sl_json_fail(scan, start, -EINVAL, "a member's name was expected");
	err = sl_json_scan_string(scan, ret_flags);
	if (err)
		return err;
	if (*ret_flags & SL_JSON_NUL)
		return sl_json_fail(scan, start, -EINVAL, "a NUL in a member's name");
	*ret_raw = (struct sl_span){ start, (size_t)(scan->at - start) };
	sl_json_skip_space(scan);
	if (!sl_json_at(scan, ':'))
		return sl_json_fail(scan, scan->at, -EINVAL, "a colon was expected");
	scan->at++;
	sl_json_skip_space(scan);
	return 0;
}

static int scan_word(struct sl_json_scan *scan, const char *word, size_t length)
{
	if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
		return sl_json_fail(scan, scan->at, -EINVAL, "a value was expected");
	scan->at += length;
	return 0;
}

static int scan_scalar(struct sl_json_scan *scan)
{
	unsigned int flags;
	char first;

	if (scan->at == scan->end)
		return sl_json_fail(scan, scan->at, -EINVAL, "the text ends too early");
	first = *scan->at;
	if (first == '"')
		return sl_json_scan_string(scan, &flags);
	if (first == '-' || (first >= '0' && first <= '9'))
		return sl_json_scan_number(scan);
	if (first == 't')
		return scan_word(scan, "true", 4);
	if (first == 'f')
		return scan_word(scan, "false", 5);
	return scan_word(scan, "null", 4);
}

static int scan_name(struct sl_json_scan *scan)
{
	unsigned int flags;
	struct sl_span raw;

	return sl_json_scan_key(scan, &raw, &flags);
}

static void leave(struct sl_json_scan *scan, struct nest *nest)
{
	scan->at++;
	scan->depth--;
	nest->objects >>= 1;
	nest->wants_a_value = false;
}

static bool is_object(const struct nest *nest)
{
	return nest->objects & 1;
}

static bool at_closing(const struct sl_json_scan *scan, const struct nest *nest)
{
	return sl_json_at(scan, is_object(nest) ? '}' : ']');
}

static int begin_value(struct sl_json_scan *scan, struct nest *nest)
{
	bool object = sl_json_at(scan, '{');

	if (!object && !sl_json_at(scan, '[')) {
		nest->wants_a_value = false;
		return scan_scalar(scan);
	}
	if (scan->depth == SL_JSON_DEPTH_MAX)
		return sl_json_fail(scan, scan->at, -EMSGSIZE, "nested too deep");
	scan->at++;
	scan->depth++;
	nest->objects = nest->objects << 1 | object;
	sl_json_skip_space(scan);
	if (at_closing(scan, nest)) {
		leave(scan, nest);
		return 0;
	}
	return object ? scan_name(scan) : 0;
}

static int go_on(struct sl_json_scan *scan, struct nest *nest)
{
	sl_json_skip_space(scan);
	if (at_closing(scan, nest)) {
		leave(scan, nest);
		return 0;
	}
	if (!sl_json_at(scan, ','))
		return sl_json_fail(scan, scan->at, -EINVAL,
				    is_object(nest) ? "a comma or } was expected"
						    : "a comma or ] was expected");
	scan->at++;
	sl_json_skip_space(scan);
	nest->wants_a_value = true;
	return is_object(nest) ? scan_name(scan) : 0;
}

int sl_json_scan_value(struct sl_json_scan *scan)
{
	struct nest nest = { .wants_a_value = true };
	unsigned int base = scan->depth;
	int err;

	do {
		err = nest.wants_a_value ? begin_value(scan, &nest) : go_on(scan, &nest);
	} while (!err && (nest.wants_a_value || scan->depth > base));
	return err;
}

int sl_json_scan_end(struct sl_json_scan *scan)
{
	sl_json_skip_space(scan);
	if (scan->at != scan->end)
		return sl_json_fail(scan, scan->at, -EINVAL, "something follows the value");
	return 0;
}
