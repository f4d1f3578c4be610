/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of abuse (contract, section 5): who is asked for too often, who hides
 * behind many keys or addresses, who sends empty or heavy bodies, who floods many
 * tenants from one place. Each is told once a window for each tenant or source; a
 * rule says whether it is only told, or slows down or blocks whom it is about.
 *
 * Tables of a fixed size (abuse_places.h). Distinct keys and addresses are remembered by 32 bits of
 * their hash, exactly up to the one that is too many; tenants of a source by linear counting (Whang
 * et al., 1990) in 1024 bits, good to one in twenty.
 *
 * Owner:  the memory is the caller's, zeroed at first.
 * Thread: any number of processes; counts may be off by the few that meet in the
 *         moment a window begins.
 * Time:   CLOCK_MONOTONIC, a parameter.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/base/span.h"
#include "userspace/domain/abuse_places.h"

#define SL_ABUSE_TENANTS   4096u
#define SL_ABUSE_SOURCES   2048u
#define SL_ABUSE_SEEN_MAX  16u /* most that "over so many" may be of keys and addresses */
#define SL_ABUSE_BITS	   1024u
#define SL_ABUSE_EMPTY_MAX 10u /* bytes of a payload: fewer are an empty one */

enum sl_abuse_pattern {
	SL_ABUSE_EMPTY_PAYLOAD = 0,
	SL_ABUSE_TARGETED_TENANT,
	SL_ABUSE_RATE_LIMIT_EVASION,
	SL_ABUSE_HEAVY_PAYLOAD,
	SL_ABUSE_MULTI_TENANT_FLOOD,
	SL_ABUSE_PATTERNS,
};

const char *sl_abuse_name(enum sl_abuse_pattern pattern); /* "abuse.empty_payload" */

/* The harder one wins. */
enum sl_abuse_action {
	SL_ABUSE_OFF = 0,
	SL_ABUSE_LOG,
	SL_ABUSE_CUT,
	SL_ABUSE_BLOCK,
};

struct sl_abuse_rules {
	int action[SL_ABUSE_PATTERNS]; /* enum sl_abuse_action */
	uint64_t window_ns;
	uint64_t punish_ns;	    /* how long a cut or a block lasts */
	uint64_t requests;	    /* of a tenant in a window; more is a pattern */
	uint64_t requests_critical; /* the same, worse */
	uint32_t keys, addresses;   /* of one tenant, at most SL_ABUSE_SEEN_MAX - 1 */
	uint64_t heavy_bytes;	    /* a body above it is heavy */
	uint64_t heavy_requests;    /* bodies of a tenant in a window, and ... */
	double heavy_share;	    /* ... more than this of them heavy */
	uint64_t flood_tenants;	    /* of one source, and ... */
	uint64_t flood_requests;    /* ... more of these for each of them */
};

struct sl_abuse_tenant {
	struct sl_abuse_place place;
	uint32_t bodies, heavy;
	uint32_t keys[SL_ABUSE_SEEN_MAX], addresses[SL_ABUSE_SEEN_MAX];
};

struct sl_abuse_source {
	struct sl_abuse_place place;
	uint32_t tenants[SL_ABUSE_BITS / 32];
};

struct sl_abuse {
	uint64_t secret[2];
	uint64_t untracked_total; /* found no place */
	struct sl_abuse_tenant tenants[SL_ABUSE_TENANTS];
	struct sl_abuse_source sources[SL_ABUSE_SOURCES];
};

/* What a request showed, and what is being done about who sent it. */
struct sl_abuse_verdict {
	uint32_t events; /* bits by enum sl_abuse_pattern, to be told now */
	bool critical;	 /* of a targeted tenant */
	enum sl_abuse_action tenant, source;
	uint64_t tenant_left_ns, source_left_ns; /* of the punishment */
};

/* An authenticated request: whose it is, by which credential, from where. */
struct sl_abuse_request {
	struct sl_span tenant;
	struct sl_span credential; /* empty: none */
	struct sl_span address;	   /* empty: not known */
};
void sl_abuse_request(struct sl_abuse_verdict *ret, struct sl_abuse *abuse,
		      const struct sl_abuse_rules *rules, const struct sl_abuse_request *request,
		      uint64_t now_ns);

/* A body of it: the events, as in the verdict. */
uint32_t sl_abuse_body(struct sl_abuse *abuse, const struct sl_abuse_rules *rules,
		       struct sl_span tenant, uint64_t bytes, uint64_t now_ns);

/* Its payload was empty. */
uint32_t sl_abuse_empty(struct sl_abuse *abuse, const struct sl_abuse_rules *rules,
			struct sl_span tenant, uint64_t now_ns);

/* How long a source is blocked yet; 0: it is not. */
uint64_t sl_abuse_source_left_ns(struct sl_abuse *abuse, struct sl_span address, uint64_t now_ns);

/* Tenants that are blocked now. */
uint64_t sl_abuse_blocked(const struct sl_abuse *abuse, uint64_t now_ns);
