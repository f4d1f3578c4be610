/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/gateway_private.h"

#include <errno.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/hex.h"
#include "userspace/gateway/auth.h"
#include "userspace/service/bus_options.h"

#define TICK_MS		 1000
#define WARM_NS		 2000000000ull
#define ANSWER_BYTES_MAX (8u << 20)
#define WIRE_BYTES_MAX	 (2u * SL_REQUEST_BYTES_MAX)

uint64_t sl_gateway_now_ns(const struct sl_gateway *gateway)
{
	return gateway->loop->now_ns(gateway->loop);
}

void sl_gateway_random(struct sl_gateway *gateway, void *ret, size_t count)
{
	if (gateway->random_left < count) {
		/* OpenSSL's generator costs a tenth of getrandom(), which seeds it: only before
		 * the machine has any entropy does this wait, or fail. */
		if (RAND_bytes(gateway->random, sizeof(gateway->random)) != 1)
			abort();
		gateway->random_left = sizeof(gateway->random);
	}
	gateway->random_left -= count;
	memcpy(ret, gateway->random + gateway->random_left, count);
}

struct sl_span sl_timestamp(char *buffer, int64_t clock_ms)
{
	time_t seconds = clock_ms / 1000;
	struct tm parts;
	size_t length;

	gmtime_r(&seconds, &parts);
	length = strftime(buffer, 32, "%Y-%m-%dT%H:%M:%S", &parts);
	length += (size_t)snprintf(buffer + length, 32 - length, ".%03uZ",
				   (unsigned int)(clock_ms % 1000));
	return (struct sl_span){ buffer, length };
}

void sl_token(char ret[SL_KEY_MAX], struct sl_span text)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256((const uint8_t *)text.at, text.length, digest);
	sl_hex(ret, digest, (SL_KEY_MAX - 1) / 2);
	ret[SL_KEY_MAX - 1] = '\0';
}

/* ---- the store's buckets --------------------------------------------------------------- */

static void store_made(struct sl_gateway *gateway, enum sl_store store, int status)
{
	gateway->store_ready[store] = !status;
	if (status && status != -ECANCELED && status != -ENOTCONN)
		sl_log_limited(gateway->log, SL_LOG_SYNC, SL_LOG_WARN,
			       "a bucket is not ready; will try again",
			       SL_STR("error", strerrordesc_np(-status)),
			       SL_STR("server", sl_js_error(gateway->bus)));
}

static void idempotency_ready(void *context, int status)
{
	store_made(context, SL_STORE_IDEMPOTENCY, status);
}

static void registry_ready(void *context, int status)
{
	store_made(context, SL_STORE_REGISTRY, status);
}

static void messages_ready(void *context, int status)
{
	store_made(context, SL_STORE_MESSAGES, status);
}

/* Each bucket that is not known to be there is asked for. */
static void ensure_store(struct sl_gateway *gateway)
{
	static sl_js_done *const ready[SL_STORES] = { idempotency_ready, registry_ready,
						      messages_ready };
	const struct sl_settings *settings = gateway->settings;
	const struct sl_kv_bucket buckets[SL_STORES] = {
		{ .name = SL_BUCKET_IDEMPOTENCY,
		  .ttl_s = settings->store.idempotency_ttl_ns / 1000000000,
		  .max_bytes = 256u << 20,
		  .max_value_bytes = 1u << 20,
		  .memory = true },
		{ .name = SL_BUCKET_REGISTRY,
		  .max_bytes = settings->store.registry_bytes_max,
		  .owns_bytes = true,
		  .max_value_bytes = 1u << 20 },
		{ .name = SL_BUCKET_MESSAGES,
		  .ttl_s = settings->store.message_ttl_ns / 1000000000,
		  .max_bytes = 256u << 20,
		  .max_value_bytes = 1u << 20,
		  .memory = true },
	};

	for (size_t i = 0; i < SL_STORES; i++)
		if (!gateway->store_ready[i])
			(void)sl_kv_ensure(gateway->bus, &buckets[i], ready[i], gateway);
}

/* ---- the connection ---------------------------------------------------------------------- */

