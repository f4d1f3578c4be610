/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's configuration file: strict YAML into struct sl_config. Every key is in
 * docs/ops/configuration.md, which sl_conf_describe() writes.
 *
 * Strict: what is unknown, doubled, of another type, out of range or at odds
 * with the rest is refused, never guessed or skipped.
 *
 * Owner:  on 0 the caller owns *ret and frees it by sl_config_free(). On
 *         failure *ret is untouched and @error says why.
 * Thread: no state.
 * Errors: -EINVAL: the content, -EFBIG: more than 16 MiB, -ENOMEM, or why the
 *         file could not be read.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "userspace/conf/table.h"
#include "userspace/domain/config.h"

int sl_conf_load(struct sl_config **ret, const char *path, struct sl_conf_error *error);

/* The same from memory; @name stands for the file in messages. */
int sl_conf_parse(struct sl_config **ret, const char *name, const void *text, size_t length,
		  struct sl_conf_error *error);

/* Every key with type, range, default and help, as Markdown. -EIO: @out failed. */
int sl_conf_describe(FILE *out);
