/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/kernel.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/gcra.h"
#include "userspace/domain/request_rows.h"
#include "userspace/gateway/kernel_link.h"
#include "userspace/gateway/kernel_names.h"
#include "userspace/gateway/kernel_requests.h"
#include "userspace/gateway/kernel_sweep.h"
#include "userspace/gateway/settings.h"
#include "userspace/gateway/shared.h"
#include "userspace/obs/log.h"

#define RETRY_NS      1000000000ull
#define SWEEP_NS      60000000000ull
#define SWEEP_STEP_MS 5
#define NAMES_NS      100000000ull

struct sl_kernel {
	struct sl_loop *loop;
	const struct sl_settings *settings;
	struct sl_worker_counters *counters;
	struct sl_log *log;
	struct sl_kernel_link *link; /* NULL: no agent is wanted */
	bool linked;
	struct sl_kernel_maps *maps; /* NULL: none came yet */
	struct sl_kernel_names names;
	struct sl_kernel_requests requests;
	struct sl_kernel_connection *bound;
	uint32_t bound_count;
	uint32_t *bound_of; /* [maps->tenants] */
	struct sl_kernel_sweep *sweep;
	struct sl_loop_timer sweep_timer;
	bool sweeps;
	bool sweeping;
	uint64_t sweep_ns; /* when the next one begins */
	uint64_t names_ns; /* when the names may be looked at again */
};

static uint64_t now_ns(const struct sl_kernel *kernel)
{
	return kernel->loop->now_ns(kernel->loop);
}

static void count(struct sl_kernel *kernel, enum sl_gateway_count which)
{
	sl_count_up(&kernel->counters->counts[which], 1);
}

/* ---- bound connections ----------------------------------------------------------------- */

static const struct sl_flow_table *table_of(const struct sl_kernel *kernel,
					    const struct sl_flow_spec *flow)
{
	return flow->local.family == 4 ? &kernel->maps->flows4 : &kernel->maps->flows6;
}

static void take_off(struct sl_kernel *kernel, struct sl_kernel_connection *connection)
{
	*connection->link = connection->next;
	if (connection->next)
		connection->next->link = connection->link;
	kernel->bound_count--;
	kernel->bound_of[connection->flow.tenant]--;
	connection->kernel = NULL;
}

static void put_on(struct sl_kernel *kernel, struct sl_kernel_connection *connection)
{
	connection->kernel = kernel;
	connection->next = kernel->bound;
	connection->link = &kernel->bound;
	if (kernel->bound)
		kernel->bound->link = &connection->next;
	kernel->bound = connection;
	kernel->bound_count++;
	kernel->bound_of[connection->flow.tenant]++;
}

static void unbind(struct sl_kernel *kernel, struct sl_kernel_connection *connection)
{
	/* -ENOENT: an operator or a sweep was faster. */
	(void)sl_flow_table_unbind(table_of(kernel, &connection->flow), &connection->flow);
	take_off(kernel, connection);
}

/* What stands against it is counted; 0 when the kernel knows it. */
static int bind_to(struct sl_kernel *kernel, struct sl_kernel_connection *connection,
		   uint32_t tenant, uint32_t gen)
{
	int r;

	if (kernel->bound_count >= kernel->settings->agent.flows_max ||
	    kernel->bound_of[tenant] >= kernel->settings->agent.tenant_flows_max) {
		count(kernel, SL_COUNT_FLOW_LIMIT);
		return -EDQUOT;
	}
	connection->flow.tenant = tenant;
	connection->gen = gen;
	r = sl_flow_table_bind(table_of(kernel, &connection->flow), &connection->flow);
	if (r) {
		count(kernel, SL_COUNT_FLOW_FULL);
		return r;
	}
	put_on(kernel, connection);
	count(kernel, SL_COUNT_FLOW_BOUND);
	return 0;
}

void sl_kernel_forget(struct sl_kernel_connection *connection)
{
	if (connection->kernel)
		unbind(connection->kernel, connection);
}

/* ---- names ------------------------------------------------------------------------------- */

/* An id that was given to another tenant must not carry the old one's connections. */
static void drop_strangers(struct sl_kernel *kernel)
{
	struct sl_kernel_connection *next;

	for (struct sl_kernel_connection *at = kernel->bound; at; at = next) {
		next = at->next;
		if (!sl_kernel_names_has(&kernel->names, at->flow.tenant, at->gen))
			unbind(kernel, at);
	}
}

