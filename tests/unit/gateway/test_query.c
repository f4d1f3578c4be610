// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>

#include "userspace/gateway/gateway_private.h"

static void values_of_a_query(void **state)
{
	static const struct {
		const char *query, *name;
		int result;
		const char *value;
	} rows[] = {
		{ "a=1", "a", 0, "1" },
		{ "x=2&a=1&a=3", "a", 0, "1" },
		{ "a=", "a", 0, "" },
		{ "a=b%20c+d%2fe", "a", 0, "b c d/e" },
		{ "aa=1", "a", -ENOENT, NULL },
		{ "a", "a", -ENOENT, NULL },
		{ "", "a", -ENOENT, NULL },
		{ "a=%", "a", -EINVAL, NULL },
		{ "a=%2", "a", -EINVAL, NULL },
		{ "a=%2g", "a", -EINVAL, NULL },
		{ "a=%00", "a", -EINVAL, NULL },
		{ "a=12345678", "a", -EINVAL, NULL }, /* too long for the buffer */
		{ "&&a=7&&", "a", 0, "7" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char value[8];
		int r = sl_query_value(value, sizeof(value), sl_span_of(rows[i].query),
				       rows[i].name);

		if (r != rows[i].result || (!r && strcmp(value, rows[i].value) != 0))
			fail_msg("%s: %d", rows[i].query, r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_a_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
