// SPDX-License-Identifier: Apache-2.0
/* The agent of a node, as far as the quota code wants one. */
#include "tests/sim/world.h"

#define OBSERVE_NS	100000000ull
#define TERMS_AGAIN_NS	1000000000ull
#define PEERS_SILENT_NS 1500000000ull

uint64_t sl_sim_clock(const struct sl_world *world, const struct sl_sim_instance *instance)
{
	return instance->clock_ns + world->now_ns +
	       (uint64_t)((int64_t)(world->now_ns / 1000) * instance->drift_ppm / 1000);
}

static void apply(struct sl_world *world, struct sl_sim_pair *pair)
{
	uint64_t now_ns = sl_sim_clock(world, &world->instance[pair->instance]);
	struct sl_quota_state state;

	if (pair->small)
		sl_central_state(&pair->central, &state, now_ns);
	else
		sl_lease_state(&pair->lease, &state, now_ns);
	if (world->options.broken == SL_BREAK_GROWN && state.mode == SL_QUOTA_MODE_HELD &&
	    pair->lease.seq % 10 == 9)
		state.rate_mu_per_s += state.rate_mu_per_s / 2;
	sl_kernel_apply(world, pair, &state);
}

static void begin(struct sl_world *world, struct sl_sim_pair *pair)
{
	struct sl_sim_instance *instance = &world->instance[pair->instance];
	const struct sl_sim_tenant *tenant = &world->tenant[pair->tenant];
	uint64_t now_ns = sl_sim_clock(world, instance);

	pair->small = tenant->terms.small;
	pair->sends_terms = false;
	pair->arrived = 0;
	pair->admitted = 0;
	if (pair->small)
		sl_central_begin(&pair->central, &tenant->terms, tenant->demand.places,
				 sl_rng_next(&instance->rng), now_ns);
	else
		sl_lease_begin(&pair->lease, &tenant->terms, tenant->demand.places,
			       sl_rng_next(&instance->rng), now_ns);
}

void sl_node_boot(struct sl_world *world, uint32_t index)
{
	struct sl_sim_instance *instance = &world->instance[index];

	instance->is_up = true;
	instance->runs = true;
	instance->stands = false;
	instance->run++;
	for (uint32_t i = 0; i < instance->pairs; i++) {
		struct sl_sim_pair *pair = &world->pair[instance->pair_first + i];
		struct sl_sim_tenant *tenant = &world->tenant[pair->tenant];

		begin(world, pair);
		pair->bucket = (struct sl_sim_bucket){ 0 };
		apply(world, pair);
		sl_sim_bucket_fill(&pair->bucket, pair->bucket.burst,
				   sl_sim_clock(world, instance));
		tenant->minted += pair->bucket.burst;
	}
}

void sl_node_adopt(struct sl_world *world, uint32_t index)
{
	struct sl_sim_instance *instance = &world->instance[index];
	uint64_t now_ns = sl_sim_clock(world, instance);

	instance->runs = true;
	instance->stands = false;
	instance->run++;
	instance->peers = SL_LEASE_PEERS_UNKNOWN;
	for (uint32_t i = 0; i < instance->pairs; i++) {
		struct sl_sim_pair *pair = &world->pair[instance->pair_first + i];
		const uint32_t live = pair->lease.live;
		const bool is_left = !pair->small &&
				     pair->lease.terms.gen == world->tenant[pair->tenant].terms.gen;

		begin(world, pair);
		/* By other terms nothing is adopted: userspace/agent/quota_adopt.c. */
		if (is_left && !pair->small)
			sl_lease_adopt(&pair->lease, &pair->state, live, now_ns);
		apply(world, pair);
		sl_check_tenant(world, pair->tenant);
	}
}

/* What it asked before has had no answer in time. */
void sl_node_wake(struct sl_world *world, uint32_t index)
{
	struct sl_sim_instance *instance = &world->instance[index];
	uint64_t now_ns = sl_sim_clock(world, instance);

	instance->runs = true;
	instance->stands = false;
	for (uint32_t i = 0; i < instance->pairs; i++) {
		struct sl_sim_pair *pair = &world->pair[instance->pair_first + i];

		if (pair->small)
			sl_central_failed(&pair->central, pair->central.send_id, now_ns);
		else
			sl_lease_failed(&pair->lease, pair->lease.send_id, now_ns);
		apply(world, pair);
		sl_check_tenant(world, pair->tenant);
	}
}

