// SPDX-License-Identifier: Apache-2.0
/* A key set is refused with a message, or its keys can verify. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/gateway/jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t signature[64] = { 1 };
	struct sl_jwks_error error = { "" };
	struct sl_jwks *set = NULL;
	int r = sl_jwks_parse(&set, (struct sl_span){ (const char *)data, size }, &error);

	require(!r == !!set);
	require(!r || error.message[0] || size > SL_JWKS_BYTES_MAX);
	for (size_t i = 0; set && i < set->count; i++) {
		const struct sl_jwk *key = &set->keys[i];

		require(memchr(key->id, '\0', sizeof(key->id)) != NULL);
		require((key->algorithm == SL_JWK_HS256) == !key->key);
		require(sl_jwk_verify(key, SL_SPAN("text"), signature, sizeof(signature)) != 0);
	}
	sl_jwks_free(set);
	return 0;
}
