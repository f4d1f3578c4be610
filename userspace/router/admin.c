// SPDX-License-Identifier: Apache-2.0
/* What operators ask of a router, each answered by one of the group. */
#include <stdio.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/router/router_private.h"

#define REPLY_BYTES    256
#define PAGE_BYTES_MAX (900u << 10) /* below what a message may have */
#define LISTED_MAX     1000u
#define WORKERS_MAX    200u
#define NS_PER_S       1000000000u
#define PENDING_MAX    1000u
#define LATENCY_MS_MAX 5000u

struct page {
	struct sl_router *router;
	char reply[REPLY_BYTES];
	char tenant[SL_IDENTIFIER_MAX + 1];
	struct sl_trace trace;
	struct sl_json_out out;
};

static void page_begin(struct page *page, struct sl_router *router,
		       const struct sl_bus_message *message)
{
	const struct sl_span reply = sl_bus_reply(message);
	const struct sl_span tenant = sl_bus_header(message, SL_HEADER_TENANT_ID);

	*page = (struct page){ .router = router, .out = SL_JSON_OUT(PAGE_BYTES_MAX) };
	if (reply.length && reply.length < sizeof(page->reply))
		memcpy(page->reply, reply.at, reply.length);
	if (tenant.length && tenant.length < sizeof(page->tenant))
		memcpy(page->tenant, tenant.at, tenant.length);
	sl_router_trace(&page->trace, router, message, "");
	sl_json_open(&page->out, '{');
}

static void put_text(struct page *page, const char *name, const char *text)
{
	sl_json_key(&page->out, name);
	sl_json_put_text(&page->out, sl_span_of(text));
}

static void put_number(struct page *page, const char *name, uint64_t value)
{
	sl_json_key(&page->out, name);
	sl_json_put_integer(&page->out, (int64_t)value);
}

static void put_ok(struct page *page)
{
	sl_json_key(&page->out, "ok");
	sl_json_put_bool(&page->out, true);
	put_number(page, "timestamp", sl_wall_ms());
}

static void page_send(struct page *page)
{
	struct sl_span text;

	if (page->reply[0] && sl_json_done(&text, &page->out) == 0)
		sl_intake_respond(page->router, page->reply, &page->trace, page->tenant, text);
}

static void page_end(struct page *page)
{
	sl_json_close(&page->out, '}');
	page->router->counts.accepted[SL_INTAKE_ADMIN]++;
	page_send(page);
	sl_json_out_free(&page->out);
}

static void page_refuse(struct page *page, const struct sl_error_body *error)
{
	page->router->counts.refused[SL_INTAKE_ADMIN]++;
	sl_json_out_free(&page->out);
	page->out = SL_JSON_OUT(PAGE_BYTES_MAX);
	sl_error_write(&page->out, error);
	page_send(page);
	sl_json_out_free(&page->out);
}

/* ---- health ---------------------------------------------------------------------------------- */

static const char *health_word(const struct sl_provider_health *health)
{
	if (!health->heard_ns)
		return "unknown";
	switch (sl_health_state(health)) {
	case SL_PROVIDER_READY:
		return "healthy";
	case SL_PROVIDER_DEGRADED:
		return "degraded";
	case SL_PROVIDER_OPEN:
	case SL_PROVIDER_DOWN:
		break;
	}
	return "unhealthy";
}

static void put_provider_health(struct page *page, const struct sl_provider *provider)
{
	struct sl_router *router = page->router;
	const uint64_t now_ns = sl_router_now(router);
	const struct sl_provider_health health = sl_health_of(
		router->core->health, provider->id, router->settings.heartbeat_ttl_ns, now_ns);

	sl_json_open(&page->out, '{');
	put_text(page, "id", provider->id);
	put_text(page, "type", "provider");
	put_text(page, "status", health_word(&health));
	put_number(page, "workers_ready", health.ready);
	put_number(page, "workers_busy", health.busy);
	put_number(page, "workers_degraded", health.degraded);
	put_number(page, "workers_silent", health.silent);
	put_number(page, "jobs_in_flight", health.jobs_in_flight);
	if (health.heard_ns)
		put_number(page, "heard_ms_ago", (now_ns - health.heard_ns) / SL_MS_NS);
	sl_json_close(&page->out, '}');
}

static void put_workers(struct page *page)
{
	const uint64_t now_ns = sl_router_now(page->router);
	const struct sl_worker_seen *seen;
	uint32_t at = 0, count = 0;

	while (count++ < WORKERS_MAX && (seen = sl_health_next(page->router->core->health, &at))) {
		sl_json_open(&page->out, '{');
		put_text(page, "worker_id", seen->last.worker_id);
		put_text(page, "status", seen->last.status);
		put_number(page, "jobs_in_flight", seen->last.jobs_in_flight);
		put_number(page, "heard_ms_ago", (now_ns - seen->heard_ns) / SL_MS_NS);
		sl_json_close(&page->out, '}');
	}
}