static struct sl_sim_message message_of(const struct sl_world *world, uint32_t index)
{
	const struct sl_sim_pair *pair = &world->pair[index];
	const struct sl_sim_instance *instance = &world->instance[pair->instance];

	return (struct sl_sim_message){ .pair = index,
					.run = instance->run,
					.incarnation = instance->incarnation };
}

static void send_terms(struct sl_world *world, uint32_t index, uint64_t now_ns)
{
	struct sl_sim_pair *pair = &world->pair[index];
	struct sl_sim_message message = message_of(world, index);

	if (pair->sends_terms && now_ns - pair->terms_ns < TERMS_AGAIN_NS)
		return;
	pair->sends_terms = true;
	pair->terms_ns = now_ns;
	message.kind = SL_SIM_TERMS;
	message.terms = pair->small ? pair->central.terms : pair->lease.terms;
	sl_trace(world, "asks", &message);
	sl_network_ask(world, &message);
}

static void ask_lease(struct sl_world *world, uint32_t index, uint64_t now_ns)
{
	struct sl_sim_pair *pair = &world->pair[index];
	struct sl_sim_message message = message_of(world, index);
	bool changed;

	message.kind = SL_SIM_RENEW;
	changed = sl_lease_ask(&pair->lease, &message.ask.renew, &message.send_id, now_ns);
	if (changed && world->options.broken != SL_BREAK_REPORT)
		apply(world, pair);
	sl_trace(world, "asks", &message);
	sl_network_ask(world, &message);
	if (changed)
		sl_check_tenant(world, pair->tenant);
}

static void ask_central(struct sl_world *world, uint32_t index, uint64_t now_ns)
{
	struct sl_sim_message message = message_of(world, index);

	message.kind = SL_SIM_CHARGE;
	sl_central_ask(&world->pair[index].central, &message.ask.charge, &message.send_id, now_ns);
	sl_trace(world, "asks", &message);
	sl_network_ask(world, &message);
}

static void observe(struct sl_world *world, struct sl_sim_pair *pair, uint64_t now_ns)
{
	int64_t arrived_mu = (int64_t)pair->arrived * SL_SIM_MU;
	int64_t admitted_mu = (int64_t)pair->admitted * SL_SIM_MU;

	pair->arrived = 0;
	pair->admitted = 0;
	if (!pair->small)
		sl_lease_observe(&pair->lease, arrived_mu, admitted_mu, now_ns);
	else
		sl_central_observe(&pair->central, arrived_mu, admitted_mu, now_ns);
}

/* Whom this node hears renew, by another way than the store. */
static void listen(struct sl_world *world, struct sl_sim_instance *instance, uint64_t now_ns)
{
	const struct sl_sim_cut *cut = &world->cut[instance->node];
	enum sl_lease_peers peers = SL_LEASE_PEERS_SILENT;

	if (cut->until_ns > world->now_ns && !cut->hears_peers)
		peers = SL_LEASE_PEERS_UNKNOWN;
	else if (world->now_ns - world->answered_ns < PEERS_SILENT_NS)
		peers = SL_LEASE_PEERS_RENEW;
	if (peers == instance->peers)
		return;
	instance->peers = peers;
	for (uint32_t i = 0; i < instance->pairs; i++) {
		struct sl_sim_pair *pair = &world->pair[instance->pair_first + i];

		if (!pair->small && sl_lease_set_peers(&pair->lease, peers, now_ns)) {
			apply(world, pair);
			sl_check_tenant(world, pair->tenant);
		}
	}
}

/* The store has none, or older ones. */
static bool lacks_terms(const struct sl_sim_pair *pair)
{
	int64_t gen = pair->small ? pair->central.store_gen : pair->lease.store_gen;
	uint64_t ours = pair->small ? pair->central.terms.gen : pair->lease.terms.gen;

	return (pair->small ? pair->central.wants_terms : pair->lease.wants_terms) ||
	       (gen && (uint64_t)gen < ours);
}

