/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The router: listens on the bus, decides, assigns, follows results, meters.
 *
 * Owner:  sl_router_free(). @options and @log are borrowed.
 * Thread: one; sl_router_run() is its loop.
 */
#pragma once

#include "userspace/conf/program.h"
#include "userspace/obs/log.h"

struct sl_router;

/* -EINVAL: the configuration, which was logged. Else why it could not start. */
int sl_router_new(struct sl_router **ret, const struct sl_program_options *options,
		  struct sl_log *log);
/* Until SIGTERM or SIGINT has been served: 0. -EPROTO: decide is captured by a stream. */
int sl_router_run(struct sl_router *router);
void sl_router_free(struct sl_router *router);
