// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/domain/refusals.h"

#define S	1000000000ull
#define SEED	0x1234567890abcdefull
#define TICK_NS (1ull << SL_REFUSAL_TICK_SHIFT)

struct fixture {
	struct sl_refusal cells[SL_REFUSALS];
	struct sl_refusals refusals;
	struct sl_bucket bucket;
};

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->refusals = (struct sl_refusals){ f->cells, SEED };
	*state = f;
	return 0;
}

static int end(void **state)
{
	free(*state);
	return 0;
}

static const struct sl_connection v4 = { .remote = { 4, { 10, 0, 0, 1 } },
					 .local = { 4, { 192, 0, 2, 1 } },
					 .remote_port = 40000,
					 .local_port = 443,
					 .protocol = 6 };

static unsigned int used(const struct fixture *f)
{
	unsigned int count = 0;

	for (uint32_t i = 0; i < SL_REFUSALS; i++)
		count += f->cells[i].tag || f->cells[i].until_tick;
	return count;
}

static bool holds(const struct fixture *f, uint64_t hash, uint64_t now_ns)
{
	return sl_refusal_is(sl_refusal_read(&f->cells[sl_refusal_index(hash)]), hash, now_ns);
}

static void a_tenant_is_refused_until_then(void **state)
{
	struct fixture *f = *state;
	const uint64_t hash = sl_refusal_hash_tenant(3, SEED);

	assert_int_equal(sl_refuse_tenant(&f->refusals, &f->bucket, 3, 110 * S, 100 * S), 0);
	assert_int_equal(f->bucket.ingress.refusals_until_ns, 110 * S);
	assert_true(holds(f, hash, 100 * S));
	assert_true(holds(f, hash, 110 * S - 2 * TICK_NS));
	assert_false(holds(f, hash, 110 * S));
	assert_false(holds(f, sl_refusal_hash_tenant(4, SEED), 100 * S));
	assert_false(holds(f, sl_refusal_hash_tenant(3, SEED + 1), 100 * S));
}

static void the_tenants_deadline_only_rises(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sl_refuse_tenant(&f->refusals, &f->bucket, 3, 150 * S, 100 * S), 0);
	assert_int_equal(sl_refuse_connection(&f->refusals, &f->bucket, &v4, 110 * S, 100 * S), 0);
	assert_int_equal(f->bucket.ingress.refusals_until_ns, 150 * S);
	assert_int_equal(used(f), 2);
}

static void what_cannot_be_is_not_written(void **state)
{
	struct fixture *f = *state;
	struct sl_connection mixed = v4, none = v4;

	mixed.local.family = 6;
	none.remote.family = none.local.family = 0;
	assert_int_equal(sl_refuse_connection(&f->refusals, &f->bucket, &mixed, 2 * S, S), -EINVAL);
	assert_int_equal(sl_refuse_connection(&f->refusals, &f->bucket, &none, 2 * S, S), -EINVAL);
	assert_int_equal(sl_refuse_connection(&f->refusals, &f->bucket, &v4, S, S), -EINVAL);
	assert_int_equal(
		sl_refuse_connection(&f->refusals, &f->bucket, &v4, S + SL_REFUSAL_NS_MAX + 1, S),
		-EINVAL);
	assert_int_equal(used(f), 0);
	assert_int_equal(f->bucket.ingress.refusals_until_ns, 0);
}

/* 32 bits of ticks wrap after 52 days: across the wrap, and long after it. */
static void time_wraps(void **state)
{
	struct fixture *f = *state;
	const uint64_t wrap = TICK_NS << 32, hash = sl_refusal_hash_tenant(3, SEED);

	assert_int_equal(sl_refuse_tenant(&f->refusals, &f->bucket, 3, wrap + 5 * S, wrap - 5 * S),
			 0);
	assert_true(holds(f, hash, wrap - 5 * S));
	assert_true(holds(f, hash, wrap + 4 * S));
	assert_false(holds(f, hash, wrap + 5 * S));
	for (uint64_t day = 1; day < 52; day++)
		assert_false(holds(f, hash, wrap + day * 86400 * S));
}

static void an_empty_cell_refuses_nobody(void **state)
{
	struct fixture *f = *state;

	for (uint64_t now = 0; now < 100 * S; now += S / 2)
		assert_false(sl_refusal_is(f->cells[0], 0, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_tenant_is_refused_until_then, begin, end),
		cmocka_unit_test_setup_teardown(the_tenants_deadline_only_rises, begin, end),
		cmocka_unit_test_setup_teardown(what_cannot_be_is_not_written, begin, end),
		cmocka_unit_test_setup_teardown(time_wraps, begin, end),
		cmocka_unit_test_setup_teardown(an_empty_cell_refuses_nobody, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
