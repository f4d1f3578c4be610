/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of abuse in requests whose tenant is proved, and what is done about them. */
#include "userspace/gateway/gateway_private.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#define NS_PER_S 1000000000ull
#define BEARER	 "Bearer "

static const struct sl_abuse_rules *rules_of(const struct sl_exchange *exchange)
{
	return &exchange->gateway->settings->abuse.rules;
}

/* Of IPv6 the /64, which is what one host has. */
static struct sl_span address_of(const struct sl_call *call)
{
	return (struct sl_span){ (const char *)call->peer,
				 call->peer_bytes == 16 ? 8 : call->peer_bytes };
}

/* Keys and certificates; a token is made anew all the time, which hides nobody. */
static struct sl_span credential_of(const struct sl_call *call)
{
	struct sl_span bearer = call->authorization;

	if (call->api_key.length)
		return call->api_key;
	if (!bearer.length)
		return call->client_subject;
	if (bearer.length > sizeof(BEARER) - 1 &&
	    !strncasecmp(bearer.at, BEARER, sizeof(BEARER) - 1) &&
	    !memchr(bearer.at, '.', bearer.length))
		return bearer;
	return (struct sl_span){ 0 };
}

/* ---- telling ------------------------------------------------------------------------------- */

static const char *action_name(int action)
{
	static const char *const words[] = { "off", "log", "cut", "block" };

	return words[action];
}

static void tell(const struct sl_exchange *exchange, enum sl_abuse_pattern pattern, bool critical)
{
	struct sl_gateway *gateway = exchange->gateway;
	char address[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(exchange->call.peer_bytes == 16 ? AF_INET6 : AF_INET, exchange->call.peer,
			address, sizeof(address));
	sl_count_up(&gateway->counters->counts[SL_COUNT_ABUSE + pattern], 1);
	sl_log_limited(gateway->log, SL_LOG_ABUSE, critical ? SL_LOG_ERROR : SL_LOG_WARN,
		       "a pattern of abuse", SL_STR("event_type", sl_abuse_name(pattern)),
		       SL_STR("severity", critical ? "critical" : "warning"),
		       SL_STR("action", action_name(rules_of(exchange)->action[pattern])),
		       SL_STR("tenant_id", exchange->who.tenant),
		       SL_STR("trace_id", exchange->trace.trace_id),
		       SL_STR("request_id", exchange->request_id),
		       SL_STR("client_address", address));
}

static void tell_all(const struct sl_exchange *exchange, uint32_t events, bool critical)
{
	for (uint32_t i = 0; events >> i; i++)
		if (events >> i & 1)
			tell(exchange, (enum sl_abuse_pattern)i,
			     critical && i == SL_ABUSE_TARGETED_TENANT);
}

/* ---- acting -------------------------------------------------------------------------------- */

/* True in shadow mode: it passes. */
static bool block(struct sl_exchange *exchange, const char *message, uint64_t left_ns)
{
	struct sl_gateway *gateway = exchange->gateway;
	uint64_t retry_s = (left_ns + NS_PER_S - 1) / NS_PER_S;
	char details[256];
	int length =
		snprintf(details, sizeof(details),
			 "{\"endpoint\":\"%s\",\"limit\":0,\"retry_after_seconds\":%" PRIu64 "}",
			 exchange->match.route->path, retry_s);

	if (gateway->settings->limits.shadow) {
		sl_count_up(&gateway->counters->counts[SL_COUNT_SHADOW_REFUSED], 1);
		return true;
	}
	sl_count_up(&gateway->counters->counts[SL_COUNT_ABUSE_BLOCKED], 1);
	sl_answer_failure(exchange, &(struct sl_failure){
					    .code = SL_CODE_RATE_LIMIT_EXCEEDED,
					    .status = 429,
					    .message = message,
					    .details = { details, (size_t)length },
					    .retry_after_s = (uint32_t)retry_s,
				    });
	return false;
}

bool sl_watch_source(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_span address = address_of(&exchange->call);
	uint64_t left_ns;

	/* Only a flood is a source's own. */
	if (rules_of(exchange)->action[SL_ABUSE_MULTI_TENANT_FLOOD] != SL_ABUSE_BLOCK ||
	    !address.length)
		return true;
	left_ns = sl_abuse_source_left_ns(&gateway->shared->abuse, address, exchange->started_ns);
	return !left_ns || block(exchange, "this address is blocked for a while", left_ns);
}

void sl_watch_request(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_abuse_verdict *verdict = &exchange->abuse;
	const struct sl_abuse_request request = {
		.tenant = sl_span_of(exchange->who.tenant),
		.credential = credential_of(&exchange->call),
		.address = address_of(&exchange->call),
	};

	if (!exchange->who.authenticated)
		return;
	sl_abuse_request(verdict, &gateway->shared->abuse, rules_of(exchange), &request,
			 exchange->started_ns);
	tell_all(exchange, verdict->events, verdict->critical);
	if (verdict->tenant != SL_ABUSE_CUT && verdict->source != SL_ABUSE_CUT)
		return;
	exchange->limit_factor = gateway->settings->abuse.cut_factor;
	sl_count_up(&gateway->counters->counts[SL_COUNT_ABUSE_CUT], 1);
}

bool sl_watch_tenant(struct sl_exchange *exchange)
{
	const struct sl_abuse_verdict *verdict = &exchange->abuse;

	return verdict->tenant != SL_ABUSE_BLOCK ||
	       block(exchange, "this tenant is blocked for a while", verdict->tenant_left_ns);
}

void sl_watch_body(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;

	if (exchange->who.authenticated)
		tell_all(exchange,
			 sl_abuse_body(&gateway->shared->abuse, rules_of(exchange),
				       sl_span_of(exchange->who.tenant), exchange->body.length,
				       sl_gateway_now_ns(gateway)),
			 false);
}

void sl_watch_empty(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;

	if (exchange->who.authenticated)
		tell_all(exchange,
			 sl_abuse_empty(&gateway->shared->abuse, rules_of(exchange),
					sl_span_of(exchange->who.tenant),
					sl_gateway_now_ns(gateway)),
			 false);
}
