/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node and the store say to each other, and what the node enforces in between.
 * Plain data: wire.h puts it on the wire, lease.h and central.h are the node, store.h is
 * the store. Milli-units as in terms.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sluice/abi.h"

#define SL_QUOTA_NUMBER_MAX   9007199254740991ll /* 2^53 - 1: exact in a Lua number */
#define SL_QUOTA_SINCE_MS_MAX 86400000ll
#define SL_QUOTA_BLOCK_MS     100u /* the least time that a refusal lasts */

/* How the store answered for one tenant. Its numbers are on the wire. */
enum sl_quota_status {
	SL_QUOTA_OK = 0,
	SL_QUOTA_UNKNOWN = 1,  /* it has no terms: send them (quota_terms), then ask again */
	SL_QUOTA_FENCED = 2,   /* a newer incarnation of this node renews: spend nothing */
	SL_QUOTA_CENTRAL = 3,  /* the terms say small: use central.h */
	SL_QUOTA_LEASED = 4,   /* the terms say not small: use lease.h */
	SL_QUOTA_FULL = 5,     /* SL_QUOTA_NODES_MAX rows: ask again later */
	SL_QUOTA_STALE = 6,    /* terms or fencing token older than what is there: not taken */
	SL_QUOTA_CONFLICT = 7, /* terms of the same gen that differ: not taken */
};

/* A node's renewal of one lease. */
struct sl_renew {
	int64_t want_mu_per_s; /* 1.1 * smoothed arrivals; 0: give the lease back */
	int64_t has_mu_per_s;  /* applied now, lowered before this was said */
	int64_t ack;	       /* seq of the grant that is applied; 0: none is */
	int64_t used_mu_per_s; /* admitted since the last renewal */
	uint32_t ttl_ms;       /* how long the grant shall hold; 1..2 * SL_QUOTA_TTL_MS_MAX */
	int64_t safe_mu_per_s; /* the safe share that it was given last, and falls back to */
};

enum sl_renewed_flag {
	SL_RENEWED_CONTENDED = 0x1, /* sum of wants over o * R: shares follow demand */
	SL_RENEWED_LEARNING = 0x2,  /* the store lost state and grants no growth yet */
};

/* The store's answer. With another status than OK only status, gen and live count. */
struct sl_renewed {
	enum sl_quota_status status;
	int64_t grant_mu_per_s;
	int64_t burst_mu; /* B * grant / R */
	int64_t seq;
	int64_t lambda_ppm;    /* grant aimed at: want * lambda; at most 2 * 10^6 */
	int64_t rate_mu_per_s; /* E: R, or what the leader of share.h made of it */
	int64_t gen;	       /* of the terms the store has */
	uint32_t flags;	       /* enum sl_renewed_flag */
	uint32_t live;	       /* nodes with a row */
	/* What the node may have when it hears nothing: beta * R/N, or what is left of beta * R
	 * until those who had more have said that they have less. */
	int64_t safe_mu_per_s;
};

/* A node's question for a small tenant. */
struct sl_charge {
	int64_t passed_mu;     /* admitted beyond what earlier answers paid for */
	int64_t want_mu;       /* until the next question; 0: only the charge */
	int64_t want_mu_per_s; /* smoothed arrivals, for the shares across tenants */
	/* All of .passed_mu that was ever charged, with this: what is asked again because its
	 * answer was lost is charged once. Of one incarnation it only grows. */
	int64_t total_mu;
	/* How long ago the first of its questions in vain failed: what of .passed_mu passed since
	 * then is of the safe share. 0: the last question was answered. */
	int64_t since_ms;
	/* The store's time from which on nobody waits for the answer: one that reads it later pays
	 * for nothing, and takes what passed for as much older. 0: not known. */
	int64_t void_us;
};

/* The answer: @paid_mu may be admitted @wait_ms from now, and is paid for. */
struct sl_charged {
	enum sl_quota_status status;
	int64_t paid_mu;
	int64_t wait_ms; /* 0, or at least SL_QUOTA_BLOCK_MS */
	int64_t left_mu; /* in the central bucket after this; 0 when wait_ms is not */
	int64_t rate_mu_per_s;
	int64_t gen;
	uint32_t live;
	int64_t store_us; /* the store's time, with any status */
};

/* Why a node enforces what it does. */
enum sl_quota_mode {
	SL_QUOTA_MODE_COLD = 0, /* holds nothing: one cost_max, and 1 % of R/N */
	SL_QUOTA_MODE_HELD,	/* a lease that has not ended, or the central bucket's answer */
	SL_QUOTA_MODE_BLEND,	/* the lease has ended: as the terms say */
	SL_QUOTA_MODE_LAST,
	SL_QUOTA_MODE_SAFE,
	SL_QUOTA_MODE_CLOSED,
	SL_QUOTA_MODE_OPEN,
	SL_QUOTA_MODE_FENCED, /* another instance of this node took over: nothing passes */
};

/*
 * What a node enforces from now on. When it is applied, tokens := min(tokens, cap_mu):
 * growth never mints tokens. Sent to the kernel it needs nobody alive: the kernel itself
 * turns to @fallback at @expiry_ns.
 */
struct sl_quota_state {
	enum sl_quota_mode mode;
	bool unlimited;		    /* SL_QUOTA_MODE_OPEN without a node ceiling */
	int64_t rate_mu_per_s;	    /* 0: nothing passes, whatever cap_mu */
	int64_t cap_mu;		    /* at least cost_max_mu unless rate is 0 */
	uint64_t block_until_ns;    /* small tenants: nothing passes before; 0: not blocked */
	uint64_t expiry_ns;	    /* CLOCK_MONOTONIC of this node; 0: no end */
	enum sl_fallback fallback;  /* of the kernel, at expiry_ns */
	int64_t safe_rate_mu_per_s; /* with SL_FALLBACK_SAFE */
	int64_t safe_cap_mu;
	uint64_t change_ns; /* the state differs from then on: apply it anew; UINT64_MAX */
};

const char *sl_quota_status_name(enum sl_quota_status status);
const char *sl_quota_mode_name(enum sl_quota_mode mode); /* "cold", "held", ... */
