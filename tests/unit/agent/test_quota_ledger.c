// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/agent/quota_ledger.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW	     1000000

static const struct sl_said_record limit = {
	.subject = SL_SAID_LIMIT,
	.name = "acme",
	.kind = SL_QUOTA_REQUESTS,
	.serial = 5,
	.rate_mu_per_s = 20000,
	.by = "node1",
};

static int read_texts(struct sl_said_record *ret, const char *field, const char *value)
{
	return sl_said_read(ret, sl_span_of(field), sl_span_of(value));
}

static void a_record_is_read_as_it_was_written(void **state)
{
	const struct sl_said_record records[] = {
		limit,
		{ .name = "a.b-c_d", .serial = 1, .by = "n", .until_ms = 7 },
		{ .subject = SL_SAID_NODE,
		  .name = "node2",
		  .serial = 9,
		  .drained = true,
		  .by = "n" },
		{ .subject = SL_SAID_NODE, .name = "node2", .serial = 1ll << 52, .by = "n" },
	};

	for (size_t i = 0; i < COUNT(records); i++) {
		char field[SL_SAID_TEXT_BYTES], value[SL_SAID_TEXT_BYTES];
		struct sl_said_record got;

		assert_int_equal(sl_said_write(&records[i], field, value), 0);
		assert_int_equal(read_texts(&got, field, value), 0);
		assert_memory_equal(&got, &records[i], sizeof(got));
	}
}

