/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree read by the tables of schema.h, and the errors that point into it.
 * Private to conf/.
 */
#pragma once

#include "userspace/conf/table.h"
#include "userspace/conf/tree.h"

struct sl_conf_context {
	const char *name; /* of the file, for messages */
	struct sl_conf_error *error;
	const struct sl_conf_schema *schema;
	const struct sl_yaml *root; /* NULL: there is no file */
	char *filled;		    /* schema->size bytes, all zero at first */
	bool inheriting;	    /* bursts may stand without a rate: others bring theirs */
};

/*
 * Read ctx->root into ctx->filled: shapes, types, ranges, required keys. Defaults
 * come before, bursts after. -EINVAL with ctx->error filled, or -ENOMEM.
 */
void sl_conf_set_defaults(struct sl_conf_context *ctx);
int sl_conf_read_tree(struct sl_conf_context *ctx);
int sl_conf_complete(struct sl_conf_context *ctx);

/* What the variables say, over what the file says. As sl_conf_read_tree(). */
int sl_conf_read_environment(struct sl_conf_context *ctx, char *const *environment);

/* A list that was read has no two items of one name. */
int sl_conf_check_unique(struct sl_conf_context *ctx, const struct sl_yaml *list,
			 const struct sl_conf_field *field);

/* Write "FILE:LINE:COL: path.of.node: ..." and return -EINVAL. */
int sl_conf_fail(struct sl_conf_context *ctx, const struct sl_yaml *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, pointing at the node's key rather than its value. */
int sl_conf_fail_key(struct sl_conf_context *ctx, const struct sl_yaml *node, const char *format,
		     ...) __attribute__((format(printf, 3, 4)));

/* What stands there, for a message that asks for something else: `a list`, `nothing`, ... */
const char *sl_conf_found(char buffer[SL_QUOTE_BYTES], const struct sl_yaml *node);
