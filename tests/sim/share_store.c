// SPDX-License-Identifier: Apache-2.0
/* The store, the way to it, and what happens to both. */
#include <stdlib.h>

#include "tests/harness/options.h"
#include "tests/sim/share_sim.h"

#define TIME_BASE_MS 1700000000000ll
#define DELAY_NS     (5 * SL_SHARE_MS)
#define LOSS	     0.0005
#define TOO_EARLY_MS 20000

int64_t sl_share_store_ms(const struct sl_share_world *world)
{
	return TIME_BASE_MS + (int64_t)(world->now_ns / SL_SHARE_MS) + world->jump_ms;
}

bool sl_share_is_cut(const struct sl_share_world *world, uint32_t node)
{
	const struct sl_mishaps *mishaps = &world->trial->mishaps;

	return sl_mishaps_hit(mishaps, SL_SHARE_CUT, node, world->nodes, world->now_ns) ||
	       sl_mishaps_hit(mishaps, SL_SHARE_OUTAGE, 0, 1, world->now_ns);
}

/* ---- the way ------------------------------------------------------------------------ */

void sl_share_put(struct sl_share_world *world, enum sl_share_moment moment,
		  const struct sl_share_message *message, uint64_t at_ns)
{
	struct sl_share_message *copy = malloc(sizeof(*copy));

	if (!copy)
		sl_die("no memory for a message");
	*copy = *message;
	sl_agenda_put(&world->agenda,
		      (struct sl_moment){ .at_ns = at_ns, .kind = moment, .data = copy });
}

static uint64_t delay_ns(struct sl_share_world *world)
{
	const double late_s =
		sl_mishaps_amount(&world->trial->mishaps, SL_SHARE_LATE, world->now_ns);

	return DELAY_NS + (uint64_t)sl_rng_exponential(&world->network, (double)DELAY_NS) +
	       (uint64_t)(late_s * sl_rng_unit(&world->network) * 1e9);
}

static void carry(struct sl_share_world *world, enum sl_share_moment to,
		  const struct sl_share_message *message)
{
	const struct sl_mishaps *mishaps = &world->trial->mishaps;

	if (sl_rng_unit(&world->network) <
	    LOSS + sl_mishaps_amount(mishaps, SL_SHARE_LOSS, world->now_ns))
		return;
	sl_share_put(world, to, message, world->now_ns + delay_ns(world));
	if (sl_rng_unit(&world->network) <
	    sl_mishaps_amount(mishaps, SL_SHARE_TWICE, world->now_ns))
		sl_share_put(world, to, message,
			     world->now_ns + delay_ns(world) +
				     sl_rng_below(&world->network, 2 * SL_SHARE_S));
}

void sl_share_send(struct sl_share_world *world, const struct sl_share_message *message)
{
	if (message->kind == SL_SHARE_RENEW)
		sl_share_put(world, SL_SHARE_AT_TIMEOUT, message,
			     world->now_ns + SL_LEASE_ANSWER_MS * SL_SHARE_MS);
	carry(world, SL_SHARE_AT_STORE, message);
}

/* ---- the store ---------------------------------------------------------------------- */

static void read_all(struct sl_share_world *world, struct sl_share_message *message)
{
	struct sl_store_sums sums;

	for (uint32_t i = 0; i < world->tenants; i++) {
		sl_store_sums(world->tenant[i].store, &sums);
		message->view[i] = (struct sl_share_view){ sums.want, sums.live };
	}
}

static void lead(struct sl_share_world *world, struct sl_share_message *message)
{
	if (world->trial->broken == SL_SHARE_BREAK_LOCK)
		world->lead.holder = message->node + 1;
	message->token = sl_store_lead(&world->lead, message->node + 1, sl_share_store_ms(world));
	sl_share_check_lead(world, message->node, message->token);
}

static void write(struct sl_share_world *world, struct sl_share_message *message)
{
	const struct sl_share_tenant *tenant = &world->tenant[message->tenant];
	int64_t token = message->token, at_ms = sl_share_store_ms(world);

	if (world->trial->broken == SL_SHARE_BREAK_FENCE && tenant->written.token > token)
		token = tenant->written.token;
	if (world->trial->broken == SL_SHARE_BREAK_HOLD)
		at_ms -= TOO_EARLY_MS;
	message->status = sl_store_set_rate(tenant->store, message->rate_mu_per_s, token, at_ms);
	sl_share_check_write(world, message);
}