static void what_is_no_record_is_refused(void **state)
{
	static const struct {
		const char *field, *value;
	} rows[] = {
		{ "", "" },
		{ "s:acme:r", "" },
		{ "s:acme:r", "5 20000 0" },
		{ "s:acme:r", "5 20000 0 " },
		{ "s:acme:r", "0 20000 0 n" },
		{ "s:acme:r", "-5 20000 0 n" },
		{ "s:acme:r", "05 20000 0 n" },
		{ "s:acme:r", "5  20000 0 n" },
		{ "s:acme:r", "4503599627370497 20000 0 n" },
		{ "s:acme:r", "99999999999999999999 1 0 n" },
		{ "s:acme:r", "5 1000000000001 0 n" },
		{ "s:acme:r", "5 20000 0 n m" },
		{ "s:acme:r", "5 20000 0 n:" },
		{ "s:acme:x", "5 20000 0 n" },
		{ "s:acme:", "5 20000 0 n" },
		{ "s:acme:rr", "5 20000 0 n" },
		{ "s:acme", "5 20000 0 n" },
		{ "s::r", "5 20000 0 n" },
		{ "s:a{}:r", "5 20000 0 n" },
		{ "x:acme:r", "5 20000 0 n" },
		{ "d:node2", "5 2 0 n" },
		{ "d:node2:r", "5 1 0 n" },
		{ "d:", "5 1 0 n" },
		{ "s:0123456789012345678901234567890123456789012345678901234567890123:r",
		  "5 20000 0 n" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sl_said_record got = { .serial = 77 };

		if (read_texts(&got, rows[i].field, rows[i].value) != -EINVAL)
			fail_msg("%s = %s", rows[i].field, rows[i].value);
		assert_int_equal(got.serial, 77);
	}
}

static void what_cannot_be_read_is_not_written(void **state)
{
	char field[SL_SAID_TEXT_BYTES], value[SL_SAID_TEXT_BYTES];
	struct sl_said_record bad = limit;

	bad.rate_mu_per_s = -1;
	assert_int_equal(sl_said_write(&bad, field, value), -EINVAL);
	bad = limit;
	bad.kind = SL_QUOTA_KINDS;
	assert_int_equal(sl_said_write(&bad, field, value), -EINVAL);
	bad = limit;
	bad.by[0] = '\0';
	assert_int_equal(sl_said_write(&bad, field, value), -EINVAL);
}

static void the_newest_word_on_a_subject_counts(void **state)
{
	struct sl_said ledger = { .count = 0 };
	struct sl_said_record record = limit;

	assert_null(sl_said_find(&ledger, &limit));
	assert_int_equal(sl_said_merge(&ledger, &record), 1);
	assert_int_equal(sl_said_merge(&ledger, &record), 0);
	record.serial = 4;
	record.rate_mu_per_s = 1;
	assert_int_equal(sl_said_merge(&ledger, &record), 0);
	assert_int_equal(sl_said_find(&ledger, &limit)->rate_mu_per_s, 20000);
	record.serial = 6;
	assert_int_equal(sl_said_merge(&ledger, &record), 1);
	assert_int_equal(sl_said_find(&ledger, &limit)->rate_mu_per_s, 1);
	assert_int_equal(ledger.count, 1);
	/* Another kind, another tenant, a node of that name: other subjects. */
	record.kind = SL_QUOTA_PACKETS;
	assert_int_equal(sl_said_merge(&ledger, &record), 1);
	record.subject = SL_SAID_NODE;
	assert_int_equal(sl_said_merge(&ledger, &record), 1);
	record.kind = SL_QUOTA_BYTES; /* says nothing of a node */
	assert_int_equal(sl_said_merge(&ledger, &record), 0);
	assert_int_equal(ledger.count, 3);
	sl_said_release(&ledger);
}

static void the_ledger_is_bounded_and_finds_each(void **state)
{
	struct sl_said ledger = { .count = 0 };
	struct sl_said_record record = limit;

	for (unsigned int i = 0; i < SL_SAID_MAX; i++) {
		/* Neither sorted nor sorted backwards. */
		(void)snprintf(record.name, sizeof(record.name), "t%u", (i * 2654435761u) >> 4);
		assert_int_equal(sl_said_merge(&ledger, &record), 1);
	}
	for (unsigned int i = 0; i < SL_SAID_MAX; i++) {
		(void)snprintf(record.name, sizeof(record.name), "t%u", (i * 2654435761u) >> 4);
		assert_non_null(sl_said_find(&ledger, &record));
	}
	(void)snprintf(record.name, sizeof(record.name), "new");
	assert_int_equal(sl_said_merge(&ledger, &record), -ENOSPC);
	sl_said_release(&ledger);
}

static void an_override_changes_the_rate_and_what_follows(void **state)
{
	const struct sl_terms configured = sl_terms_of(3, 10000000, 2000000);
	struct sl_said_record record = limit;
	struct sl_terms terms = configured;

	record.rate_mu_per_s = 100000;
	sl_said_apply(&terms, NULL, 3, NOW);
	assert_memory_equal(&terms, &configured, sizeof(terms));
	sl_said_apply(&terms, &record, 3, NOW);
	assert_int_equal(terms.gen, 3 + 5);
	assert_int_equal(terms.rate_mu_per_s, 100000);
	assert_int_equal(terms.burst_mu, 20000);
	assert_int_equal(terms.guarantee_mu_per_s, 100000);
	assert_int_equal(terms.ceiling_mu_per_s, 100000);
	assert_false(terms.small);
	assert_int_equal(sl_terms_check(&terms, NULL), 0);
	/* Too small to divide among ten. */
	terms = configured;
	sl_said_apply(&terms, &record, 10, NOW);
	assert_true(terms.small);
}

static void every_rate_makes_terms_that_may_be(void **state)
{
	static const int64_t rates[] = { 1, 999, 1000, 123456789, SL_QUOTA_RATE_MAX };

	for (size_t i = 0; i < COUNT(rates); i++)
		for (size_t k = 0; k < COUNT(rates); k++) {
			struct sl_terms terms = sl_terms_of(1, rates[k], rates[k]);
			struct sl_said_record record = limit;
			const char *field = "";

			record.rate_mu_per_s = rates[i];
			record.serial = 1ll << 52;
			sl_said_apply(&terms, &record, 4, NOW);
			if (sl_terms_check(&terms, &field) != 0)
				fail_msg("%s at %d, %d", field, (int)i, (int)k);
		}
}

static void its_end_and_its_taking_back_are_newer_still(void **state)
{
	const struct sl_terms configured = sl_terms_of(3, 10000000, 2000000);
	struct sl_said_record record = limit;
	struct sl_terms terms = configured;

	record.until_ms = NOW;
	sl_said_apply(&terms, &record, 3, NOW - 1);
	assert_int_equal(terms.rate_mu_per_s, 20000);
	terms = configured;
	sl_said_apply(&terms, &record, 3, NOW);
	assert_int_equal(terms.rate_mu_per_s, 10000000);
	assert_int_equal(terms.gen, 3 + 5 + 1);
	assert_false(sl_said_holds(&record, NOW));
	/* The next one is newer than that end. */
	assert_true(sl_said_next_serial(&record, 0) > record.serial + 1);
	assert_int_equal(sl_said_next_serial(&record, NOW), NOW);
	assert_int_equal(sl_said_next_serial(NULL, 0), 1);
	record = limit;
	record.rate_mu_per_s = 0;
	terms = configured;
	sl_said_apply(&terms, &record, 3, NOW);
	assert_int_equal(terms.rate_mu_per_s, 10000000);
	assert_int_equal(terms.gen, 3 + 5);
}

static void the_next_end_is_known(void **state)
{
	struct sl_said ledger = { .count = 0 };
	struct sl_said_record record = limit;

	assert_true(sl_said_next_end(&ledger, NOW) == INT64_MAX);
	assert_int_equal(sl_said_merge(&ledger, &record), 1); /* for good */
	record.kind = SL_QUOTA_COST;
	record.until_ms = NOW;
	assert_int_equal(sl_said_merge(&ledger, &record), 1); /* over */
	assert_true(sl_said_next_end(&ledger, NOW) == INT64_MAX);
	assert_true(sl_said_next_end(&ledger, NOW - 1) == NOW);
	sl_said_release(&ledger);
}

static void a_drained_node_is_held_until_its_end(void **state)
{
	struct sl_said_record node = { .subject = SL_SAID_NODE, .drained = true, .until_ms = NOW };

	assert_true(sl_said_holds(&node, NOW - 1));
	assert_false(sl_said_holds(&node, NOW));
	node.until_ms = 0;
	assert_true(sl_said_holds(&node, NOW));
	node.drained = false;
	assert_false(sl_said_holds(&node, NOW));
	assert_false(sl_said_holds(NULL, NOW));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_read_as_it_was_written),
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(what_cannot_be_read_is_not_written),
		cmocka_unit_test(the_newest_word_on_a_subject_counts),
		cmocka_unit_test(the_ledger_is_bounded_and_finds_each),
		cmocka_unit_test(an_override_changes_the_rate_and_what_follows),
		cmocka_unit_test(every_rate_makes_terms_that_may_be),
		cmocka_unit_test(its_end_and_its_taking_back_are_newer_still),
		cmocka_unit_test(the_next_end_is_known),
		cmocka_unit_test(a_drained_node_is_held_until_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
