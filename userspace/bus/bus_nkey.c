// SPDX-License-Identifier: Apache-2.0
/*
 * The public key of an nkey seed: base32 of { prefix byte, 32 bytes, CRC-16/XMODEM },
 * for a seed with two prefix bytes that hold "seed" and the kind. Source: NATS nkeys.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/bus_private.h"

#define KEY_BYTES      32u
#define SEED_BYTES     (2u + KEY_BYTES + 2u)
#define SEED_TEXT      58u
#define PUBLIC_BYTES   (1u + KEY_BYTES + 2u)
#define PREFIX_SEED    (18u << 3)
#define PREFIX_USER    (20u << 3)
#define SEED_LINE_MAX  256u
#define CRC_POLYNOMIAL 0x1021u

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static uint16_t crc16(const uint8_t *bytes, size_t length)
{
	unsigned int crc = 0;

	for (size_t i = 0; i < length; i++) {
		crc ^= (unsigned int)bytes[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x8000u ? (crc << 1) ^ CRC_POLYNOMIAL : crc << 1;
	}
	return (uint16_t)crc;
}

static bool decode32(uint8_t ret[SEED_BYTES], const char *text)
{
	unsigned int bits = 0, held = 0;
	size_t length = 0;

	for (size_t i = 0; i < SEED_TEXT; i++) {
		const char *digit = text[i] ? strchr(alphabet, text[i]) : NULL;

		if (!digit)
			return false;
		held = (held << 5 | (unsigned int)(digit - alphabet)) & 0xfffu;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			ret[length++] = (uint8_t)(held >> bits);
		}
	}
	return length == SEED_BYTES;
}

static void encode32(char *ret, const uint8_t *bytes, size_t length)
{
	unsigned int bits = 0, held = 0;

	for (size_t i = 0; i < length; i++) {
		held = (held << 8 | bytes[i]) & 0xfffu;
		bits += 8;
		while (bits >= 5) {
			bits -= 5;
			*ret++ = alphabet[held >> bits & 31u];
		}
	}
	if (bits)
		*ret++ = alphabet[held << (5 - bits) & 31u];
	*ret = '\0';
}

static int public_of(uint8_t ret[KEY_BYTES], const uint8_t seed[KEY_BYTES])
{
	size_t length = KEY_BYTES;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, KEY_BYTES);
	int ok = key && EVP_PKEY_get_raw_public_key(key, ret, &length) == 1;

	EVP_PKEY_free(key);
	return ok ? 0 : -EINVAL;
}

static int seed_to_public(char ret[64], const char *text)
{
	uint8_t seed[SEED_BYTES], public[PUBLIC_BYTES];
	uint16_t crc;
	int error = -EINVAL;

	if (!decode32(seed, text))
		goto out;
	crc = crc16(seed, SEED_BYTES - 2);
	if (seed[SEED_BYTES - 2] != (crc & 0xff) || seed[SEED_BYTES - 1] != crc >> 8)
		goto out;
	if ((seed[0] & 0xf8u) != PREFIX_SEED || ((seed[0] & 7u) << 5 | seed[1] >> 3) != PREFIX_USER)
		goto out;
	error = public_of(public + 1, seed + 2);
	if (error)
		goto out;
	public[0] = PREFIX_USER;
	crc = crc16(public, PUBLIC_BYTES - 2);
	public[PUBLIC_BYTES - 2] = (uint8_t)(crc & 0xff);
	public[PUBLIC_BYTES - 1] = (uint8_t)(crc >> 8);
	encode32(ret, public, PUBLIC_BYTES);
out:
	OPENSSL_cleanse(seed, sizeof(seed));
	return error;
}

int sl_bus_nkey_public(char ret[64], const char *path)
{
	sl_autofclose FILE *file = fopen(path, "re");
	char line[SEED_LINE_MAX];
	int error = -EINVAL;

	if (!file)
		return -errno;
	/* The seed may stand between marks, as in a .creds file. */
	while (error && fgets(line, sizeof(line), file))
		if (line[0] == 'S' && strcspn(line, "\r\n \t") == SEED_TEXT)
			error = seed_to_public(ret, line);
	OPENSSL_cleanse(line, sizeof(line));
	return error;
}
