/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credits: how many more jobs a worker takes. It tells them in each signal; a router sends
 * nothing without. So what waits, waits where it can still be refused.
 *
 *	credits = free slots + (2 x slots - waiting) / routers
 *
 * The overcommitment keeps a worker busy over the way of a signal. Below 0 takes back what
 * was granted before. A grant ends after 3 s.
 *
 * The router's side: with each signal, what it may have open (sent, without a result) is
 * what workers have accepted of it and all that they grant. Each result makes room for a
 * job, so the bound holds at any rate between two signals. Lower classes leave a part of
 * it to the higher: SHEDDABLE half, SHEDDABLE_PLUS two fifths, CRITICAL a twentieth. For
 * CRITICAL and above only what is that, too, counts as open: what is below was let in while
 * more was granted, and runs last.
 *
 * Thread: pure functions.
 * Source: Cho et al., "Overload Control for us-scale RPCs with Breakwater", OSDI 2020; the
 *         parts by class are trunk reservation of telephone networks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/pressure/priority.h"

#define SL_CREDITS_TTL_NS 3000000000ull

/* @routers 0 counts as 1. */
int64_t sl_credits_grant(uint32_t slots, uint32_t busy, uint64_t waiting, uint32_t routers);

/* May one more job be sent? @open_max may be below 0. */
bool sl_credits_allow(int64_t open_max, uint64_t open, enum sl_criticality criticality);
