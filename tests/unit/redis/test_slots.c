// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/redis/replies.h"
#include "userspace/redis/slots.h"

#define FROM "192.0.2.9"

/* The check value of CRC-16/XMODEM, and what redis-server 7.0 says of CLUSTER KEYSLOT. */
static void crc_is_that_of_the_specification(void **state)
{
	assert_int_equal(sl_redis_crc16(SL_SPAN("123456789")), 0x31c3);
	assert_int_equal(sl_redis_crc16(SL_SPAN("")), 0);
	assert_int_equal(sl_redis_slot(SL_SPAN("123456789")), 0x31c3 % 16384);
	assert_int_equal(sl_redis_slot(SL_SPAN("foo")), 12182);
	assert_int_equal(sl_redis_slot(SL_SPAN("bar")), 5061);
	assert_int_equal(sl_redis_slot(SL_SPAN("")), 0);
	assert_int_equal(sl_redis_slot(SL_SPAN("a\0b")), sl_redis_crc16(SL_SPAN("a\0b")) % 16384);
}

static void the_first_tag_decides(void **state)
{
	const struct sl_span tag = SL_SPAN("b017");
	const uint16_t slot = sl_redis_slot(tag);

	assert_int_equal(sl_redis_slot(SL_SPAN("q:{b017}:acme")), slot);
	assert_int_equal(sl_redis_slot(SL_SPAN("q:{b017}:{other}")), slot);
	assert_int_equal(sl_redis_slot(SL_SPAN("{b017")),
			 sl_redis_crc16(SL_SPAN("{b017")) % SL_REDIS_SLOTS);
	/* An empty tag is none; an opening brace may be part of one. */
	assert_int_equal(sl_redis_slot(SL_SPAN("foo{}{bar}")), 8363);
	assert_int_equal(sl_redis_slot(SL_SPAN("foo{{bar}}zap")),
			 sl_redis_crc16(SL_SPAN("{bar")) % SL_REDIS_SLOTS);
	assert_int_equal(sl_redis_slot(SL_SPAN("foo}{bar}")), sl_redis_slot(SL_SPAN("bar")));
}

static void a_map_is_read(void **state)
{
	static struct sl_redis_slots slots;
	const struct sl_redis_reply reply =
		ARRAY(ARRAY(INTEGER(0), INTEGER(8191),
			    ARRAY(STRING("192.0.2.1"), INTEGER(7000), STRING("id"), ARRAY(NIL)),
			    ARRAY(STRING("not even looked at"), INTEGER(0))),
		      ARRAY(INTEGER(8192), INTEGER(16382),
			    ARRAY(STRING("2001:db8::1"), INTEGER(7001), STRING("id"))),
		      ARRAY(INTEGER(16383), INTEGER(16383), ARRAY(STRING(""), INTEGER(7002))));

	assert_int_equal(sl_redis_slots_parse(&slots, &reply, FROM), 0);
	assert_int_equal(slots.node_count, 3);
	assert_int_equal(slots.covered, 16384);
	assert_string_equal(slots.nodes[slots.owner[0] - 1].host, "192.0.2.1");
	assert_int_equal(slots.nodes[slots.owner[8191] - 1].port, 7000);
	assert_string_equal(slots.nodes[slots.owner[8192] - 1].host, "2001:db8::1");
	assert_string_equal(slots.nodes[slots.owner[16383] - 1].host, FROM);
	assert_int_equal(slots.nodes[slots.owner[16383] - 1].port, 7002);
}

static void one_master_may_have_many_ranges(void **state)
{
	static struct sl_redis_slots slots;
	const struct sl_redis_reply reply =
		ARRAY(ARRAY(INTEGER(5), INTEGER(5), ARRAY(NIL, INTEGER(7000))),
		      ARRAY(INTEGER(7), INTEGER(8), ARRAY(STRING(FROM), INTEGER(7000))));

	assert_int_equal(sl_redis_slots_parse(&slots, &reply, FROM), 0);
	assert_int_equal(slots.node_count, 1);
	assert_int_equal(slots.covered, 3);
	assert_int_equal(slots.owner[6], 0);
	assert_int_equal(slots.owner[8], slots.owner[5]);
}

