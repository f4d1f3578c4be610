// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>

#include "userspace/gateway/base64url.h"

static void one_text_for_each_value(void **state)
{
	static const struct {
		const char *text;
		int result;
		const char *value;
	} rows[] = {
		{ "", 0, "" },		 { "Zg", 0, "f" },	    { "Zm8", 0, "f\x6f" },
		{ "Zm9v", 0, "foo" },	 { "Zm9vYg", 0, "foob" },   { "_-8", 0, "\xff\xef" },
		{ "Zh", -EINVAL, "" },	 { "Zm9", -EINVAL, "" },    { "Z", -EINVAL, "" },
		{ "Zg==", -EINVAL, "" }, { "Zm9v\n", -EINVAL, "" }, { "/+8", -EINVAL, "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t value[16];
		size_t length = 99;
		int r = sl_base64url_decode(value, sizeof(value), &length,
					    sl_span_of(rows[i].text));

		if (r != rows[i].result)
			fail_msg("%s: %d", rows[i].text, r);
		if (r)
			continue;
		assert_int_equal(length, strlen(rows[i].value));
		assert_memory_equal(value, rows[i].value, length);
	}
}

static void a_buffer_has_an_end(void **state)
{
	uint8_t value[3];
	size_t length;

	assert_int_equal(sl_base64url_decode(value, 3, &length, SL_SPAN("Zm9v")), 0);
	assert_int_equal(sl_base64url_decode(value, 2, &length, SL_SPAN("Zm9v")), -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_text_for_each_value),
		cmocka_unit_test(a_buffer_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
