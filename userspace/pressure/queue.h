/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the jobs that wait runs next, and which no more.
 *
 * - A job whose deadline is over is dropped: nobody waits for it.
 * - A job that waited too long is left to others (CoDel's idea of a standing queue): the
 *   target when the queue was not empty for the last five targets, else 2.25 targets.
 *   CRITICAL and above are spared. Credits keep a short queue standing on purpose: with
 *   the quarter of the target that Facebook takes, goodput would be lost to it.
 * - While shedding, the highest class first and of it the newest (adaptive LIFO): the
 *   newest still has time. Else the oldest.
 *
 * Owner:  plain data; sl_queue_init() first.
 * Thread: one at a time; time is the caller's.
 * Source: Maurer, "Fail at Scale", ACM Queue 2015 (5 and 100 ms for a target of 20 ms);
 *         Breakwater's authors for 2.25.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/pressure/level.h"
#include "userspace/pressure/priority.h"

struct sl_queue {
	uint64_t target_ns;
	uint64_t empty_ns; /* when it was empty last */
};

struct sl_queue_item {
	uint64_t queued_ns, deadline_ns;
	enum sl_criticality criticality;
};

enum sl_queue_verdict {
	SL_QUEUE_RUN = 0,
	SL_QUEUE_EXPIRED, /* its deadline is over */
	SL_QUEUE_LATE,	  /* it waited too long */
};

void sl_queue_init(struct sl_queue *queue, uint64_t target_ns, uint64_t now_ns);
/* Whenever its length changed, and now and then. */
void sl_queue_note(struct sl_queue *queue, bool empty, uint64_t now_ns);
uint64_t sl_queue_timeout_ns(const struct sl_queue *queue, uint64_t now_ns);
enum sl_queue_verdict sl_queue_judge(const struct sl_queue *queue, const struct sl_queue_item *item,
				     uint64_t now_ns);

/* Is @a to run before @b? */
bool sl_queue_before(const struct sl_queue_item *a, const struct sl_queue_item *b,
		     enum sl_pressure_state state);
