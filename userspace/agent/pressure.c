// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/pressure.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "userspace/agent/agent_private.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/bus/loop_event.h"
#include "userspace/domain/counters.h"
#include "userspace/service/bus_options.h"

#define TICK_MS		25	      /* pools that are hard pressed are judged each 50 ms */
#define SAMPLE_NS	1000000000ull /* while all is well */
#define SAMPLE_BUSY_NS	500000000ull
#define SAMPLE_LEAST_NS 100000000ull
#define NS_PER_S	1e9
#define SIGNALS_MAX	1024u /* that wait: with more, we hear too late anyway */
#define SIGNALS_BYTES	(1u << 20)

_Static_assert((int)SL_TENANT_SHEDDABLE == (int)SL_SHEDDABLE &&
		       (int)SL_TENANT_SHEDDABLE_PLUS == (int)SL_SHEDDABLE_PLUS &&
		       (int)SL_TENANT_CRITICAL == (int)SL_CRITICAL &&
		       (int)SL_TENANT_CRITICAL_PLUS == (int)SL_CRITICAL_PLUS,
	       "pressure: classes of the configuration are criticalities");

/* Of one id: what the kernel had counted, and what came of it since. */
struct traffic {
	uint64_t passed, shed;
	double passed_per_s;
	struct sl_shed_demand demand;
	uint32_t permille; /* in the maps, ours */
};

struct sl_agent_pressure {
	struct sl_agent *agent;
	struct sl_loop *loop;
	struct sl_bus *bus;
	struct sl_bus_subscription *subscription;
	struct event *timer;
	enum sl_bus_state bus_state;

	struct sl_agent_pools *pools;
	struct sl_shed_control control;
	enum sl_pressure_state state; /* of the node */
	uint64_t since_ns;
	uint64_t malformed_total;

	uint32_t id_count;	      /* of the maps */
	struct traffic *traffic;      /* [id_count] */
	struct sl_counters *counters; /* [id_count] */
	struct sl_cut *cuts;	      /* [id_count], in the order of the plan's tenants */
	uint64_t sampled_ns;
	double passed_per_s;
	size_t shed_count;
};

static uint64_t random_number(void)
{
	uint64_t ret = 0;

	if (getrandom(&ret, sizeof(ret), GRND_NONBLOCK) != (ssize_t)sizeof(ret))
		ret = sl_monotonic_ns();
	return ret;
}

/* ---- what tenants send -------------------------------------------------------------------- */

/* A counter that went back began anew. */
static double since(uint64_t now, uint64_t before)
{
	return (double)(now >= before ? now - before : now);
}

static void note(struct traffic *traffic, const struct sl_counters *counters, double seconds)
{
	const uint64_t passed = counters->ingress.pass.packets;
	const uint64_t shed = counters->ingress.shed.packets;

	const struct sl_shed_sample sample = { .seconds = seconds,
					       .passed = since(passed, traffic->passed),
					       .shed = since(shed, traffic->shed),
					       .level_permille = traffic->permille };

	if (seconds > 0) {
		traffic->passed_per_s = sample.passed / seconds;
		sl_shed_demand_sample(&traffic->demand, &sample);
	}
	traffic->passed = passed;
	traffic->shed = shed;
}

static uint32_t ids_in_use(const struct sl_plan *plan)
{
	uint32_t ret = 0;

	for (size_t i = 0; i < plan->id_count; i++)
		ret = plan->ids[i] >= ret ? plan->ids[i] + 1 : ret;
	return ret;
}

