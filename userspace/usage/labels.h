/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names from outside as labels of metrics, so many and no more: the first come are
 * kept, all later ones are "other".
 *
 * Thread: one at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SL_LABELS_MAX	64u /* the last is "other" */
#define SL_LABELS_BYTES 129

struct sl_labels {
	char names[SL_LABELS_MAX][SL_LABELS_BYTES];
	size_t count;
};

/* 0 .. SL_LABELS_MAX - 1; longer names are cut. */
size_t sl_labels_index(struct sl_labels *labels, const char *name);
/* Of an index that was given out. */
const char *sl_labels_name(const struct sl_labels *labels, size_t index);
