// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "userspace/gateway/jwt.h"

#define NOW_S 1700000000

struct keys {
	EVP_PKEY *rsa, *ec;
	uint8_t secret[32];
	struct sl_jwks *set;
};

static size_t encode(char *out, const uint8_t *bytes, size_t length)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t at = 0;

	for (size_t i = 0; i < length * 8; i += 6) {
		unsigned int value = (unsigned int)bytes[i / 8] << 8;

		value |= i / 8 + 1 < length ? bytes[i / 8 + 1] : 0;
		out[at++] = digits[value >> (10 - i % 8) & 63];
	}
	out[at] = '\0';
	return at;
}

static void put_number(char *out, const EVP_PKEY *key, const char *name, int bytes)
{
	uint8_t raw[512];
	BIGNUM *number = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
	bytes = bytes ? bytes : BN_num_bytes(number);
	assert_int_equal(BN_bn2binpad(number, raw, bytes), bytes);
	encode(out, raw, (size_t)bytes);
	BN_free(number);
}

static int make_keys(void **state)
{
	static struct keys keys;
	static char set[4096];
	char n[1024], x[64], y[64], k[64];
	struct sl_jwks_error error;

	keys.rsa = EVP_RSA_gen(2048);
	keys.ec = EVP_EC_gen("P-256");
	memset(keys.secret, 7, sizeof(keys.secret));
	put_number(n, keys.rsa, OSSL_PKEY_PARAM_RSA_N, 0);
	put_number(x, keys.ec, OSSL_PKEY_PARAM_EC_PUB_X, 32);
	put_number(y, keys.ec, OSSL_PKEY_PARAM_EC_PUB_Y, 32);
	encode(k, keys.secret, sizeof(keys.secret));
	(void)snprintf(set, sizeof(set),
		       "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"n\":\"%s\",\"e\":\"AQAB\"},"
		       "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"e\",\"x\":\"%s\",\"y\":\"%s\"},"
		       "{\"kty\":\"oct\",\"kid\":\"h\",\"k\":\"%s\"},"
		       "{\"kty\":\"oct\",\"kid\":\"enc\",\"use\":\"enc\",\"k\":\"%s\"}]}",
		       n, x, y, k, k);
	assert_int_equal(sl_jwks_parse(&keys.set, sl_span_of(set), &error), 0);
	assert_int_equal(keys.set->count, 3);
	*state = &keys;
	return 0;
}

static int free_keys(void **state)
{
	struct keys *keys = *state;

	EVP_PKEY_free(keys->rsa);
	EVP_PKEY_free(keys->ec);
	sl_jwks_free(keys->set);
	return 0;
}

static size_t sign_with(uint8_t *out, EVP_PKEY *key, const char *text)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t length = 512;

	assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(context, out, &length, (const uint8_t *)text, strlen(text)),
			 1);
	EVP_MD_CTX_free(context);
	return length;
}

static size_t sign(uint8_t *out, const struct keys *keys, char how, const char *text)
{
	unsigned int hmac_length = 0;
	uint8_t der[512];
	const uint8_t *at = der;
	ECDSA_SIG *pair;
	size_t length;

	if (how == 'r')
		return sign_with(out, keys->rsa, text);
	if (how == 'h') {
		HMAC(EVP_sha256(), keys->secret, sizeof(keys->secret), (const uint8_t *)text,
		     strlen(text), out, &hmac_length);
		return hmac_length;
	}
	length = sign_with(der, keys->ec, text);
	pair = d2i_ECDSA_SIG(NULL, &at, (long)length);
	assert_non_null(pair);
	BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + 32, 32);
	ECDSA_SIG_free(pair);
	return 64;
}

static void make(char token[8192], const struct keys *keys, const char *header, const char *claims,
		 char how)
{
	uint8_t signature[512];
	size_t at, length;

	at = encode(token, (const uint8_t *)header, strlen(header));
	token[at++] = '.';
	at += encode(token + at, (const uint8_t *)claims, strlen(claims));
	length = sign(signature, keys, how, token);
	token[at++] = '.';
	encode(token + at, signature, length);
}

static const struct sl_jwt_rules any = { "", "", 10 };

static int check(const struct keys *keys, const char *header, const char *claims, char how,
		 const struct sl_jwt_rules *rules, struct sl_identity *ret)
{
	char token[8192];
	int64_t until_s = 0;

	make(token, keys, header, claims, how);
	return sl_jwt_check(ret, &until_s, sl_span_of(token), keys->set, rules, NOW_S);
}

#define GOOD "{\"tenant_id\":\"acme\",\"exp\":1700000100}"

static void each_algorithm_by_its_own_key(void **state)
{
	static const struct {
		const char *header;
		char how;
		int result;
	} rows[] = {
		{ "{\"alg\":\"RS256\",\"kid\":\"r\"}", 'r', 0 },
		{ "{\"alg\":\"ES256\",\"kid\":\"e\"}", 'e', 0 },
		{ "{\"alg\":\"HS256\",\"kid\":\"h\"}", 'h', 0 },
		{ "{\"alg\":\"RS256\"}", 'r', 0 }, /* the only one of its kind */
		{ "{\"alg\":\"RS256\",\"kid\":\"e\"}", 'r', -EACCES },
		{ "{\"alg\":\"HS256\",\"kid\":\"r\"}", 'h', -EACCES },
		{ "{\"alg\":\"HS256\",\"kid\":\"enc\"}", 'h', -EACCES },
		{ "{\"alg\":\"none\",\"kid\":\"r\"}", 'r', -EACCES },
		{ "{\"alg\":\"rs256\",\"kid\":\"r\"}", 'r', -EACCES },
		{ "{\"alg\":\"RS256\",\"kid\":\"\"}", 'r', -EACCES },
		{ "{\"alg\":\"RS256\",\"kid\":\"r\",\"crit\":[\"exp\"]}", 'r', -EACCES },
		{ "{\"alg\":\"RS256\",\"alg\":\"RS256\",\"kid\":\"r\"}", 'r', -EACCES },
		{ "{\"alg\":\"RS256\",\"kid\":\"r\"}", 'h', -EACCES },
		{ "{\"alg\":\"ES256\",\"kid\":\"e\"}", 'r', -EACCES },
		{ "{\"kid\":\"r\"}", 'r', -EACCES },
		{ "[]", 'r', -EACCES },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_identity who = { 0 };
		int r = check(*state, rows[i].header, GOOD, rows[i].how, &any, &who);

		if (r != rows[i].result)
			fail_msg("%s: %d", rows[i].header, r);
		if (!r)
			assert_string_equal(who.tenant, "acme");
	}
}

