// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "userspace/cli/top.h"
#include "userspace/domain/limit.h"

#define TENANTS 4u
#define SECOND	1000000000ull

/* A node of three tenants and the unknown one, without any kernel map. */
struct node {
	struct sl_ctl ctl;
	struct sl_limit limits[2 * TENANTS];
	struct sl_name names[TENANTS];
	struct sl_maps_view view;
	struct sl_counters counters[2][TENANTS]; /* before, after */
	struct sl_counters shadow[2][TENANTS];
	struct sl_snapshot snapshots[2];
};

static struct node node;

static void set_up(void)
{
	static const char *const names[] = { "", "steady", "noisy", "gone" };
	const struct sl_rate_spec limit = { .per_s = 1000, .burst = 100 };

	memset(&node, 0, sizeof(node));
	for (unsigned i = 0; i < TENANTS; i++) {
		(void)snprintf(node.names[i].name, sizeof(node.names[i].name), "%s", names[i]);
		node.names[i].gen = 1;
	}
	node.names[3].retired = 1;
	node.limits[2].ingress.packets = sl_rate_cost(&limit, SL_UNIT_COUNT);
	node.view = (struct sl_maps_view){
		.ctl = &node.ctl, .limits = node.limits, .names = node.names, .tenants = TENANTS
	};
	for (unsigned i = 0; i < 2; i++)
		node.snapshots[i] = (struct sl_snapshot){ .now_ns = (1 + 2 * i) * SECOND,
							  .count = TENANTS,
							  .counters = node.counters[i],
							  .shadow = node.shadow[i] };
	node.counters[1][1].ingress.pass = (struct sl_count){ 3000, 300000 };
	node.counters[0][2].ingress.pass = (struct sl_count){ 500, 50000 };
	node.counters[1][2].ingress.pass = (struct sl_count){ 2500, 250000 };
	node.counters[1][2].ingress.rate_packets = (struct sl_count){ 8000, 800000 };
	node.counters[1][0].egress.pass = (struct sl_count){ 20, 2000 };
}

static struct sl_top *update(void)
{
	struct sl_top *top = NULL;

	set_up();
	assert_int_equal(sl_top_new(&top), 0);
	assert_int_equal(sl_top_update(top, &node.snapshots[0], &node.snapshots[1], &node.view), 0);
	return top;
}

static const struct sl_top_row *row_of(const struct sl_top *top, const char *name)
{
	for (size_t i = 0; i < sl_top_count(top); i++)
		if (strcmp(sl_top_row(top, i)->name, name) == 0)
			return sl_top_row(top, i);
	return NULL;
}

static void assert_near(double got, double want)
{
	assert_true(fabs(got - want) < 1e-6);
}

static void rates_are_per_second_of_the_interval(void **state)
{
	struct sl_top *top = update();
	const struct sl_top_row *noisy = row_of(top, "noisy");

	assert_int_equal(sl_top_count(top), 3); /* not the retired one */
	assert_non_null(noisy);
	assert_near(noisy->offered, 5000);
	assert_near(noisy->passed, 1000);
	assert_near(noisy->dropped, 4000);
	assert_near(noisy->offered_bytes, 500000);
	assert_near(noisy->used, 1.0);
	assert_near(row_of(top, "steady")->used, -1);
	assert_near(row_of(top, "unknown")->egress, 10);
	sl_top_free(top);
}

static void expect_order(struct sl_top *top, enum sl_top_sort sort, const char *want)
{
	char got[TENANTS + 1] = "";

	sl_top_sort(top, sort);
	for (size_t i = 0; i < sl_top_count(top); i++)
		got[i] = sl_top_row(top, i)->name[0];
	assert_string_equal(got, want);
}

static void rows_are_sorted_by_each_key(void **state)
{
	struct sl_top *top = update();

	expect_order(top, SL_TOP_BY_DROPS, "nsu");
	expect_order(top, SL_TOP_BY_OFFERED, "nsu");
	expect_order(top, SL_TOP_BY_BYTES, "nsu");
	expect_order(top, SL_TOP_BY_USED, "nsu");
	expect_order(top, SL_TOP_BY_NAME, "nsu");
	node.counters[1][1].ingress.pass.packets = 90000;
	assert_int_equal(sl_top_update(top, &node.snapshots[0], &node.snapshots[1], &node.view), 0);
	expect_order(top, SL_TOP_BY_OFFERED, "snu");
	expect_order(top, SL_TOP_BY_DROPS, "nsu");
	sl_top_free(top);
}

