// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/quota_peers.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent/agent_private.h"
#include "userspace/agent/pressure.h"
#include "userspace/agent/quota_private.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/quota/random.h"

#define NS_PER_MS     1000000u
#define US_PER_MS     1000u
#define MS_PER_S      1000u
#define SUBJECT_BYTES (sizeof(SL_SUBJECT_QUOTA_PEERS) + SL_WIRE_PREFIX_BYTES)
#define NEXT_MS_LEAST (SL_BEACON_PERIOD_MS / 5 * 4)
#define NEXT_MS_MOST  (SL_BEACON_PERIOD_MS / 5 * 6)

struct sl_quota_peers {
	struct sl_agent *agent;
	struct sl_bus *bus; /* of the pressure */
	struct sl_bus_subscription *subscription;
	struct event *timer;
	struct sl_peers *peers; /* NULL until a limit is global */
	uint64_t random;
	struct sl_quota_heard heard;
};

const char *sl_quota_peers_name(enum sl_lease_peers peers)
{
	static const char *const names[] = { "unknown", "silent", "renew" };

	return names[(unsigned int)peers % (sizeof(names) / sizeof(names[0]))];
}

/* ---- to the leases ------------------------------------------------------------------------ */

static void tell_leases(struct sl_quota_peers *peers, struct sl_quota *quota, uint64_t now_ns)
{
	peers->heard.counts = sl_peers_count(peers->peers, now_ns);
	peers->heard.peers = sl_peers_verdict(peers->peers, quota->failing_ns);
	quota->heard = peers->heard;
	for (size_t i = 0; i < quota->count; i++) {
		struct sl_quota_slot *slot = quota->slots[i];

		if (!slot->is_gone && !slot->terms.small &&
		    sl_lease_set_peers(&slot->lease, peers->heard.peers, now_ns))
			sl_quota_write(quota, slot, now_ns);
	}
}

/* ---- beacons ------------------------------------------------------------------------------ */

static void on_beacon(void *context, const struct sl_bus_message *message)
{
	struct sl_quota_peers *peers = context;
	struct sl_beacon beacon;

	if (sl_beacon_read(&beacon, sl_bus_payload(message), NULL) != 0)
		peers->heard.malformed_total++;
	else
		sl_peers_hear(peers->peers, &beacon, sl_monotonic_ns());
}

static const char *subject_of(char ret[SUBJECT_BYTES], const struct sl_quota *quota)
{
	(void)snprintf(ret, SUBJECT_BYTES, SL_SUBJECT_QUOTA_PEERS "%s", quota->prefix);
	return ret;
}

static struct sl_beacon beacon_of(const struct sl_quota *quota, uint64_t now_ns)
{
	struct sl_beacon beacon = {
		.incarnation = (uint64_t)quota->incarnation,
		.has_renewed = quota->answered_ns,
		.renewed_ms = (now_ns - quota->answered_ns) / NS_PER_MS,
		/* At least 1: 0 is none. */
		.failing_ms = quota->failing_ns ? (now_ns - quota->failing_ns) / NS_PER_MS + 1 : 0,
	};

	memcpy(beacon.node, quota->node, sizeof(beacon.node));
	return beacon;
}

static void say(struct sl_quota_peers *peers, const struct sl_quota *quota, uint64_t now_ns)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(SL_BEACON_BYTES_MAX);
	const struct sl_beacon beacon = beacon_of(quota, now_ns);
	char subject[SUBJECT_BYTES];
	struct sl_span text;

	sl_beacon_write(&out, &beacon);
	if (sl_json_done(&text, &out) == 0 &&
	    sl_bus_publish(peers->bus, subject_of(subject, quota), NULL, NULL, 0, text) == 0)
		peers->heard.sent_total++;
	else
		peers->heard.unsent_total++;
}

/* ---- its turn ----------------------------------------------------------------------------- */

static int arm(struct sl_quota_peers *peers)
{
	const uint64_t ms =
		NEXT_MS_LEAST + sl_quota_random(&peers->random, NEXT_MS_MOST - NEXT_MS_LEAST + 1);
	const struct timeval after = { .tv_sec = (time_t)(ms / MS_PER_S),
				       .tv_usec = (suseconds_t)(ms % MS_PER_S * US_PER_MS) };

	return event_add(peers->timer, &after) == 0 ? 0 : -ENOMEM;
}

/* From the first limit on that is global. */
static int listen_to(struct sl_quota_peers *peers, const struct sl_quota *quota)
{
	const uint64_t secret[2] = { sl_agent_seed(), sl_agent_seed() };
	char subject[SUBJECT_BYTES];
	int err = 0;

	if (!peers->peers)
		err = sl_peers_new(&peers->peers, quota->node, secret);
	if (!err && !peers->subscription)
		err = sl_bus_subscribe(&peers->subscription, peers->bus, subject_of(subject, quota),
				       NULL, on_beacon, peers);
	peers->heard.on = !err;
	return err;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct sl_quota_peers *peers = arg;
	struct sl_quota *quota = peers->agent->quota;
	const uint64_t now_ns = sl_monotonic_ns();

	(void)fd;
	(void)what;
	if (quota && listen_to(peers, quota) == 0) {
		say(peers, quota, now_ns);
		tell_leases(peers, quota, now_ns);
	}
	(void)arm(peers);
}

int sl_quota_peers_new(struct sl_quota_peers **ret, struct sl_agent *agent,
		       struct sl_agent_error *error)
{
	struct sl_quota_peers *peers;

	if (!agent->pressure)
		return 0;
	peers = calloc(1, sizeof(*peers));
	if (!peers)
		return sl_agent_fail(error, -ENOMEM, "out of memory");
	peers->agent = agent;
	peers->bus = sl_agent_pressure_bus(agent->pressure);
	peers->random = sl_agent_seed();
	peers->timer = event_new(agent->base, -1, 0, on_tick, peers);
	if (!peers->timer || arm(peers) != 0) {
		sl_quota_peers_free(peers);
		return sl_agent_fail(error, -ENOMEM, "out of memory");
	}
	*ret = peers;
	return 0;
}

void sl_quota_peers_free(struct sl_quota_peers *peers)
{
	if (!peers)
		return;
	if (peers->timer)
		event_free(peers->timer);
	sl_bus_unsubscribe(peers->subscription);
	sl_peers_free(peers->peers);
	free(peers);
}
