// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>

#include "userspace/worker/recent.h"

static void the_oldest_is_forgotten(void **state)
{
	struct sl_recent *recent = NULL;
	char id[16];
	int value = 0;

	assert_int_equal(sl_recent_new(&recent, 16), 0);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(id, sizeof(id), "id-%d", i);
		assert_false(sl_recent_has(recent, id, NULL));
		sl_recent_add(recent, id, i);
		/* The last 16 are there, and nothing else. */
		for (int j = i > 20 ? i - 20 : 0; j <= i; j++) {
			(void)snprintf(id, sizeof(id), "id-%d", j);
			assert_int_equal(sl_recent_has(recent, id, &value), j > i - 16);
			if (j > i - 16)
				assert_int_equal(value, j);
		}
	}
	assert_int_equal(sl_recent_count(recent), 16);
	sl_recent_free(recent);
}

static void one_that_is_known_changes_its_value(void **state)
{
	struct sl_recent *recent = NULL;
	int value = 0;

	assert_int_equal(sl_recent_new(&recent, 16), 0);
	sl_recent_add(recent, "a", 1);
	sl_recent_add(recent, "a", 2);
	assert_int_equal(sl_recent_count(recent), 1);
	assert_true(sl_recent_has(recent, "a", &value));
	assert_int_equal(value, 2);
	assert_false(sl_recent_has(recent, "", NULL));
	sl_recent_free(recent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_is_forgotten),
		cmocka_unit_test(one_that_is_known_changes_its_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
