// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/siphash.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS_NS	     1000000ull
#define HEARD_NS     (SL_PEERS_HEARD_MS * MS_NS)
#define MARGIN_NS    (SL_PEERS_MARGIN_MS * MS_NS)
#define AGE_MS_MAX   10000000000ull /* four months: in ns it fits */

/* ---- the beacon ------------------------------------------------------------------------- */

struct draft {
	char version[8];
	struct sl_beacon beacon;
	int64_t renewed_ms; /* -1: it never was */
};

#define AT(member) SL_FIELD_AT(struct draft, member)

static const struct sl_field fields[] = {
	{ "version", SL_FIELD_IDENTIFIER, AT(version), SL_FIELD_REQUIRED },
	{ "node", SL_FIELD_IDENTIFIER, AT(beacon.node), SL_FIELD_REQUIRED },
	{ "incarnation", SL_FIELD_WHOLE, AT(beacon.incarnation), SL_FIELD_REQUIRED },
	{ "renewed_ms", SL_FIELD_INTEGER, AT(renewed_ms), SL_FIELD_REQUIRED },
	{ "failing_ms", SL_FIELD_WHOLE, AT(beacon.failing_ms), SL_FIELD_REQUIRED },
};

static bool is_node(const char *name)
{
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") ==
	       strlen(name);
}

int sl_beacon_read(struct sl_beacon *ret, struct sl_span text, struct sl_fields_error *error)
{
	struct draft draft = { .version = "" };
	int err;

	if (text.length > SL_BEACON_BYTES_MAX)
		return sl_fields_refuse(error, "longer than %u bytes", SL_BEACON_BYTES_MAX);
	err = sl_fields_read(&draft, fields, COUNT(fields), text, error);
	if (!err)
		err = sl_fields_version(draft.version, error);
	if (err)
		return err;
	if (!is_node(draft.beacon.node))
		return sl_fields_refuse(error, "node is not a node's name");
	if (draft.renewed_ms < -1 || draft.renewed_ms > (int64_t)AGE_MS_MAX ||
	    draft.beacon.failing_ms > AGE_MS_MAX)
		return sl_fields_refuse(error, "a time is out of bounds");
	draft.beacon.has_renewed = draft.renewed_ms >= 0;
	draft.beacon.renewed_ms = draft.beacon.has_renewed ? (uint64_t)draft.renewed_ms : 0;
	*ret = draft.beacon;
	return 0;
}

static uint64_t within(uint64_t age_ms)
{
	return age_ms < AGE_MS_MAX ? age_ms : AGE_MS_MAX;
}

void sl_beacon_write(struct sl_json_out *out, const struct sl_beacon *beacon)
{
	sl_json_open(out, '{');
	sl_fields_put_text(out, "version", "1");
	sl_fields_put_text(out, "node", beacon->node);
	sl_json_key(out, "incarnation");
	sl_json_put_integer(out, (int64_t)beacon->incarnation);
	sl_json_key(out, "renewed_ms");
	sl_json_put_integer(out, beacon->has_renewed ? (int64_t)within(beacon->renewed_ms) : -1);
	sl_json_key(out, "failing_ms");
	sl_json_put_integer(out, (int64_t)within(beacon->failing_ms));
	sl_json_close(out, '}');
}

/* ---- who is heard ------------------------------------------------------------------------- */

struct peer {
	uint64_t key[2]; /* of name and incarnation */
	uint64_t heard_ns;
	uint64_t renewed_ns; /* 0: never */
	bool is_failing;
};

struct sl_peers {
	char node[SL_BEACON_NODE_BYTES];
	uint64_t secret[2];
	uint64_t renewed_ns; /* the latest renewal of any peer; 0: of none */
	uint64_t refused;
	uint32_t count;
	struct peer peers[SL_PEERS_MAX];
};

int sl_peers_new(struct sl_peers **ret, const char *node, const uint64_t secret[2])
{
	struct sl_peers *peers = calloc(1, sizeof(*peers));

	if (!peers)
		return -ENOMEM;
	(void)strncpy(peers->node, node, sizeof(peers->node) - 1);
	memcpy(peers->secret, secret, sizeof(peers->secret));
	*ret = peers;
	return 0;
}

void sl_peers_free(struct sl_peers *peers)
{
	free(peers);
}

static struct peer *find(struct sl_peers *peers, const uint64_t key[2])
{
	for (uint32_t i = 0; i < peers->count; i++)
		if (peers->peers[i].key[0] == key[0] && peers->peers[i].key[1] == key[1])
			return &peers->peers[i];
	return NULL;
}

static struct peer *find_or_add(struct sl_peers *peers, const struct sl_beacon *beacon)
{
	struct {
		char node[SL_BEACON_NODE_BYTES];
		uint64_t incarnation;
	} name = { .incarnation = beacon->incarnation };
	struct peer *peer;
	uint64_t key[2];

	memcpy(name.node, beacon->node, strnlen(beacon->node, sizeof(name.node)));
	sl_siphash(key, peers->secret, &name, sizeof(name));
	peer = find(peers, key);
	if (peer)
		return peer;
	if (peers->count == SL_PEERS_MAX) {
		peers->refused++;
		return NULL;
	}
	peer = &peers->peers[peers->count++];
	*peer = (struct peer){ .key = { key[0], key[1] } };
	return peer;
}

void sl_peers_hear(struct sl_peers *peers, const struct sl_beacon *beacon, uint64_t now_ns)
{
	const uint64_t age_ns = beacon->renewed_ms * MS_NS;
	uint64_t renewed_ns = 0;
	struct peer *peer;

	if (strcmp(beacon->node, peers->node) == 0)
		return;
	if (beacon->has_renewed && age_ns < now_ns)
		renewed_ns = now_ns - age_ns;
	if (renewed_ns > peers->renewed_ns)
		peers->renewed_ns = renewed_ns;
	peer = find_or_add(peers, beacon);
	if (!peer)
		return;
	peer->heard_ns = now_ns;
	peer->is_failing = beacon->failing_ms;
	if (renewed_ns > peer->renewed_ns)
		peer->renewed_ns = renewed_ns;
}

struct sl_peers_counts sl_peers_count(struct sl_peers *peers, uint64_t now_ns)
{
	struct sl_peers_counts counts = { .refused = peers->refused };

	for (uint32_t i = 0; i < peers->count;) {
		const struct peer *peer = &peers->peers[i];

		if (now_ns - peer->heard_ns > HEARD_NS) {
			peers->peers[i] = peers->peers[--peers->count];
			continue;
		}
		if (peer->renewed_ns && now_ns - peer->renewed_ns <= HEARD_NS)
			counts.renewing++;
		else if (peer->is_failing)
			counts.failing++;
		else
			counts.idle++;
		i++;
	}
	return counts;
}

enum sl_lease_peers sl_peers_verdict(const struct sl_peers *peers, uint64_t failing_ns)
{
	if (!failing_ns)
		return SL_LEASE_PEERS_UNKNOWN;
	if (peers->renewed_ns > failing_ns + MARGIN_NS)
		return SL_LEASE_PEERS_RENEW;
	return peers->count ? SL_LEASE_PEERS_SILENT : SL_LEASE_PEERS_UNKNOWN;
}
