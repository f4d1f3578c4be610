// SPDX-License-Identifier: Apache-2.0
/* Events into batches, batches into the ledger. */
#include <string.h>

#include "sluice/envelope.h"
#include "userspace/base/clock.h"
#include "userspace/bus/bury.h"
#include "userspace/usage/usage_private.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull
#define AGAIN_NS  NS_PER_S

const double sl_usage_bounds[SL_USAGE_BUCKETS] = { 0.0001, 0.001, 0.005, 0.01, 0.05, 0.1,
						   0.5,	   1,	  5,	 10,   50,   100 };

void sl_usage_run_closed(void *context, size_t label, double cost)
{
	struct sl_usage *usage = context;
	struct sl_usage_costs *costs = &usage->stats.runs[label];
	size_t i = 0;

	while (i < SL_USAGE_BUCKETS && cost > sl_usage_bounds[i])
		i++;
	costs->counts[i]++;
	costs->sum += cost;
}

static void count(struct sl_usage *usage, const struct sl_usage_event *event, uint64_t now_ns)
{
	struct sl_usage_stats *stats = &usage->stats;
	size_t provider = sl_labels_index(&stats->providers, event->provider_id);

	stats->events_total++;
	stats->ended[provider][(unsigned int)event->status % SL_USAGE_STATUSES]++;
	stats->cost[provider] += event->cost;
	sl_runs_add(usage->runs, sl_usage_event_run(event),
		    sl_labels_index(&stats->types, event->event_type), event->cost, now_ns);
}

static void settle(struct sl_usage *usage, uint64_t now_ns)
{
	for (size_t i = 0; i < usage->count; i++) {
		if (usage->is_new[i])
			count(usage, &usage->events[i], now_ns);
		else
			usage->stats.duplicates_total++;
		/* Lost, it comes again, and is then a duplicate. */
		(void)sl_js_ack(usage->bus, &usage->tokens[i]);
		sl_js_pull_done(usage->pull);
	}
	usage->count = 0;
}

int sl_usage_write(struct sl_usage *usage)
{
	struct sl_ledger_error error = { .message = "" };
	uint64_t before_ns = sl_monotonic_ns(), now_ns;
	int err;

	usage->loop->timer_clear(usage->loop, &usage->batch_timer);
	if (!usage->count)
		return 0;
	err = sl_ledger_write(usage->ledger, usage->events, usage->count, usage->is_new, &error);
	now_ns = sl_monotonic_ns();
	if (err) {
		usage->stats.write_failures_total++;
		usage->retry_at_ns = now_ns + AGAIN_NS;
		sl_log_limited(usage->log, SL_LOG_SYNC, SL_LOG_ERROR,
			       "the ledger takes no events; they wait, unacked",
			       SL_STR("error", error.message), SL_NUM("events", usage->count));
		return err;
	}
	usage->retry_at_ns = 0;
	usage->stats.batches_total++;
	usage->stats.write_seconds = (double)(now_ns - before_ns) / (double)NS_PER_S;
	settle(usage, now_ns);
	return 0;
}

void sl_usage_on_batch_timer(struct sl_loop_timer *timer)
{
	(void)sl_usage_write(timer->context);
}

/* While the ledger refuses, the stream must not think us dead. */
void sl_usage_batch_tick(struct sl_usage *usage)
{
	uint64_t now_ns = sl_monotonic_ns();

	if (!usage->retry_at_ns || now_ns < usage->retry_at_ns)
		return;
	if (now_ns - usage->extended_ns > usage->config.ack_wait_ns / 3) {
		usage->extended_ns = now_ns;
		for (size_t i = 0; i < usage->count; i++)
			(void)sl_js_in_progress(usage->bus, &usage->tokens[i]);
	}
	(void)sl_usage_write(usage);
}

/* ---- what is no event ------------------------------------------------------------- */

static void bury(struct sl_usage *usage, const struct sl_bus_message *message,
		 const struct sl_js_token *token, const char *why)
{
	struct sl_dead_letter letter = { .original_subject = SL_SUBJECT_USAGE,
					 .reason = SL_DEAD_VALIDATION,
					 .error_code = "INVALID_FORMAT",
					 .timestamp_ms = sl_wall_ms(),
					 .message = sl_bus_payload(message) };

	sl_bus_letter_name(&letter, message);
	usage->stats.malformed_total++;
	sl_log_limited(usage->log, SL_LOG_CLIENTS, SL_LOG_WARN, "a usage event was refused",
		       SL_STR("error", why), SL_STR("trace_id", letter.trace_id));
	sl_bus_bury(usage->bus, &letter, (enum sl_dead_body)usage->config.dead_letter_body, token,
		    &usage->stats.dead_letter_failures_total);
}

/* Headers win over what the payload says. */
static void take_headers(struct sl_usage_event *event, const struct sl_bus_message *message)
{
	sl_bus_header_copy(event->tenant_id, sizeof(event->tenant_id), message,
			   SL_HEADER_TENANT_ID);
	sl_bus_header_copy(event->trace_id, sizeof(event->trace_id), message, SL_HEADER_TRACE_ID);
}

void sl_usage_on_event(void *context, const struct sl_bus_message *message,
		       const struct sl_js_meta *meta, const struct sl_js_token *token)
{
	struct sl_fields_error error = { .message = "" };
	struct sl_usage *usage = context;
	struct sl_usage_event *event;

	(void)meta;
	if (usage->count == usage->config.batch) { /* more than was asked for */
		(void)sl_js_nak(usage->bus, token, 0);
		sl_js_pull_done(usage->pull);
		return;
	}
	event = &usage->events[usage->count];
	if (sl_usage_event_read(event, sl_bus_payload(message), &error) != 0) {
		bury(usage, message, token, error.message);
		sl_js_pull_done(usage->pull);
		return;
	}
	take_headers(event, message);
	usage->tokens[usage->count++] = *token;
	if (usage->retry_at_ns)
		return;
	if (usage->count == usage->config.batch)
		(void)sl_usage_write(usage);
	else if (usage->count == 1)
		(void)usage->loop->timer_set(usage->loop, &usage->batch_timer,
					     usage->config.batch_wait_ns / NS_PER_MS);
}
