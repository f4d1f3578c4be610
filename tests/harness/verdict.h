/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One packet through one hook, by BPF_PROG_TEST_RUN, and what was counted for it.
 *
 * sl_expect_*() compares all counters of all tenants before and after: exactly what is
 * named may have changed, by this packet. So the sum of pass and drops over the tenants
 * and what bypassed them is checked against what was offered after every case. It also
 * asks the explain program first, which must say the same and change nothing.
 */
#pragma once

#include "tests/harness/packet.h"
#include "tests/harness/shield.h"

enum sl_hook {
	SL_HOOK_XDP = 0,
	SL_HOOK_TC_INGRESS,
	SL_HOOK_TC_EGRESS,
};

/* How a packet comes to the hook. Zeroes: one XDP frame. */
struct sl_arrival {
	enum sl_hook hook;
	uint32_t segments; /* tc: gso_segs; 0 = not GSO */
	uint32_t wire_len; /* tc: 0 = as long as the packet */
	uint32_t mark;
	/* What is charged for it; 0: one packet, as long as it is. */
	uint32_t charged_packets, charged_bytes;
	bool not_explained; /* the explain program is not asked */
};

/* All counters, summed over CPUs. */
struct sl_tally {
	struct sl_counters counters[SL_SHIELD_TENANTS];
	struct sl_counters shadow[SL_SHIELD_TENANTS];
	struct sl_node node;
};

void sl_tally_read(struct sl_tally *ret, const struct sl_shield *s);
/* The counter of @reason; @way: enum sl_direction. */
const struct sl_count *sl_tally_of(const struct sl_tally *t, uint32_t tenant, int way,
				   enum sl_reason reason);
/* Packets (or bytes) of all tenants and bypasses of one direction. */
struct sl_count sl_tally_sum(const struct sl_tally *t, int way);

struct sl_count sl_counted(const struct sl_shield *s, uint32_t tenant, enum sl_reason reason);
struct sl_count sl_counted_egress(const struct sl_shield *s, uint32_t tenant,
				  enum sl_reason reason);

/* Runs @packet @repeat times; returns what the program returned. @ret_out may be NULL. */
uint32_t sl_run(const struct sl_shield *s, const struct sl_arrival *arrival,
		const struct sl_pkt *packet, unsigned repeat, struct sl_pkt *ret_out);

/* The explanation of @packet as the explain program of the hook gives it. */
struct sl_explanation sl_explain(const struct sl_shield *s, const struct sl_arrival *arrival,
				 const struct sl_pkt *packet);

/* A verdict to expect. */
struct sl_expected {
	uint32_t tenant;       /* SL_TENANT_NONE: nobody's; then .bypass */
	enum sl_reason reason; /* with .shadow: what enforce would have said */
	bool shadow;
	enum sl_found_by bypass; /* NOT_IP, UNPROTECTED or OFF */
};

struct sl_place {
	const char *file;
	int line;
	const char *name; /* of a row of a table, or "" */
};

void sl_expect_at(struct sl_place place, const struct sl_shield *s,
		  const struct sl_arrival *arrival, const struct sl_pkt *packet,
		  struct sl_expected expected);

#define SL_HERE(name) ((struct sl_place){ __FILE__, __LINE__, (name) })
#define SL_AT_XDP     (&(const struct sl_arrival){ 0 })

/* Judged at XDP for @tenant: SL_REASON_x says with which verdict. */
#define sl_expect(s, packet, tenant_, reason_)                                                     \
	sl_expect_at(SL_HERE(""), s, SL_AT_XDP, packet,                                            \
		     (struct sl_expected){ .tenant = (tenant_), .reason = (reason_) })
#define sl_expect_bypass(s, packet, why)                                                           \
	sl_expect_at(SL_HERE(""), s, SL_AT_XDP, packet,                                            \
		     (struct sl_expected){ .tenant = SL_TENANT_NONE, .bypass = (why) })
