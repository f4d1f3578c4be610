/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator asks of limits: how they stand, and other ones for a tenant. */
#include "userspace/gateway/gateway_private.h"

#include <errno.h>

#include "userspace/gateway/limits.h"

static void refuse(struct sl_exchange *exchange, const char *message)
{
	sl_answer_error(exchange, SL_CODE_INVALID_REQUEST, 400, SL_INTAKE_NONE, message);
}

static void put_number_or_null(struct sl_json_out *out, const char *name, uint64_t value)
{
	sl_json_key(out, name);
	if (value == UINT64_MAX)
		sl_json_put_null(out);
	else
		sl_json_put_integer(out, (int64_t)value);
}

/* Where one class stands. */
struct place {
	uint64_t limit, remaining, reset_s;
};

static struct place place_here(const struct sl_gcra_level *level, uint64_t now_ns)
{
	return (struct place){
		.limit = sl_gcra_size(&level->limit),
		.remaining = sl_gcra_left(level, now_ns),
		.reset_s = (sl_gcra_reset_ns(level, now_ns) + 999999999) / 1000000000,
	};
}

static struct place place_in_redis(const struct sl_gcra_level *level, uint64_t count,
				   uint64_t reset_ms)
{
	const uint64_t limit = sl_gcra_size(&level->limit);

	return (struct place){
		.limit = limit,
		.remaining = limit == UINT64_MAX || count <= limit ? limit - count : 0,
		.reset_s = count ? (reset_ms + 999) / 1000 : 0,
	};
}

/* @counted: what Redis has, by class; NULL: it has nothing, or did not say. */
static void put_class(struct sl_json_out *out, const struct sl_tenant_limits *tenant,
		      enum sl_rate_class which, const struct sl_window_verdict *counted,
		      uint64_t now_ns)
{
	struct sl_standing standing;
	struct place place;

	sl_limits_standing(&standing, tenant, which, now_ns);
	if (standing.source == SL_LIMIT_AGENT || !standing.level.limit.period_ns)
		counted = NULL;
	place = counted ? place_in_redis(&standing.level, counted->counts[which - 1],
					 counted->reset_ms)
			: place_here(&standing.level, now_ns);
	sl_json_key(out, sl_rate_class_name(which));
	sl_json_open(out, '{');
	put_number_or_null(out, "limit", place.limit);
	put_number_or_null(out, "remaining", place.remaining);
	sl_json_key(out, "reset_seconds");
	sl_json_put_integer(out, (int64_t)place.reset_s);
	sl_json_key(out, "window_seconds");
	sl_json_put_integer(out, (int64_t)(standing.window_ns / 1000000000));
	sl_json_key(out, "overridden");
	sl_json_put_bool(out, standing.source == SL_LIMIT_OVERRIDE);
	sl_json_key(out, "source");
	sl_json_put_text(out, sl_span_of(sl_limit_source_name(standing.source)));
	sl_json_key(out, "counted_by");
	sl_json_put_text(out, counted ? SL_SPAN("redis") : SL_SPAN("node"));
	sl_json_close(out, '}');
}

static void answer_usage(struct sl_exchange *exchange, const char *name,
			 struct sl_caller_bucket *bucket, const struct sl_window_verdict *counted)
{
	struct sl_gateway *gateway = exchange->gateway;
	struct sl_json_out *out = &gateway->out;
	uint64_t now_ns = sl_gateway_now_ns(gateway);
	struct sl_kernel_limits agent;
	struct sl_tenant_limits tenant = {
		.settings = gateway->settings,
		.plan = &gateway->settings->limits.plan,
		.bucket = bucket,
	};

	if (sl_kernel_limits(&agent, gateway->kernel, sl_span_of(name)))
		tenant.agent = &agent;
	sl_json_out_reset(out);
	sl_json_open(out, '{');
	sl_json_key(out, "tenant_id");
	sl_json_put_text(out, sl_span_of(name));
	sl_json_key(out, "window_seconds");
	sl_json_put_integer(out, (int64_t)(gateway->settings->limits.window_ns / 1000000000));
	sl_json_key(out, "checked_total");
	sl_json_put_integer(out, (int64_t)bucket->checked_total);
	sl_json_key(out, "exceeded_total");
	sl_json_put_integer(out, (int64_t)bucket->exceeded_total);
	sl_json_key(out, "classes");
	sl_json_open(out, '{');
	for (size_t i = SL_CLASS_ROUTES_DECIDE; i < SL_CLASSES; i++)
		put_class(out, &tenant, (enum sl_rate_class)i, counted, now_ns);
	sl_json_close(out, '}');
	sl_json_close(out, '}');
	sl_answer_out(exchange, 200);
}

static void show_counted(struct sl_exchange *exchange, const char *tenant,
			 const struct sl_window_verdict *counted)
{
	struct sl_buckets *buckets = sl_shared_tenants(exchange->gateway->shared);
	struct sl_caller_bucket untouched = { 0 };
	struct sl_caller_bucket *bucket = sl_buckets_find(buckets, sl_span_of(tenant));

	answer_usage(exchange, tenant, bucket ? bucket : &untouched, counted);
}

static void looked(void *context, enum sl_window_outcome outcome,
		   const struct sl_window_verdict *verdict)
{
	struct sl_exchange *exchange = sl_ticket_end(context);
	char tenant[SL_TEXT_MAX];

	if (!exchange || outcome == SL_WINDOW_OUTCOMES)
		return;
	/* It was good when Redis was asked. */
	if (!sl_query_value(tenant, sizeof(tenant), exchange->call.query, "tenant"))
		show_counted(exchange, tenant, verdict);
}

