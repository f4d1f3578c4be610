// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <string.h>

#include "userspace/base/siphash.h"

/* The reference's own vectors: key 00..0f, input 00, 01, ... of a length. */
static void the_reference_agrees(void **state)
{
	static const struct {
		size_t length;
		uint8_t result[16];
	} rows[] = {
		{ 0,
		  { 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7,
		    0x55, 0x02, 0x93 } },
		{ 1,
		  { 0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b,
		    0x22, 0xfc, 0x45 } },
	};
	const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	const uint8_t input[] = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t hash[2];

		sl_siphash(hash, key, input, rows[i].length);
		for (size_t j = 0; j < 16; j++)
			assert_int_equal((uint8_t)(hash[j / 8] >> (8 * (j % 8))),
					 rows[i].result[j]);
	}
}

static void every_byte_and_the_key_count(void **state)
{
	const uint64_t key[2] = { 1, 2 }, other[2] = { 1, 3 };
	uint64_t first[2], second[2];
	char text[] = "a text of more than two words";

	sl_siphash(first, key, text, sizeof(text));
	sl_siphash(second, other, text, sizeof(text));
	assert_memory_not_equal(first, second, sizeof(first));
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] ^= 1;
		sl_siphash(second, key, text, sizeof(text));
		assert_int_not_equal(first[0], second[0]);
		assert_int_not_equal(first[1], second[1]);
		text[i] ^= 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reference_agrees),
		cmocka_unit_test(every_byte_and_the_key_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
