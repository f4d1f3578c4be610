// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/json_scan.h"

#include <errno.h>
#include <string.h>

_Static_assert(SL_JSON_WANTED_MAX == 64, "a word holds a bit for each wanted name");

/* A name and where its parts are: "task.type" has the head "task" and the tail "type". */
struct wanted {
	const char *name;
	uint32_t head;
	uint32_t tail; /* bytes of the tail; 0: no tail */
};

struct pick {
	struct wanted wanted[SL_JSON_WANTED_MAX];
	size_t count;
	uint64_t tailed; /* those with a tail */
	struct sl_json_value *values;
	struct sl_json_scan scan;
};

static int prepare(struct pick *pick, const char *const *wanted, size_t count)
{
	if (count > SL_JSON_WANTED_MAX)
		return sl_json_fail(&pick->scan, pick->scan.at, -EINVAL, "too many are wanted");
	for (size_t i = 0; i < count; i++) {
		const char *name = wanted[i], *at = name;
		size_t head;

		while (*at && *at != '.')
			at++;
		head = (size_t)(at - name);
		pick->wanted[i] = (struct wanted){ name, (uint32_t)head, 0 };
		if (*at) {
			pick->wanted[i].tail = (uint32_t)strlen(at + 1);
			pick->tailed |= UINT64_C(1) << i;
		}
	}
	pick->count = count;
	return 0;
}

/* Those of which @name is the head. */
static uint64_t by_head(const struct pick *pick, struct sl_span name)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < pick->count; i++) {
		const struct wanted *wanted = &pick->wanted[i];

		if (wanted->head == name.length && wanted->name[0] == name.at[0] &&
		    memcmp(wanted->name, name.at, name.length) == 0)
			hits |= UINT64_C(1) << i;
	}
	return hits;
}

/* Those of @among of which @name is the tail. */
static uint64_t by_tail(const struct pick *pick, struct sl_span name, uint64_t among)
{
	uint64_t hits = 0;

	for (; among; among &= among - 1) {
		int i = __builtin_ctzll(among);
		const struct wanted *wanted = &pick->wanted[i];

		if (wanted->tail == name.length &&
		    memcmp(wanted->name + wanted->head + 1, name.at, name.length) == 0)
			hits |= UINT64_C(1) << i;
	}
	return hits;
}

/* @within 0: a member of the top object. */
static uint64_t find(const struct pick *pick, struct sl_span raw, unsigned int flags,
		     uint64_t within)
{
	struct sl_span name = { raw.at + 1, raw.length - 2 };
	char text[SL_JSON_NAME_BYTES];

	if (flags & SL_JSON_ESCAPES) { /* what does not fit is no name of ours */
		if (sl_json_text(text, sizeof(text), &name.length,
				 (struct sl_json_value){ SL_JSON_STRING, raw }) != 0)
			return 0;
		name.at = text;
	}
	if (!name.length)
		return 0;
	return within ? by_tail(pick, name, within) : by_head(pick, name);
}

static void keep(struct pick *pick, uint64_t hits, const char *start)
{
	struct sl_json_value value = {
		sl_json_type_of(*start),
		{ start, (size_t)(pick->scan.at - start) },
	};

	for (; hits; hits &= hits - 1)
		pick->values[__builtin_ctzll(hits)] = value;
}

static int pick_members(struct pick *pick, uint64_t within);

/* A member's value; *seen are those found so far in this object. */
static int pick_member(struct pick *pick, uint64_t within, uint64_t *seen)
{
	struct sl_json_scan *scan = &pick->scan;
	uint64_t hits, inner;
	unsigned int flags;
	struct sl_span raw;
	const char *start;
	int err = sl_json_scan_key(scan, &raw, &flags);

	if (err)
		return err;
	hits = find(pick, raw, flags, within);
	if (hits & *seen)
		return sl_json_fail(scan, raw.at, -EINVAL, "a member is there twice");
	*seen |= hits;
	start = scan->at;
	inner = within ? 0 : hits & pick->tailed;
	if (inner && sl_json_at(scan, '{'))
		err = pick_members(pick, inner);
	else
		err = sl_json_scan_value(scan);
	if (!err)
		keep(pick, hits & ~inner, start);
	return err;
}

