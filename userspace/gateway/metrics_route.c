/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/base/clock.h"
#include "userspace/gateway/gateway_private.h"

#include <math.h>
#include <stdio.h>

#include "userspace/base/cleanup.h"
#include "userspace/obs/metrics.h"

#define PAGE_BYTES_MAX (4u << 20)

static uint64_t total(const uint64_t *counters, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += counters[i];
	return sum;
}

/* ---- Prometheus -------------------------------------------------------------------------------
 */

static void put_requests(struct sl_metrics *page, const struct sl_worker_counters *sum)
{
	unsigned int family = sl_metrics_family(page, "gateway_http_requests_total", SL_COUNTER,
						"Requests by route and status");

	for (size_t i = 0; i < sl_route_count(); i++) {
		const struct sl_route *route = sl_route_at(i);

		for (size_t j = 0; j < SL_STATUSES; j++) {
			char status[16];
			const struct sl_label labels[] = {
				{ "method", sl_method_name(route->method) },
				{ "path", route->action == SL_ACTION_NONE ? "other" : route->path },
				{ "status", status },
			};

			if (!sum->requests[i][j])
				continue;
			snprintf(status, sizeof(status), "%d", sl_status_at(j));
			sl_metrics_add(page, family, labels, 3, sum->requests[i][j]);
		}
	}
}

static void put_latency(struct sl_metrics *page, const struct sl_worker_counters *sum)
{
	unsigned int family =
		sl_metrics_family(page, "gateway_http_request_duration_seconds", SL_HISTOGRAM,
				  "From the head of a request to its answer");
	double bounds[SL_LATENCIES - 1];

	for (size_t i = 0; i < SL_LATENCIES - 1; i++)
		bounds[i] = sl_latency_bound_s(i);
	sl_metrics_add_histogram(
		page, family, NULL, 0,
		&(struct sl_histogram){ .bounds = bounds,
					.counts = sum->latencies,
					.bucket_count = SL_LATENCIES - 1,
					.sum = (double)sum->latency_sum_us / 1e6 });
}

static void put_limits(struct sl_metrics *page, const struct sl_settings *settings,
		       const uint64_t counters[SL_CLASSES][SL_TENANT_LABELS], const char *name,
		       const char *help)
{
	unsigned int family = sl_metrics_family(page, name, SL_COUNTER, help);

	for (size_t i = 1; i < SL_CLASSES; i++) {
		for (size_t j = 0; j < SL_TENANT_LABELS; j++) {
			const struct sl_label labels[] = {
				{ "endpoint", sl_rate_class_name((enum sl_rate_class)i) },
				{ "tenant_id", j < settings->metrics.tenant_count
						       ? settings->metrics.tenants[j].text
						       : "other" },
			};

			/* "other" is always there: a series that begins at 0 has a rate. */
			if (counters[i][j] || (i < SL_CLASS_GLOBAL && j == SL_TENANT_LABELS - 1))
				sl_metrics_add(page, family, labels, 2, counters[i][j]);
		}
	}
}

struct simple {
	const char *name;
	enum sl_gateway_count count;
	const char *help;
};

static const struct simple simples[] = {
	{ "gateway_rate_limit_allowed_total", SL_COUNT_ALLOWED, "Requests within their limits" },
	{ "gateway_rate_limit_shadow_total", SL_COUNT_SHADOW_REFUSED,
	  "Requests that passed in shadow mode only" },
	{ "gateway_rate_limit_strangers_total", SL_COUNT_STRANGER_REFUSED,
	  "Requests without a valid credential over the limit of their address" },
	{ "gateway_idempotency_hits_total", SL_COUNT_IDEMPOTENCY_HIT, "Answers given again" },
	{ "gateway_idempotency_misses_total", SL_COUNT_IDEMPOTENCY_MISS, "Keys seen first" },
	{ "gateway_idempotency_lost_total", SL_COUNT_IDEMPOTENCY_LOST,
	  "Requests that went without the store" },
	{ "gateway_nats_messages_sent_total", SL_COUNT_NATS_SENT, "Messages to NATS" },
	{ "gateway_nats_messages_received_total", SL_COUNT_NATS_RECEIVED, "Messages from NATS" },
	{ "gateway_nats_publish_failures_total", SL_COUNT_NATS_FAILED,
	  "Messages that could not be sent" },
	{ "gateway_nats_late_replies_total", SL_COUNT_NATS_LATE,
	  "Replies after their deadline, dropped" },
	{ "gateway_nats_timeouts_total", SL_COUNT_NATS_TIMEOUT,
	  "Requests without a reply in time" },
	{ "gateway_nats_reconnects_total", SL_COUNT_NATS_RECONNECT, "Connections made again" },
	{ "gateway_json_parse_failure_total", SL_COUNT_JSON_FAILED, "Texts that are not JSON" },
	{ "gateway_clients_gone_total", SL_COUNT_CLIENT_GONE,
	  "Clients that left before their answer" },
	{ "gateway_auth_failures_total", SL_COUNT_AUTH_FAILED, "Requests answered 401 or 403" },
	{ "gateway_streams_slow_total", SL_COUNT_STREAM_SLOW,
	  "Streams ended as the client did not read" },
	{ "gateway_keys_reload_failures_total", SL_COUNT_KEYS_RELOAD_FAILED,
	  "Key files that could not be read anew" },
};

