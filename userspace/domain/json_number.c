// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/json_scan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_MAX      9007199254740992.0 /* 2^53 */
#define EXPONENT_SAFE  200		  /* with 64 digits before it still far from 1e308 */
#define EXPONENT_SENSE 100000

static bool is_digit(const char *at, const char *end)
{
	return at < end && *at >= '0' && *at <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
	while (is_digit(at, end))
		at++;
	return at;
}

/* Of a valid number of at most SL_JSON_NUMBER_BYTES. The programs that read messages
 * stay in the C locale, so that the point is a point. */
static double to_real(struct sl_span raw)
{
	char text[SL_JSON_NUMBER_BYTES + 1];

	memcpy(text, raw.at, raw.length);
	text[raw.length] = '\0';
	return strtod(text, NULL);
}

/* Behind the exponent at @at, or NULL when it has no digits. */
static const char *skip_exponent(const char *at, const char *end, int *ret_exponent)
{
	int exponent = 0;

	at++;
	if (at < end && (*at == '+' || *at == '-'))
		at++;
	if (!is_digit(at, end))
		return NULL;
	for (; is_digit(at, end); at++)
		if (exponent < EXPONENT_SENSE)
			exponent = exponent * 10 + (*at - '0');
	*ret_exponent = exponent;
	return at;
}

int sl_json_scan_number(struct sl_json_scan *scan)
{
	const char *start = scan->at, *at = start, *end = scan->end;
	int exponent = 0;

	if (*at == '-')
		at++;
	if (!is_digit(at, end))
		return sl_json_fail(scan, at, -EINVAL, "a minus without number");
	if (*at == '0' && is_digit(at + 1, end))
		return sl_json_fail(scan, at, -EINVAL, "a number that begins with 0");
	at = skip_digits(at, end);
	if (at < end && *at == '.') {
		if (!is_digit(at + 1, end))
			return sl_json_fail(scan, at, -EINVAL, "a point without digits behind it");
		at = skip_digits(at + 1, end);
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		const char *behind = skip_exponent(at, end, &exponent);

		if (!behind)
			return sl_json_fail(scan, at, -EINVAL, "an exponent without digits");
		at = behind;
	}
	if (at - start > SL_JSON_NUMBER_BYTES)
		return sl_json_fail(scan, start, -EMSGSIZE, "a number is too long");
	if (exponent > EXPONENT_SAFE &&
	    !isfinite(to_real((struct sl_span){ start, (size_t)(at - start) })))
		return sl_json_fail(scan, start, -EINVAL, "a number is out of range");
	scan->at = at;
	return 0;
}

static bool is_number(struct sl_json_value value)
{
	return value.type == SL_JSON_NUMBER && value.raw.length &&
	       value.raw.length <= SL_JSON_NUMBER_BYTES;
}

static bool has_fraction(struct sl_span raw)
{
	for (size_t i = 0; i < raw.length; i++)
		if (raw.at[i] == '.' || raw.at[i] == 'e' || raw.at[i] == 'E')
			return true;
	return false;
}

int sl_json_integer(int64_t *ret, struct sl_json_value value)
{
	char text[SL_JSON_NUMBER_BYTES + 1];
	long long whole;
	double real;

	if (!is_number(value))
		return -EINVAL;
	if (has_fraction(value.raw)) { /* 5.0 and 1e3 are whole as well */
		real = to_real(value.raw);
		if (real != trunc(real))
			return -EINVAL;
		if (!(fabs(real) <= EXACT_MAX))
			return -ERANGE;
		*ret = (int64_t)real;
		return 0;
	}
	memcpy(text, value.raw.at, value.raw.length);
	text[value.raw.length] = '\0';
	errno = 0;
	whole = strtoll(text, NULL, 10);
	if (errno)
		return -ERANGE;
	*ret = whole;
	return 0;
}

int sl_json_real(double *ret, struct sl_json_value value)
{
	double real;

	if (!is_number(value))
		return -EINVAL;
	real = to_real(value.raw);
	if (!isfinite(real))
		return -ERANGE;
	*ret = real;
	return 0;
}

int sl_json_bool(bool *ret, struct sl_json_value value)
{
	if (value.type != SL_JSON_BOOL)
		return -EINVAL;
	*ret = value.raw.at[0] == 't';
	return 0;
}
