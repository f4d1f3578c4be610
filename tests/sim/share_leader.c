// SPDX-License-Identifier: Apache-2.0
/* The loop of a node that leads, or would: lock, sums, shares, each by a message. */
#include "tests/sim/share_sim.h"

#define ANSWER_NS (SL_LEASE_ANSWER_MS * SL_SHARE_MS)
#define LOCK_CALL (1u << 31)
#define SUMS_CALL (1u << 30)

/* Those of a round follow one another; a write of each tenant has its own. */
static uint32_t call_of(const struct sl_share_message *message)
{
	if (message->kind == SL_SHARE_LEAD)
		return LOCK_CALL;
	return message->kind == SL_SHARE_READ ? SUMS_CALL : 1u << message->tenant;
}

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

static void begin(struct sl_share_world *world, uint32_t index)
{
	struct sl_share_node *node = &world->node[index];

	sl_turns_begin(&node->turns, world->now_ns);
	node->open = LOCK_CALL;
	node->deadline_ns = world->now_ns + ANSWER_NS;
	sl_share_send(world, &(struct sl_share_message){ .kind = SL_SHARE_LEAD,
							 .node = index,
							 .run = node->run,
							 .round = ++node->round });
}

static void end(struct sl_share_world *world, struct sl_share_node *node, enum sl_turn_end how)
{
	node->open = 0;
	sl_turns_end(&node->turns, how, world->now_ns);
}

void sl_share_lead_tick(struct sl_share_world *world, uint32_t index)
{
	struct sl_share_node *node = &world->node[index];

	if (is_down(world, index)) {
		node->run++; /* whatever is under way is of the one that died */
		node->open = 0;
		return;
	}
	if (stands_still(world, index)) { /* then it reads what lies there before it gives up */
		if (node->deadline_ns <= world->now_ns + SL_SHARE_TICK_NS)
			node->deadline_ns = world->now_ns + 2 * SL_SHARE_TICK_NS;
		return;
	}
	if (node->open && world->now_ns >= node->deadline_ns)
		end(world, node, SL_TURN_FAILED);
	if (node->open || world->now_ns < node->turns.next_ns)
		return;
	if (world->trial->broken == SL_SHARE_BREAK_LEAD && node->run)
		return;
	begin(world, index);
}

/* ---- a round ------------------------------------------------------------------------------ */

static void ask_sums(struct sl_share_world *world, struct sl_share_message answer)
{
	struct sl_share_node *node = &world->node[answer.node];

	if (!answer.token) {
		end(world, node, SL_TURN_DONE);
		return;
	}
	node->open = SUMS_CALL;
	node->deadline_ns = world->now_ns + ANSWER_NS;
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
	struct sl_share_node *node = &world->node[answer->node];
	struct sl_share shares[SL_SHARE_TENANTS] = { 0 };
	struct sl_share_message write = *answer;

	for (uint32_t i = 0; i < world->tenants; i++)
		shares[i] = share_of(world, i, &answer->view[i]);
	fill(world, shares);
	sl_share_check_fill(world, shares);
	write.kind = SL_SHARE_WRITE;
	node->open = 0;
	node->deadline_ns = world->now_ns + ANSWER_NS;
	for (uint32_t i = 0; i < world->tenants; i++) {
		node->open |= 1u << i;
		write.tenant = i;
		write.rate_mu_per_s = shares[i].effective_mu_per_s;
		sl_share_send(world, &write);
	}
}

/* Refused: its own lock's token is older than another's. A new lock has a newer one. */
static void took(struct sl_share_world *world, const struct sl_share_message *answer)
{
	struct sl_share_node *node = &world->node[answer->node];

	node->open &= ~call_of(answer);
	if (answer->status == SL_QUOTA_STALE)
		end(world, node,
		    world->trial->broken == SL_SHARE_BREAK_CLING ? SL_TURN_DONE : SL_TURN_REFUSED);
	else if (!node->open)
		end(world, node, SL_TURN_DONE);
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
	/* Of a round that was given up, or heard before. */
	if (message->round != node->round || !(node->open & call_of(message)))
		return;
	if (message->kind == SL_SHARE_LEAD)
		ask_sums(world, *message);
	else if (message->kind == SL_SHARE_READ)
		share_out(world, message);
	else
		took(world, message);
}
