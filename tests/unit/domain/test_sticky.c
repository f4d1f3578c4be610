// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/sticky.h"

#include "tests/harness/test.h"

#define TTL 100u

static void a_session_is_found_for_as_long_as_it_is_used(void **state)
{
	static const uint64_t secret[2] = { 7, 8 };
	const struct sl_sticky_session one = { SL_SPAN("t"), SL_SPAN("p"), SL_SPAN("s1") };
	const struct sl_sticky_session two = { SL_SPAN("t"), SL_SPAN("p"), SL_SPAN("s2") };
	struct sl_sticky *sticky = NULL;

	assert_int_equal(sl_sticky_new(&sticky, 1, secret), 0);
	assert_int_equal(sl_sticky_find(sticky, &one, TTL, 0).length, 0);
	sl_sticky_keep(sticky, &one, SL_SPAN("openai"), 0);
	assert_true(sl_span_is(sl_sticky_find(sticky, &one, TTL, 99), "openai"));
	sl_sticky_keep(sticky, &one, SL_SPAN("other"), 99);
	assert_true(sl_span_is(sl_sticky_find(sticky, &one, TTL, 198), "other"));
	assert_int_equal(sl_sticky_find(sticky, &one, TTL, 199).length, 0);
	assert_int_equal(sl_sticky_find(sticky, &two, TTL, 99).length, 0);
	sl_sticky_keep(sticky, &two, SL_SPAN("x"), 99);
	assert_int_equal(sl_sticky_find(sticky, &one, TTL, 100).length, 0);
	assert_int_equal(sl_sticky_stats(sticky).evictions, 1);
	sl_sticky_free(sticky);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_is_found_for_as_long_as_it_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