static void sample(struct sl_agent_pressure *pressure, uint64_t now_ns)
{
	const struct sl_plan *plan = pressure->agent->plan;
	const uint32_t count = ids_in_use(plan);
	const double seconds =
		pressure->sampled_ns ? (double)(now_ns - pressure->sampled_ns) / NS_PER_S : 0;
	struct sl_dp_error error = { .message = "" };

	if (sl_counters_read_all(pressure->counters, NULL, count, pressure->agent->maps, &error)) {
		sl_log_limited(pressure->agent->log, SL_LOG_SYNC, SL_LOG_ERROR,
			       "cannot read counters, so pressure cuts by old ones",
			       SL_STR("error", error.message));
		return;
	}
	pressure->sampled_ns = now_ns;
	pressure->passed_per_s = 0;
	for (size_t i = 0; i < plan->id_count; i++) {
		struct traffic *traffic = &pressure->traffic[plan->ids[i]];

		note(traffic, &pressure->counters[plan->ids[i]], seconds);
		pressure->passed_per_s += traffic->passed_per_s;
	}
}

/* What a tenant without a limit sends is guaranteed as much as a limit would be. */
static struct sl_cut cut_of(const struct traffic *traffic, const struct sl_tenant_spec *tenant)
{
	return (struct sl_cut){
		.demand_per_s = traffic->demand.per_s,
		.guarantee_per_s = tenant->ingress_packets.unlimited
					   ? traffic->demand.per_s
					   : (double)tenant->ingress_packets.per_s,
		.weight = 1,
		.criticality = (enum sl_criticality)tenant->class,
	};
}

/* ---- what is shed ---------------------------------------------------------------------------- */

/* Among the first @count levels. */
static bool is_operators(const struct sl_agent *agent, const char *tenant, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!agent->sheds.at[i].by_pressure &&
		    strcmp(agent->sheds.at[i].tenant, tenant) == 0)
			return true;
	return false;
}

/*
 * Into the maps, and where the next plan finds it; when there is no room there, a plan
 * lets the tenant pass until we come again.
 */
static void write_level(struct sl_agent_pressure *pressure, size_t at, size_t operators,
			uint64_t now_ns)
{
	struct sl_agent *agent = pressure->agent;
	const char *name = agent->effective->tenants[at].name;
	const uint32_t id = agent->plan->ids[at];
	struct traffic *traffic = &pressure->traffic[id];
	struct sl_shed shed = { .permille = sl_shed_demand_level(&traffic->demand,
								 pressure->cuts[at].shed_permille),
				.until_ns = now_ns + SL_AGENT_SHED_NS,
				.by_pressure = true };

	if (is_operators(agent, name, operators)) {
		traffic->permille = 0;
		return;
	}
	if (!shed.permille && !traffic->permille)
		return;
	if (shed.permille) {
		memcpy(shed.tenant, name, sizeof(shed.tenant));
		(void)sl_sheds_add(&agent->sheds, &shed);
		pressure->shed_count++;
	}
	traffic->permille = shed.permille;
	(void)sl_sync_shed(agent->maps, id, shed.permille, shed.permille ? shed.until_ns : 0);
}

static void write_levels(struct sl_agent_pressure *pressure, uint64_t now_ns)
{
	struct sl_agent *agent = pressure->agent;
	size_t operators;

	sl_sheds_drop_pressure(&agent->sheds);
	operators = agent->sheds.count;
	pressure->shed_count = 0;
	for (size_t i = 0; i < agent->plan->id_count; i++)
		write_level(pressure, i, operators, now_ns);
}

static void log_change(const struct sl_agent_pressure *pressure,
		       const struct sl_agent_pools_sum *sum)
{
	const bool bad = sum->state >= SL_PRESSURE_SHED;

	sl_log(pressure->agent->log, bad ? SL_LOG_WARN : SL_LOG_INFO, "pressure changed",
	       SL_STR("from", sl_pressure_state_name(pressure->state)),
	       SL_STR("to", sl_pressure_state_name(sum->state)), SL_STR("pool", sum->worst),
	       SL_REAL("pressure", sum->pressure));
}

static bool is_active(const struct sl_agent_pressure *pressure)
{
	return pressure->state != SL_PRESSURE_OK || pressure->shed_count > 0;
}

