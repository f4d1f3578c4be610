// SPDX-License-Identifier: Apache-2.0
/* Lanes: exact while there are idle ones, and of one kind when they are shared. */
#include "tests/harness/test.h"
#include "userspace/bus/bus_private.h"

#define MANY 500u

static struct sl_bus_requests requests;
static struct sl_bus_request decides[MANY], other;

static void ask(struct sl_bus_request *request, const char *subject)
{
	request->kind = sl_bus_lane_kind(subject);
	request->lane = sl_bus_lane_choose(&requests, request->kind);
	sl_bus_lane_enter(&requests, request);
}

static void kinds_are_of_who_answers(void **state)
{
	(void)state;
	assert_int_not_equal(sl_bus_lane_kind("beamline.router.v1.decide"),
			     sl_bus_lane_kind("beamline.router.v1.get_decision"));
	assert_int_equal(sl_bus_lane_kind("$KV.SLUICE_IDEMPOTENCY.a"),
			 sl_bus_lane_kind("$KV.SLUICE_IDEMPOTENCY.b.c"));
	assert_int_not_equal(sl_bus_lane_kind("$KV.A.x"), sl_bus_lane_kind("$KV.B.x"));
}

static void few_have_a_lane_each(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SL_BUS_LANES - 8; i++)
		ask(&decides[i], "decide");
	for (uint32_t i = 0; i < SL_BUS_LANES - 8; i++)
		assert_null(decides[i].older);
	for (uint32_t i = 0; i < SL_BUS_LANES - 8; i++)
		sl_bus_lane_leave(&requests, &decides[i]);
	assert_int_equal(requests.busy, 0);
}

static void another_kind_is_alone_among_many(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		ask(&decides[i], "decide");
	ask(&other, "status");
	assert_null(other.older);
	assert_ptr_equal(requests.lanes[other.lane].newest, &other);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_not_equal(decides[i].lane, other.lane);
	sl_bus_lane_leave(&requests, &other);
	for (uint32_t i = MANY; i-- > 0;)
		sl_bus_lane_leave(&requests, &decides[i]);
	assert_int_equal(requests.busy, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_of_who_answers),
		cmocka_unit_test(few_have_a_lane_each),
		cmocka_unit_test(another_kind_is_alone_among_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
