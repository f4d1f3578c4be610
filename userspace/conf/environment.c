// SPDX-License-Identifier: Apache-2.0
/* Variables that say what a key says. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/conf/read.h"

#define VALUE_BYTES 1024

static const char *find(char *const *environment, const char *name)
{
	const size_t length = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

/* The field at @path, "a.b.c"; *base is moved to the mapping it is in. */
static const struct sl_conf_field *field_at(char **base, const struct sl_conf_table *table,
					    const char *path)
{
	const size_t length = strcspn(path, ".");

	for (size_t i = 0; i < table->count; i++) {
		const struct sl_conf_field *field = &table->fields[i];

		if (strlen(field->key) != length || strncmp(field->key, path, length) != 0)
			continue;
		if (path[length] == '\0')
			return field->table || field->count_offset ? NULL : field;
		if (!field->table || field->count_offset)
			return NULL;
		*base += field->offset;
		return field_at(base, field->table, path + length + 1);
	}
	return NULL;
}

static int refuse(struct sl_conf_context *ctx, const char *name, const char *why)
{
	(void)snprintf(ctx->error->message, sizeof(ctx->error->message), "environment: %s: %s",
		       name, why);
	return -EINVAL;
}

static int read_variable(struct sl_conf_context *ctx, const struct sl_conf_variable *variable,
			 const char *text)
{
	char *base = ctx->filled;
	const struct sl_conf_field *field = field_at(&base, ctx->schema->root, variable->path);
	struct sl_text_error error = { "" };
	char value[VALUE_BYTES];
	int length, err;

	if (!field)
		return refuse(ctx, variable->name, "there is no such key");
	if (field->type == &sl_conf_bool && (strcmp(text, "1") == 0 || strcmp(text, "0") == 0))
		text = *text == '1' ? "true" : "false";
	length = snprintf(value, sizeof(value), "%s%s", text,
			  variable->unit && *text && isdigit((unsigned char)text[strlen(text) - 1])
				  ? variable->unit
				  : "");
	if (length < 0 || (size_t)length >= sizeof(value))
		return refuse(ctx, variable->name, "it is too long");
	err = field->type->parse(base + field->offset, value, field, &error);
	if (err == -ENOMEM)
		return err;
	return err ? refuse(ctx, variable->name, error.message) : 0;
}

int sl_conf_read_environment(struct sl_conf_context *ctx, char *const *environment)
{
	int err = 0;

	for (size_t i = 0; i < ctx->schema->variable_count && !err; i++) {
		const char *text = find(environment, ctx->schema->variables[i].name);

		/* An empty variable is as good as none. */
		if (text && *text)
			err = read_variable(ctx, &ctx->schema->variables[i], text);
	}
	return err;
}
