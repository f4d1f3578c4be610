/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One packet before the judge, as plain memory: what is given to, and comes back
 * from, the global functions of verdict.h.
 *
 * Why functions, when all else is inlined: the verifier follows every combination
 * of paths. Parsing, finding the owner and judging in one body took 760,000 of the
 * million instructions it will look at, and seconds at every start. A global
 * function is verified once, by itself, whatever its callers did. What most packets
 * take, a flood's among them, is inlined all the same: a call, and a packet that must
 * be in memory for it, cost 20 ns.
 */
#pragma once

#include "bpf/lib/parse.h"

struct sl_trial {
	struct sl_packet packet;
	__u32 tenant; /* SL_TENANT_NONE: none of our business */
	__u32 half;   /* of limits and services: the epoch when the packet came */
	__u32 ifindex;
	__u32 zero;	 /* is 0, and the verifier takes it for any number: counts begin here */
	__u8 found_by;	 /* enum sl_found_by */
	__u8 mode;	 /* enum sl_mode that applies */
	__u8 fallback;	 /* enum sl_fallback */
	__u8 lease_over; /* the fallback applies */
	__u8 shedding;
	__u8 conns_full; /* refuse it if it completes a handshake */
	__u8 proven;
	__u8 reserved;
	__u64 now_ns;	       /* of the clock that judged */
	__u64 packets_wait_cu; /* dry: until the bucket admits it; 0 = now */
	__u64 bytes_wait_cu;
};
