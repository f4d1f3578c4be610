// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/shrink.h"

#include <string.h>

#include "tests/harness/options.h"

void sl_shrink_add(struct sl_shrink *items, bool *is_out, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (is_out[i])
			continue;
		if (items->count == SL_SHRINK_MAX)
			sl_die("more than %u things to leave out", SL_SHRINK_MAX);
		items->is_out[items->count++] = &is_out[i];
	}
}

static void set(const struct sl_shrink *items, size_t from, size_t until, bool is_out)
{
	for (size_t i = from; i < until; i++)
		*items->is_out[i] = is_out;
}

static void forget(struct sl_shrink *items, size_t from, size_t until)
{
	memmove(&items->is_out[from], &items->is_out[until],
		(items->count - until) * sizeof(items->is_out[0]));
	items->count -= until - from;
}

unsigned sl_shrink(struct sl_shrink *items, bool (*still_fails)(void *context), void *context)
{
	unsigned runs = 0;

	for (size_t chunk = items->count > 1 ? items->count / 2 : items->count; chunk > 0;) {
		bool has_shrunk = false;

		for (size_t from = 0; from < items->count;) {
			size_t until = from + chunk < items->count ? from + chunk : items->count;

			set(items, from, until, true);
			runs++;
			if (still_fails(context)) {
				forget(items, from, until);
				has_shrunk = true;
			} else {
				set(items, from, until, false);
				from = until;
			}
		}
		/* At one each: again, until nothing more can go. */
		if (chunk > 1 || !has_shrunk)
			chunk /= 2;
	}
	return runs;
}
