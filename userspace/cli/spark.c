// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/spark.h"

#include <string.h>

#define LEVELS 9u

static size_t level_of(double value, double top)
{
	double part;

	if (!(value > 0.0) || !(top > 0.0))
		return 0;
	part = value >= top ? 1.0 : value / top;
	return 1 + (size_t)(part * (LEVELS - 2) + 0.5);
}

static double largest(const double *values, size_t count)
{
	double top = 0.0;

	for (size_t i = 0; i < count; i++)
		if (values[i] > top)
			top = values[i];
	return top;
}

const char *sl_spark(char *buffer, const double *values, size_t count, size_t cells, double top,
		     bool unicode)
{
	static const char *const blocks[LEVELS] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[LEVELS] = { " ", ".", ":", "-", "=", "+", "*", "%", "#" };
	size_t at = 0, shown;

	if (cells > SL_SPARK_CELLS_MAX)
		cells = SL_SPARK_CELLS_MAX;
	shown = count < cells ? count : cells;
	if (!(top > 0.0))
		top = largest(values + (count - shown), shown);
	memset(buffer, ' ', cells - shown);
	at = cells - shown;
	for (size_t i = count - shown; i < count; i++) {
		const char *bar = (unicode ? blocks : ascii)[level_of(values[i], top)];
		size_t length = strlen(bar);

		memcpy(buffer + at, bar, length);
		at += length;
	}
	buffer[at] = '\0';
	return buffer;
}
