// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/queue.h"

#define STANDING_TARGETS 5u /* 100 ms of 20 ms */
#define LONGEST_NUM	 9u /* 2.25 */
#define LONGEST_DEN	 4u

void sl_queue_init(struct sl_queue *queue, uint64_t target_ns, uint64_t now_ns)
{
	*queue = (struct sl_queue){ .target_ns = target_ns, .empty_ns = now_ns };
}

void sl_queue_note(struct sl_queue *queue, bool empty, uint64_t now_ns)
{
	if (empty)
		queue->empty_ns = now_ns;
}

static bool is_standing(const struct sl_queue *queue, uint64_t now_ns)
{
	return now_ns > queue->empty_ns &&
	       now_ns - queue->empty_ns >= STANDING_TARGETS * queue->target_ns;
}

uint64_t sl_queue_timeout_ns(const struct sl_queue *queue, uint64_t now_ns)
{
	return is_standing(queue, now_ns) ? queue->target_ns
					  : queue->target_ns * LONGEST_NUM / LONGEST_DEN;
}

enum sl_queue_verdict sl_queue_judge(const struct sl_queue *queue, const struct sl_queue_item *item,
				     uint64_t now_ns)
{
	if (now_ns >= item->deadline_ns)
		return SL_QUEUE_EXPIRED;
	if (item->criticality < SL_CRITICAL && now_ns > item->queued_ns &&
	    now_ns - item->queued_ns > sl_queue_timeout_ns(queue, now_ns))
		return SL_QUEUE_LATE;
	return SL_QUEUE_RUN;
}

bool sl_queue_before(const struct sl_queue_item *a, const struct sl_queue_item *b,
		     enum sl_pressure_state state)
{
	if (state != SL_PRESSURE_SHED && state != SL_PRESSURE_STOP)
		return a->queued_ns < b->queued_ns;
	if (a->criticality != b->criticality)
		return a->criticality > b->criticality;
	return a->queued_ns > b->queued_ns;
}
