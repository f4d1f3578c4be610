// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/peers.h"

#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MS    1000000ull
#define START (1000000 * MS)

static int begin(void **state)
{
	static const uint64_t secret[2] = { 1, 2 };
	struct sl_peers *peers = NULL;

	assert_int_equal(sl_peers_new(&peers, "self", secret), 0);
	*state = peers;
	return 0;
}

static int end(void **state)
{
	sl_peers_free(*state);
	return 0;
}

static struct sl_beacon of(const char *node, uint64_t renewed_ms)
{
	struct sl_beacon beacon = { .incarnation = 1,
				    .has_renewed = true,
				    .renewed_ms = renewed_ms };

	(void)snprintf(beacon.node, sizeof(beacon.node), "%s", node);
	return beacon;
}

static void hear(struct sl_peers *peers, const char *node, uint64_t renewed_ms, uint64_t now_ns)
{
	const struct sl_beacon beacon = of(node, renewed_ms);

	sl_peers_hear(peers, &beacon, now_ns);
}

static int read_text(struct sl_beacon *ret, const char *text)
{
	return sl_beacon_read(ret, sl_span_of(text), NULL);
}

#define BEACON(node, incarnation, renewed, failing)                                                \
	"{\"version\":\"1\",\"node\":\"" node "\",\"incarnation\":" incarnation                    \
	",\"renewed_ms\":" renewed ",\"failing_ms\":" failing "}"

static void what_is_written_is_read(void **state)
{
	struct sl_json_out out = SL_JSON_OUT(SL_BEACON_BYTES_MAX);
	struct sl_beacon beacon = of("node-1.a_b", 950), read;
	struct sl_span text;

	(void)state;
	beacon.incarnation = 1764442857000;
	beacon.failing_ms = 12;
	sl_beacon_write(&out, &beacon);
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_int_equal(sl_beacon_read(&read, text, NULL), 0);
	assert_string_equal(read.node, beacon.node);
	assert_int_equal(read.incarnation, beacon.incarnation);
	assert_true(read.has_renewed);
	assert_int_equal(read.renewed_ms, 950);
	assert_int_equal(read.failing_ms, 12);
	sl_json_out_free(&out);
}

static void the_longest_name_fits(void **state)
{
	struct sl_json_out out = SL_JSON_OUT(SL_BEACON_BYTES_MAX);
	struct sl_beacon beacon = { .incarnation = 1ull << 53, .renewed_ms = UINT64_MAX };
	struct sl_span text;

	(void)state;
	memset(beacon.node, 'n', sizeof(beacon.node) - 1);
	beacon.has_renewed = true;
	beacon.failing_ms = UINT64_MAX;
	sl_beacon_write(&out, &beacon);
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_int_equal(sl_beacon_read(&beacon, text, NULL), 0);
	sl_json_out_free(&out);
}

static void a_node_that_never_renewed_says_so(void **state)
{
	struct sl_beacon read;

	(void)state;
	assert_int_equal(read_text(&read, BEACON("a", "1", "-1", "0")), 0);
	assert_false(read.has_renewed);
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		BEACON("", "1", "0", "0"),
		BEACON("a b", "1", "0", "0"),
		BEACON("a/b", "1", "0", "0"),
		BEACON("a", "-1", "0", "0"),
		BEACON("a", "1", "-2", "0"),
		BEACON("a", "1", "0", "-1"),
		BEACON("a", "1", "10000000001", "0"),
		BEACON("a", "1", "0", "10000000001"),
		BEACON("a", "1", "1e400", "0"),
		BEACON("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1", "0",
		       "0"),
		"{\"version\":\"2\",\"node\":\"a\",\"incarnation\":1,\"renewed_ms\":0,"
		"\"failing_ms\":0}",
	};
	char longer[SL_BEACON_BYTES_MAX + 2];
	struct sl_beacon read;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(read_text(&read, texts[i]), -EINVAL);
	(void)snprintf(longer, sizeof(longer), "%-*s", (int)SL_BEACON_BYTES_MAX + 1,
		       BEACON("a", "1", "0", "0"));
	assert_int_equal(read_text(&read, longer), -EINVAL);
	longer[SL_BEACON_BYTES_MAX] = '\0';
	assert_int_equal(read_text(&read, longer), 0);
}

static void who_fails_while_another_renews_is_cut_off(void **state)
{
	struct sl_peers *peers = *state;
	const uint64_t failing = START, later = START + 2000 * MS;

	hear(peers, "a", 0, later);
	assert_int_equal(sl_peers_verdict(peers, failing), SL_LEASE_PEERS_RENEW);
	/* One who is answered is not. */
	assert_int_equal(sl_peers_verdict(peers, 0), SL_LEASE_PEERS_UNKNOWN);
}

/* Redis ended for all: the last renewals of others came about when ours began to fail. */
static void where_nobody_renews_nobody_is_cut_off(void **state)
{
	struct sl_peers *peers = *state;
	const uint64_t failing = START, margin = SL_PEERS_MARGIN_MS * MS;

	for (uint64_t past_ms = 0; past_ms < 20000; past_ms += 1000) {
		hear(peers, "a", past_ms, failing + margin + past_ms * MS);
		assert_int_equal(sl_peers_verdict(peers, failing), SL_LEASE_PEERS_SILENT);
	}
	hear(peers, "a", 0, failing + margin + MS);
	assert_int_equal(sl_peers_verdict(peers, failing), SL_LEASE_PEERS_RENEW);
}

