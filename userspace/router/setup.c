// SPDX-License-Identifier: Apache-2.0
/*
 * From a connection to a router at work, one step after the other; what fails is tried
 * again. Requests are served as soon as it is sure that no stream captures them; what
 * needs JetStream waits for JetStream.
 */
#include <errno.h>
#include <string.h>

#include "userspace/bus/streams.h"
#include "userspace/router/router_private.h"

#define API_STREAM_NAMES "$JS.API.STREAM.NAMES"
#define STEP_TIMEOUT_MS	 5000u
#define TRY_AGAIN_MS	 2000u
#define RESULT_WINDOW	 256u
#define ACK_WINDOW	 256u
#define DECISIONS_BYTES	 (256ull << 20)
#define NS_PER_S	 1000000000u

static void try_again(struct sl_router *router, const char *step, int status)
{
	router->setting_up = false;
	if (router->draining || status == -ECANCELED)
		return;
	sl_log_limited(router->log, SL_LOG_SYNC, SL_LOG_WARN, "not set up yet",
		       SL_STR("step", step), SL_STR("error", strerrordesc_np(-status)),
		       SL_STR("server", sl_js_error(router->bus)));
	(void)router->loop->timer_set(router->loop, &router->setup_again, TRY_AGAIN_MS);
}

/* ---- subscriptions ------------------------------------------------------------------------- */

static int subscribe(struct sl_router *router, const char *subject, const char *queue,
		     sl_bus_handler *handler)
{
	struct sl_bus_subscription **slot = &router->subscriptions[router->subscription_count];
	int err;

	if (router->subscription_count == SL_ROUTER_SUBSCRIPTIONS_MAX)
		return -ENOSPC;
	err = sl_bus_subscribe(slot, router->bus, subject, queue, handler, router);
	router->subscription_count += err == 0;
	return err;
}

static int listen_to_requests(struct sl_router *router)
{
	const struct {
		const char *subject;
		sl_bus_handler *handler;
	} shared[] = {
		{ router->settings.decide_subject, sl_intake_decide },
		{ router->settings.get_decision_subject, sl_found_get },
		{ SL_SUBJECT_EXTENSION_HEALTH, sl_admin_health },
		{ SL_SUBJECT_BREAKER_STATES, sl_admin_breakers },
		{ SL_SUBJECT_DRY_RUN, sl_admin_dry_run },
		{ SL_SUBJECT_COMPLEXITY, sl_admin_complexity },
		{ SL_SUBJECT_BACKPRESSURE, sl_admin_backpressure },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]) && !err; i++)
		err = subscribe(router, shared[i].subject, SL_QUEUE_DECIDE, shared[i].handler);
	return err;
}

/* These come to every router. */
static int listen_to_workers(struct sl_router *router)
{
	const struct {
		const char *subject;
		sl_bus_handler *handler;
	} all[] = {
		{ SL_SUBJECT_PEERS, sl_found_peer },
		{ SL_SUBJECT_RESULT, sl_results_follow },
		{ SL_SUBJECT_ASSIGN_ACK, sl_results_follow_ack },
		{ SL_SUBJECT_HEARTBEAT, sl_results_heartbeat },
		{ SL_SUBJECT_HEARTBEAT_OLD, sl_results_heartbeat },
		{ SL_SUBJECT_PRESSURE_ALL, sl_pressure_heard },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && !err; i++)
		err = subscribe(router, all[i].subject, NULL, all[i].handler);
	return err;
}

/* ---- JetStream --------------------------------------------------------------------------------
 */

static void pulls_ready(struct sl_router *router)
{
	int err = 0;

	if (!router->result_pull)
		err = sl_js_pull_new(&router->result_pull, router->bus, SL_STREAM_RESULTS,
				     SL_DURABLE_RESULTS, RESULT_WINDOW, sl_results_take, router);
	if (!err && !router->ack_pull)
		err = sl_js_pull_new(&router->ack_pull, router->bus, SL_STREAM_ACKS,
				     SL_DURABLE_ACKS, ACK_WINDOW, sl_results_take_ack, router);
	if (err) {
		try_again(router, "pull", err);
		return;
	}
	router->setting_up = false;
	router->streams_unsure = false;
	if (!router->js_ready)
		sl_log(router->log, SL_LOG_INFO, "router ready");
	router->js_ready = true;
	sl_expiry_adopt(router);
}

static void bucket_made(void *context, int status)
{
	struct sl_router *router = context;

	if (status)
		try_again(router, "bucket " SL_BUCKET_DECISIONS, status);
	else
		pulls_ready(router);
}

static void make_bucket(struct sl_router *router)
{
	const uint64_t ttl_s = router->settings.decisions_ttl_ns / NS_PER_S;
	const struct sl_kv_bucket bucket = {
		.name = SL_BUCKET_DECISIONS,
		/* Notes of open assignments live there as well, and longer. */
		.ttl_s = ttl_s > 3600 ? ttl_s : 3600,
		.max_bytes = DECISIONS_BYTES,
	};
	int err;

	if (router->settings.decisions == SL_DECISIONS_LOCAL) {
		pulls_ready(router);
		return;
	}
	err = sl_kv_ensure(router->bus, &bucket, bucket_made, router);
	if (err)
		bucket_made(router, err);
}

