// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>

#include "tests/harness/options.h"
#include "tests/sim/share_sim.h"
#include "userspace/base/cleanup.h"

#define RNG_WORLD   21
#define RNG_NETWORK 22
#define RNG_NODE    23

#define OBSERVE_NS     (100 * SL_SHARE_MS)
#define TERMS_AGAIN_NS (1000 * SL_SHARE_MS)
#define SERVED_FROM_NS (SL_SHARE_HEALED + 5 * SL_SHARE_S)

static const struct sl_mishap_kind kinds[SL_SHARE_MISHAPS] = {
	[SL_SHARE_DIES] = { "dies", { .5, 20 }, { 0 } },
	[SL_SHARE_LEADERLESS] = { "leaderless", { 1, 75 }, { 0 } },
	[SL_SHARE_STILL] = { "still", { .5, 15 }, { 0 } },
	[SL_SHARE_CUT] = { "cut", { .5, 20 }, { 0 } },
	[SL_SHARE_OUTAGE] = { "outage", { .3, 40 }, { 0 } },
	[SL_SHARE_FAILOVER] = { "failover", { .05, 2 }, { 0 } },
	[SL_SHARE_UNLOCKED] = { "unlocked", { 0, 0 }, { 0 } },
	[SL_SHARE_WIPED] = { "wiped", { 0, 0 }, { 0 } },
	[SL_SHARE_TIME] = { "time", { 0, 0 }, { -20, 20 } },
	[SL_SHARE_LOSS] = { "loss", { 1, 20 }, { .05, .5 } },
	[SL_SHARE_TWICE] = { "twice", { 1, 20 }, { .1, 1 } },
	[SL_SHARE_LATE] = { "late", { 1, 20 }, { .05, 3 } },
	[SL_SHARE_DEMAND] = { "demand", { 0, 0 }, { .05, 4 } },
	[SL_SHARE_CAPACITY] = { "capacity", { 0, 0 }, { .1, 2 } },
};

/* ---- setup ------------------------------------------------------------------------------ */

static struct sl_terms draw_terms(struct sl_rng *rng)
{
	const double rate = exp(sl_rng_between(rng, log(100), log(10000))) * 1000;
	struct sl_terms terms = sl_terms_of(1, (int64_t)rate, (int64_t)(rate / 2));

	terms.guarantee_mu_per_s = (int64_t)(rate * sl_rng_unit(rng));
	terms.ceiling_mu_per_s = (int64_t)(rate * sl_rng_between(rng, 1, 4));
	terms.weight = 1 + (uint32_t)sl_rng_below(rng, 10);
	terms.class = (enum sl_quota_class)sl_rng_below(rng, SL_QUOTA_CLASSES);
	return terms;
}

static void set_up_tenant(struct sl_share_world *world, struct sl_share_tenant *tenant)
{
	tenant->terms = draw_terms(&world->rng);
	if (sl_terms_check(&tenant->terms, NULL) != 0)
		sl_die("terms that are none");
	if (sl_store_new(&tenant->store) != 0)
		sl_die("no memory for a store");
	tenant->demand_mu_per_s =
		(double)tenant->terms.rate_mu_per_s * sl_rng_between(&world->rng, .05, 3);
	for (uint32_t i = 0; i < world->nodes; i++)
		tenant->weight[i] = 1.0 / world->nodes;
	world->capacity_mu_per_s += tenant->terms.rate_mu_per_s;
}

static void set_up(struct sl_share_world *world, const struct sl_trial *trial)
{
	*world = (struct sl_share_world){
		.trial = trial,
		.rng = sl_rng_of(trial->seed, RNG_WORLD, 0),
		.network = sl_rng_of(trial->seed, RNG_NETWORK, 0),
	};
	world->nodes = 2 + (uint32_t)sl_rng_below(&world->rng, SL_SHARE_NODES - 1);
	world->tenants = 2 + (uint32_t)sl_rng_below(&world->rng, SL_SHARE_TENANTS - 1);
	for (uint32_t i = 0; i < world->tenants; i++)
		set_up_tenant(world, &world->tenant[i]);
	world->capacity_mu_per_s =
		(int64_t)((double)world->capacity_mu_per_s * sl_rng_between(&world->rng, .3, 1.6));
	for (uint32_t n = 0; n < world->nodes; n++) {
		struct sl_share_node *node = &world->node[n];

		node->rng = sl_rng_of(trial->seed, RNG_NODE, n);
		node->turns.random = sl_rng_next(&node->rng);
		node->clock_ns = SL_SHARE_S + sl_rng_below(&node->rng, 1000 * SL_SHARE_S);
		for (uint32_t i = 0; i < world->tenants; i++)
			sl_lease_begin(&node->lease[i], &world->tenant[i].terms, world->nodes,
				       sl_rng_next(&node->rng), node->clock_ns);
	}
}

static void tear_down(struct sl_share_world *world)
{
	struct sl_moment moment;

	while (sl_agenda_take(&world->agenda, &moment))
		free(moment.data);
	sl_agenda_release(&world->agenda);
	for (uint32_t i = 0; i < world->tenants; i++) {
		sl_store_free(world->tenant[i].store);
		sl_store_free(world->tenant[i].replica);
	}
}

/* ---- a node's leases ---------------------------------------------------------------------- */

