/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of keys (RFC 7517) that tokens are verified with. A key knows the one
 * algorithm it is for, whatever a token says: RSA of 2048 bits or more RS256, EC on
 * P-256 ES256, oct of 32 bytes or more HS256. Keys of other kinds are skipped.
 *
 * Owner:  sl_jwks_free().
 * Thread: immutable once read.
 */
#pragma once

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/span.h"

#define SL_JWKS_BYTES_MAX (1u << 20)
#define SL_JWKS_KEYS_MAX  64u
#define SL_JWK_ID_BYTES	  129u

enum sl_jwk_algorithm {
	SL_JWK_RS256 = 0,
	SL_JWK_ES256,
	SL_JWK_HS256,
};

struct sl_jwk {
	char id[SL_JWK_ID_BYTES]; /* "": it has none */
	enum sl_jwk_algorithm algorithm;
	EVP_PKEY *key;	     /* RS256, ES256 */
	uint8_t secret[512]; /* HS256 */
	size_t secret_bytes;
};

struct sl_jwks {
	struct sl_jwk keys[SL_JWKS_KEYS_MAX];
	size_t count;
};

struct sl_jwks_error {
	char message[160];
};

/* -EINVAL: not a set, or a key that is none, with @error; -EFBIG; -ENOMEM. */
int sl_jwks_parse(struct sl_jwks **ret, struct sl_span text, struct sl_jwks_error *error);
void sl_jwks_free(struct sl_jwks *jwks);
void sl_jwks_freep(struct sl_jwks **jwks);

/* "RS256", "ES256", "HS256"; -EINVAL: any other, "none" too. */
int sl_jwk_algorithm_of(enum sl_jwk_algorithm *ret, struct sl_span name);

/* The key of that id and algorithm; without an id the only one of the algorithm. NULL. */
const struct sl_jwk *sl_jwks_find(const struct sl_jwks *jwks, struct sl_span id,
				  enum sl_jwk_algorithm algorithm);

/* 0: @signature is this key's of @text. -EACCES: it is not. */
int sl_jwk_verify(const struct sl_jwk *key, struct sl_span text, const uint8_t *signature,
		  size_t length);
