// SPDX-License-Identifier: Apache-2.0
/*
 * The bucket of the data plane, the same text, against a bucket of tokens in numbers that
 * cannot wrap: each decision and each word must agree.
 */
#include "tests/harness/test.h"

#include <pthread.h>
#include <string.h>

#include "bpf/lib/bucket.h"

#define ONE_S_CU (1000000000ull << SL_CREDIT_SHIFT)
#define DAY_CU	 (SL_BURST_NS_MAX << SL_CREDIT_SHIFT)

typedef __int128 wide;

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static int take(uint64_t *tat, uint64_t cost, uint64_t burst, uint64_t debt, uint64_t now)
{
	struct sl_bucket_events events = { 0 };

	return sl_bucket_take((__u64 *)tat, cost, burst, debt, now, &events);
}

/* ---- against a reference --------------------------------------------------------------------- */

/* Tokens of 1 cu: what there is at @at, at most the burst, below 0 when in debt. */
struct reference {
	wide level;
	wide burst;
	wide at;
};

static int reference_take(struct reference *r, wide cost, wide now)
{
	const wide need = cost < r->burst ? cost : r->burst;

	r->level += now - r->at;
	r->at = now;
	if (r->level > r->burst)
		r->level = r->burst;
	if (r->level < need)
		return 0;
	r->level -= cost;
	return 1;
}

/* @start_cu: near 2^64 the words wrap on the way; the reference does not. */
static void compare(uint64_t start_cu, uint64_t burst, uint64_t cost_max, uint64_t step_max,
		    uint64_t *seed)
{
	const uint64_t debt = cost_max;
	struct reference r = { .level = burst, .burst = burst, .at = start_cu };
	uint64_t tat = start_cu;
	wide now = start_cu;
	unsigned admitted = 0;

	for (unsigned i = 0; i < 2000; i++) {
		const uint64_t cost = next_random(seed) % cost_max + 1;
		const uint64_t before = tat;
		int want;

		now += (wide)(next_random(seed) % step_max);
		want = reference_take(&r, cost, now);
		assert_int_equal(take(&tat, cost, burst, debt, (uint64_t)now), want);
		if (want)
			assert_true(tat == (uint64_t)(now + burst - r.level));
		else
			assert_true(tat == before);
		admitted += (unsigned)want;
	}
	assert_true(admitted > 0);
}

static void decisions_are_those_of_a_token_bucket(void **state)
{
	static const uint64_t bursts[] = { 1, 1000, ONE_S_CU, 3600 * ONE_S_CU, DAY_CU };
	static const uint64_t starts[] = { 0, 1ull << 62, (1ull << 63) - 9, ~0ull - ONE_S_CU,
					   ~0ull - 9 };
	uint64_t seed = 0xb0c4e7;

	for (size_t i = 0; i < sizeof(bursts) / sizeof(*bursts); i++) {
		for (size_t j = 0; j < sizeof(starts) / sizeof(*starts); j++) {
			const uint64_t b = bursts[i];

			compare(starts[j], b, b / 2 + 1, b / 3 + 2, &seed); /* loose */
			compare(starts[j], b, b / 2 + 1, b / 8 + 2, &seed); /* short */
			compare(starts[j], b, 3 * b, 2 * b, &seed);	    /* debts */
		}
	}
}

static void the_rate_holds_in_the_long_run(void **state)
{
	const uint64_t cost = ONE_S_CU / 1000, burst = 10 * cost;
	uint64_t tat = 0, seed = 77, now = ONE_S_CU, admitted = 0;

	while (now < 61 * ONE_S_CU) {
		now += next_random(&seed) % (cost / 3);
		admitted += (uint64_t)take(&tat, cost, burst, 0, now);
	}
	assert_in_range(admitted, 60 * 1000 + 9, 60 * 1000 + 10);
}

/* ---- single properties -------------------------------------------------------------------------
 */

static void a_burst_of_n_is_n(void **state)
{
	for (uint64_t n = 1; n < 100; n++) {
		const uint64_t cost = ONE_S_CU, now = 5 * ONE_S_CU;
		uint64_t tat = 0, admitted = 0;

		for (unsigned i = 0; i < 200; i++)
			admitted += (uint64_t)take(&tat, cost, n * cost, 0, now);
		assert_int_equal(admitted, n);
	}
}

