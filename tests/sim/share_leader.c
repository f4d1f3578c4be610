// SPDX-License-Identifier: Apache-2.0
/* The loop of a node that leads, or would: lock, sums, shares, each by a message. */
#include "tests/sim/share_sim.h"

#define PERIOD_NS (1000 * SL_SHARE_MS)
#define JITTER_NS (100 * SL_SHARE_MS)

static bool is_down(const struct sl_share_world *world, uint32_t node)
{
	return sl_mishaps_hit(&world->trial->mishaps, SL_SHARE_DIES, node, world->nodes,
			      world->now_ns) ||
	       sl_mishaps_hit(&world->trial->mishaps, SL_SHARE_LEADERLESS, 0, 1, world->now_ns);
}

static bool stands_still(const struct sl_share_world *world, uint32_t node)
{
	return sl_mishaps_hit(&world->trial->mishaps, SL_SHARE_STILL, node, world->nodes,
			      world->now_ns);
}

void sl_share_lead_tick(struct sl_share_world *world, uint32_t index)
{
	struct sl_share_node *node = &world->node[index];
	const struct sl_share_message message = {
		.kind = SL_SHARE_LEAD, .node = index, .run = node->run, .round = node->round + 1
	};

	if (is_down(world, index)) {
		node->run++; /* whatever is under way is of the one that died */
		node->token = 0;
		return;
	}
	if (stands_still(world, index) || world->now_ns < node->next_ns)
		return;
	node->next_ns =
		world->now_ns + PERIOD_NS - JITTER_NS + sl_rng_below(&node->rng, 2 * JITTER_NS);
	if (world->trial->broken == SL_SHARE_BREAK_LEAD && node->run)
		return;
	node->round++;
	sl_share_send(world, &message);
}

static void ask_sums(struct sl_share_world *world, struct sl_share_message answer)
{
	struct sl_share_node *node = &world->node[answer.node];

	node->token = answer.token;
	if (!answer.token)
		return;
	answer.kind = SL_SHARE_READ;
	sl_share_send(world, &answer);
}

static struct sl_share share_of(const struct sl_share_world *world, uint32_t tenant,
				const struct sl_share_view *view)
{
	const struct sl_terms *terms = &world->tenant[tenant].terms;

	return (struct sl_share){ .rate_mu_per_s = terms->rate_mu_per_s,
				  .guarantee_mu_per_s = terms->guarantee_mu_per_s,
				  .ceiling_mu_per_s = terms->ceiling_mu_per_s,
				  .weight = terms->weight,
				  .live = (uint32_t)view->live,
				  .class = terms->class,
				  .want_mu_per_s = view->want };
}

static void fill(const struct sl_share_world *world, struct sl_share *shares)
{
	struct sl_share asked[SL_SHARE_TENANTS] = { 0 };

	for (uint32_t i = 0; i < world->tenants; i++) {
		asked[i] = shares[i];
		if (world->trial->broken == SL_SHARE_BREAK_FLOOR)
			asked[i].guarantee_mu_per_s = 0;
		if (world->trial->broken == SL_SHARE_BREAK_WEIGHT)
			asked[i].weight = 1;
	}
	sl_share_fill(asked, world->tenants, world->capacity_mu_per_s);
	for (uint32_t i = 0; i < world->tenants; i++)
		shares[i].effective_mu_per_s = asked[i].effective_mu_per_s;
	if (world->trial->broken == SL_SHARE_BREAK_GREEDY)
		shares[0].effective_mu_per_s += shares[0].effective_mu_per_s / 2;
}

static void share_out(struct sl_share_world *world, const struct sl_share_message *answer)
{
	struct sl_share shares[SL_SHARE_TENANTS] = { 0 };
	struct sl_share_message write = *answer;

	for (uint32_t i = 0; i < world->tenants; i++)
		shares[i] = share_of(world, i, &answer->view[i]);
	fill(world, shares);
	sl_share_check_fill(world, shares);
	write.kind = SL_SHARE_WRITE;
	for (uint32_t i = 0; i < world->tenants; i++) {
		write.tenant = i;
		write.rate_mu_per_s = shares[i].effective_mu_per_s;
		sl_share_send(world, &write);
	}
}

/* Its own lock's token is older than another's: a new lock has a newer one. */
static void give_up(struct sl_share_world *world, const struct sl_share_message *answer)
{
	struct sl_share_node *node = &world->node[answer->node];

	if (answer->status == SL_QUOTA_STALE && answer->token == node->token &&
	    world->trial->broken != SL_SHARE_BREAK_CLING)
		node->next_ns = world->now_ns + SL_STORE_LAPSE_MS * SL_SHARE_MS;
}

void sl_share_lead_hear(struct sl_share_world *world, const struct sl_share_message *message)
{
	const struct sl_share_node *node = &world->node[message->node];

	if (is_down(world, message->node) || message->run != node->run)
		return;
	if (stands_still(world, message->node)) { /* it lies in its socket */
		sl_share_put(world, SL_SHARE_AT_NODE, message, world->now_ns + SL_SHARE_TICK_NS);
		return;
	}
	if (message->kind == SL_SHARE_WRITE)
		give_up(world, message);
	/* Of an older round: the leader asked anew since. */
	if (message->round != node->round)
		return;
	if (message->kind == SL_SHARE_LEAD)
		ask_sums(world, *message);
	else if (message->kind == SL_SHARE_READ)
		share_out(world, message);
}
