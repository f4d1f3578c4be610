/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capacity among tenants: who is cut, and by how much, as the kernel's maps want it.
 *
 * 1. Up to WARN everybody keeps min(demand, 5 % of the guarantee).
 * 2. Guarantees, min(demand, guarantee), the highest class first.
 * 3. What is left goes to demand above the guarantee, the highest class first.
 * Within a class by weighted max-min: nobody gets more while somebody else of the class
 * wants it and has less for its weight. So tenants above their fair share lose first,
 * guarantees last. In STOP only CRITICAL_PLUS gets anything.
 *
 * Thread: pure functions, O(tenants). Nothing is allocated.
 * Source: max-min fairness as in Bertsekas and Gallager, "Data Networks", 6.5.2; the
 *         level is found by halving.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/pressure/level.h"
#include "userspace/pressure/priority.h"

struct sl_cut {
	double demand_per_s;
	double guarantee_per_s; /* its rate */
	double weight;		/* above 0; else 1 */
	enum sl_criticality criticality;

	double rate_per_s;	/* result: what it gets */
	uint32_t shed_permille; /* result: of its demand */
};

/* Fills the results of all @cuts. Their rates together are at most @capacity_per_s. */
void sl_cut_share(struct sl_cut *cuts, size_t count, double capacity_per_s,
		  enum sl_pressure_state state);
