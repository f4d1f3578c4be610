// SPDX-License-Identifier: Apache-2.0
/* Messages between nodes and the store, and the store itself: of each master one queue. */
#include <stdlib.h>

#include "tests/harness/options.h"
#include "tests/sim/world.h"

#define SERVICE_NS    20000ull /* of one renewal: what Redis may take */
#define TIME_BASE_MS  1700000000000ll
#define TWICE_LATER_S 2.0

bool sl_network_is_cut(const struct sl_world *world, uint32_t node)
{
	return world->cut[node].until_ns > world->now_ns;
}

static uint64_t draw_delay_ns(struct sl_world *world)
{
	uint64_t delay_ns = world->delay_ns;

	if (world->jitter_ns)
		delay_ns += (uint64_t)sl_rng_exponential(&world->network, (double)world->jitter_ns);
	if (world->slow_until_ns > world->now_ns)
		delay_ns += (uint64_t)(sl_rng_unit(&world->network) * world->slow_s * 1e9);
	return delay_ns;
}

static void put(struct sl_world *world, enum sl_sim_moment kind,
		const struct sl_sim_message *message, uint64_t at_ns)
{
	struct sl_sim_message *copy = malloc(sizeof(*copy));

	if (!copy)
		sl_die("no memory for a message");
	*copy = *message;
	sl_agenda_put(&world->agenda,
		      (struct sl_moment){ .at_ns = at_ns, .kind = kind, .data = copy });
}

/* Lost, once or twice; late or early. */
static void carry(struct sl_world *world, enum sl_sim_moment to,
		  const struct sl_sim_message *message, uint64_t at_ns)
{
	double loss = world->loss_until_ns > world->now_ns ? world->loss : 0.0005;

	world->messages++;
	if (sl_rng_unit(&world->network) < loss) {
		world->lost++;
		return;
	}
	put(world, to, message, at_ns + draw_delay_ns(world));
	if (world->twice_until_ns > world->now_ns && sl_rng_unit(&world->network) < world->twice)
		put(world, to, message,
		    at_ns + draw_delay_ns(world) +
			    (uint64_t)(sl_rng_unit(&world->network) * TWICE_LATER_S * 1e9));
}

void sl_network_ask(struct sl_world *world, const struct sl_sim_message *message)
{
	struct sl_sim_message sent = *message;
	uint64_t at_ns = world->now_ns, ends_ns = at_ns + SL_LEASE_ANSWER_MS * SL_SIM_MS_NS;
	const enum sl_sim_sent how = world->link ? sl_link_send(world, &sent, &at_ns) : SL_SIM_SENT;

	put(world, SL_AT_TIMEOUT, &sent, how == SL_SIM_REFUSED ? world->now_ns : ends_ns);
	if (how != SL_SIM_SENT)
		return;
	if (world->options.broken == SL_BREAK_STARVE &&
	    world->pair[message->pair].tenant == world->options.tenants - 1)
		return;
	carry(world, SL_AT_STORE, &sent, at_ns);
}

/* Every call may be a growth: what is held, and promised by it, must stay in bounds. */
static void check_store(struct sl_world *world, uint32_t tenant, int64_t held_before)
{
	struct sl_store_sums sums;
	double most;

	sl_store_sums(world->tenant[tenant].store, &sums);
	most = (double)sums.rate_mu_per_s * (double)sums.overbook_ppm / SL_QUOTA_PPM;
	if (sums.held > held_before && (double)sums.held > most + SL_SIM_MU)
		sl_check_fail(world, "store: what is held grows within R * o", tenant,
			      (double)sums.held / SL_SIM_MU, most / SL_SIM_MU);
}

static void serve(struct sl_world *world, struct sl_sim_message *message, uint64_t at_ns)
{
	const struct sl_sim_pair *pair = &world->pair[message->pair];
	struct sl_store *store = world->tenant[pair->tenant].store;
	uint32_t node = world->instance[pair->instance].node + 1;
	int64_t now_ms = TIME_BASE_MS + (int64_t)(at_ns / SL_SIM_MS_NS) + world->jump_ms;
	int64_t now_us = now_ms * 1000 + (int64_t)(at_ns % SL_SIM_MS_NS / 1000);
	struct sl_sim_load *load = &world->load[world->now_ns / SL_SIM_S_NS];
	struct sl_store_sums sums;
	int r = 0;

	switch (message->kind) {
	case SL_SIM_RENEW:
		load->renewals++;
		sl_store_sums(store, &sums);
		r = sl_store_renew(store, node, message->incarnation, &message->ask.renew, now_ms,
				   &message->answer.renewed);
		if (message->answer.renewed.status == SL_QUOTA_OK &&
		    message->answer.renewed.grant_mu_per_s > message->ask.renew.has_mu_per_s)
			check_store(world, pair->tenant, sums.held);
		break;
	case SL_SIM_CHARGE:
		load->charges++;
		r = sl_store_charge(store, node, message->incarnation, &message->ask.charge, now_us,
				    &message->answer.charged);
		break;
	case SL_SIM_TERMS:
		(void)sl_store_set_terms(store, &message->terms, now_ms);
		break;
	}
	if (r != 0)
		sl_die("no memory for a row");
}

void sl_network_store(struct sl_world *world, const struct sl_sim_message *message)
{
	const struct sl_sim_pair *pair = &world->pair[message->pair];
	struct sl_sim_message answered = *message;
	uint64_t *busy_until_ns = &world->busy_until_ns[pair->tenant % world->options.masters];
	const uint64_t service_ns =
		world->options.service_ns ? world->options.service_ns : SERVICE_NS;
	uint64_t done_ns = world->now_ns;

	if (world->down_until_ns > world->now_ns ||
	    sl_network_is_cut(world, world->instance[pair->instance].node)) {
		world->lost++;
		return;
	}
	/* A frozen store reads its sockets when it goes on, and then knows that time. */
	if (world->frozen_until_ns > world->now_ns) {
		put(world, SL_AT_STORE, message, world->frozen_until_ns);
		return;
	}
	if (*busy_until_ns > done_ns)
		done_ns = *busy_until_ns;
	*busy_until_ns = done_ns + service_ns;
	serve(world, &answered, done_ns);
	sl_trace(world, "store", &answered);
	world->answered_ns = world->now_ns;
	sl_check_served(world, pair->tenant);
	carry(world, SL_AT_NODE, &answered, done_ns + service_ns);
	sl_check_tenant(world, pair->tenant);
}
