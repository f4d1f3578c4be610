/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of bars, newest at the right, for rates that differ by thousands.
 * Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define SL_SPARK_CELLS_MAX 120u
#define SL_SPARK_BYTES	   (SL_SPARK_CELLS_MAX * 3 + 1)

/*
 * The last @cells of @count @values as bars from 0 to @top; when there are fewer
 * values than cells, the left stays blank. @top 0: the largest value shown.
 * A value above 0 is never drawn as nothing. Returns @buffer, of SL_SPARK_BYTES:
 * @cells columns of UTF-8 block characters, or of ASCII.
 */
const char *sl_spark(char *buffer, const double *values, size_t count, size_t cells, double top,
		     bool unicode);