static void who_was_cut_off_stays_so_until_it_is_answered(void **state)
{
	struct sl_peers *peers = *state;
	const uint64_t failing = START;

	hear(peers, "a", 0, failing + 2000 * MS);
	hear(peers, "a", 60000, failing + 62000 * MS);
	assert_int_equal(sl_peers_verdict(peers, failing), SL_LEASE_PEERS_RENEW);
	(void)sl_peers_count(peers, failing + 100000 * MS);
	assert_int_equal(sl_peers_verdict(peers, failing), SL_LEASE_PEERS_RENEW);
	/* Then it was answered, and failed anew. */
	assert_int_equal(sl_peers_verdict(peers, failing + 100000 * MS), SL_LEASE_PEERS_UNKNOWN);
}

static void nobody_is_heard_at_first(void **state)
{
	assert_int_equal(sl_peers_verdict(*state, START), SL_LEASE_PEERS_UNKNOWN);
}

static void ones_own_name_is_no_peer(void **state)
{
	struct sl_peers *peers = *state;

	hear(peers, "self", 0, START + 5000 * MS);
	assert_int_equal(sl_peers_count(peers, START + 5000 * MS).renewing, 0);
	assert_int_equal(sl_peers_verdict(peers, START), SL_LEASE_PEERS_UNKNOWN);
}

static void peers_are_counted_by_what_they_do_and_forgotten(void **state)
{
	struct sl_peers *peers = *state;
	struct sl_beacon failing = of("b", 8000), idle = of("c", 0);
	struct sl_peers_counts counts;

	failing.failing_ms = 7000;
	idle.has_renewed = false;
	hear(peers, "a", 100, START);
	sl_peers_hear(peers, &failing, START);
	sl_peers_hear(peers, &idle, START);
	counts = sl_peers_count(peers, START + 1000 * MS);
	assert_int_equal(counts.renewing, 1);
	assert_int_equal(counts.failing, 1);
	assert_int_equal(counts.idle, 1);
	counts = sl_peers_count(peers, START + 5001 * MS);
	assert_int_equal(counts.renewing + counts.failing + counts.idle, 0);
}

/* Who speaks in another's name cannot take back what the other did. */
static void a_forger_cannot_unsay_a_renewal(void **state)
{
	struct sl_peers *peers = *state;
	const uint64_t now = START + 3000 * MS;
	struct sl_beacon forged = of("a", 9000);

	forged.failing_ms = 9000;
	hear(peers, "a", 0, now);
	sl_peers_hear(peers, &forged, now);
	forged.incarnation = 1ull << 53;
	sl_peers_hear(peers, &forged, now);
	assert_int_equal(sl_peers_verdict(peers, START), SL_LEASE_PEERS_RENEW);
	assert_int_equal(sl_peers_count(peers, now).renewing, 1);
	assert_int_equal(sl_peers_count(peers, now).failing, 1);
}

static void a_full_table_is_counted_and_hides_no_renewal(void **state)
{
	struct sl_peers *peers = *state;
	const uint64_t now = START + 3000 * MS;
	struct sl_beacon beacon = of("x", 0);

	beacon.has_renewed = false;
	for (uint64_t i = 0; i < SL_PEERS_MAX + 3; i++) {
		beacon.incarnation = i;
		sl_peers_hear(peers, &beacon, now);
	}
	assert_int_equal(sl_peers_count(peers, now).idle, SL_PEERS_MAX);
	assert_int_equal(sl_peers_count(peers, now).refused, 3);
	assert_int_equal(sl_peers_verdict(peers, START), SL_LEASE_PEERS_SILENT);
	hear(peers, "true", 0, now);
	assert_int_equal(sl_peers_verdict(peers, START), SL_LEASE_PEERS_RENEW);
}

/* Before this node's clock began. */
static void a_renewal_of_long_ago_is_none(void **state)
{
	struct sl_peers *peers = *state;

	hear(peers, "a", 9999999999, 5000 * MS);
	assert_int_equal(sl_peers_count(peers, 5000 * MS).idle, 1);
	assert_int_equal(sl_peers_verdict(peers, 1), SL_LEASE_PEERS_SILENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(the_longest_name_fits),
		cmocka_unit_test(a_node_that_never_renewed_says_so),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test_setup_teardown(who_fails_while_another_renews_is_cut_off, begin,
						end),
		cmocka_unit_test_setup_teardown(where_nobody_renews_nobody_is_cut_off, begin, end),
		cmocka_unit_test_setup_teardown(who_was_cut_off_stays_so_until_it_is_answered,
						begin, end),
		cmocka_unit_test_setup_teardown(nobody_is_heard_at_first, begin, end),
		cmocka_unit_test_setup_teardown(ones_own_name_is_no_peer, begin, end),
		cmocka_unit_test_setup_teardown(peers_are_counted_by_what_they_do_and_forgotten,
						begin, end),
		cmocka_unit_test_setup_teardown(a_forger_cannot_unsay_a_renewal, begin, end),
		cmocka_unit_test_setup_teardown(a_full_table_is_counted_and_hides_no_renewal, begin,
						end),
		cmocka_unit_test_setup_teardown(a_renewal_of_long_ago_is_none, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
