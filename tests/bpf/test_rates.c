// SPDX-License-Identifier: Apache-2.0
/*
 * Buckets over time and over changes: what a new limit, a new tenant and a flipped epoch
 * do to a bucket that is there, both clocks, and the slowest and fastest rates.
 */
#include "tests/harness/test.h"

#include <linux/bpf.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/suite.h"

static struct sl_pkt udp(void)
{
	return SL_PKT(.to = SL_LOCAL4, .payload_bytes = 58);
}

static struct sl_side *ingress(struct sl_shield *s)
{
	return &sl_shield_limit(s, SL_TENANT)->ingress;
}

static struct sl_bucket_side *bucket(struct sl_shield *s)
{
	return &s->buckets[SL_TENANT].ingress;
}

static void admits(const struct sl_shield *s, unsigned count)
{
	const struct sl_pkt p = udp();

	for (unsigned i = 0; i < count; i++)
		sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
}

static void refuses(const struct sl_shield *s, enum sl_reason reason)
{
	const struct sl_pkt p = udp();

	sl_expect(s, &p, SL_TENANT, reason);
}

/* ---- changes --------------------------------------------------------------------------- */

static void the_same_limit_again_mints_nothing(void **state)
{
	struct sl_shield *s = *state;

	ingress(s)->packets = sl_shield_rate(0, 5);
	admits(s, 5);
	refuses(s, SL_REASON_RATE_PACKETS);
	ingress(s)->packets = sl_shield_rate(0, 5);
	refuses(s, SL_REASON_RATE_PACKETS);
}

/* The agent fills the dead half and flips: the bucket knows nothing of halves. */
static void a_flipped_epoch_mints_nothing(void **state)
{
	struct sl_shield *s = *state;

	sl_shield_protect(s, 1, SL_TENANT);
	s->limits[SL_TENANT].ingress.packets = sl_shield_rate(0, 5);
	s->limits[SL_SHIELD_TENANTS + SL_TENANT].ingress.packets = sl_shield_rate(0, 5);
	admits(s, 3);
	s->ctl->epoch++;
	admits(s, 2);
	refuses(s, SL_REASON_RATE_PACKETS);
	s->ctl->epoch++;
	refuses(s, SL_REASON_RATE_PACKETS);
}

static void each_half_has_its_limit(void **state)
{
	struct sl_shield *s = *state;

	sl_shield_protect(s, 1, SL_TENANT);
	s->limits[SL_TENANT].ingress.packets = sl_shield_rate(0, 1);
	s->limits[SL_SHIELD_TENANTS + SL_TENANT].ingress.packets = sl_shield_rate(0, 3);
	admits(s, 1);
	refuses(s, SL_REASON_RATE_PACKETS);
	s->ctl->epoch++;
	admits(s, 2);
	refuses(s, SL_REASON_RATE_PACKETS);
}

/* A larger burst admits what it is larger by. */
static void a_raised_burst_admits_the_difference(void **state)
{
	struct sl_shield *s = *state;

	ingress(s)->packets = sl_shield_rate(0, 5);
	admits(s, 5);
	ingress(s)->packets = sl_shield_rate(0, 7);
	admits(s, 2);
	refuses(s, SL_REASON_RATE_PACKETS);
}

static void another_tenant_starts_with_full_buckets(void **state)
{
	struct sl_shield *s = *state;

	ingress(s)->packets = sl_shield_rate(0, 5);
	ingress(s)->bytes = sl_shield_bytes_rate(0, 300);
	admits(s, 3);
	refuses(s, SL_REASON_RATE_BYTES);
	ingress(s)->gen++;
	admits(s, 3);
	refuses(s, SL_REASON_RATE_BYTES);
	ingress(s)->bytes.cost = 0;
	admits(s, 2);
	refuses(s, SL_REASON_RATE_PACKETS);
	assert_int_equal(bucket(s)->gen, 2);
	assert_int_equal(s->buckets[SL_TENANT].egress.gen, 0);
}

/* Nor do new connections and fragments remember the former tenant. */
static void another_tenant_may_connect_at_once(void **state)
{
	const struct sl_pkt syn = SL_PKT(.to = SL_LOCAL4, .protocol = IPPROTO_TCP, .flags = TH_SYN);
	const struct sl_pkt later = SL_PKT(.to = SL_LOCAL4, .fragment = 1, .payload_bytes = 8);
	struct sl_shield *s = *state;
	struct sl_limit *l = sl_shield_limit(s, SL_TENANT);

	l->ingress.flags = SL_SIDE_NEW_CONNS | SL_SIDE_FRAGMENTS;
	l->new_conns = l->fragments = sl_shield_rate(0, 1);
	for (unsigned i = 0; i < 3; i++) {
		l->ingress.gen++;
		sl_expect(s, &syn, SL_TENANT, SL_REASON_PASS);
		sl_expect(s, &syn, SL_TENANT, SL_REASON_RATE_NEW_CONNS);
		sl_expect(s, &later, SL_TENANT, SL_REASON_PASS);
		sl_expect(s, &later, SL_TENANT, SL_REASON_FRAGMENTS);
	}
}

