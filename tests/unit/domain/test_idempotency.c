// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/idempotency.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#define TTL 1000u

static struct sl_idempotency *make(uint32_t entries, uint64_t bytes)
{
	const struct sl_idempotency_options options = {
		.entries_max = entries,
		.bytes_max = bytes,
		.ttl_ns = TTL,
		.secret = { 5, 6 },
	};
	struct sl_idempotency *store = NULL;

	assert_int_equal(sl_idempotency_new(&store, &options), 0);
	return store;
}

static struct sl_digest digest(const char *text)
{
	const struct sl_span part = sl_span_of(text);

	return sl_digest(&part, 1);
}

static struct sl_idempotency_key key(struct sl_idempotency *store, const char *name)
{
	return sl_idempotency_key(store, 'i', SL_SPAN("tenant"), sl_span_of(name));
}

static enum sl_idempotency_found look(struct sl_idempotency *store, const char *name,
				      const char *body, uint64_t now)
{
	struct sl_span answer;

	return sl_idempotency_look(&answer, store, key(store, name), digest(body), now);
}

static void a_request_is_new_then_pending_then_answered(void **state)
{
	struct sl_idempotency *store = make(4, 1000);
	struct sl_span answer = { NULL, 0 };

	assert_int_equal(look(store, "a", "body", 0), SL_IDEMPOTENCY_NEW);
	sl_idempotency_begin(store, key(store, "a"), digest("body"), 0);
	assert_int_equal(look(store, "a", "body", 1), SL_IDEMPOTENCY_PENDING);
	assert_int_equal(
		sl_idempotency_store(store, key(store, "a"), digest("body"), SL_SPAN("yes"), 2), 0);
	assert_int_equal(sl_idempotency_look(&answer, store, key(store, "a"), digest("body"), 3),
			 SL_IDEMPOTENCY_STORED);
	assert_true(sl_span_is(answer, "yes"));
	assert_int_equal(look(store, "a", "another", 3), SL_IDEMPOTENCY_CONFLICT);
	assert_int_equal(look(store, "b", "body", 3), SL_IDEMPOTENCY_NEW);
	assert_int_equal(look(store, "a", "body", 2 + TTL), SL_IDEMPOTENCY_NEW);
	sl_idempotency_free(store);
}

static void what_came_to_nothing_is_new_again(void **state)
{
	struct sl_idempotency *store = make(4, 1000);

	sl_idempotency_begin(store, key(store, "a"), digest("x"), 0);
	sl_idempotency_forget(store, key(store, "a"));
	assert_int_equal(look(store, "a", "y", 0), SL_IDEMPOTENCY_NEW);
	sl_idempotency_free(store);
}

static void tenants_and_kinds_do_not_meet(void **state)
{
	struct sl_idempotency *store = make(4, 1000);
	const struct sl_idempotency_key other =
		sl_idempotency_key(store, 'i', SL_SPAN("other"), SL_SPAN("a"));
	const struct sl_idempotency_key kind =
		sl_idempotency_key(store, 'm', SL_SPAN("tenant"), SL_SPAN("a"));

	assert_int_equal(sl_idempotency_store(store, key(store, "a"), digest("x"), SL_SPAN("1"), 0),
			 0);
	assert_int_equal(sl_idempotency_answer(store, other, 0).length, 0);
	assert_int_equal(sl_idempotency_answer(store, kind, 0).length, 0);
	assert_int_equal(sl_idempotency_answer(store, key(store, "a"), 0).length, 1);
	sl_idempotency_free(store);
}

static void bytes_are_bounded_and_evictions_counted(void **state)
{
	struct sl_idempotency *store = make(100, 10);
	static const char *const names[] = { "a", "b", "c", "d" };

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(sl_idempotency_store(store, key(store, names[i]), digest("x"),
						      SL_SPAN("1234"), 0),
				 0);
	assert_int_equal(sl_idempotency_stats(store).bytes, 8);
	assert_int_equal(sl_idempotency_stats(store).evictions, 2);
	assert_int_equal(look(store, "a", "x", 0), SL_IDEMPOTENCY_NEW);
	assert_int_equal(look(store, "d", "x", 0), SL_IDEMPOTENCY_STORED);
	assert_int_equal(sl_idempotency_store(store, key(store, "d"), digest("x"),
					      SL_SPAN("12345678901"), 0),
			 -EFBIG);
	assert_int_equal(look(store, "d", "x", 0), SL_IDEMPOTENCY_NEW);
	sl_idempotency_free(store);
}

static void a_digest_tells_parts_apart(void **state)
{
	const struct sl_span a[] = { SL_SPAN("x"), { NULL, 0 } };
	const struct sl_span b[] = { { NULL, 0 }, SL_SPAN("x") };
	const struct sl_digest one = sl_digest(a, 2), two = sl_digest(b, 2);

	assert_memory_not_equal(&one, &two, sizeof(one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_new_then_pending_then_answered),
		cmocka_unit_test(what_came_to_nothing_is_new_again),
		cmocka_unit_test(tenants_and_kinds_do_not_meet),
		cmocka_unit_test(bytes_are_bounded_and_evictions_counted),
		cmocka_unit_test(a_digest_tells_parts_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