/* False: it cannot be asked now. */
static bool ask_redis(struct sl_exchange *exchange, const char *tenant)
{
	struct sl_window_level levels[SL_WINDOW_KEYS_MAX];
	struct sl_ticket *ticket;

	_Static_assert(SL_WINDOW_KEYS_MAX == SL_CLASSES - 1, "limits: a key for each class");
	if (!exchange->gateway->window || !(ticket = sl_ticket_take(exchange)))
		return false;
	for (size_t i = 0; i < SL_WINDOW_KEYS_MAX; i++)
		levels[i] = (struct sl_window_level){ .rate_class = (enum sl_rate_class)(i + 1) };
	if (!sl_window_look(exchange->gateway->window, sl_span_of(tenant), levels,
			    SL_WINDOW_KEYS_MAX, looked, ticket))
		return true;
	(void)sl_ticket_end(ticket);
	return false;
}

static void show(struct sl_exchange *exchange)
{
	char tenant[SL_TEXT_MAX];

	if (sl_query_value(tenant, sizeof(tenant), exchange->call.query, "tenant") ||
	    !sl_is_identifier(sl_span_of(tenant), SL_IDENTIFIER_MAX)) {
		refuse(exchange, "tenant: 1 to 128 printable characters are wanted");
		return;
	}
	if (!ask_redis(exchange, tenant))
		show_counted(exchange, tenant, NULL);
}

/* A count, "unlimited", or null for the plan's again. */
static int read_limit(uint64_t *ret, struct sl_json_value value)
{
	struct sl_span word;
	int64_t number;

	if (value.type == SL_JSON_NULL) {
		*ret = 0;
		return 0;
	}
	if (!sl_json_plain(&word, value) && sl_span_is(word, "unlimited")) {
		*ret = SL_BUCKET_UNLIMITED;
		return 0;
	}
	if (sl_json_integer(&number, value) || number < 0 || number > 1000000000)
		return -EINVAL;
	*ret = (uint64_t)number + 1;
	return 0;
}

/* What all gateways of the node share is not one gateway's to change. */
static bool is_agents(const struct sl_exchange *exchange, const char *name,
		      struct sl_caller_bucket *bucket, enum sl_rate_class which)
{
	const struct sl_gateway *gateway = exchange->gateway;
	struct sl_kernel_limits agent;
	const struct sl_tenant_limits tenant = {
		.settings = gateway->settings,
		.plan = &gateway->settings->limits.plan,
		.bucket = bucket,
		.agent = &agent,
	};
	struct sl_standing standing;

	if (!sl_kernel_limits(&agent, gateway->kernel, sl_span_of(name)))
		return false;
	sl_limits_standing(&standing, &tenant, which, sl_gateway_now_ns(gateway));
	return standing.source == SL_LIMIT_AGENT;
}

static void set(struct sl_exchange *exchange)
{
	static const char *const names[] = { "tenant_id", "tenant", "class", "limit" };
	struct sl_json_value found[4];
	char tenant[SL_TEXT_MAX];
	struct sl_caller_bucket *bucket;
	struct sl_span word;
	enum sl_rate_class which;
	uint64_t limit;
	size_t length;

	if (sl_json_pick(found, names, 4, exchange->body, NULL)) {
		refuse(exchange, "the body is not a JSON object");
		return;
	}
	if (sl_json_text(tenant, sizeof(tenant), &length,
			 found[found[0].type == SL_JSON_ABSENT ? 1 : 0]) ||
	    !sl_is_identifier(sl_span_of(tenant), SL_IDENTIFIER_MAX) ||
	    sl_json_plain(&word, found[2]) || (which = sl_rate_class_of(word)) == SL_CLASSES ||
	    read_limit(&limit, found[3])) {
		refuse(exchange, "tenant_id, class (routes_decide, messages, registry_blocks or "
				 "global) and limit (a number, \"unlimited\" or null) are wanted");
		return;
	}
	bucket = sl_buckets_get(sl_shared_tenants(exchange->gateway->shared), sl_span_of(tenant),
				sl_gateway_now_ns(exchange->gateway));
	if (bucket == &sl_shared_tenants(exchange->gateway->shared)->common) {
		sl_answer_error(exchange, SL_CODE_UNAVAILABLE, 503, SL_INTAKE_NONE,
				"no place for another tenant's limits");
		return;
	}
	if (is_agents(exchange, tenant, bucket, which)) {
		sl_answer_error(exchange, SL_CODE_CONFLICT, 409, SL_INTAKE_NONE,
				"the agent limits this class: sluicectl limit set");
		return;
	}
	__atomic_store_n(&bucket->limits[which], limit, __ATOMIC_RELAXED);
	sl_log(exchange->gateway->log, SL_LOG_WARN, "limit set", SL_STR("tenant_id", tenant),
	       SL_STR("class", sl_rate_class_name(which)), SL_NUM("limit", (int64_t)limit - 1),
	       SL_STR("by", exchange->who.tenant));
	answer_usage(exchange, tenant, bucket, NULL);
}

void sl_do_limits(struct sl_exchange *exchange)
{
	if (exchange->match.route->action == SL_ACTION_LIMIT_USAGE)
		show(exchange);
	else
		set(exchange);
}
