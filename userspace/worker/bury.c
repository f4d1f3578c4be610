// SPDX-License-Identifier: Apache-2.0
#include "userspace/base/clock.h"
#include "userspace/bus/bury.h"

#include <stdio.h>

#include "userspace/worker/worker_private.h"

void sl_worker_bury(struct sl_worker *worker, struct sl_dead_letter *letter,
		    const struct sl_js_token *token)
{
	(void)snprintf(letter->original_subject, sizeof(letter->original_subject), "%s",
		       SL_SUBJECT_ASSIGN);
	letter->timestamp_ms = sl_wall_ms();
	sl_bus_bury(worker->bus, letter, (enum sl_dead_body)worker->config->dead_letter_body, token,
		    &worker->stats.dead_letter_failures_total);
}
