/* SPDX-License-Identifier: Apache-2.0 */
/* Begins TCP connections for the tools. */
#pragma once

#include <stdint.h>

#include "userspace/domain/config.h"

/*
 * Begins to connect to @target; @source binds the near end, unless its family is
 * 0. The socket does not block and sends at once (TCP_NODELAY). 0, or -errno with
 * no socket left open: of socket(2), bind(2), or of connect(2) when that failed at once.
 */
int sl_tcp_connect(int *ret_fd, const struct sl_address *target, uint16_t port,
		   const struct sl_address *source);

/* What became of it, once poll(2) says POLLOUT: 0 or a positive errno. */
int sl_tcp_error(int fd);
