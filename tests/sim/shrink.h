/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run that fails, and what of it can go: delta debugging (Zeller and Hildebrandt, 2002).
 *
 * Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SL_SHRINK_MAX 128u

/* All that can be left out, in one row: true is out. */
struct sl_shrink {
	bool *is_out[SL_SHRINK_MAX];
	size_t count;
};

/* Those of @is_out that are still in. Ends the program when there is no room. */
void sl_shrink_add(struct sl_shrink *items, bool *is_out, size_t count);

/* Leaves out what is not needed for @still_fails to say so. Returns how often it was asked. */
unsigned sl_shrink(struct sl_shrink *items, bool (*still_fails)(void *context), void *context);
