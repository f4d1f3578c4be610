// SPDX-License-Identifier: Apache-2.0
/* The hashes that packets and userspace must agree on: fixed, and spread. */
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <string.h>

#include "sluice/hash.h"

/* Undoes sl_mix(): so no two words have one hash. */
static uint64_t unmix(uint64_t word)
{
	word ^= word >> 33;
	word *= 0x9cb4b2f8129337dbull; /* inverse of the second factor, modulo 2^64 */
	word ^= word >> 33;
	word *= 0x4f74430c22a54005ull; /* and of the first */
	return word ^ (word >> 33);
}

static void the_mixer_loses_nothing(void **state)
{
	assert_true(0xc4ceb9fe1a85ec53ull * 0x9cb4b2f8129337dbull == 1);
	assert_true(0xff51afd7ed558ccdull * 0x4f74430c22a54005ull == 1);
	for (uint64_t word = 0, i = 0; i < 100000; i++, word += 0x9e3779b97f4a7c15ull)
		assert_true(unmix(sl_mix(word)) == word);
}

/* Of the reference implementation of MurmurHash3's finaliser. Tables outlive a build. */
static void the_mixer_is_the_one_in_the_maps(void **state)
{
	assert_true(sl_mix(0) == 0);
	assert_true(sl_mix(1) == 0xb456bcfc34c2cb2cull);
}

/* One flipped bit changes half of the others. */
static void every_bit_reaches_every_bit(void **state)
{
	unsigned flips[64][64] = { 0 };

	for (uint64_t i = 0; i < 1000; i++) {
		const uint64_t word = sl_mix(i + 1), hash = sl_mix(word);

		for (unsigned in = 0; in < 64; in++) {
			const uint64_t changed = hash ^ sl_mix(word ^ 1ull << in);

			for (unsigned out = 0; out < 64; out++)
				flips[in][out] += (unsigned)(changed >> out) & 1;
		}
	}
	for (unsigned in = 0; in < 64; in++)
		for (unsigned out = 0; out < 64; out++)
			assert_in_range(flips[in][out], 400, 600);
}

/* The packet path compares a slot with this word, so it must be the slot's first bytes. */
static void a_services_word_is_its_first_eight_bytes(void **state)
{
	struct sl_service4 service = { .port = htons(443), .vlan = 0x0fa5, .protocol = 6 };
	uint64_t word;

	assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &service.address), 1);
	memcpy(&word, &service, sizeof(word));
	assert_true(word == sl_service4_word(service.address, service.port, service.vlan));
}

static void each_part_of_a_key_counts(void **state)
{
	const uint64_t word = sl_service4_word(1, 2, 3), hash4 = sl_service4_hash(word, 6, 9);
	const uint64_t hash6 = sl_service6_hash(1, 2, 3, 4, 6, 9);

	assert_true(hash4 != sl_service4_hash(word, 17, 9));
	assert_true(hash4 != sl_service4_hash(word, 6, 8));
	assert_true(hash4 != sl_service4_hash(sl_service4_word(1, 2, 4), 6, 9));
	assert_true(hash6 != sl_service6_hash(2, 1, 3, 4, 6, 9)); /* halves change places */
	assert_true(hash6 != sl_service6_hash(1, 2, 4, 3, 6, 9));
	assert_true(hash6 != sl_service6_hash(1, 2, 3, 4, 17, 9));
	assert_true(hash6 != sl_service6_hash(1, 2, 3, 4, 6, 8));
	assert_true(sl_source_hash(1, 9) != sl_source_hash(1, 8));
}

#define LINES 1024u

/* A /16 of addresses on one port, as a cloud has them: both choices spread. */
static void neighbours_spread_over_the_lines(void **state)
{
	unsigned first[LINES] = { 0 }, second[LINES] = { 0 };

	for (uint32_t i = 0; i < 65536; i++) {
		const uint64_t word =
			sl_service4_word(htonl(0x0a000000u + i), htons(443), SL_VLAN_ANY);
		const uint64_t hash = sl_service4_hash(word, 6, 42);

		first[hash & (LINES - 1)]++;
		second[hash >> 32 & (LINES - 1)]++;
	}
	for (unsigned i = 0; i < LINES; i++) {
		assert_in_range(first[i], 24, 110); /* 64 on average */
		assert_in_range(second[i], 24, 110);
	}
}

/* Sources too, and a source's two cells are independent. */
static void two_sources_rarely_share_both_cells(void **state)
{
	const uint64_t mask = LINES - 1, victim = sl_source_hash(htonl(0x0a000001u), 42);
	unsigned one = 0, both = 0;

	for (uint32_t i = 0; i < 1u << 20; i++) {
		const uint64_t hash = sl_source_hash(htonl(0x0b000000u + i), 42);
		const int low = (hash & mask) == (victim & mask);
		const int high = (hash >> 32 & mask) == (victim >> 32 & mask);

		one += (unsigned)(low | high);
		both += (unsigned)(low & high);
	}
	assert_in_range(one, 1800, 2300); /* 2 in 1,024 */
	assert_in_range(both, 0, 8);	  /* 1 in 1,048,576 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mixer_loses_nothing),
		cmocka_unit_test(the_mixer_is_the_one_in_the_maps),
		cmocka_unit_test(every_bit_reaches_every_bit),
		cmocka_unit_test(a_services_word_is_its_first_eight_bytes),
		cmocka_unit_test(each_part_of_a_key_counts),
		cmocka_unit_test(neighbours_spread_over_the_lines),
		cmocka_unit_test(two_sources_rarely_share_both_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
