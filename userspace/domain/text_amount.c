// SPDX-License-Identifier: Apache-2.0
/* Amounts, rates and durations: a decimal number and a unit, in whole numbers throughout. */
#include "userspace/domain/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/text_error.h"

struct scale {
	const char *suffix;
	uint64_t factor; /* in units of 1/8 for bytes, so that a bit is whole */
};

static const struct scale counts[] = {
	{ "", 1 }, { "k", 1000 }, { "M", 1000000 }, { "G", 1000000000 }, { NULL, 0 },
};

static const struct scale bytes[] = {
	{ "", 8 },
	{ "B", 8 },
	{ "kB", 8000 },
	{ "MB", 8000000 },
	{ "GB", 8000000000 },
	{ "KiB", 8192 },
	{ "MiB", 8388608 },
	{ "GiB", 8589934592 },
	{ "bit", 1 },
	{ "kbit", 1000 },
	{ "Mbit", 1000000 },
	{ "Gbit", 1000000000 },
	{ NULL, 0 },
};

static const struct scale durations[] = {
	{ "ns", 1 },	      { "us", 1000 },	      { "ms", 1000000 },       { "s", 1000000000 },
	{ "m", 60000000000 }, { "h", 3600000000000 }, { "d", 86400000000000 }, { NULL, 0 },
};

struct decimal {
	uint64_t digits;    /* the number without its point */
	uint64_t parts;	    /* 10 ^ digits after the point */
	const char *suffix; /* what follows in the text */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* digits[.digits]; false when the text does not begin so, or has too many of them. */
static bool take_decimal(struct decimal *ret, const char *text)
{
	struct decimal d = { .parts = 1 };
	bool point = false;

	if (!is_digit(*text))
		return false;
	for (; is_digit(*text) || (*text == '.' && !point && is_digit(text[1])); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		if (__builtin_mul_overflow(d.digits, 10, &d.digits) ||
		    __builtin_add_overflow(d.digits, (uint64_t)(*text - '0'), &d.digits) ||
		    (point && __builtin_mul_overflow(d.parts, 10, &d.parts)))
			return false;
	}
	d.suffix = text;
	*ret = d;
	return true;
}

static uint64_t factor_of(const struct scale *scales, const char *suffix)
{
	for (; scales->suffix; scales++)
		if (strcmp(scales->suffix, suffix) == 0)
			return scales->factor;
	return 0;
}

/* digits * factor / (parts * divisor), which must be whole and fit. */
static int scale_up(uint64_t *ret, const struct decimal *d, uint64_t factor, uint64_t divisor)
{
	unsigned __int128 value = (unsigned __int128)d->digits * factor;
	unsigned __int128 by = (unsigned __int128)d->parts * divisor;

	if (value % by)
		return -EINVAL;
	value /= by;
	if (value > UINT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)value;
	return 0;
}

static const char *what_is_allowed(enum sl_unit unit)
{
	return unit == SL_UNIT_BYTES ? "like 1500, 10kB, 2.5MB, 64KiB or 800Mbit"
				     : "like 100, 10k, 2.5M or 1G";
}

int sl_parse_amount(uint64_t *ret, const char *text, enum sl_unit unit, struct sl_text_error *error)
{
	const struct scale *scales = unit == SL_UNIT_BYTES ? bytes : counts;
	char quoted[SL_QUOTE_BYTES];
	struct decimal d;
	uint64_t factor;
	int err;

	sl_text_quote(quoted, text);
	if (!take_decimal(&d, text))
		return sl_text_refuse(error, -EINVAL, "%s is not an amount %s", quoted,
				      what_is_allowed(unit));
	factor = factor_of(scales, d.suffix);
	if (!factor && unit == SL_UNIT_BYTES && factor_of(counts, d.suffix))
		return sl_text_refuse(error, -EINVAL, "%s: bytes or bits? write %sB or %sbit",
				      quoted, d.suffix, d.suffix);
	if (!factor)
		return sl_text_refuse(error, -EINVAL, "%s is not an amount %s", quoted,
				      what_is_allowed(unit));
	err = scale_up(ret, &d, factor, unit == SL_UNIT_BYTES ? 8 : 1);
	if (err == -EINVAL)
		return sl_text_refuse(error, err, "%s is not a whole number of %s", quoted,
				      unit == SL_UNIT_BYTES ? "bytes" : "units");
	if (err)
		return sl_text_refuse(error, err, "%s is too large", quoted);
	return 0;
}

int sl_parse_rate(struct sl_rate_spec *ret, const char *text, enum sl_unit unit,
		  struct sl_text_error *error)
{
	const uint64_t min = unit == SL_UNIT_BYTES ? SL_BYTES_PER_S_MIN : 1;
	const uint64_t max = unit == SL_UNIT_BYTES ? SL_BYTES_PER_S_MAX : SL_RATE_PER_S_MAX;
	char low[SL_AMOUNT_BYTES], high[SL_AMOUNT_BYTES], quoted[SL_QUOTE_BYTES];
	uint64_t per_s = 0;
	int err;

