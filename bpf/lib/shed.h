/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shedding for backpressure: a level of 0..1000 permille picks flows by hash,
 * so that whole flows go and the others stay whole. Pure.
 *
 *   class                       sheds at            why
 *   new TCP connection          2 x level           cheapest to refuse, nothing is lost
 *   other protocols             level
 *   TCP with data               2 x level - 1000    from level 500 up
 *   bare ACK, FIN, RST, SYNACK  only at 1000        they end work rather than begin it
 *
 * A class that sheds later picks a subset of the flows of one that sheds earlier.
 */
#pragma once

#include "sluice/hash.h"

#define SL_SHED_ALL_PERMILLE  1000u
#define SL_SHED_DATA_PERMILLE 500u

enum sl_shed_class {
	SL_SHED_NEW_CONN = 0,
	SL_SHED_DATAGRAM,
	SL_SHED_DATA,
	SL_SHED_CONTROL,
};

/* The share of flows of class @class that is shed at @level_permille. */
static __always_inline __u32 sl_shed_share(enum sl_shed_class class, __u32 level_permille)
{
	__u32 share = level_permille;

	if (level_permille >= SL_SHED_ALL_PERMILLE)
		return SL_SHED_ALL_PERMILLE;
	if (class == SL_SHED_CONTROL)
		return 0;
	if (class == SL_SHED_NEW_CONN)
		share = 2 * level_permille;
	if (class == SL_SHED_DATA)
		share = level_permille > SL_SHED_DATA_PERMILLE
				? 2 * (level_permille - SL_SHED_DATA_PERMILLE)
				: 0;
	return share < SL_SHED_ALL_PERMILLE ? share : SL_SHED_ALL_PERMILLE;
}

/* @flow_hash: the same for both directions of a flow; its low 32 bits are used. */
static __always_inline int sl_shed_picks(__u64 flow_hash, __u32 share_permille)
{
	return (((flow_hash & 0xffffffffull) * SL_SHED_ALL_PERMILLE) >> 32) < share_permille;
}