static uint64_t clock_of(const struct sl_share_world *world, uint32_t node)
{
	return world->node[node].clock_ns + world->now_ns;
}

static void observe(struct sl_share_world *world, uint32_t n, uint32_t index)
{
	struct sl_share_tenant *tenant = &world->tenant[index];
	struct sl_lease *lease = &world->node[n].lease[index];
	const double seconds = (double)OBSERVE_NS / SL_SHARE_S;
	const double offered = tenant->demand_mu_per_s * tenant->weight[n] * seconds;
	struct sl_quota_state state;
	double served;

	sl_lease_state(lease, &state, clock_of(world, n));
	served = fmin(offered, (double)state.rate_mu_per_s * seconds);
	sl_lease_observe(lease, (int64_t)offered, (int64_t)served, clock_of(world, n));
	if (world->now_ns < SERVED_FROM_NS)
		return;
	tenant->offered_mu += offered;
	tenant->served_mu += served;
}

static void tend(struct sl_share_world *world, uint32_t n, uint32_t index)
{
	struct sl_share_node *node = &world->node[n];
	struct sl_lease *lease = &node->lease[index];
	struct sl_share_message message = { .node = n, .tenant = index };
	const uint64_t now_ns = clock_of(world, n);

	if (lease->wants_terms &&
	    (!node->sends_terms[index] || now_ns - node->terms_ns[index] > TERMS_AGAIN_NS)) {
		node->sends_terms[index] = true;
		node->terms_ns[index] = now_ns;
		message.kind = SL_SHARE_TERMS;
		sl_share_send(world, &message);
	}
	if (sl_lease_due_ns(lease, now_ns) > now_ns)
		return;
	message.kind = SL_SHARE_RENEW;
	(void)sl_lease_ask(lease, &message.renew, &message.round, now_ns);
	sl_share_send(world, &message);
}

static void hear(struct sl_share_world *world, const struct sl_share_message *message)
{
	struct sl_share_node *node = &world->node[message->node];
	const uint64_t now_ns = clock_of(world, message->node);

	if (sl_share_is_cut(world, message->node))
		return;
	if (message->kind == SL_SHARE_RENEW) {
		(void)sl_lease_answer(&node->lease[message->tenant], message->round,
				      &message->renewed, now_ns);
	} else if (message->kind == SL_SHARE_TERMS) {
		node->sends_terms[message->tenant] = false;
		sl_lease_sent_terms(&node->lease[message->tenant], now_ns);
	} else {
		sl_share_lead_hear(world, message);
	}
}

/* ---- the clock ---------------------------------------------------------------------------- */

static void happen(struct sl_share_world *world, const struct sl_moment *moment)
{
	const struct sl_share_message *message = moment->data;

	switch ((enum sl_share_moment)moment->kind) {
	case SL_SHARE_AT_STORE:
		sl_share_serve(world, message);
		break;
	case SL_SHARE_AT_NODE:
		hear(world, message);
		break;
	case SL_SHARE_AT_TIMEOUT:
		sl_lease_failed(&world->node[message->node].lease[message->tenant], message->round,
				clock_of(world, message->node));
		break;
	}
}

static void tick(struct sl_share_world *world)
{
	const bool observes = world->now_ns % OBSERVE_NS == 0;

	sl_share_harm(world, world->now_ns - SL_SHARE_TICK_NS);
	for (uint32_t n = 0; n < world->nodes; n++) {
		sl_share_lead_tick(world, n);
		for (uint32_t i = 0; i < world->tenants; i++) {
			if (observes)
				observe(world, n, i);
			tend(world, n, i);
		}
	}
	if (observes)
		sl_share_check_tick(world);
}

static void live_until(struct sl_share_world *world, uint64_t until_ns)
{
	struct sl_moment moment;

	while (world->agenda.count && world->agenda.heap[0].at_ns <= until_ns &&
	       sl_agenda_take(&world->agenda, &moment)) {
		world->now_ns = moment.at_ns;
		happen(world, &moment);
		free(moment.data);
	}
	world->now_ns = until_ns;
}

static struct sl_trial_finding run(const struct sl_trial *trial)
{
	struct sl_share_world *world = malloc(sizeof(*world));
	struct sl_trial_finding finding;

	if (!world)
		sl_die("no memory for a world");
	set_up(world, trial);
	for (uint64_t at_ns = SL_SHARE_TICK_NS; at_ns < SL_SHARE_END_NS && !world->finding.rule;
	     at_ns += SL_SHARE_TICK_NS) {
		live_until(world, at_ns);
		tick(world);
	}
	if (!world->finding.rule)
		sl_share_check_end(world);
	finding = world->finding;
	tear_down(world);
	free(world);
	return finding;
}

static const char *const breaks[SL_SHARE_BREAKS] = { "none", "fence", "greedy", "floor", "weight",
						     "hold", "lead",  "lock",	"cling" };

const struct sl_trial_kind sl_share_trial = {
	.option = "--share",
	.script = { .kinds = kinds,
		    .kind_count = SL_SHARE_MISHAPS,
		    .most = 8,
		    .from_ns = 5 * SL_SHARE_S,
		    .until_ns = SL_SHARE_LAST_NS },
	.breaks = breaks,
	.break_count = SL_SHARE_BREAKS,
	.run = run,
};
