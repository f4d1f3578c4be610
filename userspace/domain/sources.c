// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/sources.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"

enum set {
	SET_BEFORE = 0,
	SET_AFTER,
	SETS,
};

/* One entry of one of the sets, until both are merged. */
struct item {
	union sl_prefix_key key;
	uint32_t tenant;
	uint32_t order; /* in its set */
	enum set set;
};

/* A prefix that covers those that follow, with its answers. */
struct cover {
	union sl_prefix_key key;
	uint32_t answer[SETS];
};

/* The prefixes around the one at hand, the widest first. */
struct covers {
	struct cover at[129];
	size_t count;
};

static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = sl_prefix_compare(&x->key, &y->key);

	if (order)
		return order;
	if (x->set != y->set)
		return x->set < y->set ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void collect(struct item *items, const struct sl_source_entry *entries, size_t count,
		    enum set set)
{
	for (size_t i = 0; i < count; i++)
		items[i] = (struct item){ .key = entries[i].key,
					  .tenant = entries[i].tenant,
					  .order = (uint32_t)i,
					  .set = set };
}

/* What @set answers for the prefix that comes next. */
static uint32_t answer_around(const struct covers *covers, enum set set)
{
	return covers->count ? covers->at[covers->count - 1].answer[set] : SL_TENANT_NONE;
}

/*
 * The change of one prefix, from its @count items, one or more per set; the
 * prefix becomes the innermost of @covers. A stack of 129 is enough: each
 * prefix on it is longer than the one below, and lengths are 0 to 128.
 */
static struct sl_source_change merge(struct covers *covers, const struct item *items, size_t count)
{
	const union sl_prefix_key key = items->key;
	bool in[SETS] = { false, false };
	struct cover cover = { .key = key };

	while (covers->count && !sl_prefix_covers(&covers->at[covers->count - 1].key, &key))
		covers->count--;
	cover.answer[SET_BEFORE] = answer_around(covers, SET_BEFORE);
	cover.answer[SET_AFTER] = answer_around(covers, SET_AFTER);
	for (size_t i = 0; i < count; i++) {
		in[items[i].set] = true;
		cover.answer[items[i].set] = items[i].tenant;
	}
	covers->at[covers->count++] = cover;

	return (struct sl_source_change){
		.key = key,
		.before = cover.answer[SET_BEFORE],
		.after = cover.answer[SET_AFTER],
		.write = !in[SET_BEFORE] || cover.answer[SET_BEFORE] != cover.answer[SET_AFTER],
		.remove = !in[SET_AFTER],
	};
}

int sl_sources_diff(struct sl_source_changes *ret, const struct sl_source_entry *before,
		    size_t before_count, const struct sl_source_entry *after, size_t after_count)
{
	const size_t count = before_count + after_count;
	sl_autofree struct item *items = calloc(count + 1, sizeof(*items));
	sl_autofree struct sl_source_change *changes = calloc(count + 1, sizeof(*changes));
	sl_autofree struct covers *covers = calloc(1, sizeof(*covers));
	size_t made = 0, next;

	if (!items || !changes || !covers)
		return -ENOMEM;
	collect(items, before, before_count, SET_BEFORE);
	collect(items + before_count, after, after_count, SET_AFTER);
	qsort(items, count, sizeof(*items), compare);

	for (size_t i = 0; i < count; i = next) {
		for (next = i + 1; next < count; next++)
			if (sl_prefix_compare(&items[i].key, &items[next].key) != 0)
				break;
		changes[made++] = merge(covers, &items[i], next - i);
	}
	ret->at = SL_TAKE_PTR(changes);
	ret->count = made;
	return 0;
}
