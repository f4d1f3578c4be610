/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators set at run time, kept across restarts and reboots in
 * STATE_DIR/overrides.json. It is written beside, synced and renamed: after a
 * crash the file holds the old state or the new one, whole.
 *
 * Thread: one.
 */
#pragma once

#include <stddef.h>

#include "userspace/domain/overrides.h"

#define SL_STATE_FILE	   "overrides.json"
#define SL_STATE_BYTES_MAX (4u << 20)

/* -EINVAL with @error. @ret must be empty; on failure it still is. */
int sl_state_parse(struct sl_overrides *ret, const char *bytes, size_t length,
		   struct sl_text_error *error);

/*
 * 0 also when there is no file. -EINVAL: the file makes no sense; it was moved to
 * overrides.json.bad and @error says why. Else why it could not be read.
 */
int sl_state_load(struct sl_overrides *ret, const char *state_dir, struct sl_text_error *error);

/* Makes the folder (0700) when there is none. On failure the old file stays. */
int sl_state_save(const char *state_dir, const struct sl_overrides *overrides,
		  struct sl_text_error *error);
