// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/mask_looks.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define JWT_BYTES_MIN	30
#define SEED_BYTES	58
#define INSURANCE_BYTES 9

static bool is_key_byte(char byte)
{
	return sl_is_alnum(byte) || byte == '-' || byte == '_';
}

/* Letters of both kinds, digits, - and _: up to where they end. */
static size_t run(struct sl_span text, size_t at)
{
	size_t end = at;

	while (end < text.length && is_key_byte(text.at[end]))
		end++;
	return end - at;
}

static bool begins(struct sl_span text, size_t at, const char *word)
{
	size_t length = strlen(word);

	return text.length - at >= length && memcmp(text.at + at, word, length) == 0;
}

static bool has_digit(const char *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (sl_is_digit(at[i]))
			return true;
	return false;
}

/* By the prefixes that makers of keys give them, so that they can be found. */
static size_t prefixed(struct sl_span text, size_t at)
{
	static const struct {
		const char *prefix;
		size_t rest_min;
	} makers[] = {
		{ "sk-", 8 },	 { "pk-", 8 },	   { "rk-", 8 },    { "sk_", 8 },
		{ "pk_", 8 },	 { "rk_", 8 },	   { "ghp_", 20 },  { "gho_", 20 },
		{ "ghu_", 20 },	 { "ghs_", 20 },   { "ghr_", 20 },  { "github_pat_", 20 },
		{ "hf_", 20 },	 { "glpat-", 16 }, { "npm_", 20 },  { "xoxa-", 10 },
		{ "xoxb-", 10 }, { "xoxp-", 10 },  { "xoxr-", 10 }, { "xoxs-", 10 },
		{ "AKIA", 16 },	 { "ASIA", 16 },   { "AIza", 30 },  { "ya29", 20 },
	};

	for (size_t i = 0; i < COUNT(makers); i++) {
		size_t prefix, length;

		if (text.at[at] != makers[i].prefix[0] || !begins(text, at, makers[i].prefix))
			continue;
		prefix = strlen(makers[i].prefix);
		length = run(text, at + prefix);
		if (length >= makers[i].rest_min && has_digit(text.at + at + prefix, length))
			return prefix + length;
	}
	return 0;
}

/* Three parts of base64url; the first begins with {" . */
static size_t web_token(struct sl_span text, size_t at)
{
	size_t end = at, points = 0;

	if (!begins(text, at, "eyJ"))
		return 0;
	while (end < text.length && (is_key_byte(text.at[end]) || text.at[end] == '.'))
		points += text.at[end++] == '.';
	return points >= 1 && end - at >= JWT_BYTES_MIN ? end - at : 0;
}

/* The seed of an NKey: S, a kind, base32. */
static size_t seed(struct sl_span text, size_t at)
{
	static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

	if (text.length - at < SEED_BYTES || text.at[at] != 'S' ||
	    !sl_byte_in(text.at[at + 1], "UANOCX") || !sl_ends_there(text, at + SEED_BYTES))
		return 0;
	for (size_t i = 0; i < SEED_BYTES; i++)
		if (!sl_byte_in(text.at[at + i], base32))
			return 0;
	return SEED_BYTES;
}

size_t sl_looks_like_key(struct sl_span text, size_t at)
{
	size_t bytes = prefixed(text, at);

	if (!bytes)
		bytes = web_token(text, at);
	return bytes ? bytes : seed(text, at);
}

/* A British insurance number: two letters, six digits, A to D; with spaces or without. */
size_t sl_looks_like_insurance(struct sl_span text, size_t at)
{
	char packed[INSURANCE_BYTES];
	size_t count = 0, end = at;

	while (end < text.length && count < INSURANCE_BYTES) {
		char byte = text.at[end];

		if (byte == ' ' && count >= 2 && count % 2 == 0 && text.at[end - 1] != ' ') {
			end++;
			continue;
		}
		packed[count++] = byte;
		end++;
	}
	if (count < INSURANCE_BYTES || !sl_ends_there(text, end))
		return 0;
	for (size_t i = 0; i < 2; i++)
		if (packed[i] < 'A' || packed[i] > 'Z' || sl_byte_in(packed[i], "DFIQUV"))
			return 0;
	for (size_t i = 2; i < 8; i++)
		if (!sl_is_digit(packed[i]))
			return 0;
	return packed[8] >= 'A' && packed[8] <= 'D' ? end - at : 0;
}

/* A private key in PEM: up to the dashes of its end, or the rest when it has none. */
size_t sl_looks_like_pem(struct sl_span text, size_t at)
{
	static const char end[] = "-----END ", kind[] = "PRIVATE KEY";
	const char *begin = text.at + at, *found;
	size_t left = text.length - at, head = left < 64 ? left : 64;

	if (!begins(text, at, "-----BEGIN ") || !memmem(begin, head, kind, sizeof(kind) - 1))
		return 0;
	found = memmem(begin, left, end, sizeof(end) - 1);
	if (found)
		found = memmem(found + sizeof(end) - 1,
			       left - (size_t)(found - begin) - sizeof(end) + 1, "-----", 5);
	return found ? (size_t)(found - begin) + 5 : left;
}
