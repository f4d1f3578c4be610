/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in lower case hex, four at a time: every request is given 40 bytes of ids. */
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Eight digits into @ret, without a NUL. */
static inline void sl_hex_four(char *ret, const uint8_t bytes[4])
{
	const uint64_t ones = 0x0101010101010101ull;
	uint32_t word;
	uint64_t digits;

	memcpy(&word, bytes, sizeof(word));
	digits = le32toh(word);
	/* A byte to each 16 bits, then a half of it to each 8: the high one comes first. */
	digits = (digits | digits << 16) & 0x0000ffff0000ffffull;
	digits = (digits | digits << 8) & 0x00ff00ff00ff00ffull;
	digits = (digits >> 4 | digits << 8) & 0x0f0f0f0f0f0f0f0full;
	/* 10 and above are letters. */
	digits += '0' * ones + ((digits + 6 * ones) >> 4 & ones) * ('a' - '0' - 10);
	digits = htole64(digits);
	memcpy(ret, &digits, sizeof(digits));
}

/* @count a multiple of four; twice as many digits. */
static inline void sl_hex(char *ret, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i += 4)
		sl_hex_four(ret + 2 * i, bytes + i);
}