static void acks_made(void *context, int status)
{
	struct sl_router *router = context;

	if (status)
		try_again(router, "consumer " SL_DURABLE_ACKS, status);
	else
		make_bucket(router);
}

static void results_made(void *context, int status)
{
	static const struct sl_js_consumer acks = {
		.stream = SL_STREAM_ACKS,
		.durable = SL_DURABLE_ACKS,
		.ack_wait_ms = 30000,
		.max_deliver = 3,
	};
	struct sl_router *router = context;
	int err = status ? status : sl_js_ensure_consumer(router->bus, &acks, acks_made, router);

	if (err)
		try_again(router, "consumer " SL_DURABLE_RESULTS, err);
}

static void streams_made(void *context, int status)
{
	static const struct sl_js_consumer results = {
		.stream = SL_STREAM_RESULTS,
		.durable = SL_DURABLE_RESULTS,
		.ack_wait_ms = 30000,
		.max_deliver = 10,
		.max_ack_pending = 4096,
	};
	struct sl_router *router = context;
	int err = status ? status
			 : sl_js_ensure_consumer(router->bus, &results, results_made, router);

	if (err)
		try_again(router, "streams", err);
}

static void make_streams(struct sl_router *router)
{
	static const struct sl_js_stream *const streams[] = {
		&sl_stream_assign, &sl_stream_acks,	    &sl_stream_results,
		&sl_stream_usage,  &sl_stream_dead_letters, NULL,
	};
	int err = sl_streams_ensure(router->bus, streams, streams_made, router);

	if (err)
		streams_made(router, err);
}

/* ---- nobody captures decide
 * ----------------------------------------------------------------------- */

static void contract_broken(struct sl_router *router, struct sl_span stream)
{
	char name[128] = "";

	if (stream.length < sizeof(name))
		memcpy(name, stream.at, stream.length);
	router->captured = true;
	router->setting_up = false;
	router->counts.contract_violations_total++;
	sl_log(router->log, SL_LOG_ERROR,
	       "a stream captures the subject of requests: it would answer them; take the subject "
	       "out of it",
	       SL_STR("stream", name), SL_STR("subject", router->settings.decide_subject));
	sl_router_alert(router, "critical", "a stream captures the subject of requests", "", "");
	if (!router->decide_ready) {
		router->result = -EPROTO;
		(void)event_base_loopexit(router->base, NULL);
	}
}

static void listen_once(struct sl_router *router)
{
	int err = 0;

	if (!router->decide_ready) {
		err = listen_to_requests(router);
		if (!err)
			err = listen_to_workers(router);
		if (!err)
			err = sl_pressure_begin(router->pressure);
		if (!err)
			sl_log(router->log, SL_LOG_INFO, "router listens",
			       SL_STR("subject", router->settings.decide_subject));
		router->decide_ready = err == 0;
	}
	if (err) {
		sl_log(router->log, SL_LOG_ERROR, "cannot subscribe",
		       SL_STR("error", strerrordesc_np(-err)));
		router->result = err;
		(void)event_base_loopexit(router->base, NULL);
	}
}

static void streams_named(void *context, int status, const struct sl_bus_message *reply)
{
	static const char *const wanted[] = { "streams", "error" };
	struct sl_router *router = context;
	struct sl_json_value found[2], stream = { .type = SL_JSON_ABSENT };
	struct sl_span name = { NULL, 0 };
	size_t state = 0;

	/* Without JetStream there is no stream that could. */
	if (status == -EHOSTUNREACH) {
		listen_once(router);
		try_again(router, "JetStream", status);
		return;
	}
	if (status || sl_json_pick(found, wanted, 2, sl_bus_payload(reply), NULL) != 0 ||
	    found[1].type == SL_JSON_OBJECT) {
		try_again(router, "names of streams", status ? status : -EREMOTEIO);
		return;
	}
	if (found[0].type == SL_JSON_ARRAY && sl_json_next(NULL, &stream, &state, found[0]) == 1) {
		(void)sl_json_plain(&name, stream);
		contract_broken(router, name);
		return;
	}
	router->captured = false;
	listen_once(router);
	if (router->streams_unsure)
		make_streams(router);
	else
		router->setting_up = false;
}

void sl_setup_begin(struct sl_router *router)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(1024);
	struct sl_span text = { NULL, 0 };
	int err;

	if (router->setting_up || router->draining || sl_bus_state(router->bus) != SL_BUS_CONNECTED)
		return;
	router->setting_up = true;
	sl_json_open(&out, '{');
	sl_json_key(&out, "subject");
	sl_json_put_text(&out, sl_span_of(router->settings.decide_subject));
	sl_json_close(&out, '}');
	err = sl_json_done(&text, &out);
	if (!err)
		err = sl_bus_request(NULL, router->bus, API_STREAM_NAMES, NULL, 0, text,
				     STEP_TIMEOUT_MS, streams_named, router);
	if (err)
		try_again(router, "names of streams", err);
}
