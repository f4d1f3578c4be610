/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/jwks.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/json.h"
#include "userspace/gateway/base64url.h"

#define RSA_BITS_MIN	 2048
#define RSA_BYTES_MAX	 1024 /* 8192 bits: more costs too much to verify */
#define EC_BYTES	 32
#define SECRET_BYTES_MIN 32

enum {
	KTY,
	KID,
	ALG,
	USE,
	MODULUS,
	EXPONENT,
	CRV,
	X,
	Y,
	K,
	MEMBERS
};
static const char *const members[MEMBERS] = { "kty", "kid", "alg", "use", "n",
					      "e",   "crv", "x",   "y",	  "k" };

int sl_jwk_algorithm_of(enum sl_jwk_algorithm *ret, struct sl_span name)
{
	static const char *const names[] = { "RS256", "ES256", "HS256" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!sl_span_is(name, names[i]))
			continue;
		*ret = (enum sl_jwk_algorithm)i;
		return 0;
	}
	return -EINVAL;
}

void sl_jwks_free(struct sl_jwks *jwks)
{
	if (!jwks)
		return;
	for (size_t i = 0; i < jwks->count; i++)
		EVP_PKEY_free(jwks->keys[i].key);
	explicit_bzero(jwks, sizeof(*jwks));
	free(jwks);
}

void sl_jwks_freep(struct sl_jwks **jwks)
{
	sl_jwks_free(*jwks);
}

const struct sl_jwk *sl_jwks_find(const struct sl_jwks *jwks, struct sl_span id,
				  enum sl_jwk_algorithm algorithm)
{
	const struct sl_jwk *found = NULL;

	for (size_t i = 0; i < jwks->count; i++) {
		const struct sl_jwk *key = &jwks->keys[i];

		if (key->algorithm != algorithm || (id.length && !sl_span_is(id, key->id)))
			continue;
		if (found)
			return NULL;
		found = key;
	}
	return found;
}

/* ---- keys ------------------------------------------------------------------------------- */

static int decode(uint8_t *buffer, size_t size, size_t *ret_length, struct sl_json_value value)
{
	struct sl_span text;

	if (sl_json_plain(&text, value) || !text.length)
		return -EINVAL;
	return sl_base64url_decode(buffer, size, ret_length, text);
}

static EVP_PKEY *make_key(const char *type, OSSL_PARAM *parameters)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (context && EVP_PKEY_fromdata_init(context) > 0)
		(void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
	EVP_PKEY_CTX_free(context);
	ERR_clear_error(); /* nginx takes what is left there for its own */
	return key;
}

static const char *read_rsa(struct sl_jwk *key, const struct sl_json_value found[MEMBERS])
{
	uint8_t modulus[RSA_BYTES_MAX], exponent[8];
	size_t modulus_bytes, exponent_bytes;
	OSSL_PARAM_BLD *builder;
	OSSL_PARAM *parameters = NULL;
	BIGNUM *n, *e;

	if (decode(modulus, sizeof(modulus), &modulus_bytes, found[MODULUS]) ||
	    decode(exponent, sizeof(exponent), &exponent_bytes, found[EXPONENT]))
		return "n and e of an RSA key cannot be read";
	builder = OSSL_PARAM_BLD_new();
	n = BN_bin2bn(modulus, (int)modulus_bytes, NULL);
	e = BN_bin2bn(exponent, (int)exponent_bytes, NULL);
	if (builder && n && e && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
		parameters = OSSL_PARAM_BLD_to_param(builder);
	if (parameters)
		key->key = make_key("RSA", parameters);
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	if (!key->key || EVP_PKEY_get_bits(key->key) < RSA_BITS_MIN)
		return "not an RSA key of 2048 bits or more";
	return NULL;
}

static const char *read_ec(struct sl_jwk *key, const struct sl_json_value found[MEMBERS])
{
	uint8_t point[1 + 2 * EC_BYTES] = { 4 }; /* uncompressed */
	char group[] = "prime256v1";
	size_t x_bytes, y_bytes;
	OSSL_PARAM parameters[3];

	if (decode(point + 1, EC_BYTES, &x_bytes, found[X]) ||
	    decode(point + 1 + EC_BYTES, EC_BYTES, &y_bytes, found[Y]) || x_bytes != EC_BYTES ||
	    y_bytes != EC_BYTES)
		return "x and y of a P-256 key are 32 bytes each";
	parameters[0] =
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, strlen(group));
	parameters[1] =
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
	parameters[2] = OSSL_PARAM_construct_end();
	key->key = make_key("EC", parameters);
	return key->key ? NULL : "not a point of P-256";
}