void sl_share_serve(struct sl_share_world *world, const struct sl_share_message *message)
{
	struct sl_share_message answer = *message;
	struct sl_share_tenant *tenant = &world->tenant[message->tenant];
	const int64_t now_ms = sl_share_store_ms(world);
	int r = 0;

	if (sl_share_is_cut(world, message->node))
		return;
	switch (message->kind) {
	case SL_SHARE_LEAD:
		lead(world, &answer);
		break;
	case SL_SHARE_READ:
		read_all(world, &answer);
		break;
	case SL_SHARE_WRITE:
		write(world, &answer);
		break;
	case SL_SHARE_RENEW:
		r = sl_store_renew(tenant->store, message->node + 1, 1, &message->renew, now_ms,
				   &answer.renewed);
		break;
	case SL_SHARE_TERMS:
		(void)sl_store_set_terms(tenant->store, &tenant->terms, now_ms);
		break;
	}
	if (r != 0)
		sl_die("no memory for a row");
	carry(world, SL_SHARE_AT_NODE, &answer);
}

/* ---- what happens to it --------------------------------------------------------------- */

static void copy_to_replica(struct sl_share_world *world)
{
	for (uint32_t i = 0; i < world->tenants; i++) {
		struct sl_share_tenant *tenant = &world->tenant[i];

		sl_store_freep(&tenant->replica);
		if (sl_store_clone(&tenant->replica, tenant->store) != 0)
			sl_die("no memory for a replica");
		tenant->written_replica = tenant->written;
	}
	world->lead_replica = world->lead;
}

static void fail_over(struct sl_share_world *world)
{
	for (uint32_t i = 0; i < world->tenants; i++) {
		struct sl_share_tenant *tenant = &world->tenant[i];

		if (!tenant->replica)
			continue;
		sl_store_free(tenant->store);
		tenant->store = tenant->replica;
		tenant->replica = NULL;
		tenant->written = tenant->written_replica;
	}
	world->lead = world->seen = world->lead_replica;
}

static void wipe(struct sl_share_world *world, struct sl_share_tenant *tenant)
{
	sl_store_wipe(tenant->store);
	tenant->written = (struct sl_share_written){ .is_there = false };
	tenant->changed_ns = world->now_ns;
}

static void jump(struct sl_share_world *world, double seconds)
{
	world->jump_ms += (int64_t)(seconds * 1000);
	if (world->jump_ms > world->most_jump_ms)
		world->most_jump_ms = world->jump_ms;
	world->seen.until_ms = 0;
	for (uint32_t i = 0; seconds < 0 && i < world->tenants; i++)
		world->tenant[i].written.is_vague = world->tenant[i].written_replica.is_vague =
			true;
}

static void move_demand(struct sl_share_world *world, const struct sl_mishap *mishap)
{
	struct sl_share_tenant *tenant = &world->tenant[mishap->subject % world->tenants];
	double sum = 0;

	for (uint32_t i = 0; i < world->nodes; i++)
		sum += tenant->weight[i] = sl_rng_unit(&world->rng) + 0.01;
	for (uint32_t i = 0; i < world->nodes; i++)
		tenant->weight[i] /= sum;
	tenant->demand_mu_per_s = mishap->amount * (double)tenant->terms.rate_mu_per_s;
	tenant->changed_ns = world->now_ns;
}

static void move_capacity(struct sl_share_world *world, const struct sl_mishap *mishap)
{
	double sum = 0;

	for (uint32_t i = 0; i < world->tenants; i++)
		sum += (double)world->tenant[i].terms.rate_mu_per_s;
	world->capacity_mu_per_s = (int64_t)(sum * mishap->amount);
	world->capacity_ns = world->now_ns;
}

void sl_share_harm(struct sl_share_world *world, uint64_t from_ns)
{
	const struct sl_mishaps *all = &world->trial->mishaps;
	const struct sl_mishap *one;
	size_t at = 0;

	while (sl_mishaps_begun(all, &at, SL_SHARE_FAILOVER, from_ns, world->now_ns))
		copy_to_replica(world);
	for (at = 0; sl_mishaps_ended(all, &at, SL_SHARE_FAILOVER, from_ns, world->now_ns);)
		fail_over(world);
	for (at = 0; sl_mishaps_begun(all, &at, SL_SHARE_UNLOCKED, from_ns, world->now_ns);)
		world->lead = world->seen = (struct sl_store_lead){ 0 };
	for (at = 0; (one = sl_mishaps_begun(all, &at, SL_SHARE_WIPED, from_ns, world->now_ns));)
		wipe(world, &world->tenant[one->subject % world->tenants]);
	for (at = 0; (one = sl_mishaps_begun(all, &at, SL_SHARE_TIME, from_ns, world->now_ns));)
		jump(world, one->amount);
	for (at = 0; (one = sl_mishaps_begun(all, &at, SL_SHARE_DEMAND, from_ns, world->now_ns));)
		move_demand(world, one);
	for (at = 0; (one = sl_mishaps_begun(all, &at, SL_SHARE_CAPACITY, from_ns, world->now_ns));)
		move_capacity(world, one);
}
