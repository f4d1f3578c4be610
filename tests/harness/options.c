// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "userspace/domain/text.h"

void sl_die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(SL_EXIT_USAGE);
}

uint64_t sl_option_amount(const char *name, const char *text, uint64_t min, uint64_t max)
{
	struct sl_text_error error;
	uint64_t value;

	if (sl_parse_amount(&value, text, SL_UNIT_COUNT, &error) != 0)
		sl_die("--%s: %s", name, error.message);
	if (value < min || value > max)
		sl_die("--%s: %llu to %llu", name, (unsigned long long)min,
		       (unsigned long long)max);
	return value;
}

uint64_t sl_option_duration(const char *name, const char *text)
{
	struct sl_text_error error;
	uint64_t ns;

	if (sl_parse_duration(&ns, text, &error) != 0)
		sl_die("--%s: %s", name, error.message);
	if (ns == 0 || ns > SL_RUN_NS_MAX)
		sl_die("--%s: up to %llus", name, SL_RUN_NS_MAX / 1000000000);
	return ns;
}

struct sl_address sl_option_address(const char *name, const char *text)
{
	struct sl_text_error error;
	struct sl_address address;

	if (sl_parse_address(&address, text, &error) != 0)
		sl_die("--%s: %s", name, error.message);
	return address;
}
