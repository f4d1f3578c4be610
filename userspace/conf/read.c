// SPDX-License-Identifier: Apache-2.0
#include "userspace/conf/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/rate.h"
#include "userspace/domain/text_error.h"

#define KEY_BYTES_MAX 32

static int read_mapping(struct sl_conf_context *ctx, const struct sl_yaml *node,
			const struct sl_conf_table *table, char *base);

static bool is_burst(const struct sl_conf_field *field)
{
	return field->type == &sl_conf_burst || field->type == &sl_conf_byte_burst;
}

/* ---- keys ------------------------------------------------------------------- */

/* Edits that turn @a into @b; texts of at most KEY_BYTES_MAX. */
static size_t distance(const char *a, const char *b)
{
	size_t row[KEY_BYTES_MAX + 1];
	const size_t len = strlen(b);

	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < len; j++) {
			size_t change = corner + (a[i] != b[j]);
			size_t gap = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;

			corner = row[j + 1];
			row[j + 1] = change < gap ? change : gap;
		}
	}
	return row[len];
}

static const char *nearest(const struct sl_conf_table *table, const char *key)
{
	size_t best = strlen(key) / 3 + 1;
	const char *found = NULL;

	if (strlen(key) > KEY_BYTES_MAX)
		return NULL;
	for (size_t i = 0; i < table->count; i++) {
		size_t edits = distance(key, table->fields[i].key);

		if (edits <= best) {
			best = edits - (edits > 0);
			found = table->fields[i].key;
		}
	}
	return found;
}

static int fail_unknown_key(struct sl_conf_context *ctx, const struct sl_yaml *node,
			    const struct sl_conf_table *table)
{
	const char *meant = nearest(table, node->key);
	char keys[320] = "";
	size_t at = 0;

	if (meant)
		return sl_conf_fail_key(ctx, node, "unknown key; did you mean \"%s\"?", meant);
	for (size_t i = 0; i < table->count; i++) {
		at = sl_text_append(keys, sizeof(keys), at, i ? ", " : "");
		at = sl_text_append(keys, sizeof(keys), at, table->fields[i].key);
	}
	return sl_conf_fail_key(ctx, node, "unknown key; allowed: %s", keys);
}

/* Which field each child of @node is for. */
static int match_keys(const struct sl_yaml **given, struct sl_conf_context *ctx,
		      const struct sl_yaml *node, const struct sl_conf_table *table)
{
	for (const struct sl_yaml *child = node->first; child; child = child->next) {
		size_t i = 0;

		while (i < table->count && strcmp(table->fields[i].key, child->key) != 0)
			i++;
		if (i == table->count)
			return fail_unknown_key(ctx, child, table);
		if (given[i])
			return sl_conf_fail_key(ctx, child,
						"a key for the second time; see line %u",
						given[i]->key_line);
		given[i] = child;
	}
	return 0;
}

/* ---- values ------------------------------------------------------------------ */

static int read_value(struct sl_conf_context *ctx, const struct sl_yaml *node,
		      const struct sl_conf_field *field, void *at)
{
	char quoted[SL_QUOTE_BYTES], names[SL_CHOICES_BYTES];
	struct sl_text_error error;
	int err;

	if (node->kind != SL_YAML_SCALAR || *node->text == '\0')
		return sl_conf_fail(
			ctx, node, "found %s where %s%s%s belongs", sl_conf_found(quoted, node),
			field->type->name, field->choices ? " " : "",
			field->choices ? sl_choice_list(names, sizeof(names), field->choices) : "");
	err = field->type->parse(at, node->text, field, &error);
	if (err == -ENOMEM)
		return err;
	return err ? sl_conf_fail(ctx, node, "%s", error.message) : 0;
}

/* Defaults are ours: a test reads them all, so they cannot fail here. */
static void apply_defaults(const struct sl_conf_table *table, char *base)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct sl_conf_field *field = &table->fields[i];

		if (field->count_offset)
			continue;
		if (field->table)
			apply_defaults(field->table, base + field->offset);
		else if (field->fallback)
			(void)field->type->parse(base + field->offset, field->fallback, field,
						 NULL);
	}
}

/* ---- bursts ------------------------------------------------------------------ */

/*
 * A burst goes with its rate, and either may be inherited. One that is written
 * here must fit the rate; one that is inherited gives way to a rate without bursts.
 */
static int complete_rate(struct sl_conf_context *ctx, const struct sl_yaml *mapping,
			 const struct sl_yaml *shown, const struct sl_conf_field *field,
			 struct sl_rate_spec *rate)
{
	const struct sl_yaml *node = sl_yaml_get(mapping, field->key);
	const bool has_burst = !rate->unlimited && rate->per_s > 0;
	struct sl_text_error error;

	if (!has_burst && (!node || ctx->inheriting))
		rate->burst = 0;
	if (sl_rate_set_burst(rate, rate->burst, field->type->unit, &error) == 0)
		return 0;
	if (node)
		return sl_conf_fail(ctx, node, "%s", error.message);
	return sl_conf_fail(ctx, shown, "%s: %s", field->key, error.message);
}

