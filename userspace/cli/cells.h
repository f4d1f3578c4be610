/* SPDX-License-Identifier: Apache-2.0 */
/* Cells of a sheet out of what an agent answered. What is missing is shown as nothing. */
#pragma once

#include <jansson.h>

#include "userspace/cli/sheet.h"

/* The number of @key, 0 when there is none or it is negative. */
double sl_cell_real(const json_t *json, const char *key);

void sl_put_text_of(struct sl_sheet *sheet, const json_t *json, const char *key);
void sl_put_whole_of(struct sl_sheet *sheet, const json_t *json, const char *key);
/* Of a number of seconds. */
void sl_put_time_of(struct sl_sheet *sheet, const json_t *json, const char *key);