static void state_changed(void *context, enum sl_bus_state state)
{
	struct sl_gateway *gateway = context;
	bool connected = state == SL_BUS_CONNECTED;

	gateway->counters->gauges[SL_GAUGE_CONNECTED] = connected;
	if (connected) {
		sl_log(gateway->log, SL_LOG_INFO, "NATS connected",
		       SL_NUM("worker", gateway->counters - gateway->shared->workers));
		ensure_store(gateway);
		sl_pressure_connected(gateway);
		sl_exchange_warm(gateway);
	} else if (!gateway->draining) {
		sl_log(gateway->log, SL_LOG_WARN, "NATS not connected",
		       SL_STR("reason", gateway->bus ? sl_bus_last_error(gateway->bus) : ""));
	}
}

static void count_bus(struct sl_gateway *gateway)
{
	struct sl_bus_stats now = sl_bus_stats(gateway->bus), *then = &gateway->counted;
	uint64_t *counts = gateway->counters->counts;

	sl_count_up(&counts[SL_COUNT_NATS_SENT], now.published_total - then->published_total);
	sl_count_up(&counts[SL_COUNT_NATS_RECEIVED], now.received_total - then->received_total);
	sl_count_up(&counts[SL_COUNT_NATS_FAILED],
		    now.publish_failures_total - then->publish_failures_total);
	sl_count_up(&counts[SL_COUNT_NATS_LATE], now.late_replies_total - then->late_replies_total);
	sl_count_up(&counts[SL_COUNT_NATS_TIMEOUT], now.timeouts_total - then->timeouts_total);
	sl_count_up(&counts[SL_COUNT_NATS_RECONNECT],
		    now.reconnects_total - then->reconnects_total);
	*then = now;
	gateway->counters->gauges[SL_GAUGE_IN_FLIGHT] = gateway->asked_count;
	gateway->counters->gauges[SL_GAUGE_STREAMS] = gateway->stream_count;
	gateway->counters->gauges[SL_GAUGE_WINDOW] = sl_window_is_up(gateway->window);
	gateway->counters->gauges[SL_GAUGE_CONNECTED] =
		sl_bus_state(gateway->bus) == SL_BUS_CONNECTED;
}

static void refresh_keys(struct sl_gateway *gateway)
{
	struct sl_auth_error error;
	int r;

	if (!gateway->keyring)
		return;
	r = sl_keyring_refresh(gateway->keyring, &error);
	if (r > 0)
		sl_log(gateway->log, SL_LOG_INFO, "keys read anew");
	if (r >= 0)
		return;
	sl_count_up(&gateway->counters->counts[SL_COUNT_KEYS_RELOAD_FAILED], 1);
	sl_log_limited(gateway->log, SL_LOG_SYNC, SL_LOG_ERROR, "the old keys stay in force",
		       SL_STR("reason", error.message));
}

static void tick(struct sl_loop_timer *timer)
{
	struct sl_gateway *gateway = timer->context;
	uint64_t now_ns = sl_gateway_now_ns(gateway);

	count_bus(gateway);
	__atomic_store_n(&gateway->counters->seen_ns, now_ns, __ATOMIC_RELAXED);
	if (sl_bus_state(gateway->bus) == SL_BUS_CONNECTED)
		ensure_store(gateway);
	refresh_keys(gateway);
	sl_kernel_tick(gateway->kernel);
	sl_cost_tick(gateway, now_ns);
	sl_streams_tick(gateway, now_ns);
	if (gateway->warming && now_ns >= gateway->warm_by_ns)
		sl_exchange_warm(gateway);
	(void)gateway->loop->timer_set(gateway->loop, timer, TICK_MS);
}

static int connect_bus(struct sl_gateway *gateway, struct sl_gateway_error *error)
{
	const struct sl_conf_nats *nats = &gateway->settings->nats;
	struct sl_program_error unread = { "" };
	struct sl_bus_error why = { "" };
	struct sl_bus_options options;
	char password[SL_BUS_PASSWORD_BYTES];
	int r = sl_bus_password_read(password, nats->password_file, &unread);

	if (r) {
		snprintf(error->message, sizeof(error->message), "%s", unread.message);
		return r;
	}
	sl_bus_options_fill(&options, nats, "sluice-gateway", password);
	options.requests_max = gateway->settings->router.requests_max;
	r = sl_bus_new(&gateway->bus, gateway->loop, &options, state_changed, gateway, &why);
	explicit_bzero(password, sizeof(password));
	if (r)
		snprintf(error->message, sizeof(error->message), "NATS: %s", why.message);
	return r;
}

