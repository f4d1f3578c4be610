// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/moment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS_PER_S  1000u
#define NS_PER_MS 1000000u
#define YEAR_MAX  9999
#define FORM_DAY  "9999-99-99"
#define FORM_TIME "9999-99-99T99:99:99Z"

/* @form with a digit wherever it has a 9. */
static bool is_formed(const char *text, const char *form)
{
	if (strlen(text) != strlen(form))
		return false;
	for (; *form; text++, form++)
		if (*form == '9' ? *text < '0' || *text > '9' : *text != *form)
			return false;
	return true;
}

static int digits(const char *text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++)
		value = value * 10 + (text[i] - '0');
	return value;
}

/* timegm() takes the 31st of February for the 3rd of March: the way back shows it. */
static int read_date(uint64_t *ret_ms, const char *text, bool has_time)
{
	struct tm given = { .tm_year = digits(text, 4) - 1900,
			    .tm_mon = digits(text + 5, 2) - 1,
			    .tm_mday = digits(text + 8, 2) };
	struct tm read;
	time_t moment;

	if (has_time) {
		given.tm_hour = digits(text + 11, 2);
		given.tm_min = digits(text + 14, 2);
		given.tm_sec = digits(text + 17, 2);
	}
	read = given;
	moment = timegm(&read);
	if (moment < 0 || read.tm_mon != given.tm_mon || read.tm_mday != given.tm_mday ||
	    read.tm_hour != given.tm_hour || read.tm_min != given.tm_min)
		return -ERANGE;
	*ret_ms = (uint64_t)moment * MS_PER_S;
	return 0;
}

int sl_parse_moment(uint64_t *ret_ms, const char *text, uint64_t now_ms,
		    struct sl_text_error *error)
{
	bool has_time = is_formed(text, FORM_TIME);
	char quoted[SL_QUOTE_BYTES];
	uint64_t ago_ns = 0;
	int err;

	if (has_time || is_formed(text, FORM_DAY)) {
		err = read_date(ret_ms, text, has_time);
	} else {
		err = sl_parse_duration(&ago_ns, text, NULL);
		if (!err && (ago_ns == SL_DURATION_NEVER || ago_ns / NS_PER_MS > now_ms))
			err = -ERANGE;
		if (!err)
			*ret_ms = now_ms - ago_ns / NS_PER_MS;
	}
	if (err && error)
		(void)snprintf(error->message, sizeof(error->message),
			       "%s is no moment: write 2026-11-24, 2026-11-24T10:30:00Z, or how "
			       "long ago as 24h or 7d",
			       sl_text_quote(quoted, text));
	return err;
}

const char *sl_format_moment(char buffer[SL_MOMENT_BYTES], uint64_t ms)
{
	time_t seconds = (time_t)(ms / MS_PER_S);
	struct tm utc;

	buffer[0] = '\0';
	if (gmtime_r(&seconds, &utc) && utc.tm_year <= YEAR_MAX - 1900)
		(void)strftime(buffer, SL_MOMENT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
	return buffer;
}
