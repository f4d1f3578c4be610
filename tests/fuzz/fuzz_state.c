// SPDX-License-Identifier: Apache-2.0
/* The file of overrides: what is read can be written and is read back the same. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent/override_json.h"
#include "userspace/agent/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_overrides overrides = { .count = 0 };
	struct sl_text_error error = { .message = "" };

	if (sl_state_parse(&overrides, (const char *)data, size, &error) != 0) {
		require(error.message[0] && !overrides.at && !overrides.count);
		return 0;
	}
	for (size_t i = 0; i < overrides.count; i++) {
		json_t *json = sl_override_to_json(&overrides.at[i]);
		struct sl_override again;

		require(json && sl_override_from_json(&again, json, &error) == 0);
		require(memcmp(&again.rate, &overrides.at[i].rate, sizeof(again.rate)) == 0);
		require(again.value == overrides.at[i].value);
		require(strcmp(again.tenant, overrides.at[i].tenant) == 0);
		json_decref(json);
	}
	sl_overrides_release(&overrides);
	return 0;
}
