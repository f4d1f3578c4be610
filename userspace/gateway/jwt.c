/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/jwt.h"

#include <errno.h>
#include <math.h>

#include "userspace/domain/ident.h"
#include "userspace/domain/json.h"
#include "userspace/gateway/base64url.h"

#define HEADER_BYTES_MAX    1024
#define SIGNATURE_BYTES_MAX 1024
#define TIME_MAX	    1e15

enum {
	ALG,
	KID,
	CRIT,
	HEADER
};
static const char *const header_names[HEADER] = { "alg", "kid", "crit" };

enum {
	EXP,
	NBF,
	IAT,
	ISS,
	AUD,
	TENANT,
	ROLES,
	ROLE,
	PLAN,
	CLAIMS
};
static const char *const claim_names[CLAIMS] = { "exp",	      "nbf",   "iat",  "iss", "aud",
						 "tenant_id", "roles", "role", "plan" };

struct token {
	struct sl_span signed_part, header, claims, signature;
};

static int split(struct token *ret, struct sl_span token)
{
	const char *end = token.at + token.length;
	const char *first = memchr(token.at, '.', token.length), *second;

	if (!first)
		return -EACCES;
	second = memchr(first + 1, '.', (size_t)(end - first - 1));
	if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
		return -EACCES;
	ret->header = (struct sl_span){ token.at, (size_t)(first - token.at) };
	ret->claims = (struct sl_span){ first + 1, (size_t)(second - first - 1) };
	ret->signature = (struct sl_span){ second + 1, (size_t)(end - second - 1) };
	ret->signed_part = (struct sl_span){ token.at, (size_t)(second - token.at) };
	return 0;
}

/* The key that the header names, for the algorithm that the key is for. */
static int find_key(const struct sl_jwk **ret, const struct token *token,
		    const struct sl_jwks *jwks)
{
	uint8_t text[HEADER_BYTES_MAX];
	struct sl_json_value found[HEADER];
	enum sl_jwk_algorithm algorithm;
	struct sl_span name, id = { 0 };
	char id_text[SL_JWK_ID_BYTES];
	size_t length;

	if (sl_base64url_decode(text, sizeof(text), &length, token->header) ||
	    sl_json_pick(found, header_names, HEADER, (struct sl_span){ (char *)text, length },
			 NULL))
		return -EACCES;
	if (found[CRIT].type != SL_JSON_ABSENT || sl_json_plain(&name, found[ALG]) ||
	    sl_jwk_algorithm_of(&algorithm, name))
		return -EACCES;
	if (found[KID].type != SL_JSON_ABSENT) {
		if (sl_json_text(id_text, sizeof(id_text), &length, found[KID]) || !length)
			return -EACCES;
		id = (struct sl_span){ id_text, length };
	}
	*ret = sl_jwks_find(jwks, id, algorithm);
	return *ret ? 0 : -EACCES;
}

/* NumericDate may have a fraction. */
static int read_time(int64_t *ret, struct sl_json_value value)
{
	double seconds;

	if (sl_json_real(&seconds, value) || !(fabs(seconds) <= TIME_MAX))
		return -EACCES;
	*ret = (int64_t)floor(seconds);
	return 0;
}

static int check_times(int64_t *ret_until_s, const struct sl_json_value found[CLAIMS],
		       const struct sl_jwt_rules *rules, int64_t now_s)
{
	int64_t until_s, from_s;

	if (read_time(&until_s, found[EXP]) || now_s >= until_s + rules->leeway_s)
		return -EACCES;
	for (size_t i = NBF; i <= IAT; i++) {
		if (found[i].type == SL_JSON_ABSENT)
			continue;
		if (read_time(&from_s, found[i]) || now_s < from_s - rules->leeway_s)
			return -EACCES;
	}
	*ret_until_s = until_s + rules->leeway_s;
	return 0;
}

static bool is_text(struct sl_json_value value, const char *text)
{
	char said[256];
	size_t length;

	return !sl_json_text(said, sizeof(said), &length, value) && !strcmp(said, text);
}

static bool is_for(struct sl_json_value audience, const char *us)
{
	struct sl_json_value item;
	size_t state = 0;

	if (audience.type != SL_JSON_ARRAY)
		return is_text(audience, us);
	while (sl_json_next(NULL, &item, &state, audience) > 0)
		if (is_text(item, us))
			return true;
	return false;
}

static bool has_role(const struct sl_json_value found[CLAIMS], const char *role)
{
	return is_for(found[ROLES], role) || is_text(found[ROLE], role);
}

static int read_identity(struct sl_identity *ret, const struct sl_json_value found[CLAIMS])
{
	struct sl_identity identity = { .admin = has_role(found, "admin") };
	size_t length;

	if (sl_json_text(identity.tenant, sizeof(identity.tenant), &length, found[TENANT]) ||
	    !sl_is_identifier((struct sl_span){ identity.tenant, length }, SL_IDENTIFIER_MAX))
		return -EACCES;
	if (found[PLAN].type != SL_JSON_ABSENT &&
	    sl_json_text(identity.plan, sizeof(identity.plan), &length, found[PLAN]))
		return -EACCES;
	*ret = identity;
	return 0;
}

int sl_jwt_check(struct sl_identity *ret, int64_t *ret_until_s, struct sl_span token,
		 const struct sl_jwks *jwks, const struct sl_jwt_rules *rules, int64_t now_s)
{
	uint8_t signature[SIGNATURE_BYTES_MAX], claims[SL_CREDENTIAL_BYTES_MAX];
	struct sl_json_value found[CLAIMS];
	const struct sl_jwk *key = NULL;
	struct token parts;
	int64_t until_s;
	size_t length;

	if (token.length > SL_CREDENTIAL_BYTES_MAX || split(&parts, token) ||
	    find_key(&key, &parts, jwks) ||
	    sl_base64url_decode(signature, sizeof(signature), &length, parts.signature) ||
	    sl_jwk_verify(key, parts.signed_part, signature, length))
		return -EACCES;
	/* Only now is what it claims worth reading. */
	if (sl_base64url_decode(claims, sizeof(claims), &length, parts.claims) ||
	    sl_json_pick(found, claim_names, CLAIMS, (struct sl_span){ (char *)claims, length },
			 NULL))
		return -EACCES;
	if (check_times(&until_s, found, rules, now_s) ||
	    (rules->issuer[0] && !is_text(found[ISS], rules->issuer)) ||
	    (rules->audience[0] && !is_for(found[AUD], rules->audience)) ||
	    read_identity(ret, found))
		return -EACCES;
	*ret_until_s = until_s;
	return 0;
}
