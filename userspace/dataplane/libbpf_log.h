/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libbpf and libxdp say on a print callback what an errno does not: the verifier's
 * log, the driver's words. The callback is one for the process; here it writes into
 * a buffer of the thread, so that threads do not mix. Nobody else in the tree may
 * set it.
 *
 * Thread: any; what is captured is the calling thread's.
 */
#pragma once

#include <stddef.h>

#include "userspace/dataplane/error.h"

/* Forget what this thread captured, and capture from now on. Nothing reaches stderr. */
void sl_libbpf_log_begin(void);

/*
 * The last lines captured since, as one line: "; " between them, the noise of libbpf
 * about its own steps left out. "" when there are none. Returns @text.
 */
const char *sl_libbpf_log_tail(char *text, size_t size);

/* The kernel's or driver's own words ("Kernel error message: ..."), or "". */
const char *sl_libbpf_log_extack(char *text, size_t size);

/* As sl_dp_fail(), with the captured lines after the message. */
int sl_libbpf_fail(struct sl_dp_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
