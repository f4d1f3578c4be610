// SPDX-License-Identifier: Apache-2.0
/* The tables as text: --config-help of each program, and the pages of docs/ops. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "userspace/conf/table.h"

#define PATH_BYTES 96

static void put(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(FILE *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vfprintf(out, format, args);
	va_end(args);
}

static void put_range(FILE *out, const struct sl_conf_field *field)
{
	char low[SL_DURATION_BYTES], high[SL_DURATION_BYTES];

	if (field->type == &sl_conf_duration) {
		put(out, ", %s to %s%s", sl_format_duration(low, sizeof(low), field->min),
		    sl_format_duration(high, sizeof(high), field->max),
		    field->flags & SL_CONF_NEVER ? ", or never" : "");
		return;
	}
	if (field->max == 0 || field->count_offset)
		return;
	if (field->type == &sl_conf_path)
		put(out, " of at most %" PRIu64 " bytes", field->max);
	else
		put(out, field->min == field->max ? ", %" PRIu64 : ", %" PRIu64 " to %" PRIu64,
		    field->min, field->max);
	if (field->flags & SL_CONF_POWER_OF_TWO)
		put(out, ", a power of two");
}

static void put_value(FILE *out, const char *path, const struct sl_conf_field *field)
{
	char choices[SL_CHOICES_BYTES];

	put(out, "- `%s%s%s`%s: %s", path, *path ? "." : "", field->key,
	    field->count_offset ? " (list)" : "", field->type->name);
	if (field->choices)
		put(out, "%s %s", field->type == &sl_conf_choice ? "" : ", scheme",
		    sl_choice_list(choices, sizeof(choices), field->choices));
	put_range(out, field);
	if (field->count_offset)
		put(out, "; at most %" PRIu64, field->max);
	if (field->flags & SL_CONF_REQUIRED)
		put(out, "; **required**");
	else if (field->fallback && *field->fallback)
		put(out, "; default `%s`", field->fallback);
	put(out, ". %s\n", field->help);
}

/* The table the items of a list begin as a copy of; NULL: none. */
static const struct sl_conf_field *template_of(const struct sl_conf_table *root,
					       const struct sl_conf_field *field)
{
	for (size_t i = 0; field->flags & SL_CONF_TEMPLATE && i < root->count; i++)
		if (root->fields[i].flags & SL_CONF_RAW &&
		    root->fields[i].offset == field->template_offset)
			return &root->fields[i];
	return NULL;
}

static bool is_inherited(const struct sl_conf_field *template, const struct sl_conf_field *field)
{
	for (size_t i = 0; template && i < template->table->count; i++)
		if (strcmp(template->table->fields[i].key, field->key) == 0)
			return true;
	return false;
}

/*
 * First the values, then the mappings and lists of mappings, each under its own
 * heading. What items have from a template is described there.
 */
static void put_table(FILE *out, const char *path, const struct sl_conf_table *root,
		      const struct sl_conf_table *table, const struct sl_conf_field *template)
{
	char below[PATH_BYTES];

	for (size_t i = 0; i < table->count; i++)
		if (!table->fields[i].table && !is_inherited(template, &table->fields[i]))
			put_value(out, path, &table->fields[i]);
	if (template)
		put(out, "- and every key of `%s`\n", template->key);
	for (size_t i = 0; i < table->count; i++) {
		const struct sl_conf_field *field = &table->fields[i];

		if (!field->table || is_inherited(template, field))
			continue;
		(void)snprintf(below, sizeof(below), "%s%s%s%s", path, *path ? "." : "", field->key,
			       field->count_offset ? "[]" : "");
		put(out, "\n## %s\n\n%s", below, field->table->help);
		if (field->count_offset)
			put(out, " A list of at most %" PRIu64 ".", field->max);
		put(out, "\n\n");
		put_table(out, below, root, field->table, template_of(root, field));
	}
}

static void put_variables(FILE *out, const struct sl_conf_schema *schema)
{
	if (schema->variable_count == 0)
		return;
	put(out, "\n## Environment\n\nA variable wins over the file.\n\n"
		 "| Variable | Key | Unit |\n|---|---|---|\n");
	for (size_t i = 0; i < schema->variable_count; i++)
		put(out, "| `%s` | `%s` | %s |\n", schema->variables[i].name,
		    schema->variables[i].path,
		    schema->variables[i].unit ? schema->variables[i].unit : "");
}

int sl_conf_describe_schema(FILE *out, const struct sl_conf_schema *schema)
{
	put(out, "%s", schema->intro);
	put_table(out, "", schema->root, schema->root, NULL);
	put_variables(out, schema);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
