/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adaptive throttling (throttle.h) by class: each is counted alone, and the lowest go first.
 *
 * - A class is refused by what became of its own requests, and only while each lower class of
 *   which enough is known is refused as much as one can be.
 * - A lower class is refused no less than a higher one, also when too little is known of it.
 * So who is critical is not refused for what was sheddable, and loses nothing here before all
 * that is below does; of that only one in ten still goes, to find out when it is better.
 *
 * Owner:  plain data, zeroed at first; about 1.2 KiB.
 * Thread: one at a time; time and randomness are the caller's.
 */
#pragma once

#include "userspace/pressure/priority.h"
#include "userspace/pressure/throttle.h"

struct sl_class_throttle {
	struct sl_throttle of[SL_CRITICALITIES];
};

/* The share of a class that is refused now, 0..SL_THROTTLE_REFUSE_MAX. @ratio as in throttle.h. */
double sl_class_throttle_refuses(struct sl_class_throttle *throttle, enum sl_criticality class,
				 double ratio, uint64_t now_ns);
/* These as in throttle.h. */
bool sl_class_throttle_admits(struct sl_class_throttle *throttle, enum sl_criticality class,
			      double ratio, uint64_t now_ns, uint64_t random);
void sl_class_throttle_report(struct sl_class_throttle *throttle, enum sl_criticality class,
			      bool accepted, uint64_t now_ns);
void sl_class_throttle_forget(struct sl_class_throttle *throttle);