static void read_names(struct sl_kernel *kernel)
{
	kernel->names_ns = now_ns(kernel) + NAMES_NS;
	if (sl_kernel_names_read(&kernel->names, kernel->maps) > 0)
		drop_strangers(kernel);
}

/* -ENOENT: the agent does not know it. */
static int find_name(uint32_t *ret_id, uint32_t *ret_gen, struct sl_kernel *kernel,
		     struct sl_span tenant)
{
	int r = sl_kernel_names_find(ret_id, ret_gen, &kernel->names, tenant);

	/* It may have come a moment ago. */
	if (r && now_ns(kernel) >= kernel->names_ns) {
		read_names(kernel);
		r = sl_kernel_names_find(ret_id, ret_gen, &kernel->names, tenant);
	}
	return r;
}

/* A credential may name anybody: none of these is somebody. */
static bool is_row(const struct sl_kernel *kernel, struct sl_span name)
{
	return kernel->names.has_rows && sl_request_row_is(name);
}

static bool limits_of(struct sl_kernel_limits *ret, struct sl_kernel *kernel, struct sl_span name)
{
	uint32_t id = 0, gen = 0;
	int r;

	for (int again = 0; again < 2; again++) {
		if (find_name(&id, &gen, kernel, name))
			return false;
		r = sl_kernel_requests_get(ret, &kernel->requests, kernel->maps, id, gen,
					   now_ns(kernel));
		/* Names that came since then are looked for: rows, that no tenant's request
		 * asks for by name. */
		if (!r && ret->generation != kernel->names.generation &&
		    now_ns(kernel) >= kernel->names_ns)
			read_names(kernel);
		if (r != -ESTALE)
			return !r;
		/* The names are older than the limits. */
		read_names(kernel);
	}
	return false;
}

static bool has_limits(const struct sl_kernel *kernel)
{
	return kernel && kernel->maps && kernel->maps->request_words;
}

bool sl_kernel_limits(struct sl_kernel_limits *ret, struct sl_kernel *kernel, struct sl_span tenant)
{
	return has_limits(kernel) && !is_row(kernel, tenant) && limits_of(ret, kernel, tenant);
}

bool sl_kernel_has_rows(const struct sl_kernel *kernel)
{
	return has_limits(kernel) && kernel->names.has_rows;
}

bool sl_kernel_row(struct sl_kernel_limits *ret, struct sl_kernel *kernel, struct sl_span name)
{
	return sl_kernel_has_rows(kernel) && limits_of(ret, kernel, name);
}

void sl_kernel_bind(struct sl_kernel *kernel, struct sl_kernel_connection *connection,
		    struct sl_span tenant)
{
	uint32_t id = 0, gen = 0;
	int r;

	if (!kernel || !kernel->maps || !connection || !connection->flow.local.family)
		return;
	r = is_row(kernel, tenant) ? -ENOENT : find_name(&id, &gen, kernel, tenant);
	if (connection->kernel) {
		if (!r && id == connection->flow.tenant && gen == connection->gen)
			return;
		unbind(kernel, connection);
		connection->retry_ns = 0;
	}
	/* A connection that cannot be bound does not look for it with every request. */
	if (now_ns(kernel) < connection->retry_ns)
		return;
	if (r)
		count(kernel, SL_COUNT_FLOW_NO_TENANT);
	else
		r = bind_to(kernel, connection, id, gen);
	connection->retry_ns = r ? now_ns(kernel) + RETRY_NS : 0;
}

/* ---- escalation ---------------------------------------------------------------------------- */

/* Is it one more than @requests in the window? Then it is not counted. */
static bool is_too_many(struct sl_kernel *kernel, uint32_t requests, struct sl_request_word *word)
{
	struct sl_gcra_level level = { .word = word };
	struct sl_gcra_verdict verdict;

	if (!requests)
		return false;
	level.limit = sl_gcra_limit(requests, kernel->settings->escalation.within_ns);
	sl_gcra_take(&verdict, &level, 1, now_ns(kernel));
	return !verdict.admitted;
}

static uint64_t until_ns(const struct sl_kernel *kernel, uint64_t wait_ns, uint64_t now)
{
	const uint64_t longest = kernel->settings->escalation.longest_ns;

	return now + (wait_ns < longest ? wait_ns : longest);
}

