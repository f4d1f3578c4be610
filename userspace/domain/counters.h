/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic on the counters of reasons.h, for whoever reads them: over CPUs,
 * over time, over reasons. Counters only grow while their maps live, so when
 * one went back all of that struct have begun anew, and the difference is all
 * they hold.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/reasons.h"

struct sl_reason_info {
	enum sl_reason reason;
	const char *name; /* as the counter's field is called: "rate_packets" */
	const char *text; /* what it tells an operator */
};

/* NULL when there is none, as in an event of a later version. */
const struct sl_reason_info *sl_reason_info(unsigned reason);

/* The enum's value, or -1. */
int sl_reason_by_name(const char *name);

/* The counter of @reason, which is below SL_REASON_COUNT_. */
const struct sl_count *sl_reason_count(const struct sl_reason_counts *counts,
				       enum sl_reason reason);

/* Everything judged: passed and dropped. In sl_shadow: all that enforce would have dropped. */
struct sl_count sl_reasons_total(const struct sl_reason_counts *counts);
struct sl_count sl_reasons_dropped(const struct sl_reason_counts *counts);

/* @total += @one, as over the CPUs of a per-CPU map. */
void sl_counters_add(struct sl_counters *total, const struct sl_counters *one);
void sl_node_add(struct sl_node *total, const struct sl_node *one);

/* What came between two samples of sums over CPUs. @ret may be one of them. */
void sl_counters_since(struct sl_counters *ret, const struct sl_counters *now,
		       const struct sl_counters *before);
void sl_node_since(struct sl_node *ret, const struct sl_node *now, const struct sl_node *before);

/* To the nearest; 0 when no time has passed. */
uint64_t sl_per_second(uint64_t count, uint64_t elapsed_ns);