static void claims_decide(void **state)
{
	static const struct sl_jwt_rules strict = { "us", "api", 10 };
	static const struct {
		const char *claims;
		const struct sl_jwt_rules *rules;
		int result;
	} rows[] = {
		{ "{\"tenant_id\":\"a\",\"exp\":1700000001}", &any, 0 },
		{ "{\"tenant_id\":\"a\",\"exp\":1699999991}", &any, 0 }, /* leeway */
		{ "{\"tenant_id\":\"a\",\"exp\":1699999990}", &any, -EACCES },
		{ "{\"tenant_id\":\"a\",\"exp\":1700000001.5}", &any, 0 },
		{ "{\"tenant_id\":\"a\",\"exp\":1e300}", &any, -EACCES },
		{ "{\"tenant_id\":\"a\",\"exp\":\"1700000100\"}", &any, -EACCES },
		{ "{\"tenant_id\":\"a\"}", &any, -EACCES },
		{ "{\"tenant_id\":\"a\",\"exp\":1700000100,\"nbf\":1700000010}", &any, 0 },
		{ "{\"tenant_id\":\"a\",\"exp\":1700000100,\"nbf\":1700000011}", &any, -EACCES },
		{ "{\"tenant_id\":\"a\",\"exp\":1700000100,\"iat\":1700000011}", &any, -EACCES },
		{ "{\"exp\":1700000100}", &any, -EACCES },
		{ "{\"tenant_id\":\"\",\"exp\":1700000100}", &any, -EACCES },
		{ "{\"tenant_id\":\"a b\",\"exp\":1700000100}", &any, -EACCES },
		{ "{\"tenant_id\":\"a\\u0000b\",\"exp\":1700000100}", &any, -EACCES },
		{ "{\"tenant_id\":\"a\",\"tenant_id\":\"b\",\"exp\":1700000100}", &any, -EACCES },
		{ "{\"tenant_id\":\"a\",\"exp\":1700000100,\"iss\":\"us\",\"aud\":\"api\"}",
		  &strict, 0 },
		{ "{\"tenant_id\":\"a\",\"exp\":1700000100,\"iss\":\"us\",\"aud\":[\"x\",\"api\"]}",
		  &strict, 0 },
		{ "{\"tenant_id\":\"a\",\"exp\":1700000100,\"iss\":\"us\",\"aud\":[\"x\"]}",
		  &strict, -EACCES },
		{ "{\"tenant_id\":\"a\",\"exp\":1700000100,\"aud\":\"api\"}", &strict, -EACCES },
		{ "{\"tenant_id\":\"a\",\"exp\":1700000100,\"iss\":\"us\"}", &strict, -EACCES },
		{ "not json", &any, -EACCES },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_identity who = { 0 };
		int r = check(*state, "{\"alg\":\"HS256\",\"kid\":\"h\"}", rows[i].claims, 'h',
			      rows[i].rules, &who);

		if (r != rows[i].result)
			fail_msg("%s: %d", rows[i].claims, r);
	}
}

static void roles_and_plan(void **state)
{
	const char *header = "{\"alg\":\"HS256\",\"kid\":\"h\"}";
	struct sl_identity who = { 0 };

	assert_int_equal(
		check(*state, header,
		      "{\"tenant_id\":\"a\",\"exp\":1700000100,\"roles\":[\"x\",\"admin\"],"
		      "\"plan\":\"gold\"}",
		      'h', &any, &who),
		0);
	assert_true(who.admin);
	assert_string_equal(who.plan, "gold");
	assert_int_equal(check(*state, header,
			       "{\"tenant_id\":\"a\",\"exp\":1700000100,"
			       "\"roles\":[\"administrator\"]}",
			       'h', &any, &who),
			 0);
	assert_false(who.admin);
}

static void a_changed_byte_is_worth_nothing(void **state)
{
	const struct keys *keys = *state;
	struct sl_identity who;
	char token[8192];
	int64_t until_s;

	make(token, keys, "{\"alg\":\"HS256\",\"kid\":\"h\"}", GOOD, 'h');
	for (size_t i = 0; token[i]; i++) {
		char kept = token[i];

		token[i] = kept == 'A' ? 'B' : 'A';
		assert_int_equal(
			sl_jwt_check(&who, &until_s, sl_span_of(token), keys->set, &any, NOW_S),
			-EACCES);
		token[i] = kept;
	}
	assert_int_equal(sl_jwt_check(&who, &until_s, sl_span_of(token), keys->set, &any, NOW_S),
			 0);
	assert_int_equal(until_s, 1700000110);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_algorithm_by_its_own_key),
		cmocka_unit_test(claims_decide),
		cmocka_unit_test(roles_and_plan),
		cmocka_unit_test(a_changed_byte_is_worth_nothing),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
