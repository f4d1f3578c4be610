/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who goes first when not all can: compound levels, class x 128 + a hash of tenant and
 * hour. Of one class the same tenants are served and the same refused for an hour, so
 * that work of several requests ends instead of all of it failing a little; the next
 * hour shuffles. Repeating a refused request wins nothing.
 *
 * The threshold follows from a histogram of what was offered: as many levels pass, from
 * the top, as fit into what may pass in a window of a second or 2000 requests; of the
 * level at the edge, the part that still fits.
 *
 * Owner:  plain data; sl_priority_init() first.
 * Thread: one at a time; time is the caller's.
 * Source: Zhou et al., "Overload Control for Scaling WeChat Microservices" (DAGOR), SoCC
 *         2018; there without the part of a level.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/base/span.h"

enum sl_criticality {
	SL_SHEDDABLE = 0,
	SL_SHEDDABLE_PLUS,
	SL_CRITICAL, /* what says nothing */
	SL_CRITICAL_PLUS,
};
#define SL_CRITICALITIES       4u
#define SL_PRIORITY_PER_CLASS  128u
#define SL_PRIORITY_LEVELS     (SL_CRITICALITIES * SL_PRIORITY_PER_CLASS)
#define SL_PRIORITY_WINDOW_NS  1000000000ull
#define SL_PRIORITY_WINDOW_MAX 2000u /* requests */

const char *sl_criticality_name(enum sl_criticality criticality);
/* -ENOENT: no such word. */
int sl_criticality_of(enum sl_criticality *ret, struct sl_span name);

/* 0..511, the higher the more important. @hour counts from any fixed moment. */
unsigned int sl_priority_level(enum sl_criticality criticality, struct sl_span tenant,
			       uint64_t hour);

struct sl_priority {
	uint32_t offered[SL_PRIORITY_LEVELS], before[SL_PRIORITY_LEVELS];
	uint32_t offered_count, before_count;
	uint64_t window_ns, before_long_ns; /* when it began; how long the one before was */
	unsigned int threshold;		    /* all of these levels and above pass */
	uint32_t edge_num, edge_den;	    /* and of the level below, so many of so many */
	uint32_t edge_sum;
};

void sl_priority_init(struct sl_priority *priority, uint64_t now_ns);
/* A request came, whether it will pass or not. */
void sl_priority_offer(struct sl_priority *priority, unsigned int level);
/* The window is over: a new one begins. */
bool sl_priority_turn(struct sl_priority *priority, uint64_t now_ns);
/* Over at once, where it has run for a tenth: what was offered by now is what is known. */
bool sl_priority_cut_short(struct sl_priority *priority, uint64_t now_ns);
/* What was offered a second in the last whole window. */
double sl_priority_offered_per_s(const struct sl_priority *priority);
/* Moves the threshold so that @per_s of the last whole window would have passed. */
void sl_priority_fit(struct sl_priority *priority, double per_s);
/* Everything from @criticality on, and nothing else; SL_SHEDDABLE: everything. */
void sl_priority_from(struct sl_priority *priority, enum sl_criticality criticality);
/* Counts towards the part of the level at the edge. */
bool sl_priority_passes(struct sl_priority *priority, unsigned int level);
