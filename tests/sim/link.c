// SPDX-License-Identifier: Apache-2.0
/*
 * A node's connection to each master, as userspace/redis has it: it is closed when a question has
 * no answer in time, which ends all that are under way on it, and made anew after a wait of that
 * client's; after failures in a row its breaker refuses questions. The store still reads what a
 * connection that is closed had sent.
 */
#include <stdlib.h>

#include "tests/harness/options.h"
#include "tests/sim/world.h"
#include "userspace/domain/breaker.h"
#include "userspace/redis/backoff.h"

/* The defaults of userspace/redis/settings.c. */
#define TIMEOUT_NS (250 * SL_SIM_MS_NS)
static const struct sl_redis_backoff reconnect = { 50 * SL_SIM_MS_NS, 2 * SL_SIM_S_NS };
static const struct sl_breaker_limits limits = {
	.failures = 5,
	.successes = 1,
	.open_ns = SL_SIM_S_NS,
	.half_open_calls = 1,
	.error_rate = 2,
	.calls_min = UINT32_MAX,
	.window_ns = SL_SIM_S_NS,
	.latency_ns = UINT64_MAX,
};
/* There and back, one after the other: TCP, then PING or AUTH, FUNCTION LIST. */
#define HANDSHAKE_TURNS 3

struct sl_sim_link {
	struct sl_breaker breaker;
	uint32_t number;   /* of the connection; 0: the first is not made yet */
	uint32_t attempts; /* in vain, since the last that was ready */
	bool is_made;
	uint64_t ready_ns; /* of one that is made */
	uint64_t retry_ns; /* of one that is not */
	uint64_t random;
};

struct sl_sim_link *sl_links_new(uint32_t instances, uint32_t masters)
{
	struct sl_sim_link *links = calloc((size_t)instances * masters, sizeof(*links));

	if (!links)
		sl_die("no memory for connections");
	for (uint32_t i = 0; i < instances * masters; i++)
		links[i].random = i;
	return links;
}

static struct sl_sim_link *link_of(const struct sl_world *world,
				   const struct sl_sim_message *message)
{
	const struct sl_sim_pair *pair = &world->pair[message->pair];
	const uint32_t masters = world->options.masters;

	return &world->link[pair->instance * masters + pair->tenant % masters];
}

static void failed(struct sl_world *world, struct sl_sim_link *link, uint64_t at_ns)
{
	(void)sl_breaker_report(&link->breaker, &limits, false, 0, world->now_ns);
	link->is_made = false;
	link->retry_ns = at_ns + sl_redis_backoff_ns(&reconnect, link->attempts++, &link->random);
}

/* What it asks in between stands in the store's queue as any question does. */
static void make(struct sl_world *world, struct sl_sim_link *link, uint32_t master)
{
	const uint64_t busy_until_ns = world->busy_until_ns[master];
	uint64_t turn_ns = 2 * world->delay_ns;

	if (world->now_ns < link->retry_ns)
		return;
	if (busy_until_ns > world->now_ns)
		turn_ns += busy_until_ns - world->now_ns;
	if (HANDSHAKE_TURNS * turn_ns > TIMEOUT_NS) {
		failed(world, link, world->now_ns + TIMEOUT_NS);
		return;
	}
	link->is_made = true;
	link->number++;
	link->attempts = 0;
	link->ready_ns = world->now_ns + HANDSHAKE_TURNS * turn_ns;
}

enum sl_sim_sent sl_link_send(struct sl_world *world, struct sl_sim_message *message,
			      uint64_t *ret_at_ns)
{
	struct sl_sim_link *link = link_of(world, message);

	message->link = 0;
	if (!sl_breaker_admits(&link->breaker, &limits, world->now_ns))
		return SL_SIM_REFUSED;
	(void)sl_breaker_take(&link->breaker, &limits, world->now_ns);
	if (!link->is_made)
		make(world, link, world->pair[message->pair].tenant % world->options.masters);
	if (!link->is_made)
		return SL_SIM_WAITS;
	message->link = link->number;
	*ret_at_ns = link->ready_ns > world->now_ns ? link->ready_ns : world->now_ns;
	return SL_SIM_SENT;
}

void sl_link_late(struct sl_world *world, const struct sl_sim_message *message)
{
	struct sl_sim_link *link = link_of(world, message);

	if (link->is_made && message->link == link->number)
		failed(world, link, world->now_ns);
}

bool sl_link_brings(struct sl_world *world, const struct sl_sim_message *message)
{
	struct sl_sim_link *link = link_of(world, message);

	if (!link->is_made || message->link != link->number)
		return false;
	(void)sl_breaker_report(&link->breaker, &limits, true, 0, world->now_ns);
	return true;
}