	if (strcmp(text, "unlimited") == 0) {
		*ret = (struct sl_rate_spec){ .unlimited = true };
		return 0;
	}
	err = sl_parse_amount(&per_s, text, unit, NULL);
	if (err == -EINVAL) {
		struct sl_text_error why;

		sl_parse_amount(&per_s, text, unit, &why);
		return sl_text_refuse(error, err, "%s; or 0 (blocked), or unlimited", why.message);
	}
	if (err || (per_s && (per_s < min || per_s > max)))
		return sl_text_refuse(
			error, -ERANGE,
			"%s per second is out of range; allowed: %s to %s, 0 (blocked), unlimited",
			sl_text_quote(quoted, text), sl_format_amount(low, sizeof(low), min, unit),
			sl_format_amount(high, sizeof(high), max, unit));
	*ret = (struct sl_rate_spec){ .per_s = per_s };
	return 0;
}

int sl_parse_duration(uint64_t *ret_ns, const char *text, struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];
	struct decimal d;
	uint64_t factor, ns;
	int err;

	if (strcmp(text, "never") == 0) {
		*ret_ns = SL_DURATION_NEVER;
		return 0;
	}
	sl_text_quote(quoted, text);
	if (!take_decimal(&d, text) || !(factor = factor_of(durations, d.suffix)))
		return sl_text_refuse(error, -EINVAL,
				      "%s is not a duration like 250ms, 30s, 5m, 1h, 1d or never",
				      quoted);
	err = scale_up(&ns, &d, factor, 1);
	if (err == -EINVAL)
		return sl_text_refuse(error, err, "%s is not a whole number of nanoseconds",
				      quoted);
	if (err || ns == 0 || ns > SL_DURATION_NS_MAX)
		return sl_text_refuse(error, -ERANGE,
				      "%s is out of range; allowed: 1ns to 3650d, or never",
				      quoted);
	*ret_ns = ns;
	return 0;
}

/* value / factor with up to three decimals, no zeros at the end. */
static void format_scaled(char *buffer, size_t size, uint64_t value, uint64_t factor,
			  const char *suffix)
{
	const unsigned int thousandths = (unsigned int)(value % factor / (factor / 1000)) % 1000;
	char decimals[8] = "";

	if (thousandths) {
		(void)snprintf(decimals, sizeof(decimals), ".%03u", thousandths);
		for (size_t end = 3; decimals[end] == '0'; end--)
			decimals[end] = '\0';
	}
	(void)snprintf(buffer, size, "%" PRIu64 "%s%s", value / factor, decimals, suffix);
}

const char *sl_format_amount(char *buffer, size_t size, uint64_t value, enum sl_unit unit)
{
	static const struct scale steps[] = { { "G", 1000000000 },
					      { "M", 1000000 },
					      { "k", 1000 } };
	char suffix[4];

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (value < steps[i].factor)
			continue;
		/* More than three decimals: all the digits are easier to read. */
		if (value % (steps[i].factor / 1000))
			break;
		(void)snprintf(suffix, sizeof(suffix), "%s%s", steps[i].suffix,
			       unit == SL_UNIT_BYTES ? "B" : "");
		format_scaled(buffer, size, value, steps[i].factor, suffix);
		return buffer;
	}
	(void)snprintf(buffer, size, "%" PRIu64 "%s", value, unit == SL_UNIT_BYTES ? "B" : "");
	return buffer;
}

const char *sl_format_rate(char *buffer, size_t size, const struct sl_rate_spec *rate,
			   enum sl_unit unit)
{
	if (!rate->unlimited)
		return sl_format_amount(buffer, size, rate->per_s, unit);
	(void)snprintf(buffer, size, "unlimited");
	return buffer;
}

const char *sl_format_duration(char *buffer, size_t size, uint64_t ns)
{
	size_t i = sizeof(durations) / sizeof(durations[0]) - 2;

	if (ns == SL_DURATION_NEVER) {
		(void)snprintf(buffer, size, "never");
		return buffer;
	}
	while (ns % durations[i].factor)
		i--;
	(void)snprintf(buffer, size, "%" PRIu64 "%s", ns / durations[i].factor,
		       durations[i].suffix);
	return buffer;
}
