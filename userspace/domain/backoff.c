/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/domain/backoff.h"

#include <errno.h>
#include <string.h>

#include "userspace/domain/text_error.h"

#define ITEM_BYTES 24
#define NS_PER_MS  1000000u

static int refuse(struct sl_text_error *error, const char *text)
{
	char quoted[SL_QUOTE_BYTES];

	return sl_text_refuse(error, -EINVAL,
			      "%s is not 1 to %u delays of 1ms to 1h with commas between them",
			      sl_text_quote(quoted, text), SL_BACKOFF_MAX);
}

static int parse_delay(uint32_t *ret_ms, const char *text, size_t length)
{
	char item[ITEM_BYTES + sizeof("ms")];
	uint64_t ns;

	if (!length || length > ITEM_BYTES)
		return -EINVAL;
	memcpy(item, text, length);
	item[length] = '\0';
	if (strspn(item, "0123456789") == length)
		memcpy(item + length, "ms", sizeof("ms"));
	/* "never" is no delay: it is as long as can be. */
	if (sl_parse_duration(&ns, item, NULL) || ns < NS_PER_MS || ns % NS_PER_MS ||
	    ns / NS_PER_MS > SL_BACKOFF_MS_MAX)
		return -EINVAL;
	*ret_ms = (uint32_t)(ns / NS_PER_MS);
	return 0;
}

int sl_backoff_parse(struct sl_backoff *ret, const char *text, struct sl_text_error *error)
{
	struct sl_backoff read = { 0 };
	const char *at = text;

	for (;;) {
		const size_t length = strcspn(at, ",");

		if (read.count == SL_BACKOFF_MAX ||
		    parse_delay(&read.delay_ms[read.count++], at, length))
			return refuse(error, text);
		at += length;
		if (!*at++)
			break;
	}
	*ret = read;
	return 0;
}

struct sl_backoff sl_backoff_doubling(uint32_t first_ms)
{
	return (struct sl_backoff){ 3, { first_ms, 2 * first_ms, 4 * first_ms } };
}

uint64_t sl_backoff_ms(const struct sl_backoff *backoff, uint64_t deliveries, uint32_t random)
{
	const uint64_t last = backoff->count - 1;
	const uint64_t place = deliveries ? deliveries - 1 : 0;
	const uint64_t ms = backoff->delay_ms[place < last ? place : last];

	return ms + ms * (random % 1000) / 5000;
}