static int read_keys(struct sl_gateway *gateway, struct sl_gateway_error *error)
{
	struct sl_auth_error why = { "" };
	int r;

	if (!gateway->settings->auth.required)
		return 0;
	r = sl_keyring_new(&gateway->keyring, gateway->settings, &why);
	if (r)
		snprintf(error->message, sizeof(error->message), "%s", why.message);
	return r;
}

static int make_window(struct sl_gateway *gateway)
{
	struct sl_window_options options = {
		.loop = gateway->loop,
		.settings = gateway->settings,
		.counters = gateway->counters,
		.log = gateway->log,
	};

	sl_gateway_random(gateway, &options.seed, sizeof(options.seed));
	return sl_window_new(&gateway->window, &options);
}

int sl_gateway_new(struct sl_gateway **ret, const struct sl_gateway_options *options,
		   struct sl_gateway_error *error)
{
	sl_cleanup(sl_gateway_freep) struct sl_gateway *gateway = calloc(1, sizeof(*gateway));
	int r;

	if (!gateway)
		return -ENOMEM;
	gateway->loop = options->loop;
	gateway->settings = options->settings;
	gateway->shared = options->shared;
	gateway->counters = &options->shared->workers[options->worker % SL_WORKERS_MAX];
	gateway->log = options->log;
	gateway->out = SL_JSON_OUT(ANSWER_BYTES_MAX);
	gateway->wire = SL_JSON_OUT(WIRE_BYTES_MAX);
	gateway->tick = (struct sl_loop_timer){ .fire = tick, .context = gateway };
	__atomic_store_n(&gateway->counters->seen_ns, sl_gateway_now_ns(gateway), __ATOMIC_RELAXED);
	gateway->warming = true;
	gateway->warm_by_ns = sl_gateway_now_ns(gateway) + WARM_NS;
	r = read_keys(gateway, error);
	if (!r)
		r = connect_bus(gateway, error);
	if (!r)
		r = sl_kernel_new(&gateway->kernel, &(struct sl_kernel_options){
							    .loop = gateway->loop,
							    .settings = gateway->settings,
							    .counters = gateway->counters,
							    .log = gateway->log,
							    .ports = options->ports,
							    .port_count = options->port_count,
							    .sweeps = options->worker == 0,
						    });
	if (!r)
		r = make_window(gateway);
	if (!r)
		r = gateway->loop->timer_set(gateway->loop, &gateway->tick, TICK_MS);
	if (!r)
		r = sl_pressure_start(gateway);
	if (r)
		return r;
	*ret = SL_TAKE_PTR(gateway);
	return 0;
}

void sl_gateway_drain(struct sl_gateway *gateway)
{
	gateway->draining = true;
	sl_streams_close(gateway);
}

void sl_gateway_free(struct sl_gateway *gateway)
{
	if (!gateway)
		return;
	gateway->draining = true;
	sl_streams_close(gateway);
	gateway->loop->timer_clear(gateway->loop, &gateway->tick);
	sl_pressure_stop(gateway);
	sl_cost_free(gateway->cost);
	sl_kernel_free(gateway->kernel);
	if (gateway->bus)
		count_bus(gateway);
	sl_bus_free(gateway->bus);
	sl_window_free(gateway->window); /* which was counted until now */
	gateway->counters->gauges[SL_GAUGE_CONNECTED] = 0;
	gateway->counters->gauges[SL_GAUGE_IN_FLIGHT] = 0;
	gateway->counters->gauges[SL_GAUGE_STREAMS] = 0;
	gateway->counters->gauges[SL_GAUGE_WINDOW] = 0;
	sl_keyring_free(gateway->keyring);
	sl_json_out_free(&gateway->out);
	sl_json_out_free(&gateway->wire);
	free(gateway);
}

void sl_gateway_freep(struct sl_gateway **gateway)
{
	sl_gateway_free(*gateway);
}
