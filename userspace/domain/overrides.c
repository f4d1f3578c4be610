// SPDX-License-Identifier: Apache-2.0
/* The list of overrides; overrides_apply.c puts it on a configuration. */
#include "userspace/domain/overrides.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/domain/prefix.h"
#include "userspace/domain/rate.h"
#include "userspace/domain/request_rows.h"
#include "userspace/domain/text_error.h"

const struct sl_choice sl_choices_override[] = {
	{ "ingress_packets", SL_OVERRIDE_INGRESS_PACKETS },
	{ "ingress_bytes", SL_OVERRIDE_INGRESS_BYTES },
	{ "egress_packets", SL_OVERRIDE_EGRESS_PACKETS },
	{ "egress_bytes", SL_OVERRIDE_EGRESS_BYTES },
	{ "new_connections", SL_OVERRIDE_NEW_CONNECTIONS },
	{ "fragments", SL_OVERRIDE_FRAGMENTS },
	{ "safe_packets", SL_OVERRIDE_SAFE_PACKETS },
	{ "safe_bytes", SL_OVERRIDE_SAFE_BYTES },
	{ "connections", SL_OVERRIDE_CONNECTIONS },
	{ "blocked", SL_OVERRIDE_BLOCKED },
	{ "tenant_mode", SL_OVERRIDE_TENANT_MODE },
	{ "mode", SL_OVERRIDE_MODE },
	{ "prefix", SL_OVERRIDE_PREFIX },
	{ "requests_global", SL_OVERRIDE_REQUESTS_GLOBAL },
	{ "requests_routes_decide", SL_OVERRIDE_REQUESTS_ROUTES_DECIDE },
	{ "requests_messages", SL_OVERRIDE_REQUESTS_MESSAGES },
	{ "requests_registry_blocks", SL_OVERRIDE_REQUESTS_REGISTRY_BLOCKS },
	{ "requests_cost", SL_OVERRIDE_REQUESTS_COST },
	{ NULL, 0 },
};

bool sl_override_is_rate(enum sl_override_field field)
{
	return field <= SL_OVERRIDE_SAFE_BYTES;
}

bool sl_override_is_requests(enum sl_override_field field)
{
	return field >= SL_OVERRIDE_REQUESTS_GLOBAL && field <= SL_OVERRIDE_REQUESTS_COST;
}

enum sl_unit sl_override_unit(enum sl_override_field field)
{
	return field == SL_OVERRIDE_INGRESS_BYTES || field == SL_OVERRIDE_EGRESS_BYTES ||
			       field == SL_OVERRIDE_SAFE_BYTES
		       ? SL_UNIT_BYTES
		       : SL_UNIT_COUNT;
}

static bool is_of_node(enum sl_override_field field)
{
	return field == SL_OVERRIDE_MODE || field == SL_OVERRIDE_PREFIX;
}

/* Tenant 0 has no lease, no count of connections, and is denied by its policy. */
static bool unknown_has(enum sl_override_field field)
{
	return field <= SL_OVERRIDE_FRAGMENTS || field == SL_OVERRIDE_TENANT_MODE;
}

void sl_overrides_release(struct sl_overrides *overrides)
{
	free(overrides->at);
	*overrides = (struct sl_overrides){ 0 };
}

/* ---- one item, checked --------------------------------------------------------------- */

static int check_tenant(struct sl_override *checked, const struct sl_override *item,
			struct sl_text_error *error)
{
	char name[SL_TENANT_NAME_BYTES + 1] = "";

	memcpy(name, item->tenant, sizeof(item->tenant));
	if (strcmp(name, SL_NAME_UNKNOWN) != 0)
		return sl_request_row_parse(checked->tenant, name, error) ? -EINVAL : 0;
	if (!unknown_has(item->field))
		return sl_text_refuse(error, -EINVAL, "\"%s\" has no %s", SL_NAME_UNKNOWN,
				      sl_choice_name(sl_choices_override, (int)item->field));
	memcpy(checked->tenant, SL_NAME_UNKNOWN, sizeof(SL_NAME_UNKNOWN));
	return 0;
}

static int check_prefix(struct sl_override *checked, const struct sl_override *item,
			struct sl_text_error *error)
{
	char text[SL_PREFIX_BYTES];
	uint8_t family = item->prefix.address.family;

	if ((family != 4 && family != 6) || item->prefix.bits > (family == 4 ? 32 : 128))
		return sl_text_refuse(error, -EINVAL, "not a prefix of IPv4 or IPv6");
	sl_format_prefix(text, sizeof(text), &item->prefix);
	return sl_parse_prefix(&checked->prefix, text, error) ? -EINVAL : 0;
}

static int check_rate(struct sl_override *checked, const struct sl_override *item,
		      struct sl_text_error *error)
{
	const enum sl_unit unit = sl_override_unit(item->field);
	char text[SL_AMOUNT_BYTES];
	int err;

	sl_format_rate(text, sizeof(text), &item->rate, unit);
	err = sl_parse_rate(&checked->rate, text, unit, error);
	return err ? err : sl_rate_set_burst(&checked->rate, item->rate.burst, unit, error);
}