static const char *read_secret(struct sl_jwk *key, const struct sl_json_value found[MEMBERS])
{
	if (decode(key->secret, sizeof(key->secret), &key->secret_bytes, found[K]) ||
	    key->secret_bytes < SECRET_BYTES_MIN)
		return "k of a secret is 32 to 512 bytes";
	return NULL;
}

/* Whether it is a key for one of our algorithms; others are left out. */
static bool is_wanted(enum sl_jwk_algorithm *ret, const struct sl_json_value found[MEMBERS])
{
	enum sl_jwk_algorithm said;
	struct sl_span text;

	if (!sl_json_plain(&text, found[USE]) && !sl_span_is(text, "sig"))
		return false;
	if (sl_json_plain(&text, found[KTY]))
		return false;
	if (sl_span_is(text, "RSA"))
		*ret = SL_JWK_RS256;
	else if (sl_span_is(text, "oct"))
		*ret = SL_JWK_HS256;
	else if (sl_span_is(text, "EC") && !sl_json_plain(&text, found[CRV]) &&
		 sl_span_is(text, "P-256"))
		*ret = SL_JWK_ES256;
	else
		return false;
	if (found[ALG].type == SL_JSON_ABSENT)
		return true;
	return !sl_json_plain(&text, found[ALG]) && !sl_jwk_algorithm_of(&said, text) &&
	       said == *ret;
}

static const char *read_key(struct sl_jwks *jwks, struct sl_json_value item)
{
	struct sl_json_value found[MEMBERS];
	struct sl_jwk *key = &jwks->keys[jwks->count];
	enum sl_jwk_algorithm algorithm;
	const char *fault;
	size_t length;

	if (item.type != SL_JSON_OBJECT || sl_json_pick(found, members, MEMBERS, item.raw, NULL))
		return "a key is not an object, or has a member twice";
	if (!is_wanted(&algorithm, found))
		return NULL;
	if (jwks->count == SL_JWKS_KEYS_MAX)
		return "more than 64 keys";
	*key = (struct sl_jwk){ .algorithm = algorithm };
	if (found[KID].type != SL_JSON_ABSENT &&
	    sl_json_text(key->id, sizeof(key->id), &length, found[KID]))
		return "kid is a text of at most 128 bytes";
	if (algorithm == SL_JWK_RS256)
		fault = read_rsa(key, found);
	else if (algorithm == SL_JWK_ES256)
		fault = read_ec(key, found);
	else
		fault = read_secret(key, found);
	jwks->count++; /* also a faulty one may hold memory */
	return fault;
}

int sl_jwks_parse(struct sl_jwks **ret, struct sl_span text, struct sl_jwks_error *error)
{
	static const char *const names[] = { "keys" };
	sl_cleanup(sl_jwks_freep) struct sl_jwks *jwks = calloc(1, sizeof(*jwks));
	struct sl_json_value list, item;
	struct sl_json_error where = { 0 };
	const char *fault = NULL;
	size_t state = 0;

	if (!jwks)
		return -ENOMEM;
	if (text.length > SL_JWKS_BYTES_MAX)
		return -EFBIG;
	if (sl_json_pick(&list, names, 1, text, &where))
		fault = where.message ? where.message : "not a JSON object";
	else if (list.type != SL_JSON_ARRAY)
		fault = "keys: a list is wanted";
	while (!fault && sl_json_next(NULL, &item, &state, list) > 0)
		fault = read_key(jwks, item);
	if (fault) {
		snprintf(error->message, sizeof(error->message), "%s", fault);
		return -EINVAL;
	}
	*ret = SL_TAKE_PTR(jwks);
	return 0;
}
