// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/domain/flow_reader.h"

#include <errno.h>

#define LINES 64u

static unsigned slots_of(uint8_t family)
{
	return family == 4 ? SL_FLOW4_SLOTS : SL_FLOW6_SLOTS;
}

/* A flow whose first and second choice are these lines; another one for each @number. */
static struct sl_flow_spec flow_of_lines(const struct sl_flow_table *t, uint32_t first,
					 uint32_t second, uint32_t *number)
{
	for (;;) {
		struct sl_flow_spec f = flow(t->family, ++*number, 5);

		f.tenant = *number % 100;
		if (line_of(t, &f, 0) == first && line_of(t, &f, 1) == second)
			return f;
	}
}

static void a_flow_is_found_by_all_of_its_key(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct sl_flow_table t = new_table(family, LINES);
		const struct sl_flow_spec bound = flow(family, 1, 7);
		struct sl_flow_spec f = bound;

		assert_int_equal(find(&t, &f), NOBODY);
		assert_int_equal(sl_flow_table_bind(&t, &f), 0);
		assert_int_equal(find(&t, &f), 7);
		for (unsigned i = 0; i < (family == 4 ? 4u : 16u); i++) {
			f = bound;
			f.remote.bytes[i] ^= 1;
			assert_int_equal(find(&t, &f), NOBODY);
			f = bound;
			f.local.bytes[i] ^= 0x80;
			assert_int_equal(find(&t, &f), NOBODY);
			assert_int_equal(sl_flow_table_unbind(&t, &f), -ENOENT);
		}
		f = bound;
		f.remote_port++;
		assert_int_equal(find(&t, &f), NOBODY);
		f = bound;
		f.local_port++;
		assert_int_equal(find(&t, &f), NOBODY);
		f = bound;
		f.protocol = UDP;
		assert_int_equal(find(&t, &f), NOBODY);
		assert_int_equal(sl_flow_table_unbind(&t, &f), -ENOENT);
		assert_int_equal(sl_flow_table_unbind(&t, &bound), 0);
		assert_int_equal(find(&t, &bound), NOBODY);
		assert_int_equal(sl_flow_table_used(&t), 0);
		free(t.lines);
	}
}

static void another_seed_is_another_place(void **state)
{
	struct sl_flow_table t = new_table(4, LINES);
	unsigned lost = 0;

	for (uint32_t i = 0; i < 20; i++) {
		struct sl_flow_spec f = flow(4, i, 1);

		assert_int_equal(sl_flow_table_bind(&t, &f), 0);
	}
	t.seed++;
	for (uint32_t i = 0; i < 20; i++) {
		struct sl_flow_spec f = flow(4, i, 1);

		lost += find(&t, &f) == NOBODY;
	}
	assert_true(lost > 10);
	free(t.lines);
}

static void binding_again_changes_the_tenant(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct sl_flow_table t = new_table(family, LINES);

		for (uint32_t i = 0; i < 200; i++) {
			struct sl_flow_spec f = flow(family, 1, i * 327);

			assert_int_equal(sl_flow_table_bind(&t, &f), 0);
			assert_int_equal(find(&t, &f), i * 327);
			assert_int_equal(sl_flow_table_used(&t), 1);
		}
		free(t.lines);
	}
}

static void what_is_no_flow_is_refused(void **state)
{
	struct sl_flow_table t = new_table(6, LINES);
	struct sl_flow_spec f = flow(4, 1, 1);

	assert_int_equal(sl_flow_table_bind(&t, &f), -EINVAL);
	assert_int_equal(sl_flow_table_unbind(&t, &f), -EINVAL);
	f = flow(6, 1, 1);
	f.local.family = 4;
	assert_int_equal(sl_flow_table_bind(&t, &f), -EINVAL);
	f = flow(6, 1, SL_TENANTS_MAX);
	assert_int_equal(sl_flow_table_bind(&t, &f), -ERANGE);
	assert_int_equal(sl_flow_table_used(&t), 0);
	free(t.lines);
}