static int check_value(struct sl_override *checked, const struct sl_override *item,
		       struct sl_text_error *error)
{
	uint64_t max = 1;

	if (item->field == SL_OVERRIDE_CONNECTIONS)
		max = UINT32_MAX;
	if (item->field == SL_OVERRIDE_MODE || item->field == SL_OVERRIDE_TENANT_MODE)
		max = SL_MODE_OFF;
	if (sl_override_is_requests(item->field))
		max = item->value == SL_REQUESTS_UNLIMITED ? item->value : SL_REQUESTS_MAX;
	if (item->value > max)
		return sl_text_refuse(error, -EINVAL, "%s is out of range; allowed: 0 to %" PRIu64,
				      sl_choice_name(sl_choices_override, (int)item->field), max);
	checked->value = item->value;
	return 0;
}

/* @checked: zeroed; gets what the field uses of @item, and nothing else. */
static int check(struct sl_override *checked, const struct sl_override *item,
		 struct sl_text_error *error)
{
	int err = 0;

	if ((unsigned)item->field >= SL_OVERRIDE_FIELDS_)
		return sl_text_refuse(error, -EINVAL, "no such field: %u", (unsigned)item->field);
	checked->field = item->field;
	checked->until_unix_ns = item->until_unix_ns;
	if (!is_of_node(item->field))
		err = check_tenant(checked, item, error);
	if (!err && item->field == SL_OVERRIDE_PREFIX)
		err = check_prefix(checked, item, error);
	if (err)
		return err;
	return sl_override_is_rate(item->field) ? check_rate(checked, item, error)
						: check_value(checked, item, error);
}

/* ---- the list -------------------------------------------------------------------------- */

static bool is_same_prefix(const struct sl_prefix_spec *a, const struct sl_prefix_spec *b)
{
	const union sl_prefix_key x = sl_prefix_key_of(a), y = sl_prefix_key_of(b);

	return a->address.family == b->address.family && sl_prefix_compare(&x, &y) == 0;
}

static bool is_same_subject(const struct sl_override *a, const struct sl_override *b)
{
	if (a->field != b->field)
		return false;
	if (a->field == SL_OVERRIDE_PREFIX)
		return is_same_prefix(&a->prefix, &b->prefix);
	return a->field == SL_OVERRIDE_MODE ||
	       strncmp(a->tenant, b->tenant, sizeof(a->tenant)) == 0;
}

const struct sl_override *sl_overrides_find(const struct sl_overrides *overrides,
					    const struct sl_override *item)
{
	for (size_t i = 0; i < overrides->count; i++)
		if (is_same_subject(&overrides->at[i], item))
			return &overrides->at[i];
	return NULL;
}

int sl_overrides_set(struct sl_overrides *overrides, const struct sl_override *item,
		     struct sl_text_error *error)
{
	struct sl_override checked = { 0 };
	const struct sl_override *old;
	struct sl_override *grown;
	int err = check(&checked, item, error);

	if (err)
		return err;
	old = sl_overrides_find(overrides, &checked);
	if (old) {
		overrides->at[old - overrides->at] = checked;
		return 0;
	}
	if (overrides->count == SL_OVERRIDES_MAX)
		return sl_text_refuse(error, -ENOSPC,
				      "there are %u overrides already: clear some, or write them "
				      "into the configuration",
				      SL_OVERRIDES_MAX);
	grown = reallocarray(overrides->at, overrides->count + 1, sizeof(*grown));
	if (!grown)
		return sl_text_refuse(error, -ENOMEM, "out of memory");
	grown[overrides->count++] = checked;
	overrides->at = grown;
	return 0;
}

static void remove_at(struct sl_overrides *overrides, size_t index)
{
	overrides->count--;
	memmove(&overrides->at[index], &overrides->at[index + 1],
		(overrides->count - index) * sizeof(*overrides->at));
}

int sl_overrides_clear(struct sl_overrides *overrides, const struct sl_override *item)
{
	const struct sl_override *old = sl_overrides_find(overrides, item);

	if (!old)
		return -ENOENT;
	remove_at(overrides, (size_t)(old - overrides->at));
	return 0;
}

size_t sl_overrides_clear_tenant(struct sl_overrides *overrides, const char *tenant)
{
	size_t kept = 0, count = overrides->count;

	for (size_t i = 0; i < count; i++) {
		const struct sl_override *item = &overrides->at[i];

		if (is_of_node(item->field) || strcmp(item->tenant, tenant) != 0)
			overrides->at[kept++] = *item;
	}
	overrides->count = kept;
	return count - kept;
}

uint64_t sl_overrides_expire(struct sl_overrides *overrides, uint64_t now_unix_ns)
{
	uint64_t next_ns = 0;
	size_t kept = 0;

	for (size_t i = 0; i < overrides->count; i++) {
		const struct sl_override *item = &overrides->at[i];

		if (item->until_unix_ns && item->until_unix_ns <= now_unix_ns)
			continue;
		if (item->until_unix_ns && (!next_ns || item->until_unix_ns < next_ns))
			next_ns = item->until_unix_ns;
		overrides->at[kept++] = *item;
	}
	overrides->count = kept;
	return next_ns;
}
