// SPDX-License-Identifier: Apache-2.0
/* Any text as a router's status map; what is accepted is within its bounds. */
#include <stdint.h>
#include <stdlib.h>

#include "userspace/gateway/pressure_board.h"
#include "userspace/pressure/retry_after.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_pressure_board board = { 0 };
	struct sl_fields_error error = { .message = "" };
	struct sl_pressure_status status;
	struct sl_pressure_view view;

	if (sl_pressure_status_read(&status, (struct sl_span){ (const char *)data, size },
				    &error)) {
		require(error.message[0]);
		return 0;
	}
	require(size <= SL_PRESSURE_BYTES_MAX && status.retry_after_s <= SL_RETRY_AFTER_MAX_S);
	sl_pressure_note(&board, &status, 1000);
	view = sl_pressure_look(&board, 1000000000, 2000);
	require(!view.stale && view.level == status.level);
	require(view.retry_after_s == status.retry_after_s);
	require(sl_pressure_name(view.level)[0]);
	return 0;
}