static void shed(struct sl_agent_pressure *pressure, const struct sl_agent_pools_sum *sum,
		 uint64_t now_ns)
{
	const struct sl_agent *agent = pressure->agent;
	const struct sl_shed_input input = {
		.state = sum->state,
		.pressure = sum->pressure,
		.done_per_s = sum->done_per_s,
		.busy = sum->busy,
		.passed_per_s = pressure->passed_per_s,
		.jitter = (double)(random_number() >> 11) * 0x1p-53,
		.cuts = pressure->cuts,
		.cut_count = agent->plan->id_count,
	};

	for (size_t i = 0; i < input.cut_count; i++)
		pressure->cuts[i] = cut_of(&pressure->traffic[agent->plan->ids[i]],
					   &agent->effective->tenants[i]);
	if (sl_shed_control_step(&pressure->control, &input, now_ns) || pressure->shed_count)
		write_levels(pressure, now_ns);
}

/* Twice a second under pressure, else once; at once when the state changed. */
static void act(struct sl_agent_pressure *pressure, uint64_t now_ns)
{
	const struct sl_agent_pools_sum sum = sl_agent_pools_sum(pressure->pools);
	const bool changed = sum.state != pressure->state;
	const uint64_t age_ns = now_ns - pressure->sampled_ns;

	if (!changed && age_ns < (is_active(pressure) ? SAMPLE_BUSY_NS : SAMPLE_NS))
		return;
	if (changed) {
		log_change(pressure, &sum);
		pressure->state = sum.state;
		pressure->since_ns = now_ns;
	}
	if (age_ns >= SAMPLE_LEAST_NS)
		sample(pressure, now_ns);
	shed(pressure, &sum, now_ns);
}

/* ---- signals and time --------------------------------------------------------------------------
 */

static void on_signal(void *context, const struct sl_bus_message *message)
{
	struct sl_agent_pressure *pressure = context;
	const uint64_t now_ns = sl_monotonic_ns();
	struct sl_signal signal;

	if (sl_signal_read(&signal, sl_bus_payload(message), NULL) != 0) {
		pressure->malformed_total++;
		return;
	}
	if (sl_agent_pools_hear(pressure->pools, &signal, now_ns) == 1)
		act(pressure, now_ns);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct sl_agent_pressure *pressure = arg;
	const uint64_t now_ns = sl_monotonic_ns();

	(void)fd;
	(void)what;
	(void)sl_agent_pools_tick(pressure->pools, random_number(), now_ns);
	act(pressure, now_ns);
}

static void on_bus_state(void *context, enum sl_bus_state state)
{
	static const char *const says[] = {
		[SL_BUS_CONNECTING] = "connecting to NATS",
		[SL_BUS_CONNECTED] = "connected to NATS",
		[SL_BUS_RECONNECTING] = "lost NATS; pressure is unknown until it is back",
		[SL_BUS_REFUSED] = "NATS refuses this node; pressure is unknown",
	};
	struct sl_agent_pressure *pressure = context;

	pressure->bus_state = state;
	sl_log_limited(pressure->agent->log, SL_LOG_LINKS,
		       state == SL_BUS_CONNECTED ? SL_LOG_INFO : SL_LOG_WARN, says[state],
		       SL_STR("error", pressure->bus ? sl_bus_last_error(pressure->bus) : ""));
}

/* ---- begin and end --------------------------------------------------------------------------- */

static int make_room(struct sl_agent_pressure *pressure)
{
	const uint64_t secret[2] = { random_number(), random_number() };

	pressure->id_count = sl_maps_view(pressure->agent->maps)->tenants;
	pressure->traffic = calloc(pressure->id_count, sizeof(*pressure->traffic));
	pressure->counters = calloc(pressure->id_count, sizeof(*pressure->counters));
	pressure->cuts = calloc(pressure->id_count, sizeof(*pressure->cuts));
	if (!pressure->traffic || !pressure->counters || !pressure->cuts)
		return -ENOMEM;
	return sl_agent_pools_new(&pressure->pools, secret);
}

