/* SPDX-License-Identifier: Apache-2.0 */
/* Between diff.c and diff_sets.c. Each returns 0 or -ENOMEM. */
#pragma once

#include "userspace/cli/diff.h"

/* A row, unless the two are the same; NULL: it is not there. */
void sl_diff_row(struct sl_sheet *sheet, const char *subject, const char *field, const char *maps,
		 const char *config);

int sl_diff_services(struct sl_sheet *sheet, const struct sl_diff_live *live,
		     const struct sl_plan *plan);
int sl_diff_sources(struct sl_sheet *sheet, const struct sl_diff_live *live,
		    const struct sl_plan *plan);
int sl_diff_blocks(struct sl_sheet *sheet, const struct sl_diff_live *live,
		   const struct sl_plan *plan);
