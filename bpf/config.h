/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Set once before the programs are loaded, then frozen: sizes of the maps and
 * the scale of the coarse clock. What changes at run time is in sl_ctl.
 */
#pragma once

#include "vmlinux.h"
#include "sluice/abi.h"

struct sl_load_config {
	__u64 tick_ns;	       /* length of a jiffy */
	__u64 clock_offset_ns; /* jiffies64 * tick_ns + this = CLOCK_MONOTONIC, modulo 2^64 */
	__u32 tenants;	       /* ids 0..tenants-1 */
	__u32 services4_mask;  /* lines of one half - 1; lines are a power of two */
	__u32 services6_mask;
	__u32 cells_mask; /* cells of one half - 1 */
};

extern const volatile struct sl_load_config sl_load;
