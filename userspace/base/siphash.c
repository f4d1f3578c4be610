/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/base/siphash.h"

#include <endian.h>
#include <string.h>

/* Members, not an array: they stay in registers. */
struct state {
	uint64_t a, b, c, d;
};

static inline uint64_t turn(uint64_t word, unsigned int bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void mix(struct state *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = turn(s->b, 13) ^ s->a;
	s->d = turn(s->d, 16) ^ s->c;
	s->a = turn(s->a, 32);
	s->c += s->b;
	s->a += s->d;
	s->b = turn(s->b, 17) ^ s->c;
	s->d = turn(s->d, 21) ^ s->a;
	s->c = turn(s->c, 32);
}

static inline void absorb(struct state *s, uint64_t word)
{
	s->d ^= word;
	mix(s);
	mix(s);
	s->a ^= word;
}

static inline uint64_t finish(struct state *s)
{
	for (int i = 0; i < 4; i++)
		mix(s);
	return s->a ^ s->b ^ s->c ^ s->d;
}

/* The first eight bytes, in little endian. */
static inline uint64_t eight(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return le64toh(word);
}

/* What is behind the last eight, with the length above it. */
static inline uint64_t rest(const uint8_t *at, size_t length)
{
	uint64_t word = (uint64_t)length << 56;

	for (size_t i = 0; i < length % 8; i++)
		word |= (uint64_t)at[i] << (8 * i);
	return word;
}

void sl_siphash(uint64_t ret[2], const uint64_t key[2], const void *bytes, size_t length)
{
	struct state s = {
		key[0] ^ 0x736f6d6570736575ull,
		key[1] ^ 0x646f72616e646f6dull ^ 0xee,
		key[0] ^ 0x6c7967656e657261ull,
		key[1] ^ 0x7465646279746573ull,
	};
	const uint8_t *at = bytes;

	for (size_t i = 0; i < length / 8; i++, at += 8)
		absorb(&s, eight(at));
	absorb(&s, rest(at, length));
	s.c ^= 0xee;
	ret[0] = finish(&s);
	s.b ^= 0xdd;
	ret[1] = finish(&s);
}
