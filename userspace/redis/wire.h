/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command as it is sent: an array of strings of RESP2.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stddef.h>

/* The bytes that sl_redis_wire_write() writes; SIZE_MAX: more than fit a size_t. */
size_t sl_redis_wire_length(size_t argc, const size_t *lens);

void sl_redis_wire_write(char *ret, size_t argc, const char *const *argv, const size_t *lens);
