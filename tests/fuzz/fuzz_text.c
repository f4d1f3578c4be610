// SPDX-License-Identifier: Apache-2.0
/* Every parser of text.h, and that of backoff.h, on any text; what one accepts reads back
 * the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/domain/backoff.h"
#include "userspace/domain/rate.h"
#include "userspace/domain/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void try_amounts(const char *text, enum sl_unit unit)
{
	struct sl_rate_spec rate = { 0 }, again = { 0 };
	struct sl_text_error error;
	char buffer[SL_AMOUNT_BYTES];
	uint64_t value, back;

	if (sl_parse_amount(&value, text, unit, &error) == 0) {
		sl_format_amount(buffer, sizeof(buffer), value, unit);
		require(sl_parse_amount(&back, buffer, unit, NULL) == 0 && back == value);
	}
	if (sl_parse_rate(&rate, text, unit, &error) == 0) {
		sl_format_rate(buffer, sizeof(buffer), &rate, unit);
		require(sl_parse_rate(&again, buffer, unit, NULL) == 0);
		require(again.unlimited == rate.unlimited && again.per_s == rate.per_s);
		require(sl_rate_set_burst(&rate, 0, unit, &error) == 0);
	}
}

static void try_duration(const char *text)
{
	struct sl_text_error error;
	char buffer[SL_DURATION_BYTES];
	uint64_t ns, back;

	if (sl_parse_duration(&ns, text, &error) != 0)
		return;
	sl_format_duration(buffer, sizeof(buffer), ns);
	require(sl_parse_duration(&back, buffer, NULL) == 0 && back == ns);
}

static void try_backoff(const char *text)
{
	struct sl_backoff backoff;
	struct sl_text_error error;

	if (sl_backoff_parse(&backoff, text, &error) != 0)
		return;
	require(backoff.count >= 1 && backoff.count <= SL_BACKOFF_MAX);
	for (uint32_t i = 0; i < backoff.count; i++)
		require(sl_backoff_ms(&backoff, i + 1, UINT32_MAX) >= 1 &&
			backoff.delay_ms[i] <= SL_BACKOFF_MS_MAX);
}

static void try_addresses(const char *text)
{
	struct sl_prefix_spec prefix, prefix_back;
	struct sl_address address, address_back;
	struct sl_text_error error;
	char buffer[SL_PREFIX_BYTES];

	if (sl_parse_address(&address, text, &error) == 0) {
		sl_format_address(buffer, sizeof(buffer), &address);
		require(sl_parse_address(&address_back, buffer, NULL) == 0);
		require(memcmp(&address, &address_back, sizeof(address)) == 0);
	}
	if (sl_parse_prefix(&prefix, text, &error) == 0) {
		sl_format_prefix(buffer, sizeof(buffer), &prefix);
		require(sl_parse_prefix(&prefix_back, buffer, NULL) == 0);
		require(memcmp(&prefix, &prefix_back, sizeof(prefix)) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char name[SL_TENANT_NAME_BYTES], quoted[SL_QUOTE_BYTES];
	struct sl_text_error error;
	bool yes;
	int value;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';

	try_amounts(text, SL_UNIT_COUNT);
	try_amounts(text, SL_UNIT_BYTES);
	try_duration(text);
	try_backoff(text);
	try_addresses(text);
	(void)sl_parse_bool(&yes, text, &error);
	(void)sl_parse_choice(&value, text, sl_choices_protocol, &error);
	if (sl_parse_name(name, text, &error) == 0)
		require(strcmp(name, text) == 0);
	require(strlen(sl_text_quote(quoted, text)) < sizeof(quoted));
	free(text);
	return 0;
}
