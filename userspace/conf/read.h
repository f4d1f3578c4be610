/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree read by the tables of schema.h, and the errors that point into it.
 * Private to conf/.
 */
#pragma once

#include "userspace/conf/conf.h"
#include "userspace/conf/schema.h"
#include "userspace/conf/tree.h"

struct sl_conf_context {
	const char *name; /* of the file, for messages */
	struct sl_conf_error *error;
	struct sl_conf_draft *draft;
	bool inheriting; /* bursts may stand without a rate: others bring theirs */
};

/*
 * Read @mapping into @draft: shapes, types, ranges, defaults, required keys and
 * bursts. -EINVAL and -ERANGE with ctx->error filled, or -ENOMEM.
 */
int sl_conf_read(struct sl_conf_context *ctx, const struct sl_yaml *root);

/* Write "FILE:LINE:COL: path.of.node: ..." and return -EINVAL. */
int sl_conf_fail(struct sl_conf_context *ctx, const struct sl_yaml *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, pointing at the node's key rather than its value. */
int sl_conf_fail_key(struct sl_conf_context *ctx, const struct sl_yaml *node, const char *format,
		     ...) __attribute__((format(printf, 3, 4)));

/* What stands there, for a message that asks for something else: `a list`, `nothing`, ... */
const char *sl_conf_found(char buffer[SL_QUOTE_BYTES], const struct sl_yaml *node);

/* What does not fit the draft's tables: names, doubles, sizes, leases. As sl_conf_read(). */
int sl_conf_check(struct sl_conf_context *ctx, const struct sl_yaml *root);
