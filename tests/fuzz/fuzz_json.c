// SPDX-License-Identifier: Apache-2.0
/* Any bytes as JSON: jansson says the same of them, and what is found is in the text. */
#include <stdint.h>
#include <stdlib.h>

#include "tests/harness/json_peer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void read_value(struct sl_json_value value)
{
	char text[64];
	size_t length = 0;
	int64_t whole;
	double real;
	bool yes;

	if (sl_json_text(text, sizeof(text), &length, value) == 0)
		require(length < sizeof(text) && !text[length] && value.type == SL_JSON_STRING);
	if (sl_json_integer(&whole, value) == 0)
		require(sl_json_real(&real, value) == 0);
	if (value.type == SL_JSON_NUMBER)
		require(sl_json_real(&real, value) == 0);
	require((sl_json_bool(&yes, value) == 0) == (value.type == SL_JSON_BOOL));
}

/* Each part of a valid text is valid by itself. */
static void walk(struct sl_json_value container)
{
	struct sl_json_value key, item;
	enum sl_json_type type;
	size_t place = 0;
	int more;

	while ((more = sl_json_next(&key, &item, &place, container)) > 0) {
		require(sl_json_check(&type, item.raw, NULL) == 0 && type == item.type);
		require((key.type == SL_JSON_STRING) == (container.type == SL_JSON_OBJECT));
		read_value(item);
	}
	require(more == 0);
}

static void pick(struct sl_span text, int checked)
{
	static const char *const wanted[] = {
		"a", "b", "c", "c.d", "c.e", "tenant_id", "task.type"
	};
	struct sl_json_value values[COUNT(wanted)];
	struct sl_json_error error = { .message = NULL };
	int err = sl_json_pick(values, wanted, COUNT(wanted), text, &error);

	if (err) {
		require(error.message && error.offset <= text.length);
		/* A second member may be met before what else is wrong. */
		require(err == checked || err == -EINVAL || (!checked && err == -EPROTO));
		return;
	}
	require(checked == 0);
	for (size_t i = 0; i < COUNT(wanted); i++) {
		if (values[i].type == SL_JSON_ABSENT)
			continue;
		require(values[i].raw.at > text.at &&
			values[i].raw.at + values[i].raw.length < text.at + text.length);
		read_value(values[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_span text = { (const char *)data, size };
	enum sl_json_type type = SL_JSON_ABSENT;
	int err = sl_json_check(&type, text, NULL);

	require(sl_json_agrees(text, NULL));
	pick(text, err);
	if (!err && (type == SL_JSON_OBJECT || type == SL_JSON_ARRAY)) {
		while (size && (data[size - 1] != '}' && data[size - 1] != ']'))
			size--;
		while (*data != '{' && *data != '[') {
			data++;
			size--;
		}
		walk((struct sl_json_value){ type, { (const char *)data, size } });
	}
	return 0;
}
