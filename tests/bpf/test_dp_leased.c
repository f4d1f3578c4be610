// SPDX-License-Identifier: Apache-2.0
/* Shares of one limit that move between two tenants, as between two nodes. */
#include "tests/harness/dataplane.h"

#include <errno.h>

#include "userspace/dataplane/sync_rates.h"
#include "userspace/domain/rate_change.h"

#define S_NS	   1000000000ull
#define PER_S	   100000u /* packets, of both together */
#define BURST	   20000u
#define XDP_DROPS  1u
#define XDP_PASSES 2u

static const char *const peer = "192.0.2.1";

static struct sl_rate share(unsigned int percent)
{
	return sl_rate_of_mu(PER_S * 10ull * percent, BURST * 10ull * percent, SL_UNIT_COUNT);
}

static struct sl_leased leased(unsigned int percent, uint64_t until_ns)
{
	return (struct sl_leased){
		.which = SL_LEASED_PACKETS,
		.packets = share(percent),
		.safe_packets = share(1),
		.fallback = SL_FALLBACK_CLOSED,
		.until_ns = until_ns,
	};
}

static void give(const struct sl_bed *bed, uint32_t tenant, unsigned int percent)
{
	uint64_t now_ns = sl_bed_now_ns();
	struct sl_leased limit = leased(percent, now_ns + 60 * S_NS);

	assert_int_equal(sl_sync_leased(sl_bed_maps(bed), tenant, &limit, now_ns), 0);
}

static void flood(const struct sl_bed *bed, unsigned int host, uint64_t until_ns)
{
	struct sl_frame64 frame = sl_bed_frame(peer, host, 80);

	do
		(void)sl_bed_run(bed, "sl_xdp_ingress", &frame, 20000);
	while (sl_bed_now_ns() < until_ns);
}

static uint64_t passed(const struct sl_bed *bed)
{
	return sl_bed_passed(bed, 1) + sl_bed_passed(bed, 2);
}

static void begin(const struct sl_bed *bed, uint64_t packets_per_s)
{
	struct sl_config *config = sl_bed_config(bed, 2, packets_per_s);

	sl_plan_free(sl_bed_apply(bed, config));
	sl_config_free(config);
}

/*
 * The idle one has a full, small bucket; then nearly all of the rate is its. A bucket that
 * filled up with the larger share would admit some 16,000 more at each of the moves.
 */
static void a_share_that_moves_mints_nothing(void **state)
{
	const struct sl_bed *bed = *state;
	uint64_t begun_ns, ended_ns, most, got;

	begin(bed, PER_S);
	give(bed, 1, 50);
	give(bed, 2, 50);
	begun_ns = sl_bed_now_ns();
	got = passed(bed);
	for (unsigned int i = 0; i < 50; i++) {
		uint32_t to = 1 + i % 2;

		give(bed, 3 - to, 10);
		give(bed, to, 90);
		flood(bed, to, sl_bed_now_ns() + 5000000);
	}
	ended_ns = sl_bed_now_ns();
	got = passed(bed) - got;
	most = BURST + PER_S * (ended_ns - begun_ns) / S_NS;
	assert_true(got <= most);
	assert_true(got >= most * 8 / 10); /* the flooded one has nine tenths */
}

static void a_lease_in_force_is_the_limit_and_then_its_fallback(void **state)
{
	const struct sl_bed *bed = *state;
	struct sl_frame64 frame = sl_bed_frame(peer, 1, 80);
	uint64_t now_ns = sl_bed_now_ns();
	struct sl_leased limit = leased(50, now_ns + 60 * S_NS);
	struct sl_maps *maps = sl_bed_maps(bed);

	begin(bed, 0);
	assert_int_equal(sl_sync_leased(maps, 1, &limit, now_ns), 0);
	for (int half = 0; half < 2; half++) {
		const struct sl_maps_view *view = sl_maps_view(maps);
		const struct sl_limit *made = &view->limits[1 + (half ? view->tenants : 0)];

		assert_int_equal(made->ingress.packets.cost, share(50).cost);
		assert_int_equal(made->ingress.lease_until_ns, limit.until_ns);
		assert_int_equal(sl_side_fallback(made->ingress.flags), SL_FALLBACK_CLOSED);
		assert_int_equal(made->egress.lease_until_ns, 0);
	}
	assert_int_equal(sl_bed_run(bed, "sl_xdp_ingress", &frame, 1), XDP_PASSES);
	limit.until_ns = 1;
	assert_int_equal(sl_sync_leased(maps, 1, &limit, now_ns), 0);
	assert_int_equal(sl_bed_run(bed, "sl_xdp_ingress", &frame, 1), XDP_DROPS);
}