static int push(struct sl_kernel *kernel, const struct sl_kernel_connection *connection,
		bool whole_tenant, uint64_t wait_ns)
{
	const struct sl_flow_spec *flow = &connection->flow;
	const struct sl_connection on_wire = {
		.remote = flow->remote,
		.local = flow->local,
		.remote_port = flow->remote_port,
		.local_port = flow->local_port,
		.protocol = flow->protocol,
	};
	struct sl_bucket *bucket = &kernel->maps->buckets[flow->tenant];
	uint64_t now = now_ns(kernel), until = until_ns(kernel, wait_ns, now);

	if (whole_tenant)
		return sl_refuse_tenant(&kernel->maps->refusals, bucket, flow->tenant, until, now);
	return sl_refuse_connection(&kernel->maps->refusals, bucket, &on_wire, until, now);
}

static void escalate(struct sl_kernel *kernel, const struct sl_kernel_connection *connection,
		     const struct sl_kernel_refusal *refusal, bool whole_tenant)
{
	if (refusal->shadow) {
		count(kernel, SL_COUNT_ESCALATED_SHADOW);
		return;
	}
	if (push(kernel, connection, whole_tenant, refusal->wait_ns))
		return;
	count(kernel, whole_tenant ? SL_COUNT_ESCALATED_TENANT : SL_COUNT_ESCALATED_CONNECTION);
	sl_log_limited(kernel->log, SL_LOG_CLIENTS, SL_LOG_WARN,
		       "refused in the kernel from now on", SL_STR("tenant_id", refusal->tenant),
		       SL_STR("scope", whole_tenant ? "tenant" : "connection"),
		       SL_NUM("remote_port", connection->flow.remote_port),
		       SL_NUM("seconds", (refusal->wait_ns < kernel->settings->escalation.longest_ns
						  ? refusal->wait_ns
						  : kernel->settings->escalation.longest_ns) /
						 1000000000));
}

void sl_kernel_refused(struct sl_kernel *kernel, struct sl_kernel_connection *connection,
		       const struct sl_kernel_refusal *refusal)
{
	bool tenant, alone;

	if (!kernel || !kernel->maps || !connection)
		return;
	tenant = refusal->tenant_word &&
		 is_too_many(kernel, kernel->settings->escalation.tenant_after,
			     refusal->tenant_word);
	alone = is_too_many(kernel, kernel->settings->escalation.after, &connection->refusals);
	/* What is not bound is not this tenant's to the kernel either. */
	if (!connection->kernel)
		return;
	if (tenant)
		escalate(kernel, connection, refusal, true);
	else if (alone)
		escalate(kernel, connection, refusal, false);
}

/* ---- what dead workers left ------------------------------------------------------------------ */

static void sweep_step(struct sl_loop_timer *timer)
{
	struct sl_kernel *kernel = timer->context;
	uint64_t freed = 0;

	kernel->sweeping =
		kernel->maps && sl_kernel_sweep_step(kernel->sweep, &kernel->maps->flows4,
						     &kernel->maps->flows6, &freed);
	sl_count_up(&kernel->counters->counts[SL_COUNT_FLOW_SWEPT], freed);
	if (kernel->sweeping)
		(void)kernel->loop->timer_set(kernel->loop, timer, SWEEP_STEP_MS);
}

static void begin_sweep(struct sl_kernel *kernel)
{
	kernel->sweep_ns = now_ns(kernel) + SWEEP_NS;
	if (!kernel->sweep || kernel->sweeping || sl_kernel_sweep_begin(kernel->sweep))
		return;
	kernel->sweeping = true;
	(void)kernel->loop->timer_set(kernel->loop, &kernel->sweep_timer, SWEEP_STEP_MS);
}

/* ---- the agent ---------------------------------------------------------------------------------
 */

/* Into maps that are new; who finds no place there is bound by its next request. */
static void move_over(struct sl_kernel *kernel, struct sl_kernel_connection *list)
{
	while (list) {
		struct sl_kernel_connection *connection = list;
		uint32_t tenant = connection->flow.tenant;

		list = connection->next;
		connection->kernel = NULL;
		connection->retry_ns = 0;
		if (sl_kernel_names_has(&kernel->names, tenant, connection->gen))
			(void)bind_to(kernel, connection, tenant, connection->gen);
	}
}

