// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/quota_away.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "userspace/agent/quota_private.h"
#include "userspace/base/clock.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1e9
#define HOLD_NS	  (SL_AWAY_HOLD_MS * NS_PER_MS)
#define QUIET_NS  (SL_AWAY_QUIET_MS * NS_PER_MS)
/* Nobody asks any more, so nobody will be answered: no reason to call it away. */
#define STALE_NS   (10000 * NS_PER_MS)
#define POLICIES   (SL_EXPIRY_OPEN + 1)
#define HOLD_BYTES 480
#define TIME_BYTES 24

/* ---- when to say it ----------------------------------------------------------------------- */

static enum sl_away_word gone(struct sl_away *away, enum sl_away_extent extent, uint64_t now_ns)
{
	if (extent <= away->said || now_ns - away->since_ns < HOLD_NS)
		return SL_AWAY_NOTHING;
	if (away->said_ns && now_ns - away->said_ns < QUIET_NS)
		return SL_AWAY_NOTHING;
	away->said = extent;
	away->said_ns = now_ns;
	return SL_AWAY_GONE;
}

static enum sl_away_word back(struct sl_away *away, uint64_t now_ns)
{
	const bool was_said = away->said != SL_AWAY_NOT;
	const bool was_long = now_ns - away->since_ns >= HOLD_NS;

	away->since_ns = 0;
	if (!was_said) {
		away->unsaid += was_long;
		return SL_AWAY_NOTHING;
	}
	away->said = SL_AWAY_NOT;
	away->said_ns = now_ns;
	return SL_AWAY_BACK;
}

enum sl_away_word sl_away_step(struct sl_away *away, enum sl_away_extent extent, uint64_t since_ns,
			       uint64_t now_ns, uint64_t *ret_away_ns)
{
	enum sl_away_word word;
	uint64_t began_ns;

	if (extent != SL_AWAY_NOT && !away->since_ns)
		away->since_ns = since_ns;
	if (!away->since_ns)
		return SL_AWAY_NOTHING;
	began_ns = away->since_ns;
	word = extent != SL_AWAY_NOT ? gone(away, extent, now_ns) : back(away, now_ns);
	if (word != SL_AWAY_NOTHING)
		*ret_away_ns = now_ns - began_ns;
	return word;
}

/* ---- why ------------------------------------------------------------------------------------ */

void sl_quota_away_note(struct sl_quota *quota, int status, const struct sl_redis_reply *reply,
			uint64_t now_ns)
{
	struct sl_quota_away *away = &quota->away;
	const bool has_text = status && reply && reply->type == SL_REDIS_ERROR;

	away->failed_ns = now_ns;
	if (has_text)
		(void)snprintf(away->why, sizeof(away->why), "%.*s",
			       (int)(reply->text.length < sizeof(away->why)
					     ? reply->text.length
					     : sizeof(away->why) - 1),
			       reply->text.at);
	else if (status != -EHOSTUNREACH) /* not sent: the reason is that of those before */
		(void)snprintf(away->why, sizeof(away->why), "%s",
			       status ? strerror(-status) : "an answer that cannot be");
}

static const char *reason_of(const struct sl_quota *quota)
{
	const char *error = sl_redis_last_error(quota->redis);

	if (sl_redis_state(quota->redis, NULL) != SL_REDIS_OK && error[0])
		return error;
	return quota->away.why[0] ? quota->away.why : "no connection yet";
}

/* ---- what holds ------------------------------------------------------------------------------ */

/* Small limits never had a share of their own to keep. */
static enum sl_on_expiry policy_of(const struct sl_terms *terms)
{
	if (terms->small && terms->on_expiry != SL_EXPIRY_CLOSED &&
	    terms->on_expiry != SL_EXPIRY_OPEN)
		return SL_EXPIRY_SAFE;
	return terms->on_expiry;
}

static void count(const struct sl_quota *quota, uint32_t counts[POLICIES])
{
	for (size_t i = 0; i < quota->count; i++)
		if (!quota->slots[i]->is_gone)
			counts[policy_of(&quota->slots[i]->terms) % POLICIES]++;
}

