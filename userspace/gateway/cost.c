/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/cost.h"

#include <stdlib.h>

#include "userspace/base/siphash.h"
#include "userspace/domain/cost.h"
#include "userspace/domain/requests.h"
#include "userspace/domain/reservations.h"
#include "userspace/gateway/gateway_private.h"
#include "userspace/gateway/limits.h"

#define RESERVATIONS_MAX 16384u /* of a worker */
#define RESERVED_NS	 300000000000ull
#define EXPIRE_STEP	 1024
#define MILLI		 1000.0

struct sl_cost {
	struct sl_reservations *open;
	struct sl_bus_subscription *usage; /* NULL: what is reserved stays at its estimate */
	uint64_t secret[2];
};

static void count(struct sl_gateway *gateway, enum sl_gateway_count which)
{
	sl_count_up(&gateway->counters->counts[which], 1);
}

/* What names a request to its gateway and to its usage event alike. */
static uint64_t key_of(const struct sl_cost *cost, struct sl_span tenant, struct sl_span request_id,
		       struct sl_span trace_id)
{
	char text[3 * SL_TEXT_MAX];
	const struct sl_span parts[] = { tenant, request_id, trace_id };
	uint64_t hash[2];
	size_t length = 0;

	for (size_t i = 0; i < 3; i++) {
		size_t part = parts[i].length < SL_TEXT_MAX - 1 ? parts[i].length : SL_TEXT_MAX - 1;

		if (part)
			memcpy(text + length, parts[i].at, part);
		length += part;
		text[length++] = '\0';
	}
	sl_siphash(hash, cost->secret, text, length);
	return hash[0];
}

/* ---- the end of a reservation ----------------------------------------------------------- */

/* A bucket is at most SL_GCRA_BURST_MAX long. */
static uint64_t milli_of(const struct sl_request_limit *limit, uint64_t amount_ns)
{
	return (amount_ns * 1000 + limit->period_ns / 2) / limit->period_ns;
}

/* It came to @used_ns of @made, as far as the bucket still is its tenant's. */
static void settle(struct sl_gateway *gateway, const struct sl_reservation *made, uint64_t used_ns)
{
	struct sl_request_slot *slot;
	struct sl_kernel_limits agent;

	if (!sl_kernel_limits(&agent, gateway->kernel, sl_span_of(made->tenant)) ||
	    agent.limits.gen != made->gen)
		return;
	slot = &agent.words->slot[SL_REQUEST_COST];
	sl_cost_settle(&slot->word, made->reserved_ns, used_ns);
	__atomic_fetch_add(&slot->admitted, milli_of(&made->limit, used_ns), __ATOMIC_RELAXED);
}

static void expire(struct sl_gateway *gateway, const struct sl_reservation *made)
{
	count(gateway, SL_COUNT_COST_EXPIRED);
	settle(gateway, made, made->reserved_ns);
}

void sl_cost_return(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_reservation made;

	if (!gateway->cost ||
	    !sl_reservations_take_one(&made, gateway->cost->open, exchange->reservation))
		return;
	exchange->reservation = 0;
	count(gateway, SL_COUNT_COST_RETURNED);
	settle(gateway, &made, 0);
}

void sl_cost_tick(struct sl_gateway *gateway, uint64_t now_ns)
{
	struct sl_reservation made;

	if (!gateway->cost)
		return;
	for (int i = 0; i < EXPIRE_STEP; i++) {
		if (!sl_reservations_expire(&made, gateway->cost->open, now_ns - RESERVED_NS))
			return;
		expire(gateway, &made);
	}
}

/* A header's value, which wins, or the member's. */
static struct sl_span text_of(const struct sl_bus_message *message, const char *header,
			      struct sl_json_value member)
{
	struct sl_span text = sl_bus_header(message, header);

	if (!text.length && sl_json_plain(&text, member))
		return (struct sl_span){ 0 };
	return text;
}

static void usage_came(void *context, const struct sl_bus_message *message)
{
	enum {
		TENANT,
		REQUEST,
		TRACE,
		COST,
		WANTED
	};
	static const char *const wanted[WANTED] = { "tenant_id", "request_id", "trace_id", "cost" };
	struct sl_gateway *gateway = context;
	struct sl_cost *cost = gateway->cost;
	struct sl_json_value found[WANTED];
	struct sl_reservation made;
	struct sl_span request_id;
	double units;

	if (sl_json_pick(found, wanted, WANTED, sl_bus_payload(message), NULL) ||
	    sl_json_plain(&request_id, found[REQUEST]) || sl_json_real(&units, found[COST]))
		return;
	if (!sl_reservations_take(&made, cost->open,
				  key_of(cost, text_of(message, SL_HEADER_TENANT_ID, found[TENANT]),
					 request_id,
					 text_of(message, SL_HEADER_TRACE_ID, found[TRACE]))))
		return;
	count(gateway, SL_COUNT_COST_SETTLED);
	settle(gateway, &made, sl_cost_ns(&made.limit, units));
}

/* ---- making one --------------------------------------------------------------------------- */

