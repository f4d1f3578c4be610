/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last so many assignments that something was done about: a ring and a table,
 * of a fixed size. The oldest is forgotten first.
 *
 * Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_recent;

/* Remembers @count identifiers. -ENOMEM. */
int sl_recent_new(struct sl_recent **ret, uint32_t count);
void sl_recent_free(struct sl_recent *recent);
/* Known by now, also when it was before: then its value changes. */
void sl_recent_add(struct sl_recent *recent, const char *id, int value);
bool sl_recent_has(const struct sl_recent *recent, const char *id, int *ret_value);
size_t sl_recent_count(const struct sl_recent *recent);