static void the_second_line_takes_what_the_first_has_no_room_for(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct sl_flow_table t = new_table(family, LINES);
		const unsigned slots = slots_of(family);
		struct sl_flow_spec f[8];
		uint32_t number = 1;

		/* All of one first choice and one second: both lines, and no room to move to. */
		for (unsigned i = 0; i < 2 * slots; i++) {
			f[i] = flow_of_lines(&t, 5, 6, &number);
			assert_int_equal(sl_flow_table_bind(&t, &f[i]), 0);
		}
		for (unsigned i = 0; i < 2 * slots; i++)
			assert_int_equal(find(&t, &f[i]), f[i].tenant);
		assert_int_equal(sl_flow_table_used(&t), 2 * slots);

		f[0].remote_port++;
		while (line_of(&t, &f[0], 0) != 5 || line_of(&t, &f[0], 1) != 6)
			f[0].remote_port++;
		assert_int_equal(sl_flow_table_bind(&t, &f[0]), -ENOSPC);
		assert_int_equal(sl_flow_table_unbind(&t, &f[1]), 0);
		assert_int_equal(sl_flow_table_bind(&t, &f[0]), 0);
		assert_int_equal(find(&t, &f[0]), f[0].tenant);
		free(t.lines);
	}
}

/* Lines 1 and 2 are full of flows that could be in 3 and on: one of them goes there. */
static void others_move_aside(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		for (unsigned chain = 1; chain <= 4; chain++) {
			struct sl_flow_table t = new_table(family, LINES);
			const unsigned slots = slots_of(family);
			struct sl_flow_spec f[40], last;
			uint32_t number = 1;
			unsigned count = 0;

			for (unsigned i = 0; i < slots; i++)
				f[count++] = flow_of_lines(&t, 1, 3, &number);
			for (unsigned i = 0; i < slots; i++)
				f[count++] = flow_of_lines(&t, 2, 3, &number);
			for (unsigned line = 3; line < 2 + chain; line++) {
				for (unsigned i = 0; i < slots; i++)
					f[count++] = flow_of_lines(&t, line, line + 1, &number);
			}
			for (unsigned i = 0; i < count; i++)
				assert_int_equal(sl_flow_table_bind(&t, &f[i]), 0);
			last = flow_of_lines(&t, 1, 2, &number);
			/* Three moves in a row are tried, no more. */
			assert_int_equal(sl_flow_table_bind(&t, &last), chain > 3 ? -ENOSPC : 0);
			assert_int_equal(find(&t, &last), chain > 3 ? NOBODY : last.tenant);
			for (unsigned i = 0; i < count; i++)
				assert_int_equal(find(&t, &f[i]), f[i].tenant);
			assert_int_equal(sl_flow_table_used(&t), count + (chain <= 3));
			free(t.lines);
		}
	}
}

/* What a writer leaves that dies while it moves a flow: here made by hand. */
static void a_flow_that_stands_twice_is_changed_and_unbound_twice(void **state)
{
	struct sl_flow_table t = new_table(4, LINES);
	struct sl_flow4_line *lines = t.lines;
	struct sl_flow_spec f = flow(4, 1, 7);

	assert_int_equal(sl_flow_table_bind(&t, &f), 0);
	lines[line_of(&t, &f, 1)].slot[2] = lines[line_of(&t, &f, 0)].slot[0];
	assert_int_equal(sl_flow_table_used(&t), 2);
	f.tenant = 8;
	assert_int_equal(sl_flow_table_bind(&t, &f), 0);
	assert_int_equal(lines[line_of(&t, &f, 0)].slot[0].tenant, 8);
	assert_int_equal(lines[line_of(&t, &f, 1)].slot[2].tenant, 8);
	assert_int_equal(sl_flow_table_unbind(&t, &f), 0);
	assert_int_equal(find(&t, &f), NOBODY);
	assert_int_equal(sl_flow_table_used(&t), 0);
	free(t.lines);
}