void sl_kernel_use(struct sl_kernel *kernel, struct sl_kernel_maps *maps)
{
	struct sl_kernel_connection *list = kernel->bound;
	uint32_t *bound_of;

	if (kernel->maps && sl_kernel_maps_equal(kernel->maps, maps)) {
		sl_kernel_maps_free(maps);
		return;
	}
	bound_of = calloc(maps->tenants, sizeof(*bound_of));
	if (!bound_of) {
		sl_kernel_maps_free(maps);
		return;
	}
	free(kernel->bound_of);
	sl_kernel_names_clear(&kernel->names);
	sl_kernel_requests_clear(&kernel->requests);
	sl_kernel_maps_free(kernel->maps);
	kernel->maps = maps;
	kernel->bound_of = bound_of;
	kernel->bound = NULL;
	kernel->bound_count = 0;
	read_names(kernel);
	move_over(kernel, list);
	begin_sweep(kernel);
}

static void came(void *context, struct sl_kernel_maps *maps)
{
	struct sl_kernel *kernel = context;

	kernel->linked = true;
	sl_log(kernel->log, SL_LOG_INFO, "the agent handed over the maps",
	       SL_NUM("tenants", maps->tenants));
	sl_kernel_use(kernel, maps);
	sl_kernel_tick(kernel);
}

static void went(void *context, const char *reason)
{
	struct sl_kernel *kernel = context;

	kernel->linked = false;
	sl_log(kernel->log, SL_LOG_WARN,
	       kernel->maps ? "the agent is not there: its maps serve on" : "no agent yet",
	       SL_STR("reason", reason));
	sl_kernel_tick(kernel);
}

static void wrong(void *context, const char *reason)
{
	struct sl_kernel *kernel = context;

	count(kernel, SL_COUNT_AGENT_WRONG);
	sl_log_limited(kernel->log, SL_LOG_SYNC, SL_LOG_ERROR, "not the agent's answer",
		       SL_STR("reason", reason));
}

static const struct sl_kernel_link_calls calls = { came, went, wrong };

bool sl_kernel_is_linked(const struct sl_kernel *kernel)
{
	return kernel->linked;
}

void sl_kernel_tick(struct sl_kernel *kernel)
{
	kernel->counters->gauges[SL_GAUGE_AGENT] = kernel->linked;
	kernel->counters->gauges[SL_GAUGE_FLOWS] = kernel->bound_count;
	if (!kernel->maps)
		return;
	read_names(kernel);
	if (kernel->sweeps && now_ns(kernel) >= kernel->sweep_ns)
		begin_sweep(kernel);
}

static int begin_link(struct sl_kernel *kernel, const struct sl_kernel_options *options)
{
	int r = sl_kernel_sweep_new(&kernel->sweep, options->ports, options->port_count);

	if (r == -ENOMEM)
		return r;
	if (r)
		sl_log(kernel->log, SL_LOG_WARN, "what killed workers leave bound stays bound",
		       SL_STR("reason", strerror(-r)));
	return sl_kernel_link_new(&kernel->link, kernel->loop, kernel->settings->agent.socket,
				  &calls, kernel);
}

int sl_kernel_new(struct sl_kernel **ret, const struct sl_kernel_options *options)
{
	struct sl_kernel *kernel = calloc(1, sizeof(*kernel));
	int r = 0;

	if (!kernel)
		return -ENOMEM;
	kernel->loop = options->loop;
	kernel->settings = options->settings;
	kernel->counters = options->counters;
	kernel->log = options->log;
	kernel->sweeps = options->sweeps;
	kernel->sweep_timer = (struct sl_loop_timer){ .fire = sweep_step, .context = kernel };
	if (kernel->settings->agent.socket[0])
		r = begin_link(kernel, options);
	if (r) {
		sl_kernel_free(kernel);
		return r;
	}
	*ret = kernel;
	return 0;
}

void sl_kernel_free(struct sl_kernel *kernel)
{
	if (!kernel)
		return;
	for (struct sl_kernel_connection *next, *at = kernel->bound; at; at = next) {
		next = at->next;
		unbind(kernel, at);
	}
	sl_kernel_link_free(kernel->link);
	kernel->loop->timer_clear(kernel->loop, &kernel->sweep_timer);
	sl_kernel_sweep_free(kernel->sweep);
	kernel->counters->gauges[SL_GAUGE_AGENT] = 0;
	kernel->counters->gauges[SL_GAUGE_FLOWS] = 0;
	sl_kernel_names_clear(&kernel->names);
	sl_kernel_requests_clear(&kernel->requests);
	sl_kernel_maps_free(kernel->maps);
	free(kernel->bound_of);
	free(kernel);
}