static void put_levels(struct sl_metrics *page, const struct sl_worker_counters *sum)
{
	unsigned int family =
		sl_metrics_family(page, "gateway_rate_limit_refused_total", SL_COUNTER,
				  "Requests answered 429, by the level that refused");

	for (size_t i = 0; i < SL_LEVELS; i++) {
		const struct sl_label label = { "level",
						sl_limit_level_name((enum sl_limit_level)i) };

		sl_metrics_add(page, family, &label, 1, sum->counts[SL_COUNT_LEVEL + i]);
	}
}

static int put_page(struct sl_metrics *page, struct sl_gateway *gateway,
		    const struct sl_worker_counters *sum)
{
	const struct sl_settings *settings = gateway->settings;

	put_requests(page, sum);
	put_latency(page, sum);
	put_limits(page, settings, sum->checked, "gateway_rate_limit_hits_total",
		   "Requests held against a limit");
	put_limits(page, settings, sum->exceeded, "gateway_rate_limit_exceeded_total",
		   "Requests over a limit, answered 429");
	put_levels(page, sum);
	for (size_t i = 0; i < sizeof(simples) / sizeof(simples[0]); i++)
		sl_metrics_one(page, simples[i].name, SL_COUNTER, simples[i].help,
			       sum->counts[simples[i].count]);
	sl_metrics_one(page, "gateway_nats_connection_status", SL_GAUGE,
		       "1: every worker is connected",
		       sum->alive && sum->gauges[SL_GAUGE_CONNECTED] >= sum->alive);
	sl_metrics_one(page, "gateway_requests_in_flight", SL_GAUGE, "Requests at the router",
		       sum->gauges[SL_GAUGE_IN_FLIGHT]);
	sl_metrics_one(page, "gateway_streams", SL_GAUGE, "Open streams of events",
		       sum->gauges[SL_GAUGE_STREAMS]);
	sl_metrics_one(page, "gateway_workers", SL_GAUGE, "Workers alive", sum->alive);
	sl_metrics_one(page, "gateway_tenants_shared_total", SL_COUNTER,
		       "Lookups that found no place of their own for a tenant",
		       sl_shared_tenants(gateway->shared)->shared_total);
	sl_metrics_one(page, "gateway_addresses_shared_total", SL_COUNTER, "The same of addresses",
		       sl_shared_addresses(gateway->shared)->shared_total);
	sl_kernel_metrics(page, sum);
	sl_guard_metrics(page, gateway, sum);
	return sl_metrics_status(page);
}

/* OpenMetrics 1.0 names the family of a counter without its "_total". */
static size_t put_open(char *at, const char *line, size_t length)
{
	static const char total[] = "_total ";
	const char *found = line[0] == '#' ? memmem(line, length, total, sizeof(total) - 1) : NULL;
	size_t before;

	if (!found) {
		memmove(at, line, length);
		return length;
	}
	before = (size_t)(found - line);
	memmove(at, line, before);
	memmove(at + before, found + sizeof(total) - 2, length - before - (sizeof(total) - 2));
	return length - (sizeof(total) - 2);
}

static size_t make_open(char *text, size_t length)
{
	static const char end[] = "# EOF\n";
	size_t at = 0, made = 0;

	while (at < length) {
		const char *newline = memchr(text + at, '\n', length - at);
		size_t line = newline ? (size_t)(newline + 1 - (text + at)) : length - at;

		/* In place: a line only becomes shorter. */
		made += put_open(text + made, text + at, line);
		at += line;
	}
	memcpy(text + made, end, sizeof(end) - 1);
	return made + sizeof(end) - 1;
}