/* What a writer leaves that dies while it writes a slot. */
static void a_slot_that_is_being_written_is_nobodys(void **state)
{
	struct sl_flow_table t = new_table(4, LINES);
	const struct sl_flow_spec f = flow(4, 1, 7);
	struct sl_flow4_line *lines = t.lines;
	struct sl_flow4 *slot = &lines[line_of(&t, &f, 0)].slot[0];
	struct sl_flow_spec listed;
	uint64_t place = 0;

	assert_int_equal(sl_flow_table_bind(&t, &f), 0);
	assert_int_equal(slot->state, SL_FLOW_USED);
	assert_int_equal(slot->remote_port, htons(40000));
	assert_int_equal(slot->protocol, TCP);
	slot->state = SL_FLOW_BEING_WRITTEN;
	assert_int_equal(find(&t, &f), NOBODY);
	assert_false(sl_flow_table_next(&listed, &t, &place));
	assert_int_equal(sl_flow_table_used(&t), 1);
	assert_int_equal(sl_flow_table_unbind(&t, &f), -ENOENT);
	assert_int_equal(sl_flow_table_bind(&t, &f), 0);
	assert_int_equal(find(&t, &f), 7);
	assert_int_equal(slot->state, SL_FLOW_BEING_WRITTEN);
	free(t.lines);
}

/* A word does not come back for 63 changes: whoever acts on an old one fails. */
static void each_change_is_another_turn(void **state)
{
	struct sl_flow_table t = new_table(4, LINES);
	const struct sl_flow_spec f = flow(4, 1, 7);
	struct sl_flow4_line *lines = t.lines;
	const struct sl_flow4 *slot = &lines[line_of(&t, &f, 0)].slot[0];

	for (unsigned turn = 0; turn < 200; turn += 3) {
		assert_int_equal(sl_flow_table_bind(&t, &f), 0);
		assert_int_equal(slot->turn, (turn + 1) % 64);
		assert_int_equal(sl_flow_table_bind(&t, &f), 0);
		assert_int_equal(slot->turn, (turn + 2) % 64);
		assert_int_equal(sl_flow_table_unbind(&t, &f), 0);
		assert_int_equal(slot->turn, (turn + 3) % 64);
	}
	free(t.lines);
}

static void all_flows_are_listed(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct sl_flow_table t = new_table(family, LINES);
		bool seen[100] = { false };
		struct sl_flow_spec f;
		uint64_t place = 0;
		unsigned count = 0;

		for (uint32_t i = 0; i < 100; i++) {
			f = flow(family, i, i);
			assert_int_equal(sl_flow_table_bind(&t, &f), 0);
		}
		for (; sl_flow_table_next(&f, &t, &place); count++) {
			const struct sl_flow_spec want = flow(family, f.tenant, f.tenant);

			assert_in_range(f.tenant, 0, 99);
			assert_memory_equal(&f, &want, sizeof(f));
			seen[f.tenant] = true;
		}
		assert_int_equal(count, 100);
		for (unsigned i = 0; i < 100; i++)
			assert_true(seen[i]);
		free(t.lines);
	}
}

/* ---- how many fit -------------------------------------------------------------------------- */

static struct sl_flow_spec random_flow(uint8_t family, uint64_t number)
{
	const uint64_t random = sl_mix(number ^ 0x9e3779b97f4a7c15ull);
	struct sl_flow_spec f = flow(family, (uint32_t)random, (uint32_t)number & 0xffff);

	f.remote_port = (uint16_t)(random >> 32);
	return f;
}

/* Returns how many flows went in before the first that did not. */
static uint32_t fill(const struct sl_flow_table *t, uint32_t flows)
{
	for (uint32_t i = 0;; i++) {
		const struct sl_flow_spec f = random_flow(t->family, i);
		int r = sl_flow_table_bind(t, &f);

		if (r && i < flows)
			fail_msg("IPv%u: %u of %u flows fit", t->family, i, flows);
		if (r) {
			assert_int_equal(r, -ENOSPC);
			return i;
		}
	}
}