/* After the wait, and not a unit before. */
static void the_wait_is_exact(void **state)
{
	uint64_t seed = 99;

	for (unsigned i = 0; i < 1000; i++) {
		const uint64_t burst = next_random(&seed) % DAY_CU + 1;
		const uint64_t cost = next_random(&seed) % (2 * burst) + 1;
		const uint64_t now = next_random(&seed);
		const uint64_t tat = now + next_random(&seed) % (burst + cost);
		const int64_t wait = sl_bucket_wait(tat, cost, burst, now);
		uint64_t word = tat;

		if (wait <= 0) {
			assert_true(take(&word, cost, burst, cost, now));
			continue;
		}
		assert_false(take(&word, cost, burst, cost, now + (uint64_t)wait - 1));
		assert_true(word == tat);
		assert_true(take(&word, cost, burst, cost, now + (uint64_t)wait));
	}
}

/* Looking agrees with taking and never writes. */
static void looking_takes_nothing(void **state)
{
	uint64_t seed = 5;

	for (unsigned i = 0; i < 1000; i++) {
		const uint64_t burst = next_random(&seed) % ONE_S_CU + 1;
		const uint64_t cost = next_random(&seed) % burst + 1;
		const uint64_t now = next_random(&seed);
		uint64_t tat = now - ONE_S_CU + next_random(&seed) % (2 * ONE_S_CU);
		const uint64_t before = tat;
		const int room = sl_bucket_has((__u64 *)&tat, cost, burst, now);

		assert_true(tat == before);
		assert_int_equal(take(&tat, cost, burst, DAY_CU, now), room);
	}
}

#define FURTHEST (100 + 60 + SL_CLOCK_BEHIND_CU)

static void a_word_is_pulled_back_only_from_beyond_its_reach(void **state)
{
	static const struct {
		uint64_t ahead, want;
		unsigned pullbacks;
	} rows[] = {
		{ 150, 150, 0 },	      /* refused, within burst and debt */
		{ FURTHEST, FURTHEST, 0 },    /* charged by a clock that is ahead */
		{ FURTHEST + 1, 100, 1 },     /* further: empty now */
		{ 1ull << 50, 100, 1 },	      /* an older, slower limit */
		{ (1ull << 63) - 1, 100, 1 }, /* the age before */
	};
	const uint64_t burst = 100, debt = 60, now = ~0ull - 120; /* the words wrap */

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sl_bucket_events events = { 0 };
		__u64 tat = now + rows[i].ahead;

		assert_int_equal(sl_bucket_take(&tat, 10, burst, debt, now, &events), 0);
		assert_true(tat == now + rows[i].want);
		assert_int_equal(events.pullbacks, rows[i].pullbacks);
		/* Empty: nothing was minted. */
		assert_int_equal(sl_bucket_take(&tat, 1, burst, debt, now, &events), 0);
	}
}

/*
 * Two clocks, one up to a tick behind the other, share a bucket (events do, and any
 * tenant on two CPUs): together they admit what the faster clock alone would.
 */
static void a_clock_that_is_behind_mints_nothing(void **state)
{
	const uint64_t cost = ONE_S_CU / 100000, burst = 10 * cost, tick = ONE_S_CU / 250;
	uint64_t tat = 0, now = ONE_S_CU, admitted = 0;

	for (; now < 2 * ONE_S_CU; now += cost / 7) {
		admitted += (uint64_t)take(&tat, cost, burst, 0, now);
		admitted += (uint64_t)take(&tat, cost, burst, 0, now - now % tick);
	}
	assert_in_range(admitted, 100000, 100011);
}

/* Half a wrap without a packet: what is past is a full bucket. */
static void an_idle_bucket_is_full(void **state)
{
	const uint64_t now = 1000, cost = 10, burst = 50;

	for (unsigned shift = 0; shift < 63; shift++) {
		uint64_t tat = now - (1ull << shift), admitted = 0;

		for (unsigned i = 0; i < 20; i++)
			admitted += (uint64_t)take(&tat, cost, burst, 0, now);
		assert_int_equal(admitted, 5);
	}
}