static const char *holds(char ret[HOLD_BYTES], const struct sl_quota *quota)
{
	static const char *const means[POLICIES] = {
		[SL_EXPIRY_BLEND] = "keep their share, which turns into an equal one within 30 s",
		[SL_EXPIRY_LAST] = "keep their share",
		[SL_EXPIRY_SAFE] = "have an equal share for each node",
		[SL_EXPIRY_CLOSED] = "let nothing pass",
		[SL_EXPIRY_OPEN] = "are limited by their node ceiling only, if they have one",
	};
	uint32_t counts[POLICIES] = { 0 };
	size_t used = 0;
	int length;

	count(quota, counts);
	(void)snprintf(ret, HOLD_BYTES, "no limit is global");
	for (unsigned int i = 0; i < POLICIES; i++) {
		if (!counts[i])
			continue;
		length = snprintf(ret + used, HOLD_BYTES - used, "%s%u %s", used ? "; " : "",
				  counts[i], means[i]);
		if (length < 0 || (size_t)length >= HOLD_BYTES - used)
			break;
		used += (size_t)length;
	}
	return ret;
}

static const char *moment(char ret[TIME_BYTES], uint64_t ago_ns)
{
	const time_t then = (time_t)((sl_wall_ns() - ago_ns) / 1000000000u);
	struct tm utc;

	if (!gmtime_r(&then, &utc) || !strftime(ret, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc))
		ret[0] = '\0';
	return ret;
}

/* ---- the lines ------------------------------------------------------------------------------- */

static void say_gone(const struct sl_quota *quota, enum sl_away_extent extent, uint64_t away_ns)
{
	char text[HOLD_BYTES], since[TIME_BYTES];

	sl_log(quota->log, SL_LOG_WARN,
	       extent == SL_AWAY_ALL
		       ? "Redis is away: each global limit goes on with what this node has of it "
			 "until that lease ends; see then="
		       : "a part of Redis is away: the global limits there go on with what this "
			 "node has of them until that lease ends; see then=",
	       SL_STR("redis", quota->away.addresses), SL_STR("reason", reason_of(quota)),
	       SL_STR("since", moment(since, away_ns)),
	       SL_REAL("away_s", (double)away_ns / NS_PER_S), SL_STR("then", holds(text, quota)),
	       SL_NUM("suppressed", quota->away.state.unsaid));
}

static void say_back(const struct sl_quota *quota, uint64_t away_ns)
{
	sl_log(quota->log, SL_LOG_INFO, "Redis answers again: global limits are asked of it",
	       SL_STR("redis", quota->away.addresses),
	       SL_REAL("away_s", (double)away_ns / NS_PER_S),
	       SL_NUM("suppressed", quota->away.state.unsaid));
}

/* What other nodes say is known a little later, and only where they are heard. Once each. */
static void say_peers(struct sl_quota *quota)
{
	const enum sl_lease_peers peers = quota->heard.peers;

	if (peers == SL_LEASE_PEERS_UNKNOWN || quota->away.said_peers == peers ||
	    quota->away.said_peers == SL_LEASE_PEERS_RENEW)
		return;
	quota->away.said_peers = peers;
	if (peers == SL_LEASE_PEERS_RENEW)
		sl_log(quota->log, SL_LOG_WARN,
		       "Redis answers other nodes: this one is cut off, and has its equal share "
		       "at once when a lease ends, where it would have turned slowly");
	else
		sl_log(quota->log, SL_LOG_INFO,
		       "Redis answers none of the other nodes that are heard, either");
}

/* ---- its turn -------------------------------------------------------------------------------- */

static enum sl_away_extent extent_of(const struct sl_quota *quota, uint64_t now_ns)
{
	const enum sl_redis_state state = sl_redis_state(quota->redis, NULL);

	if (state == SL_REDIS_DEGRADED)
		return SL_AWAY_PART;
	if (state == SL_REDIS_DOWN)
		return SL_AWAY_ALL;
	/* Of a cluster where one master fails others answer: it is as whole as the last answer. */
	return quota->failing_ns && now_ns - quota->away.failed_ns < STALE_NS ? SL_AWAY_ALL
									      : SL_AWAY_NOT;
}

void sl_quota_away_tick(struct sl_quota *quota, uint64_t now_ns)
{
	struct sl_quota_away *away = &quota->away;
	const enum sl_away_extent extent = extent_of(quota, now_ns);
	const uint64_t since_ns =
		quota->failing_ns && quota->failing_ns < now_ns ? quota->failing_ns : now_ns;
	uint64_t away_ns = 0;

	switch (sl_away_step(&away->state, extent, since_ns, now_ns, &away_ns)) {
	case SL_AWAY_GONE:
		say_gone(quota, extent, away_ns);
		break;
	case SL_AWAY_BACK:
		say_back(quota, away_ns);
		away->said_peers = SL_LEASE_PEERS_UNKNOWN;
		away->why[0] = '\0';
		break;
	case SL_AWAY_NOTHING:
		if (away->state.said != SL_AWAY_NOT)
			say_peers(quota);
		return;
	}
	away->state.unsaid = 0;
}
