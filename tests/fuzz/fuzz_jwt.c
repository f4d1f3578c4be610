// SPDX-License-Identifier: Apache-2.0
/*
 * A token is refused, or is whole: the input is taken as a token, and, with a line end
 * in it, as header and claims that are signed by a key of the set.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/domain/ident.h"
#include "userspace/gateway/jwt.h"

#define TOKEN_BYTES 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct sl_jwt_rules rules = { "", "", 30 };

static void require(int truth)
{
	if (!truth)
		abort();
}

static struct sl_jwks *make_set(void)
{
	struct sl_jwks *set = NULL;
	struct sl_jwks_error error;

	require(!sl_jwks_parse(&set,
			       SL_SPAN("{\"keys\":[{\"kty\":\"oct\",\"kid\":\"h\",\"k\":"
				       "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}"),
			       &error));
	return set;
}

static size_t encode(char *out, const uint8_t *bytes, size_t length)
{
	size_t written = (size_t)EVP_EncodeBlock((uint8_t *)out, bytes, (int)length);

	while (written && out[written - 1] == '=')
		written--;
	for (size_t i = 0; i < written; i++)
		out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
	return written;
}

static void check(const struct sl_jwks *set, struct sl_span token)
{
	struct sl_identity who = { 0 };
	int64_t until_s = 0;

	if (sl_jwt_check(&who, &until_s, token, set, &rules, 1700000000))
		return;
	require(sl_is_identifier(sl_span_of(who.tenant), SL_IDENTIFIER_MAX));
	require(memchr(who.plan, '\0', sizeof(who.plan)) != NULL);
	require(until_s > 1700000000);
}

static void sign(const struct sl_jwks *set, const uint8_t *header, size_t header_bytes,
		 const uint8_t *claims, size_t claim_bytes)
{
	static char token[TOKEN_BYTES];
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int digest_bytes = 0;
	size_t at;

	if (header_bytes + claim_bytes > TOKEN_BYTES / 2)
		return;
	at = encode(token, header, header_bytes);
	token[at++] = '.';
	at += encode(token + at, claims, claim_bytes);
	HMAC(EVP_sha256(), set->keys[0].secret, (int)set->keys[0].secret_bytes,
	     (const uint8_t *)token, at, digest, &digest_bytes);
	token[at++] = '.';
	at += encode(token + at, digest, digest_bytes);
	check(set, (struct sl_span){ token, at });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_jwks *set = make_set();
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;

	check(set, (struct sl_span){ (const char *)data, size });
	if (newline)
		sign(set, data, (size_t)(newline - data), newline + 1,
		     size - (size_t)(newline - data) - 1);
	sl_jwks_free(set);
	return 0;
}