static void history_is_kept_and_ends_with_its_owner(void **state)
{
	struct sl_top *top = update();
	const double *values;
	size_t count = 0;

	for (unsigned i = 0; i < 2 * SL_TOP_HISTORY; i++)
		assert_int_equal(
			sl_top_update(top, &node.snapshots[0], &node.snapshots[1], &node.view), 0);
	values = sl_top_offered(&count, top, 2);
	assert_int_equal(count, SL_TOP_HISTORY);
	assert_near(values[count - 1], 5000);
	values = sl_top_dropped(&count, top, 2);
	assert_near(values[0], 4000);
	node.names[2].gen = 2; /* the id changed hands */
	assert_int_equal(sl_top_update(top, &node.snapshots[0], &node.snapshots[1], &node.view), 0);
	(void)sl_top_offered(&count, top, 2);
	assert_int_equal(count, 1);
	sl_top_free(top);
}

static void a_snapshot_with_more_tenants_is_taken(void **state)
{
	struct sl_top *top = update();

	node.snapshots[0].count = 1; /* the others came after it */
	assert_int_equal(sl_top_update(top, &node.snapshots[0], &node.snapshots[1], &node.view), 0);
	assert_near(row_of(top, "noisy")->passed, 1250);
	sl_top_free(top);
}

/* Columns of the widest line: escapes take none, a block character one. */
static size_t widest(const char *text)
{
	size_t width = 0, most = 0;

	for (; *text; text++) {
		if (*text == '\033') {
			while (*text < 'A' || *text > 'z' || *text == '[')
				text++;
			continue;
		}
		if (*text == '\n' || *text == '\r')
			width = 0;
		else if (((unsigned char)*text & 0xc0) != 0x80)
			width++;
		most = width > most ? width : most;
	}
	return most;
}

static size_t lines_of(const char *text)
{
	size_t lines = 1;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* Whatever the size, nothing wraps and nothing scrolls. */
static void the_screen_fits_every_terminal(void **state)
{
	struct sl_top *top = update();

	for (size_t columns = 1; columns < 300; columns += columns < 130 ? 1 : 37) {
		for (size_t rows = 1; rows < 20; rows++) {
			struct sl_top_look look = { .columns = columns,
						    .rows = rows,
						    .colour = columns % 2,
						    .unicode = columns % 3,
						    .help = rows % 2,
						    .first = rows % 5,
						    .interval_ns = SECOND };
			char *text = NULL;
			size_t length = 0;

			assert_int_equal(sl_top_draw(&text, &length, top, &look), 0);
			assert_int_equal(strlen(text), length);
			assert_true(widest(text) <= columns);
			assert_true(lines_of(text) <= (rows > 4 ? rows : 4));
			free(text);
		}
	}
	sl_top_free(top);
}

static void the_screen_shows_the_numbers(void **state)
{
	struct sl_top *top = update();
	struct sl_top_look look = { .columns = 80, .rows = 10, .interval_ns = SECOND };
	char *text = NULL;
	size_t length = 0;

	sl_top_sort(top, SL_TOP_BY_DROPS);
	assert_int_equal(sl_top_draw(&text, &length, top, &look), 0);
	assert_non_null(strstr(text, "mode enforce  agent dead  3 tenants  in 6.50k/s  dropped "
				     "4.00k/s"));
	assert_non_null(strstr(text, "noisy          5.00k   4.00k        1k  100%"));
	assert_non_null(strstr(text, "steady         1.50k       0 unlimited     -"));
	free(text);
	sl_top_free(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_per_second_of_the_interval),
		cmocka_unit_test(rows_are_sorted_by_each_key),
		cmocka_unit_test(history_is_kept_and_ends_with_its_owner),
		cmocka_unit_test(a_snapshot_with_more_tenants_is_taken),
		cmocka_unit_test(the_screen_fits_every_terminal),
		cmocka_unit_test(the_screen_shows_the_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