/* @shown stands for @node in messages when the file does not have this mapping. */
static int complete_rates(struct sl_conf_context *ctx, const struct sl_yaml *node,
			  const struct sl_yaml *shown, const struct sl_conf_table *table,
			  char *base)
{
	int err = 0;

	for (size_t i = 0; i < table->count && !err; i++) {
		const struct sl_conf_field *field = &table->fields[i];
		const struct sl_yaml *child;

		if (field->count_offset || (field->flags & SL_CONF_RAW))
			continue;
		if (field->table) {
			child = sl_yaml_get(node, field->key);
			err = complete_rates(ctx, child, child ? child : shown, field->table,
					     base + field->offset);
		} else if (is_burst(field)) {
			err = complete_rate(ctx, node, shown, field,
					    (struct sl_rate_spec *)(void *)(base + field->offset));
		}
	}
	return err;
}

/* Bad bursts in a template are its own fault, not that of the item that takes them. */
static int check_template(struct sl_conf_context *ctx, const struct sl_yaml *node,
			  const struct sl_conf_field *field, const char *base)
{
	sl_autofree char *copy = malloc(field->size);
	int err;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, base + field->offset, field->size);
	ctx->inheriting = true;
	err = complete_rates(ctx, node, node, field->table, copy);
	ctx->inheriting = false;
	return err;
}

/* ---- lists ------------------------------------------------------------------- */

static int read_item(struct sl_conf_context *ctx, const struct sl_yaml *node,
		     const struct sl_conf_field *field, char *item)
{
	int err;

	if (!field->table)
		return read_value(ctx, node, field, item);
	err = read_mapping(ctx, node, field->table, item);
	if (err)
		return err;
	if (field->table->line_offset)
		*(unsigned int *)(void *)(item + field->table->line_offset) = node->line;
	return complete_rates(ctx, node, node, field->table, item);
}

static int read_list(struct sl_conf_context *ctx, const struct sl_yaml *node,
		     const struct sl_conf_field *field, char *base)
{
	const char *template = ctx->filled + field->template_offset;
	char quoted[SL_QUOTE_BYTES];
	char *items;

	if (node->kind != SL_YAML_LIST)
		return sl_conf_fail(ctx, node, "found %s where a list belongs",
				    sl_conf_found(quoted, node));
	if (node->count > field->max)
		return sl_conf_fail(ctx, node, "%u entries; allowed: at most %llu", node->count,
				    (unsigned long long)field->max);
	if (node->count == 0)
		return 0;
	items = calloc(node->count, field->size);
	if (!items)
		return -ENOMEM;
	/* From here the config owns it, whatever happens. */
	*(void **)(void *)(base + field->offset) = items;
	*(size_t *)(void *)(base + field->count_offset) = node->count;

	for (const struct sl_yaml *child = node->first; child; child = child->next) {
		int err;

		if (field->flags & SL_CONF_TEMPLATE)
			memcpy(items, template, field->size);
		else if (field->table)
			apply_defaults(field->table, items);
		err = read_item(ctx, child, field, items);
		if (err)
			return err;
		items += field->size;
	}
	return field->flags & SL_CONF_UNIQUE ? sl_conf_check_unique(ctx, node, field) : 0;
}

/* ---- mappings ---------------------------------------------------------------- */

static int read_field(struct sl_conf_context *ctx, const struct sl_yaml *node,
		      const struct sl_conf_field *field, char *base)
{
	int err;

	if (field->count_offset)
		return read_list(ctx, node, field, base);
	if (field->table) {
		err = read_mapping(ctx, node, field->table, base + field->offset);
		return err || !(field->flags & SL_CONF_RAW)
			       ? err
			       : check_template(ctx, node, field, base);
	}
	return read_value(ctx, node, field, base + field->offset);
}

static int read_mapping(struct sl_conf_context *ctx, const struct sl_yaml *node,
			const struct sl_conf_table *table, char *base)
{
	const struct sl_yaml *given[SL_CONF_FIELDS_MAX] = { NULL };
	char quoted[SL_QUOTE_BYTES];
	int err;

	if (node->kind != SL_YAML_MAPPING)
		return sl_conf_fail(ctx, node, "found %s where a mapping belongs",
				    sl_conf_found(quoted, node));
	err = match_keys(given, ctx, node, table);
	for (size_t i = 0; i < table->count && !err; i++) {
		const struct sl_conf_field *field = &table->fields[i];

		if (given[i])
			err = read_field(ctx, given[i], field, base);
		else if (field->flags & SL_CONF_REQUIRED)
			err = sl_conf_fail(ctx, node, "needs a \"%s\": %s", field->key,
					   field->help);
	}
	return err;
}

/* A file of another version is told so first, not by its first unknown key. */
static int read_version(struct sl_conf_context *ctx, const struct sl_yaml *root)
{
	const struct sl_yaml *node = sl_yaml_get(root, "version");

	if (node && node->kind == SL_YAML_SCALAR && strcmp(node->text, "1") != 0)
		return sl_conf_fail(ctx, node, "this %s reads version 1", ctx->schema->program);
	return 0;
}

void sl_conf_set_defaults(struct sl_conf_context *ctx)
{
	apply_defaults(ctx->schema->root, ctx->filled);
}

int sl_conf_read_tree(struct sl_conf_context *ctx)
{
	int err = read_version(ctx, ctx->root);

	return err ? err : read_mapping(ctx, ctx->root, ctx->schema->root, ctx->filled);
}

int sl_conf_complete(struct sl_conf_context *ctx)
{
	return complete_rates(ctx, ctx->root, ctx->root, ctx->schema->root, ctx->filled);
}