/* What is leased ends with its safe rate; what is not keeps its own limit beyond the end. */
static void each_limit_has_its_fallback(void **state)
{
	const struct sl_bed *bed = *state;
	struct sl_config *config = sl_bed_config(bed, 2, PER_S);
	struct sl_leased conns = {
		.which = SL_LEASED_NEW_CONNS,
		.new_conns = share(50),
		.safe_new_conns = share(2),
		.fallback = SL_FALLBACK_SAFE,
		.until_ns = sl_bed_now_ns() + 60 * S_NS,
	};
	struct sl_leased packets = leased(50, conns.until_ns);

	config->tenants[0].new_connections = config->tenants[1].new_connections =
		(struct sl_rate_spec){ .per_s = 10, .burst = 5 };
	sl_plan_free(sl_bed_apply(bed, config));
	assert_int_equal(sl_sync_leased(sl_bed_maps(bed), 1, &conns, sl_bed_now_ns()), 0);
	assert_int_equal(sl_sync_leased(sl_bed_maps(bed), 2, &packets, sl_bed_now_ns()), 0);
	for (int half = 0; half < 2; half++) {
		const struct sl_maps_view *view = sl_maps_view(sl_bed_maps(bed));
		const struct sl_limit *of = &view->limits[half ? view->tenants : 0];

		assert_int_equal(of[1].new_conns.cost, share(50).cost);
		assert_int_equal(of[1].safe_new_conns.cost, share(2).cost);
		assert_int_equal(of[1].safe_new_conns.burst_cu, share(2).burst_cu);
		assert_int_equal(of[2].safe_packets.cost, share(1).cost);
		/* Only the half in force has a plan. */
		if (half != (int)(view->ctl->epoch & 1))
			continue;
		assert_int_not_equal(of[1].ingress.packets.cost, 0);
		assert_int_equal(of[1].safe_packets.cost, of[1].ingress.packets.cost);
		assert_int_not_equal(of[2].new_conns.cost, 0);
		assert_int_equal(of[2].safe_new_conns.cost, of[2].new_conns.cost);
	}
	sl_config_free(config);
}

static void a_lease_of_nothing_lets_nothing_pass(void **state)
{
	const struct sl_bed *bed = *state;
	struct sl_leased nothing = leased(0, 0);
	uint64_t before;

	begin(bed, PER_S);
	assert_int_equal(sl_sync_leased(sl_bed_maps(bed), 1, &nothing, sl_bed_now_ns()), 0);
	before = sl_bed_passed(bed, 1);
	flood(bed, 1, 0);
	assert_int_equal(sl_bed_passed(bed, 1), before);
}

static void there_is_no_lease_of_nobody(void **state)
{
	const struct sl_bed *bed = *state;
	struct sl_leased limit = leased(50, 0);

	assert_int_equal(sl_sync_leased(sl_bed_maps(bed), bed->sizes.tenants, &limit, 1), -ERANGE);
}

static int open_bed(void **state)
{
	int err = sl_bed_setup(state, "leased");

	if (!err)
		sl_bed_open(*state, false);
	return err;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_that_moves_mints_nothing),
		cmocka_unit_test(a_lease_in_force_is_the_limit_and_then_its_fallback),
		cmocka_unit_test(each_limit_has_its_fallback),
		cmocka_unit_test(a_lease_of_nothing_lets_nothing_pass),
		cmocka_unit_test(there_is_no_lease_of_nobody),
	};

	sl_bed_enter_namespace();
	return cmocka_run_group_tests(tests, open_bed, sl_bed_teardown);
}
