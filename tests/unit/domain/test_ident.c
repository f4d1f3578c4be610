// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <string.h>

#include "userspace/domain/ident.h"

static bool uuid(const char *text)
{
	return sl_is_uuid4(sl_span_of(text));
}

static bool ulid(const char *text)
{
	return sl_is_ulid(sl_span_of(text));
}

static void knows_a_uuid_of_version_4(void **state)
{
	assert_true(uuid("0f8fad5b-d9cb-469f-a165-70867728950e"));
	assert_true(uuid("0F8FAD5B-D9CB-469F-B165-70867728950E"));
	assert_true(uuid("00000000-0000-4000-8000-000000000000"));
	assert_false(uuid("0f8fad5b-d9cb-169f-a165-70867728950e")); /* version 1 */
	assert_false(uuid("0f8fad5b-d9cb-469f-c165-70867728950e")); /* another variant */
	assert_false(uuid("0f8fad5b-d9cb-469f-a165-70867728950"));
	assert_false(uuid("0f8fad5b-d9cb-469f-a165-70867728950e0"));
	assert_false(uuid("0f8fad5bd-9cb-469f-a165-70867728950e"));
	assert_false(uuid("0f8fad5b-d9cb-469f-a165-7086772895g0"));
	assert_false(uuid("0f8fad5b0d9cb0469f0a165070867728950e"));
	assert_false(uuid("{f8fad5b-d9cb-469f-a165-70867728950}"));
	assert_false(uuid(""));
}

static void knows_a_ulid(void **state)
{
	assert_true(ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
	assert_true(ulid("01arz3ndektsv4rrffq69g5fav"));
	assert_true(ulid("7ZZZZZZZZZZZZZZZZZZZZZZZZZ"));
	assert_false(ulid("8ZZZZZZZZZZZZZZZZZZZZZZZZZ")); /* more than 128 bits */
	assert_false(ulid("01ARZ3NDEKTSV4RRFFQ69G5FAI"));
	assert_false(ulid("01ARZ3NDEKTSV4RRFFQ69G5FAL"));
	assert_false(ulid("01ARZ3NDEKTSV4RRFFQ69G5FAO"));
	assert_false(ulid("01ARZ3NDEKTSV4RRFFQ69G5FAU"));
	assert_false(ulid("01ARZ3NDEKTSV4RRFFQ69G5FA"));
	assert_false(ulid("01ARZ3NDEKTSV4RRFFQ69G5FAVV"));
	assert_false(sl_is_ulid((struct sl_span){ "01ARZ3NDEKTSV4RRFFQ69G5FA\0", 26 }));
	assert_false(ulid(""));
}

static void knows_hex_of_a_length(void **state)
{
	assert_true(sl_is_hex(SL_SPAN("09afAF"), 6));
	assert_false(sl_is_hex(SL_SPAN("09afAF"), 5));
	assert_false(sl_is_hex(SL_SPAN("09afAg"), 6));
	assert_true(sl_is_hex(SL_SPAN(""), 0));
}

static void an_identifier_can_stand_in_a_header(void **state)
{
	assert_true(sl_is_identifier(SL_SPAN("a"), 1));
	assert_true(sl_is_identifier(SL_SPAN("!acme/1~"), 128));
	assert_false(sl_is_identifier(SL_SPAN(""), 128));
	assert_false(sl_is_identifier(SL_SPAN("ab"), 1));
	assert_false(sl_is_identifier(SL_SPAN("a b"), 128));
	assert_false(sl_is_identifier(SL_SPAN("a\r\nb"), 128));
	assert_false(sl_is_identifier(SL_SPAN("a\0b"), 128));
	assert_false(sl_is_identifier(SL_SPAN("a\x7f"), 128));
	assert_false(sl_is_identifier(SL_SPAN("\xc3\xa9"), 128));
}

static void makes_a_uuid_of_randomness(void **state)
{
	uint8_t random[16];
	char text[SL_UUID_BYTES];

	memset(random, 0xff, sizeof(random));
	sl_uuid4(text, random);
	assert_string_equal(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (uint8_t)i;
	sl_uuid4(text, random);
	assert_string_equal(text, "00010203-0405-4607-8809-0a0b0c0d0e0f");
	assert_true(uuid(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_a_uuid_of_version_4),
		cmocka_unit_test(knows_a_ulid),
		cmocka_unit_test(knows_hex_of_a_length),
		cmocka_unit_test(an_identifier_can_stand_in_a_header),
		cmocka_unit_test(makes_a_uuid_of_randomness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
