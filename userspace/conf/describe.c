// SPDX-License-Identifier: Apache-2.0
/* The tables as text: `sluiced --config-help` and docs/ops/configuration.md. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "userspace/conf/conf.h"
#include "userspace/conf/schema.h"

#define PATH_BYTES 96

static const char intro[] =
	"# Configuration\n"
	"\n"
	"`sluiced --config-help` prints this page; a test keeps it true. Examples:\n"
	"[protect-one-interface.yaml](../examples/protect-one-interface.yaml) and\n"
	"[full.yaml](../examples/full.yaml), which has every key.\n"
	"\n"
	"One YAML document, UTF-8, at most 16 MiB. Unknown keys, keys twice, anchors, aliases\n"
	"and tags are refused, and so is what contradicts itself; messages name file, line,\n"
	"column and key. `sluiced --check --config FILE` only looks.\n"
	"\n"
	"| Written as | Means |\n"
	"|---|---|\n"
	"| an amount | `100`, `10k`, `2.5M`, `1G`; decimal |\n"
	"| an amount of bytes | `1500`, `10kB`, `2.5MB`, `1GB`, `64KiB`, `1MiB`, `800Mbit` (bits / 8) |\n"
	"| a rate | an amount per second (1 to 100M), `unlimited`, or `0`: blocked |\n"
	"| a rate in bytes | an amount of bytes per second (1kB to 50GB = 400Gbit), `unlimited`, or `0`: blocked |\n"
	"| a burst | an amount; at most what its rate admits in a day |\n"
	"| a duration | `250ms`, `30s`, `5m`, `1h`, `1d`; where allowed `never` |\n"
	"| a prefix | `10.0.0.0/8`, `2001:db8::/32`; no host bits; a bare address is a prefix of one |\n"
	"| a name | 1 to 55 of `A-Z a-z 0-9 . _ -`, the first a letter or digit; not `unknown` |\n";

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
		put(out, " %s", sl_choice_list(choices, sizeof(choices), field->choices));
	put_range(out, field);
	if (field->count_offset)
		put(out, "; at most %" PRIu64, field->max);
	if (field->flags & SL_CONF_REQUIRED)
		put(out, "; **required**");
	else if (field->fallback && *field->fallback)
		put(out, "; default `%s`", field->fallback);
	put(out, ". %s\n", field->help);
}

static bool is_inherited(const struct sl_conf_field *field)
{
	for (size_t i = 0; i < sl_conf_defaults.count; i++)
		if (strcmp(sl_conf_defaults.fields[i].key, field->key) == 0)
			return true;
	return false;
}

/*
 * First the values, then the mappings and lists of mappings, each under its own
 * heading. What tenants have from `defaults` is described there.
 */
static void put_table(FILE *out, const char *path, const struct sl_conf_table *table)
{
	const bool tenant = table == &sl_conf_tenant;
	char below[PATH_BYTES];

	for (size_t i = 0; i < table->count; i++)
		if (!table->fields[i].table && !(tenant && is_inherited(&table->fields[i])))
			put_value(out, path, &table->fields[i]);
	if (tenant)
		put(out, "- and every key of `defaults`\n");
	for (size_t i = 0; i < table->count; i++) {
		const struct sl_conf_field *field = &table->fields[i];

		if (!field->table || (tenant && is_inherited(field)))
			continue;
		(void)snprintf(below, sizeof(below), "%s%s%s%s", path, *path ? "." : "", field->key,
			       field->count_offset ? "[]" : "");
		put(out, "\n## %s\n\n%s", below, field->table->help);
		if (field->count_offset)
			put(out, " A list of at most %" PRIu64 ".", field->max);
		put(out, "\n\n");
		put_table(out, below, field->table);
	}
}

int sl_conf_describe(FILE *out)
{
	put(out, "%s\n## The node\n\n", intro);
	put_table(out, "", &sl_conf_root);
	return fflush(out) || ferror(out) ? -EIO : 0;
}
