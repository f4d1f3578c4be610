/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/base/clock.h"
#include "userspace/gateway/gateway_private.h"

static void put_check(struct sl_json_out *out, const char *name, bool good, const char *message)
{
	sl_json_key(out, name);
	sl_json_open(out, '{');
	sl_json_key(out, "status");
	sl_json_put_text(out, sl_span_of(good ? "healthy" : "unhealthy"));
	sl_json_key(out, "message");
	sl_json_put_text(out, sl_span_of(message));
	sl_json_close(out, '}');
}

/* Live: it answers. Ready: it can reach NATS, else 503. Health: says both, with 200. */
void sl_do_health(struct sl_exchange *exchange)
{
	struct sl_gateway *gateway = exchange->gateway;
	enum sl_action action = exchange->match.route->action;
	bool connected = sl_bus_state(gateway->bus) == SL_BUS_CONNECTED;
	bool counted = !gateway->window || sl_window_is_up(gateway->window);
	bool stored = true, healthy;
	bool shielded = !gateway->settings->agent.required || sl_kernel_is_linked(gateway->kernel);
	struct sl_json_out *out = &gateway->out;
	char ts[32];

	for (size_t i = 0; i < SL_STORES; i++)
		stored = stored && gateway->store_ready[i];
	healthy = action == SL_ACTION_LIVE || (connected && shielded && !gateway->draining);
	if (action == SL_ACTION_READY && !healthy) {
		sl_answer_error(exchange, SL_CODE_UNAVAILABLE, 503, SL_INTAKE_NONE,
				!connected  ? "NATS is not connected"
				: !shielded ? "the agent is not there"
					    : "this worker is ending");
		return;
	}
	sl_json_out_reset(out);
	sl_json_open(out, '{');
	sl_json_key(out, "status");
	if (!healthy)
		sl_json_put_text(out, SL_SPAN("unhealthy"));
	else
		sl_json_put_text(out, sl_span_of(action == SL_ACTION_HEALTH && !(stored && counted)
							 ? "degraded"
							 : "healthy"));
	sl_json_key(out, "timestamp");
	sl_json_put_text(out, sl_timestamp(ts, sl_unix_ms()));
	sl_json_key(out, "checks");
	sl_json_open(out, '{');
	if (action != SL_ACTION_LIVE) {
		put_check(out, "nats", connected, connected ? "connected" : "not connected");
		put_check(out, "store", stored, stored ? "ready" : "no JetStream");
		if (gateway->window)
			put_check(out, "redis", counted,
				  counted ? "counts requests" : "does not count requests");
	}
	sl_json_close(out, '}');
	sl_json_close(out, '}');
	sl_answer_out(exchange, 200);
}
