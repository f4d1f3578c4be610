/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says once in the log that Redis is away, and once that it is back: the reason, since when, and
 * what holds meanwhile.
 *
 * It is away when no master can be used or questions about leases are in vain, for a second; in a
 * cluster of which only some masters can be used, in part. It is back with the first answer after
 * that. Of a Redis that comes and goes there are two lines in ten seconds, and the next one says
 * how often it was away without a word.
 *
 * Owner, thread: of struct sl_quota. Time is a parameter, CLOCK_MONOTONIC.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/redis/redis.h"

/* One lost packet, a failover that the client follows at once: not worth a word. */
#define SL_AWAY_HOLD_MS	 1000u
#define SL_AWAY_QUIET_MS 10000u /* after a word of either kind, before the next that it is away */

enum sl_away_extent {
	SL_AWAY_NOT = 0,
	SL_AWAY_PART, /* some masters of a cluster */
	SL_AWAY_ALL,
};

enum sl_away_word {
	SL_AWAY_NOTHING = 0,
	SL_AWAY_GONE, /* or more of it is */
	SL_AWAY_BACK,
};

struct sl_away {
	uint64_t since_ns;	  /* 0: it is there */
	uint64_t said_ns;	  /* when the last word was; 0: never */
	enum sl_away_extent said; /* NOT: the last word was that it is back */
	uint32_t unsaid;	  /* how often it was away since, without a word */
};

/*
 * @extent as it is now; @since_ns, not later than @now_ns, is looked at when it begins. With
 * GONE and BACK *ret_away_ns is for how long, and .unsaid is to be set to 0 when it was said.
 */
enum sl_away_word sl_away_step(struct sl_away *away, enum sl_away_extent extent, uint64_t since_ns,
			       uint64_t now_ns, uint64_t *ret_away_ns);

struct sl_quota;

/* What became of a question that failed, for people: @status and @reply as of sl_redis_done. */
void sl_quota_away_note(struct sl_quota *quota, int status, const struct sl_redis_reply *reply,
			uint64_t now_ns);
/* Each tick: says what there is to say. */
void sl_quota_away_tick(struct sl_quota *quota, uint64_t now_ns);
