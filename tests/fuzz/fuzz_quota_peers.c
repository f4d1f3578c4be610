// SPDX-License-Identifier: Apache-2.0
/* A peer's beacon from any text; what is accepted reads back the same and is heard. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/quota/peers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void hear(const struct sl_beacon *beacon)
{
	static const uint64_t secret[2] = { 1, 2 };
	const uint64_t now_ns = 1000000000000;
	struct sl_peers *peers = NULL;
	struct sl_peers_counts counts;

	require(sl_peers_new(&peers, "self", secret) == 0);
	sl_peers_hear(peers, beacon, now_ns);
	sl_peers_hear(peers, beacon, now_ns + 1);
	counts = sl_peers_count(peers, now_ns + 2);
	require(counts.renewing + counts.failing + counts.idle ==
		(strcmp(beacon->node, "self") != 0));
	/* Whatever is said, one who is answered is not cut off. */
	require(sl_peers_verdict(peers, 0) == SL_LEASE_PEERS_UNKNOWN);
	sl_peers_free(peers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sl_span text = { (const char *)data, size };
	struct sl_json_out out = SL_JSON_OUT(SL_BEACON_BYTES_MAX);
	struct sl_fields_error error;
	struct sl_beacon read, again;
	struct sl_span written;

	if (sl_beacon_read(&read, text, &error) != 0)
		return 0;
	sl_beacon_write(&out, &read);
	require(sl_json_done(&written, &out) == 0);
	require(sl_beacon_read(&again, written, NULL) == 0);
	require(strcmp(again.node, read.node) == 0 && again.incarnation == read.incarnation);
	require(again.has_renewed == read.has_renewed && again.renewed_ms == read.renewed_ms);
	require(again.failing_ms == read.failing_ms);
	sl_json_out_free(&out);
	hear(&read);
	return 0;
}
