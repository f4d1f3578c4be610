// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sl_dp_fail(struct sl_dp_error *error, int code, const char *format, ...)
{
	va_list args;

	if (!error)
		return code;
	va_start(args, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return code;
}

int sl_dp_prefix(struct sl_dp_error *error, int code, const char *prefix)
{
	struct sl_dp_error inner;

	if (!error)
		return code;
	inner = *error;
	/* A message that does not fit any more loses its end, not its beginning. */
	(void)snprintf(error->message, sizeof(error->message), "%.100s: %.400s", prefix,
		       inner.message);
	return code;
}
