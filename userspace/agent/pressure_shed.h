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
 * C is that of capacity_control.h, in packets a second of all tenants. Workers speak of
 * jobs: how many packets there are to a job is learnt while all is well, so that what
 * workers finish says how many packets there may be. Before it is known, C begins at what
 * passes now.
 *
 * Owner:  plain data; sl_shed_control_init() first.
 * Thread: one at a time; time and randomness are the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/pressure/capacity_control.h"
#include "userspace/pressure/cut.h"

struct sl_shed_control {
	struct sl_capacity_control capacity; /* packets a second */
	double packets_per_job;		     /* 0: not known yet */
	enum sl_pressure_state state;	     /* of the last step */
	enum sl_pressure_state shed_as;	     /* SHED or STOP while it sheds, else OK */
};

struct sl_shed_input {
	enum sl_pressure_state state;
	double pressure;
	double done_per_s;   /* jobs */
	double passed_per_s; /* packets of all tenants */
	double jitter;	     /* 0..1, of a random number */
	struct sl_cut *cuts; /* of all tenants, in packets; results are filled */
	size_t cut_count;
};

void sl_shed_control_init(struct sl_shed_control *control, uint64_t now_ns);
/* At once when the state changed, and about twice a second. True while something is shed. */
bool sl_shed_control_step(struct sl_shed_control *control, const struct sl_shed_input *input,
			  uint64_t now_ns);
