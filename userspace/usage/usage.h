/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice-usage: usage events from the stream into the ledger, each once.
 *
 * Thread: one.
 */
#pragma once

#include "userspace/conf/program.h"
#include "userspace/obs/log.h"

struct sl_usage;

/* -EINVAL: the configuration; else why. Both were logged. */
int sl_usage_start(struct sl_usage **ret, const struct sl_program_options *options,
		   struct sl_log *log);
/* Until it was told to end and has written what it had. */
int sl_usage_run(struct sl_usage *usage);
void sl_usage_free(struct sl_usage *usage);