void sl_admin_health(void *context, const struct sl_bus_message *message)
{
	struct sl_router *router = context;
	const struct sl_policies *policies = &router->settings.policies;
	struct page page;

	page_begin(&page, router, message);
	put_ok(&page);
	put_text(&page, "status", router->js_ready ? "healthy" : "degraded");
	sl_json_key(&page.out, "extensions");
	sl_json_open(&page.out, '[');
	for (size_t i = 0; i < policies->provider_count; i++)
		put_provider_health(&page, &policies->providers[i]);
	sl_json_close(&page.out, ']');
	sl_json_key(&page.out, "workers");
	sl_json_open(&page.out, '[');
	put_workers(&page);
	sl_json_close(&page.out, ']');
	page_end(&page);
}

/* ---- breakers -----------------------------------------------------------------------------------
 */

static void put_breaker(struct page *page, const struct sl_breaker *breaker)
{
	const struct sl_breaker_limits *limits = &page->router->settings.breaker;
	const uint64_t now_ns = sl_router_now(page->router);
	uint32_t calls;

	sl_json_open(&page->out, '{');
	put_text(page, "tenant_id", breaker->tenant);
	put_text(page, "provider_id", breaker->provider);
	put_text(page, "state", sl_breaker_state_name(breaker->state));
	put_number(page, "failures", breaker->failures);
	sl_json_key(&page->out, "error_rate");
	sl_json_put_real(&page->out, sl_breaker_error_rate(breaker, limits, now_ns, &calls));
	put_number(page, "calls", calls);
	put_number(page, "since_ms_ago", (now_ns - breaker->since_ns) / SL_MS_NS);
	put_number(page, "opened_total", breaker->opened_total);
	sl_json_close(&page->out, '}');
}

void sl_admin_breakers(void *context, const struct sl_bus_message *message)
{
	struct sl_router *router = context;
	const struct sl_breaker *breaker;
	uint32_t at = 0, count = 0;
	struct page page;

	page_begin(&page, router, message);
	put_ok(&page);
	put_number(&page, "total", sl_table_stats(router->core->breakers).entries);
	sl_json_key(&page.out, "circuit_breakers");
	sl_json_open(&page.out, '[');
	while (count++ < LISTED_MAX &&
	       (breaker = sl_table_next(router->core->breakers, &at, sl_router_now(router))))
		put_breaker(&page, breaker);
	sl_json_close(&page.out, ']');
	page_end(&page);
}

/* ---- dry run
 * --------------------------------------------------------------------------------------- */

static const char *provider_word(enum sl_provider_state state)
{
	static const char *const words[] = { "ready", "degraded", "open", "down" };

	return words[state];
}

static void put_choice(struct page *page, const struct sl_core_choice *choice)
{
	sl_json_key(&page->out, "dry_run");
	sl_json_put_bool(&page->out, true);
	sl_json_key(&page->out, "decision");
	sl_core_write_decision(&page->out, choice, NULL);
	put_number(page, "candidates_able", choice->route.able);
	put_number(page, "candidates_excluded", choice->route.excluded);
	put_number(page, "candidates_unable", choice->route.unable);
	put_number(page, "deadline_ms", sl_core_deadline_ms(choice->provider));
	put_text(page, "provider_state",
		 provider_word(page->router->core->providers[choice->route.provider]));
}

static void put_context(struct page *page, const struct sl_request *request)
{
	sl_json_key(&page->out, "context");
	sl_json_open(&page->out, '{');
	put_text(page, "request_id", request->request_id);
	put_text(page, "trace_id", request->trace.trace_id);
	sl_json_close(&page->out, '}');
}

void sl_admin_dry_run(void *context, const struct sl_bus_message *message)
{
	struct sl_router *router = context;
	const struct sl_request_headers headers = sl_in_headers(message);
	struct sl_decide_fault fault = { .message = "" };
	struct sl_core_choice choice;
	struct sl_request request;
	uint8_t random[24];
	struct page page;

	page_begin(&page, router, message);
	sl_router_random(router, random, sizeof(random));
	if (sl_request_read(&request, &headers, sl_bus_payload(message), random, &fault) != 0 ||
	    sl_core_admit(router->core, &request, &fault) != 0 ||
	    sl_core_choose(&choice, router->core, &request, false, sl_router_now(router), &fault) !=
		    0) {
		page_refuse(&page,
			    &(struct sl_error_body){ .code = fault.code,
						     .intake = fault.intake,
						     .message = fault.message,
						     .request_id = sl_span_of(request.request_id),
						     .trace_id = sl_span_of(request.trace.trace_id),
						     .tenant_id = sl_span_of(request.tenant_id) });
		return;
	}
	put_ok(&page);
	put_choice(&page, &choice);
	put_context(&page, &request);
	page_end(&page);
}

