// SPDX-License-Identifier: Apache-2.0
/* Messages: where in the file, which key, what is wrong. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "userspace/conf/read.h"
#include "userspace/domain/text_error.h"

#define PATH_BYTES 160

static uint32_t index_of(const struct sl_yaml *node)
{
	uint32_t index = 0;

	for (const struct sl_yaml *at = node->parent->first; at != node; at = at->next)
		index++;
	return index;
}

/* "tenants[3].ingress.packets_per_s"; the depth of a tree is bounded. */
static void path_of(char buffer[PATH_BYTES], const struct sl_yaml *node)
{
	const struct sl_yaml *chain[SL_TREE_DEPTH_MAX + 1];
	char part[SL_QUOTE_BYTES];
	size_t depth = 0, at = 0;

	buffer[0] = '\0';
	for (; node->parent; node = node->parent)
		chain[depth++] = node;
	while (depth-- > 0) {
		if (!chain[depth]->key) {
			(void)snprintf(part, sizeof(part), "[%u]", index_of(chain[depth]));
		} else {
			sl_text_quote(part, chain[depth]->key);
			part[strlen(part) - 1] = '\0';
			part[0] = '.';
		}
		/* No dot in front of the first key. */
		at = sl_text_append(buffer, PATH_BYTES, at, part + (at == 0 && part[0] == '.'));
	}
}

__attribute__((format(printf, 5, 0))) static int fail_at(struct sl_conf_context *ctx,
							 const struct sl_yaml *node, uint32_t line,
							 uint32_t column, const char *format,
							 va_list args)
{
	char *message = ctx->error->message;
	const size_t size = sizeof(ctx->error->message);
	char path[PATH_BYTES];
	int len;

	path_of(path, node);
	len = snprintf(message, size, "%.128s:%u:%u: %s%s", ctx->name, line, column, path,
		       *path ? ": " : "");
	(void)vsnprintf(message + len, size - (size_t)len, format, args);
	return -EINVAL;
}

int sl_conf_fail(struct sl_conf_context *ctx, const struct sl_yaml *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_at(ctx, node, node->line, node->column, format, args);
	va_end(args);
	return -EINVAL;
}

int sl_conf_fail_key(struct sl_conf_context *ctx, const struct sl_yaml *node, const char *format,
		     ...)
{
	va_list args;

	va_start(args, format);
	fail_at(ctx, node, node->key_line, node->key_column, format, args);
	va_end(args);
	return -EINVAL;
}

const char *sl_conf_found(char buffer[SL_QUOTE_BYTES], const struct sl_yaml *node)
{
	if (node->kind == SL_YAML_LIST)
		return "a list";
	if (node->kind == SL_YAML_MAPPING)
		return "a mapping";
	return *node->text ? sl_text_quote(buffer, node->text) : "nothing";
}