static int listen_to(struct sl_agent_pressure *pressure, struct sl_agent_error *error)
{
	struct sl_program_error why = { .message = "" };
	int err = sl_bus_open(&pressure->bus, pressure->loop, &pressure->agent->config->nats,
			      "sluiced", on_bus_state, pressure, &why);

	if (err)
		return sl_agent_fail(error, err, "%s", why.message);
	err = sl_bus_subscribe(&pressure->subscription, pressure->bus, SL_SUBJECT_PRESSURE_ALL,
			       NULL, on_signal, pressure);
	return err ? sl_agent_fail(error, err, "cannot subscribe to %s: %s",
				   SL_SUBJECT_PRESSURE_ALL, strerror(-err))
		   : 0;
}

static int start_timer(struct sl_agent_pressure *pressure)
{
	const struct timeval every = { .tv_usec = TICK_MS * 1000 };

	pressure->timer = event_new(pressure->agent->base, -1, EV_PERSIST, on_tick, pressure);
	return pressure->timer && event_add(pressure->timer, &every) == 0 ? 0 : -ENOMEM;
}

int sl_agent_pressure_new(struct sl_agent_pressure **ret, struct sl_agent *agent,
			  struct sl_agent_error *error)
{
	struct sl_agent_pressure *pressure;
	int err;

	if (!agent->config->has_nats)
		return 0;
	pressure = calloc(1, sizeof(*pressure));
	if (!pressure)
		return sl_agent_fail(error, -ENOMEM, "out of memory");
	pressure->agent = agent;
	pressure->since_ns = sl_monotonic_ns();
	sl_shed_control_init(&pressure->control, pressure->since_ns);
	err = make_room(pressure);
	if (!err)
		err = sl_loop_event_new(&pressure->loop, agent->base);
	if (!err)
		err = start_timer(pressure);
	err = err ? sl_agent_fail(error, err, "cannot listen for pressure: %s", strerror(-err))
		  : listen_to(pressure, error);
	if (err)
		sl_agent_pressure_free(pressure);
	else
		*ret = pressure;
	return err;
}

void sl_agent_pressure_free(struct sl_agent_pressure *pressure)
{
	if (!pressure)
		return;
	if (pressure->timer)
		event_free(pressure->timer);
	sl_bus_free(pressure->bus);
	sl_loop_event_free(pressure->loop);
	sl_agent_pools_free(pressure->pools);
	free(pressure->cuts);
	free(pressure->counters);
	free(pressure->traffic);
	free(pressure);
}

struct sl_bus *sl_agent_pressure_bus(const struct sl_agent_pressure *pressure)
{
	return pressure->bus;
}

/* ---- what others see --------------------------------------------------------------------------
 */

struct sl_agent_pressure_view sl_agent_pressure_view(const struct sl_agent_pressure *pressure)
{
	return (struct sl_agent_pressure_view){
		.pools = pressure->pools,
		.sum = sl_agent_pools_sum(pressure->pools),
		.bus = pressure->bus_state,
		.bus_error = sl_bus_last_error(pressure->bus),
		.bus_stats = sl_bus_stats(pressure->bus),
		.malformed_total = pressure->malformed_total,
		.since_ns = pressure->since_ns,
		.shed_as = pressure->control.shed_as,
		.capacity_per_s = pressure->control.capacity.per_s,
		.passed_per_s = pressure->passed_per_s,
		.packets_per_job = pressure->control.packets_per_job,
		.tenant_count = pressure->agent->plan->id_count,
		.shed_count = pressure->shed_count,
		.now_ns = sl_monotonic_ns(),
	};
}

struct sl_agent_pressure_tenant sl_agent_pressure_tenant(const struct sl_agent_pressure *pressure,
							 size_t at)
{
	const char *name = pressure->agent->effective->tenants[at].name;

	return (struct sl_agent_pressure_tenant){
		.name = name,
		.cut = &pressure->cuts[at],
		.by_operator = is_operators(pressure->agent, name, pressure->agent->sheds.count),
	};
}
