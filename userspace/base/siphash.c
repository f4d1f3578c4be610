/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/base/siphash.h"

#include <string.h>

struct state {
	uint64_t v[4];
};

static uint64_t turn(uint64_t word, unsigned int bits)
{
	return word << bits | word >> (64 - bits);
}

static void rounds(struct state *s, unsigned int count)
{
	while (count--) {
		s->v[0] += s->v[1];
		s->v[2] += s->v[3];
		s->v[1] = turn(s->v[1], 13) ^ s->v[0];
		s->v[3] = turn(s->v[3], 16) ^ s->v[2];
		s->v[0] = turn(s->v[0], 32);
		s->v[2] += s->v[1];
		s->v[0] += s->v[3];
		s->v[1] = turn(s->v[1], 17) ^ s->v[2];
		s->v[3] = turn(s->v[3], 21) ^ s->v[0];
		s->v[2] = turn(s->v[2], 32);
	}
}

static void absorb(struct state *s, uint64_t word)
{
	s->v[3] ^= word;
	rounds(s, 2);
	s->v[0] ^= word;
}

static uint64_t little_endian(const uint8_t *at, size_t length)
{
	uint64_t word = 0;

	for (size_t i = 0; i < length; i++)
		word |= (uint64_t)at[i] << (8 * i);
	return word;
}

void sl_siphash(uint64_t ret[2], const uint64_t key[2], const void *bytes, size_t length)
{
	struct state s = { {
		key[0] ^ 0x736f6d6570736575ull,
		key[1] ^ 0x646f72616e646f6dull ^ 0xee,
		key[0] ^ 0x6c7967656e657261ull,
		key[1] ^ 0x7465646279746573ull,
	} };
	const uint8_t *at = bytes;
	size_t left = length;

	for (; left >= 8; at += 8, left -= 8)
		absorb(&s, little_endian(at, 8));
	absorb(&s, little_endian(at, left) | (uint64_t)length << 56);
	s.v[2] ^= 0xee;
	rounds(&s, 4);
	ret[0] = s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
	s.v[1] ^= 0xdd;
	rounds(&s, 4);
	ret[1] = s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}