static void answer_page(struct sl_exchange *exchange, const struct sl_metrics *page)
{
	static const char open_type[] = "application/openmetrics-text";
	sl_autofree char *text = malloc(sl_metrics_length(page) + sizeof("# EOF\n"));
	struct sl_span accept = exchange->call.accept;
	bool is_open =
		accept.length && memmem(accept.at, accept.length, open_type, sizeof(open_type) - 1);
	size_t at = 0, length;
	const char *part;

	if (!text) {
		sl_answer_error(exchange, SL_CODE_INTERNAL, 500, SL_INTAKE_NONE, "out of memory");
		return;
	}
	for (unsigned int i = 0; (part = sl_metrics_part(page, i, &length)); i++) {
		memcpy(text + at, part, length);
		at += length;
	}
	if (is_open)
		at = make_open(text, at);
	sl_answer(exchange,
		  &(struct sl_answer){
			  .status = 200,
			  .content_type = is_open ? "application/openmetrics-text; version=1.0.0; "
						    "charset=utf-8"
						  : "text/plain; version=0.0.4; charset=utf-8",
			  .body = { text, at },
		  });
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

/* By the histogram, linear inside its steps. */
static double percentile_ms(const struct sl_worker_counters *sum, double share)
{
	double wanted = share * (double)total(sum->latencies, SL_LATENCIES), below = 0;

	for (size_t i = 0; i < SL_LATENCIES; i++) {
		double from = i ? sl_latency_bound_s(i - 1) : 0, to = sl_latency_bound_s(i);
		double here = (double)sum->latencies[i];

		if (here > 0 && below + here >= wanted)
			return 1e3 *
			       (isinf(to) ? from : from + (to - from) * (wanted - below) / here);
		below += here;
	}
	return 0;
}

/* The whole seconds before this one. */
static double per_second(const struct sl_worker_counters *sum, uint64_t now_s)
{
	uint64_t requests = 0;

	for (size_t i = 0; i < SL_SECONDS_KEPT; i++)
		if (sum->seconds[i].second < now_s && now_s - sum->seconds[i].second <= 10)
			requests += sum->seconds[i].requests;
	return (double)requests / 10;
}

static double error_rate(const struct sl_worker_counters *sum)
{
	uint64_t all = 0, bad = 0;

	for (size_t i = 0; i < SL_ROUTES_MAX; i++) {
		for (size_t j = 0; j < SL_STATUSES; j++) {
			all += sum->requests[i][j];
			if (sl_status_at(j) >= 500)
				bad += sum->requests[i][j];
		}
	}
	return all ? (double)bad / (double)all : 0;
}

static void put_real(struct sl_json_out *out, const char *name, double value)
{
	sl_json_key(out, name);
	sl_json_put_real(out, value);
}

static void put_rate_limit(struct sl_json_out *out, const struct sl_worker_counters *sum)
{
	sl_json_key(out, "rate_limit");
	sl_json_open(out, '{');
	sl_json_key(out, "total_hits");
	sl_json_put_integer(out,
			    (int64_t)total(&sum->checked[0][0], SL_CLASSES * SL_TENANT_LABELS));
	sl_json_key(out, "total_exceeded");
	sl_json_put_integer(out,
			    (int64_t)total(&sum->exceeded[0][0], SL_CLASSES * SL_TENANT_LABELS));
	sl_json_key(out, "exceeded_by_endpoint");
	sl_json_open(out, '{');
	for (size_t i = SL_CLASS_ROUTES_DECIDE; i < SL_CLASS_GLOBAL; i++) {
		sl_json_key(out, sl_rate_class_name((enum sl_rate_class)i));
		sl_json_put_integer(out, (int64_t)total(sum->exceeded[i], SL_TENANT_LABELS));
	}
	sl_json_close(out, '}');
	sl_json_close(out, '}');
}

static void answer_json(struct sl_exchange *exchange, const struct sl_worker_counters *sum,
			uint64_t now_ns)
{
	struct sl_json_out *out = &exchange->gateway->out;
	bool connected = sum->alive && sum->gauges[SL_GAUGE_CONNECTED] >= sum->alive;
	char ts[32];

	sl_json_out_reset(out);
	sl_json_open(out, '{');
	put_real(out, "rps", per_second(sum, now_ns / 1000000000));
	sl_json_key(out, "latency");
	sl_json_open(out, '{');
	put_real(out, "p50", percentile_ms(sum, 0.5));
	put_real(out, "p95", percentile_ms(sum, 0.95));
	sl_json_close(out, '}');
	put_real(out, "error_rate", error_rate(sum));
	put_rate_limit(out, sum);
	sl_json_key(out, "nats");
	sl_json_put_text(out, sl_span_of(connected ? "connected" : "disconnected"));
	sl_json_key(out, "ts");
	sl_json_put_text(out, sl_timestamp(ts, sl_unix_ms()));
	sl_json_close(out, '}');
	sl_answer_out(exchange, 200);
}

void sl_do_metrics(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	sl_cleanup(sl_metrics_freep) struct sl_metrics *page = NULL;
	sl_autofree struct sl_worker_counters *sum = aligned_alloc(64, sizeof(*sum));
	uint64_t now_ns = sl_gateway_now_ns(gateway);

	if (sum)
		sl_shared_sum(sum, gateway->shared, now_ns);
	if (sum && exchange->match.route->action == SL_ACTION_METRICS_JSON)
		answer_json(exchange, sum, now_ns);
	else if (sum && !sl_metrics_new(&page, PAGE_BYTES_MAX) && !put_page(page, gateway, sum))
		answer_page(exchange, page);
	else
		sl_answer_error(exchange, SL_CODE_INTERNAL, 500, SL_INTAKE_NONE, "out of memory");
}