/*
 * An older, slower limit left the bucket hours ahead: the first packet under the new
 * one is refused and pulls it back, to "empty now" and not to "full".
 */
static void a_faster_limit_does_not_wait_for_the_slower(void **state)
{
	struct sl_shield *s = *state;
	struct sl_tally tally;

	ingress(s)->flags = SL_SIDE_KTIME;
	ingress(s)->packets = sl_shield_rate(0, 5);
	admits(s, 5);
	ingress(s)->packets = sl_shield_rate(50, 10); /* 20 ms each */
	refuses(s, SL_REASON_RATE_PACKETS);
	sl_tally_read(&tally, s);
	assert_int_equal(tally.node.pullbacks, 1);
	assert_true(bucket(s)->packets_tat_cu <=
		    (sl_shield_now_ns() << SL_CREDIT_SHIFT) + ingress(s)->packets.burst_cu);
	assert_int_equal(usleep(45000), 0);
	admits(s, 2);
	assert_true(bucket(s)->packets_tat_cu >
		    (sl_shield_now_ns() << SL_CREDIT_SHIFT) + 7 * ingress(s)->packets.cost);
}

/* Credits wrap after 208 days: a word half a wrap away is pulled back, not obeyed. */
static void a_word_from_another_age_is_pulled_back(void **state)
{
	struct sl_shield *s = *state;

	ingress(s)->flags = SL_SIDE_KTIME;
	ingress(s)->packets = sl_shield_rate(1000, 1);
	bucket(s)->gen = 1;
	bucket(s)->packets_tat_cu =
		(sl_shield_now_ns() << SL_CREDIT_SHIFT) + (1ull << 63) - (1ull << 40);
	refuses(s, SL_REASON_RATE_PACKETS);
	assert_int_equal(usleep(5000), 0);
	admits(s, 1);
}

/* ---- clocks ------------------------------------------------------------------------------ */

/* The verdict's clock, as the explain program shows it, and what it is compared with. */
static int64_t clock_behind_ns(struct sl_shield *s)
{
	const struct sl_pkt p = udp();
	const struct sl_explanation e = sl_explain(s, SL_AT_XDP, &p);

	return (int64_t)(sl_shield_now_ns() - e.now_ns);
}

static void the_fine_clock_is_the_monotonic_one(void **state)
{
	struct sl_shield *s = *state;

	ingress(s)->flags = SL_SIDE_KTIME;
	assert_in_range(clock_behind_ns(s), 0, 100 * SL_NS_MS);
}

static void the_coarse_clock_is_a_tick_behind_at_most(void **state)
{
	struct sl_shield *s = *state;
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < 40; i++) {
		const int64_t behind = clock_behind_ns(s);

		assert_true(behind >= 0);
		least = behind < least ? behind : least;
		assert_int_equal(usleep(700), 0);
	}
	assert_true(least <= (int64_t)s->tick_ns);
}

/* Going from one clock to the other and back gains no tick. */
static void changing_the_clock_mints_nothing(void **state)
{
	struct sl_shield *s = *state;

	ingress(s)->packets = sl_shield_rate(0, 4);
	admits(s, 1);
	for (unsigned i = 0; i < 3; i++) {
		ingress(s)->flags ^= SL_SIDE_KTIME;
		admits(s, 1);
	}
	refuses(s, SL_REASON_RATE_PACKETS);
	ingress(s)->flags ^= SL_SIDE_KTIME;
	refuses(s, SL_REASON_RATE_PACKETS);
}

/* ---- the ends of the range ----------------------------------------------------------------- */

/* The longest burst there may be at the slowest rate: one packet a second for a day. */
static void a_packet_a_second_for_a_day(void **state)
{
	struct sl_shield *s = *state;
	const uint64_t day_cu = SL_BURST_NS_MAX << SL_CREDIT_SHIFT;

	for (unsigned i = 0; i < 2; i++) {
		ingress(s)->gen++;
		ingress(s)->flags ^= SL_SIDE_KTIME;
		ingress(s)->packets = (struct sl_rate){ .cost = SL_CU_S, .burst_cu = day_cu };
		admits(s, 10);
		/* All but 5 and a half of the day's. */
		bucket(s)->packets_tat_cu =
			(sl_shield_now_ns() << SL_CREDIT_SHIFT) + day_cu - 11 * SL_CU_S / 2;
		admits(s, 5);
		refuses(s, SL_REASON_RATE_PACKETS);
	}
}

