// SPDX-License-Identifier: Apache-2.0
/* A pressure signal from any text; what is accepted reads back the same and is heard. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/pressure/pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void hear(const struct sl_signal *signal)
{
	const struct sl_pressure_pool_options options = { .name = signal->pool,
							  .work = signal->work };
	struct sl_pressure_pool *pool = NULL;
	struct sl_pool_view view;

	require(sl_pressure_pool_new(&pool, &options, 1) == 0);
	require(sl_pressure_pool_hear(pool, signal, 2) >= 0);
	(void)sl_pressure_pool_tick(pool, 3, 300000000);
	view = sl_pressure_pool_view(pool);
	require(view.pressure >= 0 && view.pressure <= SL_PRESSURE_MAX);
	sl_pressure_pool_free(pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sl_span text = { (const char *)data, size };
	struct sl_json_out out = SL_JSON_OUT(SL_SIGNAL_BYTES_MAX);
	struct sl_fields_error error;
	struct sl_signal read, again;
	struct sl_span written;

	if (sl_signal_read(&read, text, &error) != 0)
		return 0;
	sl_signal_write(&out, &read);
	require(sl_json_done(&written, &out) == 0);
	require(sl_signal_read(&again, written, NULL) == 0);
	require(strcmp(again.pool, read.pool) == 0 && strcmp(again.source, read.source) == 0);
	require(again.epoch == read.epoch && again.seq == read.seq);
	require(again.credits == read.credits && again.state == read.state);
	sl_json_out_free(&out);
	hear(&read);
	return 0;
}
