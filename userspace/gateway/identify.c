/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/base/clock.h"
#include "userspace/gateway/gateway_private.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "userspace/gateway/auth.h"

#define BEARER "Bearer "

/* The credential of "Authorization: Bearer ..."; empty when it is another scheme. */
static struct sl_span bearer_of(struct sl_span authorization)
{
	size_t length = sizeof(BEARER) - 1;

	if (authorization.length <= length || strncasecmp(authorization.at, BEARER, length) != 0)
		return (struct sl_span){ 0 };
	return (struct sl_span){ authorization.at + length, authorization.length - length };
}

/* 0; -ENOENT: no credential came; -EACCES: it is worth nothing. The first that came counts:
 * a wrong one is not made good by another. */
static int look_up(struct sl_identity *ret, const struct sl_exchange *exchange)
{
	const struct sl_call *call = &exchange->call;
	struct sl_keyring *keyring = exchange->gateway->keyring;
	struct sl_span token = bearer_of(call->authorization);

	if (call->api_key.length)
		return sl_keyring_api_key(ret, keyring, call->api_key);
	if (token.length && memchr(token.at, '.', token.length))
		return sl_keyring_token(ret, keyring, token, sl_unix_ms() / 1000);
	if (token.length)
		return sl_keyring_api_key(ret, keyring, token);
	if (call->authorization.length)
		return -EACCES;
	if (call->client_subject.length)
		return sl_keyring_subject(ret, keyring, call->client_subject);
	return -ENOENT;
}

static bool refuse(struct sl_exchange *exchange, int status, const char *message)
{
	sl_count_up(&exchange->gateway->counters->counts[SL_COUNT_AUTH_FAILED], 1);
	sl_answer_error(exchange, SL_CODE_UNAUTHORIZED, status, SL_INTAKE_NONE, message);
	return false;
}

/* Authentication is switched off: the tenant is who the header says. */
static bool trust(struct sl_exchange *exchange)
{
	struct sl_span tenant = exchange->call.tenant_id;

	exchange->who.admin = true;
	exchange->who.plan = &exchange->gateway->settings->limits.plan;
	if (sl_is_identifier(tenant, SL_IDENTIFIER_MAX))
		memcpy(exchange->who.tenant, tenant.at, tenant.length);
	return true;
}

static bool accept(struct sl_exchange *exchange, const struct sl_identity *identity)
{
	const struct sl_settings *settings = exchange->gateway->settings;
	struct sl_principal *who = &exchange->who;
	struct sl_span tenant = exchange->call.tenant_id;

	_Static_assert(sizeof(who->tenant) == sizeof(identity->tenant), "a tenant fits");
	memcpy(who->tenant, identity->tenant, sizeof(who->tenant));
	who->authenticated = true;
	who->admin = identity->admin;
	who->plan = sl_settings_plan(settings, sl_span_of(identity->plan));
	if (!who->plan)
		who->plan = &settings->limits.plan;
	if (tenant.length && !sl_span_is(tenant, who->tenant))
		return refuse(exchange, 403, "X-Tenant-ID is not the credential's tenant");
	if (exchange->match.route->access == SL_ACCESS_ADMIN && !who->admin)
		return refuse(exchange, 403, "the admin role is wanted");
	return true;
}

bool sl_identify(struct sl_exchange *exchange)
{
	struct sl_identity identity = { 0 };
	int r;

	if (!exchange->gateway->settings->auth.required)
		return trust(exchange);
	r = look_up(&identity, exchange);
	if (!r)
		return accept(exchange, &identity);
	if (!sl_admit_stranger(exchange))
		return false;
	return refuse(exchange, 401,
		      r == -ENOENT ? "a credential is wanted" : "the credential is not valid");
}
