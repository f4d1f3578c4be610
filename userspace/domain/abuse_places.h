/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places for names in a table of a fixed size that all workers share. A name lives in
 * one of a few places; when none is free, the quietest of them is given away, never
 * one that is being punished. A place begins anew with each window.
 *
 * Owner:  the memory is the caller's, zeroed at first.
 * Thread: any number of processes, without a lock. Who meets another in the moment a
 *         place changes hands or begins anew may lose a few counts.
 * Time:   CLOCK_MONOTONIC, a parameter.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SL_ABUSE_WAYS 8u

/* What every place begins with; behind it are words of 32 bits, zero in a new window. */
struct sl_abuse_place {
	uint64_t key;	   /* 0: free */
	uint64_t begin_ns; /* of the window */
	uint64_t until_ns; /* of the punishment */
	uint32_t action;   /* what it is */
	uint32_t told;	   /* bits of what was told in this window */
	uint32_t requests; /* in this window */
	uint32_t marked;   /* words or bits set behind it */
};

struct sl_abuse_table {
	void *places;
	size_t count;  /* a multiple of SL_ABUSE_WAYS */
	size_t stride; /* bytes of one place */
};

/* @key is a keyed hash, not 0. NULL when it has none. */
struct sl_abuse_place *sl_abuse_place_find(const struct sl_abuse_table *table, uint64_t key);
/* The same, in its window, made when it is new; NULL: all are taken, or another was faster. */
struct sl_abuse_place *sl_abuse_place_get(const struct sl_abuse_table *table, uint64_t key,
					  uint64_t window_ns, uint64_t now_ns);
struct sl_abuse_place *sl_abuse_place_at(const struct sl_abuse_table *table, size_t index);

/* Until when it is punished, from now; 0: it is not. */
uint64_t sl_abuse_place_left_ns(const struct sl_abuse_place *place, uint64_t now_ns);
/* One more; what is counted stays at 2^31 when it gets there. */
uint32_t sl_abuse_count(uint32_t *counter);
