// SPDX-License-Identifier: Apache-2.0
/* Messages: where in the file, which key, what is wrong. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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

static const struct sl_yaml *child_at(const struct sl_yaml *node, unsigned long index)
{
	const struct sl_yaml *child = node->kind == SL_YAML_LIST ? node->first : NULL;

	while (child && index--)
		child = child->next;
	return child;
}

/* The node at @path, or the deepest of those that lead to it. */
static const struct sl_yaml *resolve(const struct sl_yaml *node, const char *path)
{
	char key[64];

	while (*path) {
		const struct sl_yaml *next = NULL;
		size_t length = strcspn(path, ".[");

		if (*path == '[') {
			next = child_at(node, strtoul(path + 1, NULL, 10));
			length = strcspn(path, "]") + 1;
		} else if (length < sizeof(key)) {
			(void)snprintf(key, sizeof(key), "%.*s", (int)length, path);
			next = sl_yaml_get(node, key);
		}
		if (!next)
			return node;
		node = next;
		path += length;
		path += *path == '.';
	}
	return node;
}

int sl_conf_refuse(struct sl_conf_context *ctx, const char *path, const char *format, ...)
{
	char *message = ctx->error->message;
	const size_t size = sizeof(ctx->error->message);
	const struct sl_yaml *node = ctx->root ? resolve(ctx->root, path) : NULL;
	va_list args;
	int length;

	if (node)
		length = snprintf(message, size, "%.128s:%u:%u: %.160s: ", ctx->name, node->line,
				  node->column, path);
	else
		length = snprintf(message, size, "%.128s: %.160s: ", ctx->name, path);
	va_start(args, format);
	(void)vsnprintf(message + length, size - (size_t)length, format, args);
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