#define NODE ARRAY(STRING("192.0.2.1"), INTEGER(7000))

static void what_cannot_be_is_refused(void **state)
{
	static struct sl_redis_slots slots;
	const struct sl_redis_reply replies[] = {
		NIL,
		STRING("0 1"),
		ARRAY(NIL),
		ARRAY(ARRAY(INTEGER(0), INTEGER(1))),
		ARRAY(ARRAY(INTEGER(-1), INTEGER(1), NODE)),
		ARRAY(ARRAY(INTEGER(2), INTEGER(1), NODE)),
		ARRAY(ARRAY(INTEGER(0), INTEGER(16384), NODE)),
		ARRAY(ARRAY(INTEGER(4294967296), INTEGER(4294967297), NODE)),
		ARRAY(ARRAY(STRING("0"), INTEGER(1), NODE)),
		ARRAY(ARRAY(INTEGER(0), INTEGER(1), NODE), ARRAY(INTEGER(1), INTEGER(2), NODE)),
		ARRAY(ARRAY(INTEGER(0), INTEGER(1), ARRAY(STRING("192.0.2.1"), INTEGER(0)))),
		ARRAY(ARRAY(INTEGER(0), INTEGER(1), ARRAY(STRING("192.0.2.1"), INTEGER(65536)))),
		ARRAY(ARRAY(INTEGER(0), INTEGER(1), ARRAY(STRING("192.0.2.1"), STRING("7")))),
		ARRAY(ARRAY(INTEGER(0), INTEGER(1), ARRAY(STRING("?"), INTEGER(7000)))),
		ARRAY(ARRAY(INTEGER(0), INTEGER(1), ARRAY(STRING("0.0.0.0"), INTEGER(7000)))),
		ARRAY(ARRAY(INTEGER(0), INTEGER(1), ARRAY(INTEGER(1), INTEGER(7000)))),
	};

	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		slots.covered = 77;
		assert_int_equal(sl_redis_slots_parse(&slots, &replies[i], FROM), -EINVAL);
		assert_int_equal(slots.covered, 77);
	}
}

static void more_masters_than_there_is_room_for(void **state)
{
	static struct sl_redis_reply ranges[SL_REDIS_NODES_MAX + 1][3];
	static struct sl_redis_reply items[SL_REDIS_NODES_MAX + 1];
	static struct sl_redis_reply nodes[SL_REDIS_NODES_MAX + 1][2];
	static struct sl_redis_slots slots;
	struct sl_redis_reply reply = { .type = SL_REDIS_ARRAY, .items = items };

	for (size_t i = 0; i <= SL_REDIS_NODES_MAX; i++) {
		nodes[i][0] = STRING("192.0.2.1");
		nodes[i][1] = INTEGER(7000 + (int64_t)i);
		ranges[i][0] = ranges[i][1] = INTEGER((int64_t)i);
		ranges[i][2] = (struct sl_redis_reply){ .type = SL_REDIS_ARRAY,
							.items = nodes[i],
							.count = 2 };
		items[i] = (struct sl_redis_reply){ .type = SL_REDIS_ARRAY,
						    .items = ranges[i],
						    .count = 3 };
	}
	reply.count = SL_REDIS_NODES_MAX;
	assert_int_equal(sl_redis_slots_parse(&slots, &reply, FROM), 0);
	assert_int_equal(slots.node_count, SL_REDIS_NODES_MAX);
	reply.count = SL_REDIS_NODES_MAX + 1;
	assert_int_equal(sl_redis_slots_parse(&slots, &reply, FROM), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_that_of_the_specification),
		cmocka_unit_test(the_first_tag_decides),
		cmocka_unit_test(a_map_is_read),
		cmocka_unit_test(one_master_may_have_many_ranges),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(more_masters_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
