// SPDX-License-Identifier: Apache-2.0
/* What a server says of a stream that is there: an answer to STREAM.INFO. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "userspace/bus/stream_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

/* What is asked of a stream is JSON, and once it is as asked there is nothing more to ask. */
static void stream_info(struct sl_span info)
{
	static const char *const subjects[] = { "a.b", "c.>", NULL };
	static const struct sl_js_stream stream = {
		.name = "S", .subjects = subjects, .duplicate_window_s = 60, .replicas = 3
	};
	struct sl_json_out json = SL_JSON_OUT(1u << 20), again = SL_JSON_OUT(1u << 20);
	struct sl_json_out told = SL_JSON_OUT(1u << 20);
	char why[SL_JS_TEXT_BYTES] = "";
	enum sl_json_type type;
	struct sl_span text;
	int r = sl_js_write_update(&json, why, &stream, false, info);

	require(r != -EEXIST || why[0]);
	if (r == 1) {
		require(sl_json_done(&text, &json) == 0);
		require(sl_json_check(&type, text, NULL) == 0 && type == SL_JSON_OBJECT);
		sl_json_open(&told, '{');
		sl_json_key(&told, "config");
		sl_json_put_raw(&told, text);
		sl_json_close(&told, '}');
		require(sl_json_done(&text, &told) == 0);
		require(sl_js_write_update(&again, why, &stream, false, text) == 0);
	}
	sl_json_out_free(&json);
	sl_json_out_free(&told);
	sl_json_out_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	stream_info((struct sl_span){ (const char *)data, size });
	return 0;
}
