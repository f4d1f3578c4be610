/* SPDX-License-Identifier: Apache-2.0 */
/* What processes cost. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* CPU time of @pid and its children, of all their threads, in ns; 0: there are none. */
uint64_t sl_process_cpu_ns(pid_t pid);
