// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/pressure_demand.h"

#include "tests/harness/test.h"

#define HALF_S 0.5

/* A tenant that sends datagrams and opens connections of so many packets, each a second. */
struct traffic {
	double datagrams, conns, conn_packets;
};

static double least(double a, double b)
{
	return a < b ? a : b;
}

/* What the kernel makes of that at a level, as bpf/lib/shed.h has it, in half a second. */
static double sample(struct sl_shed_demand *demand, struct traffic traffic, uint32_t level)
{
	const double part = (double)level / 1000, refused = least(2 * part, 1);
	const struct sl_shed_sample sample = {
		.seconds = HALF_S,
		.passed = HALF_S * (traffic.datagrams * (1 - part) +
				    traffic.conns * traffic.conn_packets * (1 - refused)),
		.shed = HALF_S * (traffic.datagrams * part + traffic.conns * refused),
		.level_permille = level,
	};

	sl_shed_demand_sample(demand, &sample);
	return sample.passed / HALF_S;
}

static bool is_near(double got, double wanted)
{
	return got > wanted * 0.99 && got < wanted * 1.01;
}

/*
 * Half of it is to go, for @count samples; gives what passed in the last one. The demand must
 * be known all the time.
 */
static double shed_half(struct sl_shed_demand *demand, struct traffic traffic, unsigned int count)
{
	const double wants = traffic.datagrams + traffic.conns * traffic.conn_packets;
	double passed = 0;

	for (unsigned int i = 0; i < 10; i++)
		(void)sample(demand, traffic, 0);
	assert_true(is_near(demand->per_s, wants));
	while (count--) {
		passed = sample(demand, traffic, sl_shed_demand_level(demand, 500));
		assert_true(is_near(demand->per_s, wants));
	}
	return passed;
}

/*
 * `scripts/demo.sh --nodes`: each refused connection was one packet of five, so that the demand
 * fell below what may pass, and every other half second nothing was shed.
 */
static void refused_connections_are_still_wanted(void **state)
{
	struct sl_shed_demand demand = { 0 };

	(void)state;
	assert_true(is_near(shed_half(&demand, (struct traffic){ 0, 40, 5 }, 10), 100));
	assert_true(is_near(demand.weight, 5));
	/* Half of it came back: it wants as much as it did. */
	(void)sample(&demand, (struct traffic){ 0, 40, 5 }, 0);
	assert_true(is_near(demand.per_s, 200));
	/* Fewer want in: that is seen, too. */
	(void)shed_half(&demand, (struct traffic){ 0, 40, 5 }, 10);
	(void)sample(&demand, (struct traffic){ 0, 20, 5 }, 250);
	assert_true(is_near(demand.per_s, 100));
}

static void datagrams_are_what_they_are(void **state)
{
	struct sl_shed_demand demand = { 0 };

	(void)state;
	assert_true(is_near(shed_half(&demand, (struct traffic){ 200, 0, 0 }, 10), 100));
	assert_true(demand.weight <= 1 && demand.conns == 0);
	(void)sample(&demand, (struct traffic){ 400, 0, 0 }, 500); /* more than before */
	assert_true(is_near(demand.per_s, 400));
}

static void of_a_mixture_as_much_passes(void **state)
{
	struct sl_shed_demand demand = { 0 };

	(void)state;
	assert_true(is_near(shed_half(&demand, (struct traffic){ 100, 20, 5 }, 10), 100));
	assert_true(is_near(demand.conns, 0.5));
}

static void all_of_it_is_all_of_it(void **state)
{
	struct sl_shed_demand demand = { .conns = 1, .weight = 5 };

	(void)state;
	assert_int_equal(sl_shed_demand_level(&demand, 0), 0);
	assert_int_equal(sl_shed_demand_level(&demand, 600), 300);
	assert_int_equal(sl_shed_demand_level(&demand, 999), 500);
	assert_int_equal(sl_shed_demand_level(&demand, 1000), 1000);
	demand.conns = 0.25;
	assert_int_equal(sl_shed_demand_level(&demand, 500), 400);
	assert_int_equal(sl_shed_demand_level(&demand, 700), 600);
}

/* A few packets say nothing, nor does a demand that changed as shedding began. */
static void what_cannot_be_learnt_is_counted_as_it_comes(void **state)
{
	struct sl_shed_demand demand = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 10; i++)
		(void)sample(&demand, (struct traffic){ 0, 1, 4 }, 0);
	for (unsigned int i = 0; i < 5; i++)
		(void)sample(&demand, (struct traffic){ 0, 1, 4 }, 500);
	assert_true(is_near(demand.per_s, 4)); /* as before, for a while */
	(void)sample(&demand, (struct traffic){ 0, 1, 4 }, 500);
	assert_true(is_near(demand.per_s, 1));
	assert_false(demand.is_learnt);

	demand = (struct sl_shed_demand){ 0 };
	for (unsigned int i = 0; i < 10; i++)
		(void)sample(&demand, (struct traffic){ 0, 40, 5 }, 0);
	(void)sample(&demand, (struct traffic){ 0, 200, 5 }, 300);
	assert_true(demand.is_learnt && demand.weight <= 1 && demand.conns == 0);
	/* Nobody was there before: what comes counts. */
	demand = (struct sl_shed_demand){ 0 };
	(void)sample(&demand, (struct traffic){ 100, 0, 0 }, 500);
	assert_true(is_near(demand.per_s, 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_connections_are_still_wanted),
		cmocka_unit_test(datagrams_are_what_they_are),
		cmocka_unit_test(of_a_mixture_as_much_passes),
		cmocka_unit_test(all_of_it_is_all_of_it),
		cmocka_unit_test(what_cannot_be_learnt_is_counted_as_it_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