/* ---- the ends of the range
 * ------------------------------------------------------------------------ */

static void costs_do_not_overflow(void **state)
{
	static const uint64_t rates[] = { SL_BYTES_PER_S_MIN, 1000000, SL_BYTES_PER_S_MAX };
	static const uint32_t sizes[] = { 0, 1, 60, 1514, 65549, SL_PACKET_BYTES_MAX };

	for (size_t i = 0; i < 3; i++) {
		const struct sl_rate rate = { .cost = (ONE_S_CU << SL_BYTE_COST_SHIFT) / rates[i] };

		for (size_t j = 0; j < 6; j++) {
			const wide exact = (wide)rate.cost * sizes[j] >> SL_BYTE_COST_SHIFT;
			const long double real = (long double)ONE_S_CU * sizes[j] / rates[i];

			assert_true((wide)sl_bytes_cost(&rate, sizes[j]) == exact);
			assert_true((long double)exact <= real + 1);
			assert_true((long double)exact >= real * 0.999996L - 1);
		}
		/* No packet owes more than the debt, and the furthest word is still ahead. */
		assert_true(sl_bytes_cost(&rate, SL_PACKET_BYTES_MAX) <= sl_bytes_debt(&rate));
		assert_true((wide)sl_bytes_debt(&rate) + DAY_CU < (wide)1 << 63);
	}
}

static void the_slowest_packet_rate_owes_no_wrap(void **state)
{
	const struct sl_rate slow = { .cost = ONE_S_CU };

	assert_true((wide)sl_packets_debt(&slow) == (wide)slow.cost * 1024);
	assert_true((wide)sl_packets_debt(&slow) + DAY_CU < (wide)1 << 63);
}

/* ---- threads
 * --------------------------------------------------------------------------------------- */

#define THREADS 4
#define TAKES	200000u

struct shared {
	__u64 tat;
	uint64_t cost, burst, now;
};

struct taker {
	pthread_t thread;
	struct shared *shared;
	uint64_t taken;
	struct sl_bucket_events events;
};

static void *take_many(void *argument)
{
	struct taker *t = argument;
	struct shared *s = t->shared;

	for (unsigned i = 0; i < TAKES; i++)
		t->taken +=
			(uint64_t)sl_bucket_take(&s->tat, s->cost, s->burst, 0, s->now, &t->events);
	return NULL;
}

/* Each take is in the word once; more than the burst only by races, which are counted. */
static void no_take_is_lost_between_threads(void **state)
{
	struct shared shared = { .cost = 1000,
				 .burst = 1000ull * THREADS * TAKES / 2,
				 .now = ONE_S_CU };
	struct taker takers[THREADS] = { 0 };
	uint64_t taken = 0, exhausted = 0, pullbacks = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		takers[i].shared = &shared;
		assert_int_equal(pthread_create(&takers[i].thread, NULL, take_many, &takers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(takers[i].thread, NULL), 0);
		taken += takers[i].taken;
		exhausted += takers[i].events.cas_exhausted;
		pullbacks += takers[i].events.pullbacks;
	}
	assert_in_range(taken, THREADS * TAKES / 2, THREADS * TAKES / 2 + exhausted);
	if (!pullbacks)
		assert_true(shared.tat == shared.now + taken * shared.cost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_are_those_of_a_token_bucket),
		cmocka_unit_test(the_rate_holds_in_the_long_run),
		cmocka_unit_test(a_burst_of_n_is_n),
		cmocka_unit_test(the_wait_is_exact),
		cmocka_unit_test(looking_takes_nothing),
		cmocka_unit_test(a_word_is_pulled_back_only_from_beyond_its_reach),
		cmocka_unit_test(a_clock_that_is_behind_mints_nothing),
		cmocka_unit_test(an_idle_bucket_is_full),
		cmocka_unit_test(costs_do_not_overflow),
		cmocka_unit_test(the_slowest_packet_rate_owes_no_wrap),
		cmocka_unit_test(no_take_is_lost_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
