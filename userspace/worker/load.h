/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process uses of the machine, from /proc.
 *
 * Thread: one at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sl_load {
	uint64_t cpu_ticks; /* at the last look */
	uint64_t at_ns;
	double cpu;	    /* 0..1 of all processors, between the last two looks */
	uint64_t mem_bytes; /* resident */
	double load1;	    /* of the machine, /proc/loadavg */
};

/* -EIO: /proc says something else than expected; what could be read is filled. */
int sl_load_look(struct sl_load *load, uint64_t now_ns);

/* user + system ticks out of /proc/PID/stat, whatever the name in its brackets. -EINVAL. */
int sl_load_parse_stat(uint64_t *ret_ticks, const char *text);
