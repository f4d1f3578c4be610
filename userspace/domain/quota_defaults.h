/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terms of global limits where nobody says otherwise, for agents and the simulator alike.
 * docs/adr/0010-quotas-after-the-simulator.md has what each was chosen by.
 *
 * Thread: constants.
 */
#pragma once

#define SL_QUOTA_DEFAULT_TTL_S	  5 /* of a lease; twice where it is steady */
#define SL_QUOTA_DEFAULT_PERIOD_S 1 /* between two renewals */
/* Up to that for each node a limit is too small to divide. */
#define SL_QUOTA_DEFAULT_SMALL_UNITS_PER_S 20
/* What a bucket holds at the least, however small its share: two admissions of one unit. */
#define SL_QUOTA_DEFAULT_COST_UNITS 2
