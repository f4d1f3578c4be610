/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bound flows: a connection's 5-tuple to its tenant, in lines that the packet path
 * reads (sluice/flow.h) while any number of processes write them, each through its own
 * mapping of sl_flows4 and sl_flows6. Plain memory: neither libbpf nor a system call.
 *
 * Writers take no lock, so a writer may die at any instruction and hold nobody up:
 *
 *   bind     a slot is claimed (free -> being written), its addresses are stored, then
 *            its word, which makes it visible
 *   move     the copy in the line of the second choice is visible before the original
 *            in the line of the first is freed. Nothing ever moves back, and readers look
 *            at the first choice first: a flow that moves is always found
 *   unbind   the word becomes that of a free slot
 *
 * Every change of a word is one compare-and-exchange and raises the slot's turn, so that
 * whoever acts on what it read before fails instead of hitting another flow.
 *
 * What a death leaves: a slot that it was writing is lost until the maps are made anew;
 * a flow that it was moving stands twice until it is unbound. One slot each, at most.
 *
 * A flow is for one writer at a time: whoever accepted the connection. When two bind the
 * same flow to different tenants at once, one of them wins, not always the last.
 *
 * Owner:  the memory is the caller's.
 * Thread: any, in any process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/domain/config.h"

struct sl_flow_spec {
	struct sl_address remote; /* both of one family */
	struct sl_address local;
	uint16_t remote_port; /* host order */
	uint16_t local_port;
	uint8_t protocol; /* IPPROTO_TCP or _UDP */
	uint32_t tenant;
};

/* One family's lines: struct sl_flow4_line or sl_flow6_line, all zeros to begin with. */
struct sl_flow_table {
	void *lines; /* 8-byte aligned */
	uint32_t line_count;
	uint8_t family;
	uint64_t seed; /* sl_ctl.hash_seed */
};

/* Lines for @flows flows of @family: they fill half (IPv4) or two fifths of the slots. */
uint32_t sl_flow_table_lines(uint32_t flows, uint8_t family);

uint64_t sl_flow_table_slots(const struct sl_flow_table *table);

/* Flows that are sure to fit, being the sl_sizes.flows of such a table; often half more do. */
uint64_t sl_flow_table_room(const struct sl_flow_table *table);

/* Slots that are not free. Reads all of them: tens of milliseconds for a million flows. */
uint64_t sl_flow_table_used(const struct sl_flow_table *table);

/*
 * Binds @flow, or binds it anew to @flow->tenant.
 * -ENOSPC: both lines are full and nothing in them can move. Up to sl_sizes.flows flows
 * that does not happen. -EINVAL: an address is not of the table's family.
 * -ERANGE: the tenant is no id.
 */
int sl_flow_table_bind(const struct sl_flow_table *table, const struct sl_flow_spec *flow);

/* By addresses, ports and protocol. -ENOENT; -EINVAL as above. */
int sl_flow_table_unbind(const struct sl_flow_table *table, const struct sl_flow_spec *flow);

/*
 * The first flow at @place (0 to begin with) or after it; @place is then behind it.
 * False: there are no more. What moves meanwhile is seen once, twice or not at all, but
 * not missed by two walks one after the other: it moves only once.
 */
bool sl_flow_table_next(struct sl_flow_spec *ret, const struct sl_flow_table *table,
			uint64_t *place);

/* True: the flow's connection is over. */
typedef bool sl_flow_is_over(void *context, const struct sl_flow_spec *flow);

/*
 * Frees what is over in the @slots slots from @place on (0 to begin with), which is then
 * behind them. A flow that is bound anew, or to another tenant, while @is_over looks at
 * it stays. Returns how many were freed.
 */
uint64_t sl_flow_table_sweep(const struct sl_flow_table *table, uint64_t *place, uint64_t slots,
			     sl_flow_is_over *is_over, void *context);
