/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/jwks.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define EC_BYTES 32
#define DER_MAX	 80 /* two integers of 33 bytes and their heads */

static int verify_hmac(const struct sl_jwk *key, struct sl_span text, const uint8_t *signature,
		       size_t length)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int digest_bytes = 0;

	if (!HMAC(EVP_sha256(), key->secret, (int)key->secret_bytes, (const uint8_t *)text.at,
		  text.length, digest, &digest_bytes))
		return -EACCES;
	return length == digest_bytes && !CRYPTO_memcmp(digest, signature, length) ? 0 : -EACCES;
}

static int verify_key(const struct sl_jwk *key, struct sl_span text, const uint8_t *signature,
		      size_t length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int good = 0;

	if (context && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->key) > 0)
		good = EVP_DigestVerify(context, signature, length, (const uint8_t *)text.at,
					text.length) == 1;
	EVP_MD_CTX_free(context);
	return good ? 0 : -EACCES;
}

/* Tokens carry r and s of 32 bytes each, OpenSSL wants them in DER. */
static int verify_ecdsa(const struct sl_jwk *key, struct sl_span text, const uint8_t *signature,
			size_t length)
{
	uint8_t der[DER_MAX], *at = der;
	ECDSA_SIG *pair;
	BIGNUM *r, *s;
	int der_bytes = 0;

	if (length != 2 * EC_BYTES)
		return -EACCES;
	pair = ECDSA_SIG_new();
	r = BN_bin2bn(signature, EC_BYTES, NULL);
	s = BN_bin2bn(signature + EC_BYTES, EC_BYTES, NULL);
	if (pair && r && s && ECDSA_SIG_set0(pair, r, s)) {
		r = s = NULL;
		der_bytes = i2d_ECDSA_SIG(pair, NULL);
		der_bytes = der_bytes > DER_MAX ? 0 : i2d_ECDSA_SIG(pair, &at);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return der_bytes > 0 ? verify_key(key, text, der, (size_t)der_bytes) : -EACCES;
}

static int verify(const struct sl_jwk *key, struct sl_span text, const uint8_t *signature,
		  size_t length)
{
	switch (key->algorithm) {
	case SL_JWK_RS256:
		return verify_key(key, text, signature, length);
	case SL_JWK_ES256:
		return verify_ecdsa(key, text, signature, length);
	case SL_JWK_HS256:
		return verify_hmac(key, text, signature, length);
	}
	return -EACCES;
}

int sl_jwk_verify(const struct sl_jwk *key, struct sl_span text, const uint8_t *signature,
		  size_t length)
{
	int r = verify(key, text, signature, length);

	/* nginx takes what is left there for an error of its own connections. */
	ERR_clear_error();
	return r;
}
