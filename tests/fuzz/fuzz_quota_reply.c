// SPDX-License-Identifier: Apache-2.0
/* What a store may answer. The first byte chooses the reader, the second the tenants that
 * were asked for; the call id is 1. What is taken is within the bounds that wire.h promises. */
#include <stdint.h>
#include <stdlib.h>

#include "userspace/quota/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void renewed(struct sl_span reply, size_t count)
{
	struct sl_renewed ret[SL_WIRE_TENANTS_MAX];

	if (sl_wire_read_renewed(ret, count, 1, reply) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		require(sl_quota_status_name(ret[i].status) != NULL);
		require(ret[i].grant_mu_per_s >= 0 &&
			ret[i].grant_mu_per_s <= 2 * SL_QUOTA_RATE_MAX);
		require(ret[i].seq >= 0 && ret[i].live <= SL_QUOTA_NODES_MAX);
	}
}

static void charged(struct sl_span reply, size_t count)
{
	struct sl_charged ret[SL_WIRE_TENANTS_MAX];

	if (sl_wire_read_charged(ret, count, 1, reply) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		require(ret[i].paid_mu >= 0 && ret[i].wait_ms >= 0 && ret[i].left_mu >= 0);
}

static void statuses(struct sl_span reply, size_t count)
{
	enum sl_quota_status ret[SL_WIRE_TENANTS_MAX];

	if (sl_wire_read_statuses(ret, count, 1, reply) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		require(sl_quota_status_name(ret[i]) != NULL);
}

static void lead(struct sl_span reply, size_t count)
{
	int64_t token;

	(void)count;
	if (sl_wire_read_lead(&token, 1, reply) == 0)
		require(token >= 0);
}

static void show(struct sl_span reply, size_t count)
{
	struct sl_wire_show_reader reader;
	struct sl_wire_shown shown;
	struct sl_wire_shown_row row;
	size_t tenants = 0;

	if (sl_wire_read_show(&reader, count, 1, reply) < 0)
		return;
	while (sl_wire_next_shown(&reader, &shown) == 1) {
		require(++tenants <= count);
		if (shown.status == SL_QUOTA_OK)
			require(sl_terms_check(&shown.terms, NULL) == 0);
		/* Rows of every second tenant are passed over. */
		while (tenants % 2 && sl_wire_next_row(&reader, &row) == 1)
			require(row.node.length && row.node.length <= SL_WIRE_NODE_BYTES &&
				row.node.at >= reply.at &&
				row.node.at + row.node.length <= reply.at + reply.length);
	}
}

static void error(struct sl_span reply, size_t count)
{
	(void)count;
	require(sl_wire_error(reply) <= SL_WIRE_ERROR_AWAY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(struct sl_span, size_t) = { renewed, charged, statuses,
								   lead,    show,    error };
	struct sl_span reply;

	if (size < 2)
		return 0;
	reply = (struct sl_span){ (const char *)data + 2, size - 2 };
	readers[data[0] % (sizeof(readers) / sizeof(*readers))](reply,
								1 + data[1] % SL_WIRE_TENANTS_MAX);
	return 0;
}
