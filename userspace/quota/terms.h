/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terms of one global limit: what a tenant may have over all nodes, of one kind
 * of unit. All nodes and the store must mean the same: `gen` says which is newer.
 *
 * Amounts are milli-units ("_mu"), rates milli-units per second ("_mu_per_s"). A unit is
 * a packet, a connection, a request or a cost unit; of bytes it is 1,000 bytes, so that a
 * milli-unit is a byte. The store computes in Lua numbers: the bounds below keep every
 * sum over SL_QUOTA_NODES_MAX nodes under 2^53, where they are exact.
 *
 * Thread: plain data and pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sluice/abi.h"

#define SL_QUOTA_RATE_MAX     1000000000000ll /* 10^12: a billion units, or 8 Tb, per second */
#define SL_QUOTA_BURST_MAX    1000000000000ll
#define SL_QUOTA_NODES_MAX    4096u    /* rows of one tenant */
#define SL_QUOTA_OVERBOOK_MAX 2000000u /* parts per million: 2.0 */
#define SL_QUOTA_TTL_MS_MIN   200u
#define SL_QUOTA_TTL_MS_MAX   60000u
#define SL_QUOTA_PPM	      1000000

enum sl_quota_kind {
	SL_QUOTA_PACKETS = 0,
	SL_QUOTA_BYTES,
	SL_QUOTA_NEW_CONNS,
	SL_QUOTA_REQUESTS,
	SL_QUOTA_COST,
	SL_QUOTA_KINDS,
};

/* What a node does when its lease ends and no answer came. */
enum sl_on_expiry {
	SL_EXPIRY_BLEND = 0, /* from the last rate to the safe share within 30 s */
	SL_EXPIRY_LAST,
	SL_EXPIRY_SAFE,
	SL_EXPIRY_CLOSED,
	SL_EXPIRY_OPEN, /* node_ceiling_mu_per_s, or no limit where that is 0 */
};

/* Whose guarantee comes first when not all fit. */
enum sl_quota_class {
	SL_QUOTA_CRITICAL_PLUS = 0,
	SL_QUOTA_CRITICAL, /* the default */
	SL_QUOTA_SHEDDABLE_PLUS,
	SL_QUOTA_SHEDDABLE,
	SL_QUOTA_CLASSES,
};

struct sl_terms {
	uint64_t gen;	       /* 1..2^53-1; the higher one counts */
	int64_t rate_mu_per_s; /* R: over all nodes */
	int64_t burst_mu;      /* B */
	/* q: the largest cost of one admission, and what a bucket holds at the least; at most B */
	int64_t cost_max_mu;
	int64_t guarantee_mu_per_s;    /* before any other tenant's spare; at most R */
	int64_t ceiling_mu_per_s;      /* with spare of others; at least R */
	int64_t node_ceiling_mu_per_s; /* of SL_EXPIRY_OPEN; 0: none */
	uint32_t weight;	       /* 1..10^6, of spare capacity */
	uint32_t overbook_max_ppm;     /* 10^6 (hard) .. SL_QUOTA_OVERBOOK_MAX */
	uint32_t safe_ppm;	       /* beta: of R/N, the safe share; at most 10^6 */
	uint32_t ttl_ms;	       /* of a lease: 5000 */
	uint32_t period_ms;	       /* Tr: 1000; at most ttl_ms / 2 */
	enum sl_quota_class class;
	enum sl_on_expiry on_expiry;
	/* Too small to slice: asked centrally (central.h). A term and not a node's choice:
	 * half of the nodes on leases and half on the central bucket would have 2 R. */
	bool small;
};

/* Terms of @rate and @burst with everything else at its default (domain/quota_defaults.h):
 * hard, blend. */
struct sl_terms sl_terms_of(uint64_t gen, int64_t rate_mu_per_s, int64_t burst_mu);

/* 0, or -EINVAL: something is out of its bounds; *ret_field (may be NULL) names it. */
int sl_terms_check(const struct sl_terms *terms, const char **ret_field);

/* Advice for who sets terms: is R too small to divide it among @nodes? */
bool sl_terms_are_small(int64_t rate_mu_per_s, uint32_t nodes);

/* "packets"; "blend"; "critical": string constants. NULL: no such value. */
const char *sl_quota_kind_name(enum sl_quota_kind kind);
const char *sl_on_expiry_name(enum sl_on_expiry on_expiry);
const char *sl_quota_class_name(enum sl_quota_class class);

/* ---- shares of R, for nodes and store ------------------------------------------ */

/* beta * R / N. @nodes 0 counts as 1. */
int64_t sl_terms_safe_rate(const struct sl_terms *terms, uint32_t nodes);
/* 1 % of R / N: what a node may have before its first grant. */
int64_t sl_terms_cold_rate(const struct sl_terms *terms, uint32_t nodes);
/* max(q, B * rate / R): what a bucket at @rate may hold. */
int64_t sl_terms_cap(const struct sl_terms *terms, int64_t rate_mu_per_s);
