// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/cells.h"

#define NS_PER_S 1e9

double sl_cell_real(const json_t *json, const char *key)
{
	const double value = json_number_value(json_object_get(json, key));

	return value > 0 ? value : 0;
}

void sl_put_text_of(struct sl_sheet *sheet, const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	if (text && *text)
		sl_put_text(sheet, text);
	else
		sl_put_none(sheet);
}

void sl_put_whole_of(struct sl_sheet *sheet, const json_t *json, const char *key)
{
	sl_put_number(sheet, (uint64_t)(sl_cell_real(json, key) + 0.5));
}

void sl_put_time_of(struct sl_sheet *sheet, const json_t *json, const char *key)
{
	sl_put_number(sheet, (uint64_t)(sl_cell_real(json, key) * NS_PER_S));
}
