/* SPDX-License-Identifier: Apache-2.0 */
/* The world of the tests of leases: one node's lease, the store's answers and the time. */
#pragma once

#include "userspace/quota/lease.h"

#include "tests/harness/test.h"

#define R     1000000 /* mu/s */
#define MS_NS 1000000ull
#define START (1000000 * MS_NS)
#define SEED  7

/* A lease, the store's last word, and the time. */
struct world {
	struct sl_lease lease;
	struct sl_renew asked;
	struct sl_renewed answer;
	uint64_t id, now;
};

static inline int begin(void **state)
{
	static struct world world;
	struct sl_terms terms = sl_terms_of(1, R, R / 2);

	world = (struct world){ .now = START,
				.answer = { .status = SL_QUOTA_OK,
					    .lambda_ppm = SL_QUOTA_PPM,
					    .rate_mu_per_s = R,
					    .gen = 1,
					    .live = 4,
					    .safe_mu_per_s = R / 4 } };
	sl_lease_begin(&world.lease, &terms, 4, SEED, world.now);
	*state = &world;
	return 0;
}

static inline void arrive(struct world *world, int64_t rate, int64_t admitted)
{
	world->now += 100 * MS_NS;
	sl_lease_observe(&world->lease, rate / 10, admitted / 10, world->now);
}

static inline bool ask(struct world *world)
{
	return sl_lease_ask(&world->lease, &world->asked, &world->id, world->now);
}

static inline bool answer(struct world *world, int64_t grant)
{
	world->answer.grant_mu_per_s = grant;
	world->answer.burst_mu = grant / 2;
	world->answer.seq++;
	return sl_lease_answer(&world->lease, world->id, &world->answer, world->now);
}

static inline struct sl_quota_state state_of(const struct world *world)
{
	struct sl_quota_state state;

	sl_lease_state(&world->lease, &state, world->now);
	return state;
}

/* Holds @grant, asked for by as much demand. */
static inline void hold(struct world *world, int64_t grant)
{
	arrive(world, grant, grant);
	(void)ask(world);
	assert_true(answer(world, grant));
	assert_int_equal(state_of(world).rate_mu_per_s, grant);
}

static inline bool is_due(const struct world *world)
{
	return sl_lease_due_ns(&world->lease, world->now) <= world->now;
}