/* 1 KB/s and the largest frame a program may be charged for. */
static void a_kilobyte_a_second(void **state)
{
	const struct sl_pkt jumbo = SL_PKT(.to = SL_LOCAL4, .payload_bytes = 8958);
	struct sl_shield *s = *state;
	const struct sl_arrival largest = { .charged_bytes = SL_PACKET_BYTES_MAX };

	ingress(s)->bytes = sl_shield_bytes_rate(SL_BYTES_PER_S_MIN, 9000 * 3);
	for (unsigned i = 0; i < 3; i++)
		sl_expect(s, &jumbo, SL_TENANT, SL_REASON_PASS);
	sl_expect(s, &jumbo, SL_TENANT, SL_REASON_RATE_BYTES);

	/* With overhead the length is cut to the maximum: 524 seconds of debt. */
	ingress(s)->gen++;
	ingress(s)->flags = SL_SIDE_KTIME;
	s->ctl->half[0].overhead_ingress_bytes = 0x7fffffff;
	sl_expect_at(SL_HERE("largest"), s, &largest, &jumbo,
		     (struct sl_expected){ .tenant = SL_TENANT });
	assert_in_range(bucket(s)->bytes_tat_cu - (sl_shield_now_ns() << SL_CREDIT_SHIFT),
			523 * SL_CU_S, 525 * SL_CU_S);
	sl_expect_at(SL_HERE("after the largest"), s, &largest, &jumbo,
		     (struct sl_expected){ .tenant = SL_TENANT, .reason = SL_REASON_RATE_BYTES });
}

/* Fast rates cannot be exhausted by single runs: so many at once, in one run. */
static void the_fastest_rates_admit_all(void **state)
{
	const struct sl_pkt p = udp();
	struct sl_shield *s = *state;
	const unsigned many = 200000;

	ingress(s)->packets = sl_shield_rate(SL_RATE_PER_S_MAX, SL_RATE_PER_S_MAX / 100);
	ingress(s)->bytes = sl_shield_bytes_rate(SL_BYTES_PER_S_MAX, SL_BYTES_PER_S_MAX / 100);
	(void)sl_run(s, SL_AT_XDP, &p, many, NULL);
	assert_int_equal(sl_counted(s, SL_TENANT, SL_REASON_PASS).packets, many);
	assert_int_equal(sl_counted(s, SL_TENANT, SL_REASON_PASS).bytes, (uint64_t)many * p.length);
}

/* At 400 Gb/s a byte is 335,544 units: 10 packets' bytes are 10 packets' bytes. */
static void the_fastest_byte_rate_still_counts(void **state)
{
	const struct sl_pkt p = udp();
	struct sl_shield *s = *state;

	ingress(s)->flags = SL_SIDE_KTIME;
	ingress(s)->bytes = sl_shield_bytes_rate(SL_BYTES_PER_S_MAX, 10ull * p.length);
	assert_int_equal(ingress(s)->bytes.cost, 335544);
	/* The bucket is full again in 20 ns: put the word where it is not. */
	sl_expect(s, &p, SL_TENANT, SL_REASON_PASS);
	bucket(s)->bytes_tat_cu = (sl_shield_now_ns() + 50 * SL_NS_MS) << SL_CREDIT_SHIFT;
	sl_expect(s, &p, SL_TENANT, SL_REASON_RATE_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_same_limit_again_mints_nothing, sl_setup_world),
		cmocka_unit_test_setup(a_flipped_epoch_mints_nothing, sl_setup_world),
		cmocka_unit_test_setup(each_half_has_its_limit, sl_setup_world),
		cmocka_unit_test_setup(a_raised_burst_admits_the_difference, sl_setup_world),
		cmocka_unit_test_setup(another_tenant_starts_with_full_buckets, sl_setup_world),
		cmocka_unit_test_setup(another_tenant_may_connect_at_once, sl_setup_world),
		cmocka_unit_test_setup(a_faster_limit_does_not_wait_for_the_slower, sl_setup_world),
		cmocka_unit_test_setup(a_word_from_another_age_is_pulled_back, sl_setup_world),
		cmocka_unit_test_setup(the_fine_clock_is_the_monotonic_one, sl_setup_world),
		cmocka_unit_test_setup(the_coarse_clock_is_a_tick_behind_at_most, sl_setup_world),
		cmocka_unit_test_setup(changing_the_clock_mints_nothing, sl_setup_world),
		cmocka_unit_test_setup(a_packet_a_second_for_a_day, sl_setup_world),
		cmocka_unit_test_setup(a_kilobyte_a_second, sl_setup_world),
		cmocka_unit_test_setup(the_fastest_rates_admit_all, sl_setup_world),
		cmocka_unit_test_setup(the_fastest_byte_rate_still_counts, sl_setup_world),
	};

	return cmocka_run_group_tests(tests, sl_setup_xdp, sl_teardown);
}
