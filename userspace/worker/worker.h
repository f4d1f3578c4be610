/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice-worker: takes assignments, runs them, reports results.
 *
 * Thread: one; handlers run in threads of their own (pool.h).
 */
#pragma once

#include "userspace/conf/program.h"
#include "userspace/obs/log.h"

struct sl_worker;

/* -EINVAL: the configuration; else why. Both were logged. */
int sl_worker_start(struct sl_worker **ret, const struct sl_program_options *options,
		    struct sl_log *log);
/* Until it was told to end and has drained. */
int sl_worker_run(struct sl_worker *worker);
/* -EBUSY: a handler does not come back; nothing was freed, and the process should end. */
int sl_worker_free(struct sl_worker *worker);