static void tend(struct sl_world *world, uint32_t index, uint64_t now_ns)
{
	struct sl_sim_pair *pair = &world->pair[index];
	uint64_t every = OBSERVE_NS / world->options.tick_ns;

	if (every < 2 || (world->ticks + index) % every == 0)
		observe(world, pair, now_ns);
	if (pair->state.change_ns <= now_ns)
		apply(world, pair);
	if (lacks_terms(pair))
		send_terms(world, index, now_ns);
	if (pair->small) {
		if (sl_central_due_ns(&pair->central, now_ns) <= now_ns)
			ask_central(world, index, now_ns);
	} else if (sl_lease_due_ns(&pair->lease, now_ns) <= now_ns) {
		ask_lease(world, index, now_ns);
	}
}

void sl_node_tick(struct sl_world *world, uint32_t index)
{
	struct sl_sim_instance *instance = &world->instance[index];
	uint64_t now_ns = sl_sim_clock(world, instance);

	if (!instance->is_up || !instance->runs)
		return;
	if (world->ticks % 10 == index % 10)
		listen(world, instance, now_ns);
	for (uint32_t i = 0; i < instance->pairs; i++)
		if (!world->tenant[world->pair[instance->pair_first + i].tenant].is_out)
			tend(world, instance->pair_first + i, now_ns);
}

/* Of this agent, and not of one that ran before it? */
static bool is_for(const struct sl_world *world, const struct sl_sim_message *message)
{
	const struct sl_sim_instance *instance =
		&world->instance[world->pair[message->pair].instance];

	return instance->is_up && instance->runs && instance->run == message->run;
}

void sl_node_hear(struct sl_world *world, const struct sl_sim_message *message)
{
	struct sl_sim_pair *pair = &world->pair[message->pair];
	uint64_t now_ns = sl_sim_clock(world, &world->instance[pair->instance]);
	bool changed = false;

	if (!is_for(world, message) ||
	    sl_network_is_cut(world, world->instance[pair->instance].node))
		return;
	if (world->link && !sl_link_brings(world, message))
		return;
	sl_trace(world, "hears", message);
	switch (message->kind) {
	case SL_SIM_RENEW:
		changed = sl_lease_answer(&pair->lease, message->send_id, &message->answer.renewed,
					  now_ns);
		break;
	case SL_SIM_CHARGE:
		changed = sl_central_answer(&pair->central, message->send_id,
					    &message->answer.charged, now_ns);
		break;
	case SL_SIM_TERMS:
		if (!pair->sends_terms)
			break;
		pair->sends_terms = false;
		if (pair->small)
			sl_central_sent_terms(&pair->central, now_ns);
		else
			sl_lease_sent_terms(&pair->lease, now_ns);
		break;
	}
	if (changed)
		apply(world, pair);
	sl_check_tenant(world, pair->tenant);
}

void sl_node_miss(struct sl_world *world, const struct sl_sim_message *message)
{
	struct sl_sim_pair *pair = &world->pair[message->pair];
	uint64_t now_ns = sl_sim_clock(world, &world->instance[pair->instance]);

	if (!is_for(world, message))
		return;
	if (message->kind == SL_SIM_RENEW) {
		const uint64_t failed = pair->lease.counts.failed;

		sl_lease_failed(&pair->lease, message->send_id, now_ns);
		if (pair->lease.counts.failed > failed) {
			world->load[world->now_ns / SL_SIM_S_NS].late++;
			if (world->link)
				sl_link_late(world, message);
		}
	} else if (message->kind == SL_SIM_CHARGE) {
		sl_central_failed(&pair->central, message->send_id, now_ns);
	}
	apply(world, pair);
	sl_check_tenant(world, pair->tenant);
}

void sl_node_new_terms(struct sl_world *world, uint32_t index)
{
	struct sl_sim_pair *pair = &world->pair[index];
	const struct sl_sim_instance *instance = &world->instance[pair->instance];
	const struct sl_terms *terms = &world->tenant[pair->tenant].terms;
	uint64_t now_ns = sl_sim_clock(world, instance);

	/* A machine or an agent that is down begins with them. */
	if (!instance->is_up || !instance->runs)
		return;
	if (pair->small ? sl_central_set_terms(&pair->central, terms, now_ns)
			: sl_lease_set_terms(&pair->lease, terms, now_ns))
		apply(world, pair);
	sl_check_tenant(world, pair->tenant);
}
