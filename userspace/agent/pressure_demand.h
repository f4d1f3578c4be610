/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tenant wants to send while a part of it is shed. Pure.
 *
 * Of a refused connection only its first packet is seen: counted as they come, the packets of
 * a tenant that opens a connection for each request were a fifth of its demand as soon as it
 * was shed, so that nothing was shed the next time, and all the time after. So it is learnt
 * what a shed packet stands for, and how much a level takes away:
 *
 *	reference  what the tenant sent before anything of it was shed
 *	weight     what is missing of that, for each packet that was shed; 1 for datagrams
 *	conns      0..1, the part of it that is new connections: these are shed at twice the
 *	           level (bpf/lib/shed.h), all else at the level
 *
 * It is learnt once each time that shedding begins, from the first few packets shed; until
 * then the tenant is taken to want what it wanted before. When a shed packet stands for less
 * than two, it is one of datagrams, or the demand changed at the same time: 1 and 0.
 *
 * Owner:  plain data, zeroed at first.
 * Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sl_shed_demand {
	double per_s; /* result: what it wants, in packets */
	double reference_per_s;
	double weight; /* 0: as 1 */
	double conns;
	bool is_learnt;	       /* since shedding began */
	double seconds, level; /* since shedding began; the level's sum over them */
	double passed, shed;
};

/* Since the last sample. */
struct sl_shed_sample {
	double seconds; /* above 0 */
	double passed, shed;
	uint32_t level_permille; /* that was in force; 0: none of ours */
};

void sl_shed_demand_sample(struct sl_shed_demand *demand, const struct sl_shed_sample *sample);
/* The level that sheds @share_permille of what it wants; all for all. */
uint32_t sl_shed_demand_level(const struct sl_shed_demand *demand, uint32_t share_permille);
