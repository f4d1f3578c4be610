// SPDX-License-Identifier: Apache-2.0
/* The heartbeat (contract, 2.8). */
#include <stdio.h>
#include <time.h>

#include "userspace/base/clock.h"
#include "userspace/worker/worker_private.h"

#define BEAT_BYTES_MAX 4096u
#define STAMP_BYTES    40

static void put_stamp(struct sl_json_out *out)
{
	uint64_t ms = sl_wall_ms();
	time_t seconds = (time_t)(ms / 1000);
	char day[STAMP_BYTES], stamp[STAMP_BYTES + 8];
	struct tm utc = { 0 };

	(void)gmtime_r(&seconds, &utc);
	(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(stamp, sizeof(stamp), "%s.%03uZ", day, (unsigned int)(ms % 1000));
	sl_fields_put_text(out, "timestamp", stamp);
}

static const char *status_of(const struct sl_worker *worker)
{
	if (worker->phase != SL_WORKER_READY || sl_worker_count(worker, SL_JOB_GONE))
		return "degraded";
	return sl_pool_idle(worker->pool) ? "ready" : "busy";
}

static void put_resources(struct sl_json_out *out, const struct sl_worker *worker)
{
	sl_json_key(out, "resources");
	sl_json_open(out, '{');
	sl_json_key(out, "cpu");
	sl_json_put_real(out, worker->load.cpu);
	sl_json_key(out, "gpu");
	sl_json_put_real(out, 0);
	sl_json_key(out, "mem_bytes");
	sl_json_put_integer(out, (int64_t)worker->load.mem_bytes);
	sl_json_key(out, "jobs_in_flight");
	sl_json_put_integer(out, sl_pool_busy(worker->pool));
	sl_json_close(out, '}');
}

static void put_metadata(struct sl_json_out *out, const struct sl_worker *worker)
{
	sl_json_key(out, "metadata");
	sl_json_open(out, '{');
	sl_json_key(out, "concurrency");
	sl_json_put_integer(out, worker->concurrency);
	sl_json_key(out, "queued");
	sl_json_put_integer(out, (int64_t)sl_worker_count(worker, SL_JOB_WAITING));
	sl_fields_put_text(out, "software", "sluice-worker " SL_VERSION);
	sl_json_close(out, '}');
}

void sl_worker_beat(struct sl_worker *worker)
{
	struct sl_json_out out = SL_JSON_OUT(BEAT_BYTES_MAX);
	struct sl_bus_header headers[] = {
		{ SL_HEADER_TRACE_ID, { NULL, 0 } },
		{ SL_HEADER_TENANT_ID, sl_span_of(worker->config->tenant_id) },
		{ SL_HEADER_VERSION, SL_SPAN(SL_MESSAGE_VERSION) },
		{ SL_HEADER_TRACEPARENT, { NULL, 0 } },
	};
	char parent[SL_TRACEPARENT_CHARS + 1];
	struct sl_trace trace;
	uint8_t random[24];
	struct sl_span none = { NULL, 0 }, text;

	(void)sl_load_look(&worker->load, sl_monotonic_ns());
	sl_worker_random(random, sizeof(random));
	sl_trace_start(&trace, none, none, none, random);
	sl_trace_parent(parent, &trace);
	headers[0].value = sl_span_of(trace.trace_id);
	headers[3].value = sl_span_of(parent);
	sl_json_open(&out, '{');
	sl_fields_put_text(&out, "version", SL_MESSAGE_VERSION);
	sl_fields_put_text(&out, "worker_id", worker->worker_id);
	put_stamp(&out);
	sl_fields_put_text(&out, "status", status_of(worker));
	put_resources(&out, worker);
	sl_json_key(&out, "load");
	sl_json_put_real(&out, worker->load.load1);
	sl_fields_put_text(&out, "tenant_id", worker->config->tenant_id);
	put_metadata(&out, worker);
	sl_json_close(&out, '}');
	if (sl_json_done(&text, &out) == 0 &&
	    sl_bus_publish(worker->bus, SL_SUBJECT_HEARTBEAT, NULL, headers, 4, text) == 0)
		worker->stats.heartbeats_total++;
	sl_json_out_free(&out);
}
