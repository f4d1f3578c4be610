/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An override as JSON, in the state file and in the answer to limit.list:
 *   {"field": "ingress_packets", "tenant": "noisy", "per_s": "10k", "burst": "500"}
 *   {"field": "mode", "value": 1, "until_unix_ns": 1790000000000000000}
 *   {"field": "prefix", "prefix": "192.0.2.0/24", "value": 1}
 *
 * Thread: pure functions.
 */
#pragma once

#include <jansson.h>

#include "userspace/domain/overrides.h"

/* A new reference, or NULL when memory is out. */
json_t *sl_override_to_json(const struct sl_override *item);

/* -EINVAL, -ERANGE: @error says what. On failure @ret is untouched. */
int sl_override_from_json(struct sl_override *ret, const json_t *json, struct sl_text_error *error);
