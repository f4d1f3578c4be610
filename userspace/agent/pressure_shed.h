/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the pressure of the pools to shares of tenants' packets that the kernel sheds. Pure.
 *
 *	OK, WARN  nothing is shed
 *	SHED      C packets a second pass, shared by sl_cut_share(): the lowest class loses
 *	          first, in it who is above the fair share, guarantees last
 *	STOP      only critical_plus passes
 *	STALE     what was shed goes on with C as it is, from 10 s on less each 10 s; after 60 s
 *	          nothing is shed. What was not shed stays so
 *
 * At first, in SHED, only the lowest class that sends loses anything, and that only below
 * critical: what was a moment's harms nobody else. Others do when a second is over, p is still
 * above 1.5 and the workers are busy. Of critical_plus nothing is shed that is guaranteed: if
 * that is too much, routers refuse.
 *
 * C is that of capacity_control.h, in packets a second of all tenants. Workers speak of
 * jobs: how many packets there are to a job is learnt while all is well, so that what
 * workers finish says how many packets there may be. Before it is known, C begins at what
 * passes now. In the first second of hard pressure at most seven tenths pass of what passed
 * before, whatever workers finish: most of that is still from before they slowed down. What
 * they finish says what they can only while all their slots are busy; else it is taken to be
 * as much more as slots are free.
 *
 * Owner:  plain data; sl_shed_control_init() first.
 * Thread: one at a time; time and randomness are the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/agent/pressure_demand.h"
#include "userspace/pressure/capacity_control.h"
#include "userspace/pressure/cut.h"

#define SL_SHED_SEEN 3u

struct sl_shed_control {
	struct sl_capacity_control capacity; /* packets a second */
	double packets_per_job;		     /* 0: not known yet */
	struct {
		double packets_per_job, passed_per_s;
	} seen[SL_SHED_SEEN]; /* lately, while nothing was shed */
	unsigned int seen_next;
	double first_per_s;		/* may pass in the first second of shedding */
	uint64_t began_ns;		/* to shed */
	bool is_confirmed;		/* that it is more than a moment's, since then */
	enum sl_pressure_state state;	/* of the last step */
	enum sl_pressure_state shed_as; /* SHED or STOP while it sheds, else OK */
};

struct sl_shed_input {
	enum sl_pressure_state state;
	double pressure;
	double done_per_s;   /* jobs */
	double busy;	     /* 0..1, of the workers' slots; 0: not known */
	double passed_per_s; /* packets of all tenants */
	double jitter;	     /* 0..1, of a random number */
	struct sl_cut *cuts; /* of all tenants, in packets; results are filled */
	size_t cut_count;
};

void sl_shed_control_init(struct sl_shed_control *control, uint64_t now_ns);
/* At once when the state changed, and about twice a second. True while something is shed. */
bool sl_shed_control_step(struct sl_shed_control *control, const struct sl_shed_input *input,
			  uint64_t now_ns);
