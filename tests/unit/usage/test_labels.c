// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "userspace/usage/labels.h"

static void names_beyond_the_bound_are_other(void **state)
{
	static struct sl_labels labels;
	char name[16];

	for (unsigned int i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "n-%u", i);
		assert_int_equal(sl_labels_index(&labels, name),
				 i < SL_LABELS_MAX - 1 ? i : SL_LABELS_MAX - 1);
	}
	assert_int_equal(sl_labels_index(&labels, "n-7"), 7);
	assert_string_equal(sl_labels_name(&labels, 7), "n-7");
	assert_string_equal(sl_labels_name(&labels, SL_LABELS_MAX - 1), "other");
}

static void a_long_name_is_one_name(void **state)
{
	static struct sl_labels labels;
	char name[400];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(sl_labels_index(&labels, name), 0);
	assert_int_equal(sl_labels_index(&labels, name), 0);
	assert_int_equal(strlen(sl_labels_name(&labels, 0)), SL_LABELS_BYTES - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_beyond_the_bound_are_other),
		cmocka_unit_test(a_long_name_is_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
