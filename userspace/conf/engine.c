// SPDX-License-Identifier: Apache-2.0
/* From a file or a text to a filled structure, or to an error and nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/conf/read.h"

static void tree_freep(struct sl_tree **tree)
{
	sl_tree_free(*tree);
}

/* ---- freeing ---------------------------------------------------------------------- */

static void clear_table(const struct sl_conf_table *table, char *base);

static void clear_field(const struct sl_conf_field *field, char *base)
{
	char *items = field->count_offset ? *(char **)(void *)(base + field->offset)
					  : base + field->offset;
	const size_t count =
		field->count_offset ? *(size_t *)(void *)(base + field->count_offset) : 1;

	for (size_t i = 0; i < count; i++)
		if (field->table)
			clear_table(field->table, items + i * field->size);
		else if (field->type->on_heap)
			free(*(char **)(void *)(items + i * field->size));
	if (field->count_offset)
		free(items);
}

static void clear_table(const struct sl_conf_table *table, char *base)
{
	for (size_t i = 0; i < table->count; i++)
		clear_field(&table->fields[i], base);
}

void sl_conf_clear(void *filled, const struct sl_conf_schema *schema)
{
	clear_table(schema->root, filled);
	memset(filled, 0, schema->size);
}

/* ---- reading ---------------------------------------------------------------------- */

static int fill(struct sl_conf_context *ctx, char *const *environment)
{
	int err = 0;

	sl_conf_set_defaults(ctx);
	if (ctx->root)
		err = sl_conf_read_tree(ctx);
	if (!err && environment)
		err = sl_conf_read_environment(ctx, environment);
	if (!err)
		err = sl_conf_complete(ctx);
	if (!err && ctx->schema->check)
		err = ctx->schema->check(ctx, ctx->filled);
	return err;
}

/* @tree NULL: there is no file. */
static int read_into(void *ret, const struct sl_conf_schema *schema, const char *name,
		     const struct sl_tree *tree, char *const *environment,
		     struct sl_conf_error *error)
{
	sl_autofree char *filled = calloc(1, schema->size);
	struct sl_conf_context ctx = {
		.name = name,
		.error = error,
		.schema = schema,
		.root = tree ? sl_tree_root(tree) : NULL,
		.filled = filled,
	};
	int err = filled ? fill(&ctx, environment) : -ENOMEM;

	if (err && filled)
		sl_conf_clear(filled, schema);
	if (err == -ENOMEM)
		(void)snprintf(error->message, sizeof(error->message), "%.128s: out of memory",
			       name);
	if (err)
		return err;
	memcpy(ret, filled, schema->size);
	return 0;
}

int sl_conf_read_text(void *ret, const struct sl_conf_schema *schema, const char *name,
		      const void *text, size_t length, char *const *environment,
		      struct sl_conf_error *error)
{
	sl_cleanup(tree_freep) struct sl_tree *tree = NULL;
	struct sl_tree_error where = { 0 };
	int err = sl_tree_parse(&tree, text, length, &where);

	if (err == -ENOMEM)
		(void)snprintf(error->message, sizeof(error->message), "%.128s: out of memory",
			       name);
	else if (err)
		(void)snprintf(error->message, sizeof(error->message), "%.128s:%u:%u: %s", name,
			       where.line, where.column, where.message);
	return err ? err : read_into(ret, schema, name, tree, environment, error);
}

static int fail_file(struct sl_conf_error *error, const char *path, int code, const char *why)
{
	(void)snprintf(error->message, sizeof(error->message), "%.256s: cannot be read: %s", path,
		       why);
	return code;
}

/* All of @fd, up to one byte more than is allowed. */
static int read_all(char **ret_text, size_t *ret_length, int fd)
{
	const size_t room = SL_TREE_BYTES_MAX + 1;
	sl_autofree char *text = malloc(room);
	size_t length = 0;

	if (!text)
		return -ENOMEM;
	while (length < room) {
		ssize_t got = read(fd, text + length, room - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	*ret_text = SL_TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

int sl_conf_read_file(void *ret, const struct sl_conf_schema *schema, const char *path,
		      char *const *environment, struct sl_conf_error *error)
{
	sl_autoclose int fd = -1;
	sl_autofree char *text = NULL;
	struct stat st;
	size_t length = 0;
	int err;

	if (!path)
		return read_into(ret, schema, "environment", NULL, environment, error);
	/* A pipe or a device must not hang the program. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st)) {
		err = -errno;
		return fail_file(error, path, err, strerrordesc_np(-err));
	}
	if (!S_ISREG(st.st_mode))
		return fail_file(error, path, -EINVAL, "it is not a regular file");
	err = read_all(&text, &length, fd);
	if (err)
		return fail_file(error, path, err, strerrordesc_np(-err));
	return sl_conf_read_text(ret, schema, path, text, length, environment, error);
}