static void as_many_flows_fit_as_was_said(void **state)
{
	static const uint32_t sizes[] = { 1, 16, 64, 128, 1024, 10000, 65536, SL_FLOWS_MAX };

	for (uint8_t family = 4; family <= 6; family += 2) {
		for (size_t i = 0; i < COUNT(sizes); i++) {
			struct sl_flow_table t =
				new_table(family, sl_flow_table_lines(sizes[i], family));
			uint32_t count = fill(&t, sizes[i]);

			assert_true(sl_flow_table_room(&t) >= sizes[i]);
			assert_true(sizes[i] < 1024 || sl_flow_table_room(&t) == sizes[i]);
			for (uint32_t j = 0; j < count; j++) {
				const struct sl_flow_spec f = random_flow(family, j);

				if (find(&t, &f) == NOBODY)
					fail_msg("IPv%u: flow %u of %u is lost", family, j, count);
			}
			print_message("IPv%u, sizes.flows %u: full with %u flows, %.0f%% of %llu "
				      "slots\n",
				      family, sizes[i], count,
				      100.0 * count / (double)sl_flow_table_slots(&t),
				      (unsigned long long)sl_flow_table_slots(&t));
			free(t.lines);
		}
	}
}

static void sizes_are_bounded(void **state)
{
	assert_int_equal(sl_flow_table_lines(0, 4), LINES);
	assert_int_equal(sl_flow_table_lines(0, 6), LINES);
	assert_int_equal(sl_flow_table_lines(65536, 4), 32768);
	assert_int_equal(sl_flow_table_lines(SL_FLOWS_MAX, 4), 524288);
	assert_int_equal(sl_flow_table_lines(SL_FLOWS_MAX, 6), 873814);
}

struct sweep {
	const struct sl_flow_table *table;
	uint32_t asked;
	bool rebinds;
};

/* Every other tenant's; with `rebinds` the flow changes hands while it is looked at. */
static bool is_over(void *context, const struct sl_flow_spec *f)
{
	struct sweep *sweep = context;
	struct sl_flow_spec again = *f;

	sweep->asked++;
	again.tenant = f->tenant + 1;
	if (sweep->rebinds)
		assert_int_equal(sl_flow_table_bind(sweep->table, &again), 0);
	return f->tenant % 2;
}

static void what_is_over_is_swept_in_parts(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct sl_flow_table t = new_table(family, LINES);
		struct sweep sweep = { .table = &t };
		uint64_t place = 0, freed = 0;

		for (uint32_t i = 0; i < 20; i++) {
			const struct sl_flow_spec f = flow(family, i, i);

			assert_int_equal(sl_flow_table_bind(&t, &f), 0);
		}
		while (place < sl_flow_table_slots(&t))
			freed += sl_flow_table_sweep(&t, &place, 7, is_over, &sweep);
		assert_int_equal(freed, 10);
		assert_int_equal(sweep.asked, 20);
		assert_int_equal(sl_flow_table_used(&t), 10);
		assert_int_equal(sl_flow_table_sweep(&t, &place, 7, is_over, &sweep), 0);
		free(t.lines);
	}
}

static void a_flow_that_changes_hands_meanwhile_is_not_swept(void **state)
{
	struct sl_flow_table t = new_table(4, LINES);
	struct sweep sweep = { .table = &t, .rebinds = true };
	const struct sl_flow_spec f = flow(4, 1, 1);
	uint64_t place = 0;

	assert_int_equal(sl_flow_table_bind(&t, &f), 0);
	assert_int_equal(sl_flow_table_sweep(&t, &place, sl_flow_table_slots(&t), is_over, &sweep),
			 0);
	assert_int_equal(find(&t, &f), 2);
	free(t.lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_is_found_by_all_of_its_key),
		cmocka_unit_test(another_seed_is_another_place),
		cmocka_unit_test(binding_again_changes_the_tenant),
		cmocka_unit_test(what_is_no_flow_is_refused),
		cmocka_unit_test(the_second_line_takes_what_the_first_has_no_room_for),
		cmocka_unit_test(others_move_aside),
		cmocka_unit_test(a_flow_that_stands_twice_is_changed_and_unbound_twice),
		cmocka_unit_test(a_slot_that_is_being_written_is_nobodys),
		cmocka_unit_test(each_change_is_another_turn),
		cmocka_unit_test(all_flows_are_listed),
		cmocka_unit_test(as_many_flows_fit_as_was_said),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(what_is_over_is_swept_in_parts),
		cmocka_unit_test(a_flow_that_changes_hands_meanwhile_is_not_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
