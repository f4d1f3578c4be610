/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the suites of the BPF programs have in common: setups for cmocka, and the small
 * world they play in. One tenant owns one address of each family.
 */
#pragma once

#include <netinet/in.h>

#include "tests/harness/verdict.h"

#define SL_TENANT   7u
#define SL_LOCAL4   "192.0.2.1" /* protected */
#define SL_LOCAL6   "2001:db8::1"
#define SL_OTHER4   "192.0.2.2" /* not */
#define SL_OTHER6   "2001:db8::2"
#define SL_REMOTE4  "10.0.0.1"
#define SL_REMOTE6  "2001:db8:9::1"
#define SL_ROWS(of) (sizeof(of) / sizeof(*(of)))

static inline int sl_setup_xdp(void **state)
{
	*state = sl_shield_open(SL_SHIELD_XDP);
	return 0;
}

static inline int sl_setup_tc(void **state)
{
	*state = sl_shield_open(SL_SHIELD_TC);
	return 0;
}

static inline int sl_teardown(void **state)
{
	sl_shield_close(*state);
	return 0;
}

/* As new, and SL_LOCAL4 and SL_LOCAL6 are SL_TENANT's, without limits. */
static inline int sl_setup_world(void **state)
{
	sl_shield_reset(*state);
	sl_shield_protect(*state, 0, SL_TENANT);
	return 0;
}
