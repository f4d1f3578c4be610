// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/assignments.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>

#define MANY 500u

static const uint64_t secret[2] = { 3, 4 };

static int add(struct sl_assignments *assignments, const char *id, uint64_t due_ns)
{
	const struct sl_assigned assigned = {
		.assignment_id = id,
		.request_id = "r",
		.tenant_id = "t",
		.provider_id = "p",
		.job_type = "chat",
		.trace_id = "",
		.run_id = "",
		.due_ns = due_ns,
	};

	return sl_assignments_add(assignments, &assigned);
}

static struct sl_assignments *make(uint32_t entries)
{
	struct sl_assignments *assignments = NULL;

	assert_int_equal(sl_assignments_new(&assignments, entries, secret), 0);
	return assignments;
}

static void they_come_in_the_order_of_their_deadlines(void **state)
{
	struct sl_assignments *assignments = make(MANY);
	uint64_t random = 1, last = 0;
	char id[16];

	for (unsigned int i = 0; i < MANY; i++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		(void)snprintf(id, sizeof(id), "a%u", i);
		assert_int_equal(add(assignments, id, random >> 40), 0);
	}
	for (unsigned int i = 0; i < MANY; i += 3) {
		(void)snprintf(id, sizeof(id), "a%u", i);
		if (i % 2)
			sl_assignments_remove(assignments, sl_span_of(id));
		else
			sl_assignments_extend(assignments, sl_span_of(id), i);
	}
	while (sl_assignments_count(assignments)) {
		const struct sl_assigned *next = sl_assignments_next(assignments);

		assert_true(next->due_ns >= last);
		last = next->due_ns;
		sl_assignments_remove(assignments, sl_span_of(next->assignment_id));
	}
	assert_null(sl_assignments_next(assignments));
	sl_assignments_free(assignments);
}

static void what_was_added_is_found_whole(void **state)
{
	struct sl_assignments *assignments = make(2);
	struct sl_assigned *found;

	assert_int_equal(add(assignments, "one", 5), 0);
	found = sl_assignments_find(assignments, SL_SPAN("one"));
	assert_non_null(found);
	assert_string_equal(found->tenant_id, "t");
	assert_string_equal(found->job_type, "chat");
	assert_false(found->accepted);
	found->accepted = true;
	assert_true(sl_assignments_find(assignments, SL_SPAN("one"))->accepted);
	assert_null(sl_assignments_find(assignments, SL_SPAN("two")));
	sl_assignments_free(assignments);
}

static void there_are_no_more_than_may_be(void **state)
{
	struct sl_assignments *assignments = make(2);

	assert_int_equal(add(assignments, "a", 1), 0);
	assert_int_equal(add(assignments, "a", 1), -EEXIST);
	assert_int_equal(add(assignments, "b", 1), 0);
	assert_int_equal(add(assignments, "c", 1), -ENOSPC);
	sl_assignments_remove(assignments, SL_SPAN("a"));
	assert_int_equal(add(assignments, "c", 1), 0);
	assert_int_equal(sl_assignments_count(assignments), 2);
	sl_assignments_free(assignments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_come_in_the_order_of_their_deadlines),
		cmocka_unit_test(what_was_added_is_found_whole),
		cmocka_unit_test(there_are_no_more_than_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