/* ---- complexity
 * --------------------------------------------------------------------------------------- */

static const char *level_of(uint64_t score)
{
	if (score < 10)
		return "low";
	return score < 40 ? "medium" : "high";
}

static void put_complexity(struct page *page, const struct sl_policy *policy)
{
	const uint64_t constraints =
		policy->require_count + (policy->max_cost > 0) + (policy->max_latency_ns > 0);
	const uint64_t score = policy->candidate_count + policy->fallback_count + constraints +
			       (policy->sticky_by[0] ? 2u : 0u);

	put_text(page, "policy_id", policy->id);
	put_number(page, "providers", policy->candidate_count);
	put_number(page, "fallbacks", policy->fallback_count);
	put_number(page, "constraints", constraints);
	sl_json_key(&page->out, "sticky");
	sl_json_put_bool(&page->out, policy->sticky_by[0] != '\0');
	put_number(page, "complexity_score", score);
	put_text(page, "complexity", level_of(score));
}

void sl_admin_complexity(void *context, const struct sl_bus_message *message)
{
	static const char *const wanted[] = { "tenant_id", "policy_id" };
	struct sl_router *router = context;
	char tenant[SL_IDENTIFIER_MAX + 1] = "", id[SL_POLICY_ID_BYTES] = "";
	const struct sl_policy *policy;
	struct sl_json_value found[2];
	struct page page;
	size_t length;

	page_begin(&page, router, message);
	if (sl_json_pick(found, wanted, 2, sl_bus_payload(message), NULL) == 0) {
		(void)sl_json_text(tenant, sizeof(tenant), &length, found[0]);
		(void)sl_json_text(id, sizeof(id), &length, found[1]);
	}
	policy = sl_policy_find(&router->settings.policies, sl_span_of(id), sl_span_of(tenant));
	if (!policy) {
		page_refuse(&page, &(struct sl_error_body){
					   .code = SL_CODE_POLICY_NOT_FOUND,
					   .message = "there is no such policy for this tenant",
					   .trace_id = sl_span_of(page.trace.trace_id),
					   .tenant_id = sl_span_of(tenant) });
		return;
	}
	put_ok(&page);
	put_text(&page, "tenant_id", tenant);
	put_complexity(&page, policy);
	page_end(&page);
}

/* ---- backpressure
 * ------------------------------------------------------------------------------------- */

/*
 * What the router's own inputs say and what its workers do, the worse of the two. While it
 * sheds, it chooses itself, by class and credit: at "active" gateways refuse all, workers
 * would be idle, and what is critical lost. Only when it stops there is nothing to choose.
 */
static const char *status_of(const struct sl_router *router, unsigned int over)
{
	bool is_stale;
	const enum sl_pressure_state worst = sl_pressure_worst(router->pressure, &is_stale);

	if (over >= 2 || worst == SL_PRESSURE_STOP)
		return "active";
	if (over || worst == SL_PRESSURE_WARN || worst == SL_PRESSURE_SHED)
		return "warning";
	return is_stale ? "unknown" : "inactive";
}

void sl_admin_backpressure(void *context, const struct sl_bus_message *message)
{
	struct sl_router *router = context;
	const uint64_t p95_ms = router->counts.recent_p95_us / 1000;
	const unsigned int over = (unsigned int)(router->pending_results > PENDING_MAX) +
				  (p95_ms > LATENCY_MS_MAX) +
				  (router->job_count >= router->settings.in_flight_max);
	struct page page;

	page_begin(&page, router, message);
	put_text(&page, "subject", router->settings.decide_subject);
	put_text(&page, "status", status_of(router, over));
	sl_json_key(&page.out, "metrics");
	sl_json_open(&page.out, '{');
	put_number(&page, "pending_messages", router->pending_results);
	put_number(&page, "latency_p95_ms", p95_ms);
	put_number(&page, "inflight_messages", router->job_count);
	sl_json_close(&page.out, '}');
	sl_json_key(&page.out, "thresholds");
	sl_json_open(&page.out, '{');
	put_number(&page, "pending_messages", PENDING_MAX);
	put_number(&page, "latency_p95_ms", LATENCY_MS_MAX);
	put_number(&page, "inflight_messages", router->settings.in_flight_max);
	sl_json_close(&page.out, '}');
	sl_json_key(&page.out, "policy");
	sl_json_open(&page.out, '{');
	put_number(&page, "retry_after_seconds", router->settings.retry_after_ns / NS_PER_S);
	put_number(&page, "max_retry_attempts", 3);
	sl_json_close(&page.out, '}');
	put_number(&page, "timestamp", sl_wall_ms());
	page_end(&page);
}
