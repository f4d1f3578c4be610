// SPDX-License-Identifier: Apache-2.0
/* Any text masked as JSON and as plain text: what comes out is valid. */
#include <stdint.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void require_valid(const struct sl_json_out *out)
{
	enum sl_json_type type;
	struct sl_span text;

	require(sl_json_done(&text, out) == 0);
	require(sl_json_check(&type, text, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out plain = SL_JSON_OUT(64u << 20);
	sl_cleanup(sl_json_out_free) struct sl_json_out once = SL_JSON_OUT(64u << 20);
	struct sl_span text = { (const char *)data, size }, found;
	size_t from = 0;

	while (sl_mask_find(&found, text, from)) {
		size_t begin = (size_t)(found.at - text.at);

		require(found.length && begin >= from && begin + found.length <= size);
		from = begin + found.length;
	}
	require(sl_mask_text(&plain, text) == 0);
	require_valid(&plain);
	if (sl_mask_json(&once, text) == 0)
		require_valid(&once);
	return 0;
}
