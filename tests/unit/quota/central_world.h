/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes of a small tenant, their buckets as a kernel has them, and the model of the store. */
#pragma once

#include <string.h>

#include "tests/harness/test.h"
#include "userspace/quota/central.h"
#include "userspace/quota/store.h"

#define R      25000 /* mu/s: 25 requests */
#define B      12000
#define ONE    1000
#define MS_NS  1000000ull
#define START  (1000000 * MS_NS)
#define WALL   1700000000000000 /* us */
#define NODES  8
#define STEP   10 /* ms */
#define RTT_MS 20
#define KEPT   512

static inline struct sl_terms terms(void)
{
	struct sl_terms small = sl_terms_of(1, R, B);

	small.small = true;
	small.ttl_ms = 5000;
	small.cost_max_mu = ONE;
	return small;
}

static inline struct sl_quota_state state_of(const struct sl_central *central, uint64_t now)
{
	struct sl_quota_state state;

	sl_central_state(central, &state, now);
	return state;
}

struct node {
	struct sl_central central;
	double tokens, admitted;
	bool is_waiting;
	bool is_lost;
	uint64_t id, arrives;
	struct sl_charged answer;
};

/* A question that a store which stands still reads when it goes on. */
struct kept {
	struct sl_charge charge;
	uint64_t node, id;
};

struct cluster {
	struct node nodes[NODES];
	struct sl_store *store;
	uint64_t ms;
	uint64_t asked;
	/* faults: of so many questions one is answered in vain, or heard twice; 0: none */
	uint64_t lose_each, double_each;
	uint64_t lost, doubled;
	uint64_t away; /* a bit for each node whose questions do not arrive */
	size_t keeps;  /* so many of those are read later, by thaw() */
	struct kept kept[KEPT];
	size_t kept_count;
};

static inline void spend(struct node *node, double demand_mu, uint64_t now)
{
	struct sl_quota_state state = state_of(&node->central, now);
	double passed = 0;

	node->tokens += (double)state.rate_mu_per_s * STEP / 1000;
	if (node->tokens > (double)state.cap_mu)
		node->tokens = (double)state.cap_mu;
	if (now >= state.block_until_ns)
		while (passed + ONE <= demand_mu && node->tokens >= ONE) {
			passed += ONE;
			node->tokens -= ONE;
		}
	node->admitted += passed;
	sl_central_observe(&node->central, (int64_t)demand_mu, (int64_t)passed, now);
}

static inline void talk(struct cluster *cluster, struct node *node, uint64_t id, uint64_t now)
{
	const int64_t wall_us = WALL + (int64_t)cluster->ms * 1000;
	struct sl_charge charge;

	if (node->is_waiting && now >= node->arrives) {
		node->is_waiting = false;
		if (node->is_lost)
			sl_central_failed(&node->central, node->id, now);
		else
			(void)sl_central_answer(&node->central, node->id, &node->answer, now);
	}
	if (sl_central_due_ns(&node->central, now) > now)
		return;
	sl_central_ask(&node->central, &charge, &node->id, now);
	cluster->asked++;
	node->is_lost = cluster->lose_each && cluster->asked % cluster->lose_each == 0;
	cluster->lost += node->is_lost;
	if (cluster->away >> id & 1) {
		node->is_lost = node->is_waiting = true;
		node->arrives = now + SL_CENTRAL_ANSWER_MS * MS_NS;
		if (cluster->kept_count < cluster->keeps)
			cluster->kept[cluster->kept_count++] =
				(struct kept){ charge, id, node->id };
		return;
	}
	if (cluster->double_each && cluster->asked % cluster->double_each == 0) {
		cluster->doubled++;
		assert_int_equal(
			sl_store_charge(cluster->store, id, 1, &charge, wall_us, &node->answer), 0);
	}
	assert_int_equal(sl_store_charge(cluster->store, id, 1, &charge, wall_us, &node->answer),
			 0);
	node->is_waiting = true;
	node->arrives = now + (node->is_lost ? SL_CENTRAL_ANSWER_MS : RTT_MS) * MS_NS;
}

/* It goes on, and reads first what is in its sockets. Who still waits is answered. */
static inline void thaw(struct cluster *cluster)
{
	const int64_t wall_us = WALL + (int64_t)cluster->ms * 1000;

	cluster->away = 0;
	cluster->keeps = 0;
	for (size_t i = 0; i < cluster->kept_count; i++) {
		const struct kept *kept = &cluster->kept[i];
		struct node *node = &cluster->nodes[kept->node];
		struct sl_charged answer;

		assert_int_equal(sl_store_charge(cluster->store, kept->node, 1, &kept->charge,
						 wall_us, &answer),
				 0);
		if (!node->is_waiting || node->id != kept->id)
			continue;
		node->answer = answer;
		node->is_lost = false;
		node->arrives = START + cluster->ms * MS_NS;
	}
	cluster->kept_count = 0;
}

/* What all admit in @ms, each with the demand of its place. */
static inline double run(struct cluster *cluster, const double demand_per_s[NODES], uint64_t ms)
{
	double before = 0, after = 0;

	for (int i = 0; i < NODES; i++)
		before += cluster->nodes[i].admitted;
	for (uint64_t end = cluster->ms + ms; cluster->ms < end; cluster->ms += STEP)
		for (int i = 0; i < NODES; i++) {
			const uint64_t now = START + cluster->ms * MS_NS;

			spend(&cluster->nodes[i], demand_per_s[i] * ONE * STEP / 1000, now);
			talk(cluster, &cluster->nodes[i], (uint64_t)i, now);
		}
	for (int i = 0; i < NODES; i++)
		after += cluster->nodes[i].admitted;
	return after - before;
}

static inline void open_cluster(struct cluster *cluster)
{
	const struct sl_terms small = terms();

	memset(cluster, 0, sizeof(*cluster));
	assert_int_equal(sl_store_new(&cluster->store), 0);
	(void)sl_store_set_terms(cluster->store, &small, WALL / 1000);
	for (int i = 0; i < NODES; i++)
		sl_central_begin(&cluster->nodes[i].central, &small, NODES, (uint64_t)i, START);
}
