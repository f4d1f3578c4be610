// SPDX-License-Identifier: Apache-2.0
/* A field and, behind a newline, its value: a record is in bounds, makes terms that may be,
 * and is written as it was read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent/quota_ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void use(const struct sl_said_record *record)
{
	struct sl_terms terms = sl_terms_of(1, 5000000, 1000000);
	struct sl_said ledger = { .count = 0 };

	sl_said_apply(&terms, record, 3, record->until_ms - 1);
	require(sl_terms_check(&terms, NULL) == 0);
	require(sl_said_merge(&ledger, record) == 1);
	require(sl_said_merge(&ledger, record) == 0);
	require(sl_said_find(&ledger, record) != NULL);
	sl_said_release(&ledger);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *end = size ? memchr(text, '\n', size) : NULL;
	char field[SL_SAID_TEXT_BYTES], value[SL_SAID_TEXT_BYTES];
	struct sl_said_record record, again;
	struct sl_span of_field, of_value;

	if (!end)
		return 0;
	of_field = (struct sl_span){ text, (size_t)(end - text) };
	of_value = (struct sl_span){ end + 1, size - of_field.length - 1 };
	if (sl_said_read(&record, of_field, of_value) != 0)
		return 0;
	require(record.serial > 0 && record.rate_mu_per_s <= SL_QUOTA_RATE_MAX);
	if (record.subject == SL_SAID_LIMIT)
		use(&record);
	require(sl_said_write(&record, field, value) == 0);
	require(sl_said_read(&again, sl_span_of(field), sl_span_of(value)) == 0);
	require(memcmp(&record, &again, sizeof(record)) == 0);
	return 0;
}
