// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "bpf/lib/shed.h"

static const enum sl_shed_class classes[] = { SL_SHED_NEW_CONN, SL_SHED_DATAGRAM, SL_SHED_DATA,
					      SL_SHED_CONTROL };
#define CLASSES 4

static void the_share_of_each_class_is_as_the_table_says(void **state)
{
	static const struct {
		uint32_t level;
		uint32_t share[CLASSES];
	} rows[] = {
		{ 0, { 0, 0, 0, 0 } },
		{ 1, { 2, 1, 0, 0 } },
		{ 250, { 500, 250, 0, 0 } },
		{ 499, { 998, 499, 0, 0 } },
		{ 500, { 1000, 500, 0, 0 } },
		{ 501, { 1000, 501, 2, 0 } },
		{ 750, { 1000, 750, 500, 0 } },
		{ 999, { 1000, 999, 998, 0 } },
		{ 1000, { 1000, 1000, 1000, 1000 } },
		{ 1001, { 1000, 1000, 1000, 1000 } },
		{ 0xffffffff, { 1000, 1000, 1000, 1000 } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (unsigned c = 0; c < CLASSES; c++)
			assert_int_equal(sl_shed_share(classes[c], rows[i].level),
					 rows[i].share[c]);
}

/* A higher level never sheds less; a class that begins work never sheds less than one that ends it.
 */
static void levels_and_classes_are_in_order(void **state)
{
	for (uint32_t level = 0; level <= 1000; level++) {
		for (unsigned c = 0; c < CLASSES; c++) {
			const uint32_t share = sl_shed_share(classes[c], level);

			assert_true(share <= SL_SHED_ALL_PERMILLE);
			if (level)
				assert_true(share >= sl_shed_share(classes[c], level - 1));
			if (c)
				assert_true(share <= sl_shed_share(classes[c - 1], level));
		}
	}
}

static void a_larger_share_picks_a_superset(void **state)
{
	uint64_t hash = 1;

	for (unsigned i = 0; i < 2000; i++) {
		int picked = 0;

		hash = sl_mix(hash);
		assert_false(sl_shed_picks(hash, 0));
		for (uint32_t share = 1; share <= 1000; share += 37) {
			const int now = sl_shed_picks(hash, share);

			assert_true(now || !picked);
			picked = now;
		}
		assert_true(sl_shed_picks(hash, 1000));
	}
}

static void the_share_is_the_share_of_all_flows(void **state)
{
	static const uint32_t shares[] = { 1, 10, 100, 500, 999 };

	for (size_t s = 0; s < sizeof(shares) / sizeof(*shares); s++) {
		const unsigned flows = 200000;
		const double want = flows * shares[s] / 1000.0;
		unsigned picked = 0;

		for (uint64_t i = 0; i < flows; i++)
			picked += (unsigned)sl_shed_picks(sl_mix(i), shares[s]);
		assert_in_range(picked, want * 0.97 - 60, want * 1.03 + 60);
	}
}

static void the_ends_of_the_hash_are_picked_right(void **state)
{
	assert_true(sl_shed_picks(0, 1));
	assert_true(sl_shed_picks(0xffffffff00000000ull, 1)); /* the low half decides */
	assert_false(sl_shed_picks(0xffffffffull, 999));
	assert_true(sl_shed_picks(0xffffffffull, 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_share_of_each_class_is_as_the_table_says),
		cmocka_unit_test(levels_and_classes_are_in_order),
		cmocka_unit_test(a_larger_share_picks_a_superset),
		cmocka_unit_test(the_share_is_the_share_of_all_flows),
		cmocka_unit_test(the_ends_of_the_hash_are_picked_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
