/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits of the policy that a request names. Which one it is says the body, so what the
 * tenant's and the node's levels charged before it was read is given back when one of
 * these refuses.
 */
#include "userspace/domain/request_rows.h"
#include "userspace/gateway/gateway_private.h"

#define POLICY_DEFAULT "default" /* who names none */

enum {
	OF_TENANT,
	OF_ALL,
	ROWS
};

/* Escapes are undone, so that no other spelling goes round a limit. False: no row has that name. */
static bool name_policy(struct sl_exchange *exchange)
{
	const struct sl_json_value value = exchange->decide.policy_id;
	size_t length;

	if (value.type != SL_JSON_STRING) {
		memcpy(exchange->policy, POLICY_DEFAULT, sizeof(POLICY_DEFAULT));
		return true;
	}
	if (!sl_json_text(exchange->policy, sizeof(exchange->policy), &length, value) && length)
		return true;
	exchange->policy[0] = '\0';
	return false;
}

/* Its two levels: all of the policy's requests, and those of this class. */
static size_t look_up(struct sl_standing *ret, struct sl_exchange *exchange, struct sl_span tenant,
		      uint64_t now_ns)
{
	struct sl_gateway *gateway = exchange->gateway;
	const enum sl_rate_class classes[] = { exchange->match.route->rate_class, SL_CLASS_GLOBAL };
	static const enum sl_limit_level levels[] = { SL_LEVEL_POLICY_ENDPOINT, SL_LEVEL_POLICY };
	char name[SL_TENANT_NAME_BYTES];
	struct sl_kernel_limits row;

	if (sl_request_row_name(name, tenant, sl_span_of(exchange->policy)) ||
	    !sl_kernel_row(&row, gateway->kernel, sl_span_of(name)))
		return 0;
	for (size_t i = 0; i < 2; i++) {
		sl_limits_of_row(&ret[i], gateway->settings, &row, classes[i], now_ns);
		ret[i].level.limit = sl_tighten(exchange, ret[i].level.limit);
		ret[i].level_of = levels[i];
	}
	return 2;
}

/* When it is less than what the answer would tell of the tenant's own limit. */
static void describe(struct sl_exchange *exchange, const struct sl_standing *standings,
		     size_t count, uint64_t now_ns)
{
	for (size_t i = 0; i < count; i++)
		if (!exchange->quota.known ||
		    sl_gcra_left(&standings[i].level, now_ns) < exchange->quota.remaining)
			sl_admit_describe(exchange, &standings[i], now_ns);
}

/* Apart, so that who has no such limits does not pay for its variables. */
__attribute__((noinline)) static bool admit(struct sl_exchange *exchange)
{
	struct sl_standing standings[2 * ROWS];
	struct sl_gcra_verdict verdict;
	const uint64_t now_ns = sl_gateway_now_ns(exchange->gateway);
	size_t count = look_up(standings, exchange, sl_span_of(exchange->who.tenant), now_ns);

	count += look_up(&standings[count], exchange, (struct sl_span){ 0 }, now_ns);
	if (!count)
		return true;
	sl_limits_take(&verdict, standings, count, now_ns);
	if (!verdict.admitted) {
		sl_admit_return(exchange);
		sl_idempotency_end(exchange, 429,
				   (struct sl_span){ 0 }); /* the key may come again */
		sl_admit_refuse(exchange, &standings[verdict.level], verdict.wait_ns, now_ns);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (standings[i].over)
			sl_admit_over(exchange);
	describe(exchange, standings, count, now_ns);
	return true;
}

bool sl_policy_admit(struct sl_exchange *exchange)
{
	return !sl_kernel_has_rows(exchange->gateway->kernel) || !exchange->bucket ||
	       !name_policy(exchange) || admit(exchange);
}