void sl_cost_free(struct sl_cost *cost)
{
	if (!cost)
		return;
	sl_bus_unsubscribe(cost->usage);
	sl_reservations_free(cost->open);
	free(cost);
}

/* Only a gateway that has something to settle listens. */
static struct sl_cost *begin(struct sl_gateway *gateway)
{
	struct sl_cost *cost = calloc(1, sizeof(*cost));

	if (!cost || sl_reservations_new(&cost->open, RESERVATIONS_MAX)) {
		free(cost);
		return NULL;
	}
	sl_gateway_random(gateway, cost->secret, sizeof(cost->secret));
	if (sl_bus_subscribe(&cost->usage, gateway->bus, SL_SUBJECT_USAGE, NULL, usage_came,
			     gateway))
		sl_log(gateway->log, SL_LOG_WARN,
		       "usage events are not heard: cost stays at its "
		       "estimate");
	return cost;
}

/* The bound that the request itself states; negative: none. */
static double stated(const struct sl_decide *decide)
{
	static const char *const wanted[] = { "max_cost" };
	const struct sl_json_value where[] = { decide->constraints, decide->options, decide->task };
	struct sl_json_value found;
	double least = -1, units;

	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++)
		if (where[i].type == SL_JSON_OBJECT &&
		    !sl_json_pick(&found, wanted, 1, where[i].raw, NULL) &&
		    !sl_json_real(&units, found) && units >= 0 && (least < 0 || units < least))
			least = units;
	return least;
}

/* Never above half a bucket, or one careless estimate would shut the tenant out. */
static uint64_t estimate_ns(const struct sl_request_limit *limit, const struct sl_decide *decide,
			    const struct sl_requests *requests)
{
	double units = stated(decide);
	uint64_t amount_ns;

	if (units < 0)
		units = (double)requests->cost_estimate_milli / MILLI;
	amount_ns = sl_cost_ns(limit, units);
	return amount_ns < limit->burst_ns / 2 ? amount_ns : limit->burst_ns / 2;
}

static void keep(struct sl_exchange *exchange, const struct sl_kernel_limits *agent,
		 const struct sl_request_limit *limit, uint64_t reserved_ns, uint64_t now_ns)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_reservation made = { .reserved_ns = reserved_ns,
				       .made_ns = now_ns,
				       .limit = *limit,
				       .gen = agent->limits.gen };
	struct sl_reservation gone;
	bool full;

	made.key = key_of(gateway->cost, sl_span_of(exchange->who.tenant),
			  sl_span_of(exchange->request_id), sl_span_of(exchange->trace.trace_id));
	/* The agent knows it by this name, so it fits. */
	memcpy(made.tenant, exchange->who.tenant,
	       strnlen(exchange->who.tenant, sizeof(made.tenant) - 1));
	exchange->reservation = sl_reservations_add(gateway->cost->open, &made, &gone, &full);
	count(gateway, SL_COUNT_COST_RESERVED);
	if (full)
		expire(gateway, &gone);
}

static bool refuse(struct sl_exchange *exchange, const struct sl_kernel_limits *agent,
		   const struct sl_request_limit *limit, uint64_t amount_ns, uint64_t wait_ns)
{
	struct sl_gateway *gateway = exchange->gateway;
	bool shadow = gateway->settings->limits.shadow ||
		      sl_requests_mode(&agent->limits, agent->node) == SL_MODE_SHADOW;

	__atomic_fetch_add(&agent->words->slot[SL_REQUEST_COST].refused, milli_of(limit, amount_ns),
			   __ATOMIC_RELAXED);
	count(gateway, SL_COUNT_COST_REFUSED);
	if (shadow) {
		count(gateway, SL_COUNT_SHADOW_REFUSED);
		return true;
	}
	sl_idempotency_end(exchange, 429, (struct sl_span){ 0 }); /* the key may come again */
	sl_answer_limited(exchange, limit->burst_ns / limit->period_ns, wait_ns);
	return false;
}

bool sl_cost_admit(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	uint64_t now_ns = sl_gateway_now_ns(gateway), amount_ns, wait_ns;
	struct sl_kernel_limits agent;
	struct sl_request_rule_now rule;

	/* Without an assignment no work is done, and no result comes. */
	if (!sl_decide_pushes(&exchange->decide) ||
	    !sl_kernel_limits(&agent, gateway->kernel, sl_span_of(exchange->who.tenant)))
		return true;
	sl_requests_now(&rule, &agent.limits, SL_REQUEST_COST, now_ns);
	if (!rule.set || !rule.limit.period_ns ||
	    sl_requests_mode(&agent.limits, agent.node) == SL_MODE_OFF)
		return true;
	amount_ns = estimate_ns(&rule.limit, &exchange->decide, &agent.limits);
	wait_ns = sl_cost_reserve(&rule.limit, &agent.words->slot[SL_REQUEST_COST].word, amount_ns,
				  now_ns);
	if (wait_ns)
		return refuse(exchange, &agent, &rule.limit, amount_ns, wait_ns);
	if (!gateway->cost)
		gateway->cost = begin(gateway);
	if (gateway->cost)
		keep(exchange, &agent, &rule.limit, amount_ns, now_ns);
	return true;
}
