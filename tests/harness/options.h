/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the tools: each function returns a valid value or ends the program. */
#pragma once

#include <stdint.h>

#include "userspace/domain/config.h"

#define SL_EXIT_USAGE 2
#define SL_RUN_NS_MAX 600000000000ull /* no tool runs longer */

/* Prints "TOOL: message" and ends with SL_EXIT_USAGE. */
void sl_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* @name is the option's, without dashes, for the message. */
uint64_t sl_option_amount(const char *name, const char *text, uint64_t min, uint64_t max);
uint64_t sl_option_duration(const char *name, const char *text); /* ns, 1..SL_RUN_NS_MAX */
struct sl_address sl_option_address(const char *name, const char *text);