/* At the brace of the top object, or of one that holds those of @within: one deeper, no more. */
static int pick_members(struct pick *pick, uint64_t within)
{
	struct sl_json_scan *scan = &pick->scan;
	uint64_t seen = 0;
	bool more;
	int err = 0;

	scan->at++;
	scan->depth++;
	sl_json_skip_space(scan);
	more = !sl_json_at(scan, '}');
	while (more && !err) {
		err = pick_member(pick, within, &seen);
		if (err)
			break;
		sl_json_skip_space(scan);
		more = sl_json_at(scan, ',');
		if (!more && !sl_json_at(scan, '}'))
			return sl_json_fail(scan, scan->at, -EINVAL, "a comma or } was expected");
		if (more) {
			scan->at++;
			sl_json_skip_space(scan);
		}
	}
	if (!err) {
		scan->at++;
		scan->depth--;
	}
	return err;
}

/* A text that is valid but no object is told from one that is not valid. */
static int refuse_top(struct sl_json_scan *scan)
{
	int err = sl_json_scan_value(scan);

	if (!err)
		err = sl_json_scan_end(scan);
	return err ? err : sl_json_fail(scan, scan->start, -EPROTO, "not an object");
}

static int pick_top(struct pick *pick, const char *const *wanted, size_t count)
{
	int err = prepare(pick, wanted, count);

	if (err)
		return err;
	sl_json_skip_space(&pick->scan);
	if (!sl_json_at(&pick->scan, '{'))
		return refuse_top(&pick->scan);
	err = pick_members(pick, 0);
	return err ? err : sl_json_scan_end(&pick->scan);
}

int sl_json_pick(struct sl_json_value *ret, const char *const *wanted, size_t count,
		 struct sl_span text, struct sl_json_error *error)
{
	struct sl_json_value values[SL_JSON_WANTED_MAX];
	struct pick pick;
	int err;

	pick.count = 0;
	pick.tailed = 0;
	pick.values = values;
	sl_json_scan_start(&pick.scan, text);
	if (count <= SL_JSON_WANTED_MAX)
		memset(values, 0, count * sizeof(*values));
	err = pick_top(&pick, wanted, count);
	if (err && error)
		*error = pick.scan.error;
	if (!err)
		memcpy(ret, values, count * sizeof(*values));
	return err;
}

int sl_json_check(enum sl_json_type *ret, struct sl_span text, struct sl_json_error *error)
{
	struct sl_json_scan scan;
	const char *start;
	int err;

	sl_json_scan_start(&scan, text);
	sl_json_skip_space(&scan);
	start = scan.at;
	err = sl_json_scan_value(&scan);
	if (!err)
		err = sl_json_scan_end(&scan);
	if (err && error)
		*error = scan.error;
	if (!err)
		*ret = sl_json_type_of(*start);
	return err;
}

/* Behind the bracket or the comma, at a member's name or an item; 0: at the end. */
static int next_place(struct sl_json_scan *scan, bool first, char closing)
{
	if (first)
		scan->at++;
	sl_json_skip_space(scan);
	if (sl_json_at(scan, closing))
		return 0;
	if (!first) {
		if (!sl_json_at(scan, ','))
			return -EINVAL;
		scan->at++;
		sl_json_skip_space(scan);
	}
	return 1;
}

int sl_json_next(struct sl_json_value *ret_key, struct sl_json_value *ret, size_t *state,
		 struct sl_json_value container)
{
	bool object = container.type == SL_JSON_OBJECT;
	struct sl_span key = { NULL, 0 };
	struct sl_json_scan scan;
	unsigned int flags;
	const char *start;
	int more;

	if ((!object && container.type != SL_JSON_ARRAY) || *state >= container.raw.length)
		return -EINVAL;
	sl_json_scan_start(&scan, container.raw);
	scan.at += *state;
	more = next_place(&scan, *state == 0, object ? '}' : ']');
	if (more <= 0)
		return more;
	if (object && sl_json_scan_key(&scan, &key, &flags) != 0)
		return -EINVAL;
	start = scan.at;
	if (sl_json_scan_value(&scan) != 0)
		return -EINVAL;
	if (ret_key)
		*ret_key = (struct sl_json_value){ object ? SL_JSON_STRING : SL_JSON_ABSENT, key };
	*ret = (struct sl_json_value){ sl_json_type_of(*start),
				       { start, (size_t)(scan.at - start) } };
	*state = (size_t)(scan.at - scan.start);
	return 1;
}
