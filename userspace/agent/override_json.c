// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/override_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/rate.h"
#include "userspace/domain/request_rows.h"
#include "userspace/domain/text_error.h"

static int add_rate(json_t *json, const struct sl_override *item)
{
	enum sl_unit unit = sl_override_unit(item->field);
	char text[SL_AMOUNT_BYTES];
	int err = json_object_set_new(
		json, "per_s", json_string(sl_format_rate(text, sizeof(text), &item->rate, unit)));

	if (item->rate.burst)
		err |= json_object_set_new(
			json, "burst",
			json_string(sl_format_amount(text, sizeof(text), item->rate.burst, unit)));
	return err;
}

json_t *sl_override_to_json(const struct sl_override *item)
{
	json_t *json = json_object();
	char text[SL_PREFIX_BYTES];
	int err = json_object_set_new(
		json, "field", json_string(sl_choice_name(sl_choices_override, (int)item->field)));

	if (item->tenant[0])
		err |= json_object_set_new(json, "tenant", json_string(item->tenant));
	if (item->field == SL_OVERRIDE_PREFIX)
		err |= json_object_set_new(
			json, "prefix",
			json_string(sl_format_prefix(text, sizeof(text), &item->prefix)));
	if (sl_override_is_rate(item->field))
		err |= add_rate(json, item);
	else
		err |= json_object_set_new(json, "value", json_integer((json_int_t)item->value));
	if (item->until_unix_ns)
		err |= json_object_set_new(json, "until_unix_ns",
					   json_integer((json_int_t)item->until_unix_ns));
	if (!err)
		return json;
	json_decref(json);
	return NULL;
}

/* NULL: @error says that it is missing. */
static const char *text_of(const json_t *json, const char *key, struct sl_text_error *error)
{
	const char *text = json_string_value(json_object_get(json, key));

	if (!text)
		(void)sl_text_refuse(error, -EINVAL, "needs \"%s\", a text", key);
	return text;
}

static int number_of(uint64_t *ret, const json_t *json, const char *key,
		     struct sl_text_error *error)
{
	const json_t *value = json_object_get(json, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return sl_text_refuse(error, -EINVAL, "needs \"%s\", a whole number", key);
	*ret = (uint64_t)json_integer_value(value);
	return 0;
}

static int read_rate(struct sl_override *item, const json_t *json, struct sl_text_error *error)
{
	enum sl_unit unit = sl_override_unit(item->field);
	const char *text = text_of(json, "per_s", error);
	uint64_t burst = 0;
	int err = text ? sl_parse_rate(&item->rate, text, unit, error) : -EINVAL;

	if (!err && json_object_get(json, "burst")) {
		text = text_of(json, "burst", error);
		err = text ? sl_parse_amount(&burst, text, unit, error) : -EINVAL;
	}
	return err ? err : sl_rate_set_burst(&item->rate, burst, unit, error);
}

static int read_tenant(struct sl_override *item, const json_t *json, struct sl_text_error *error)
{
	const char *text = text_of(json, "tenant", error);

	if (!text)
		return -EINVAL;
	if (strcmp(text, SL_NAME_UNKNOWN) != 0)
		return sl_request_row_parse(item->tenant, text, error);
	(void)snprintf(item->tenant, sizeof(item->tenant), "%s", text);
	return 0;
}

static int read_prefix(struct sl_override *item, const json_t *json, struct sl_text_error *error)
{
	const char *text = text_of(json, "prefix", error);

	return text ? sl_parse_prefix(&item->prefix, text, error) : -EINVAL;
}

static int read_subject(struct sl_override *item, const json_t *json, struct sl_text_error *error)
{
	if (item->field == SL_OVERRIDE_MODE)
		return 0;
	if (item->field == SL_OVERRIDE_PREFIX)
		return read_prefix(item, json, error);
	return read_tenant(item, json, error);
}

int sl_override_from_json(struct sl_override *ret, const json_t *json, struct sl_text_error *error)
{
	struct sl_override item = { .value = 0 };
	const char *text = text_of(json, "field", error);
	int field = 0;
	int err = text ? sl_parse_choice(&field, text, sl_choices_override, error) : -EINVAL;

	if (err)
		return err;
	item.field = (enum sl_override_field)field;
	err = read_subject(&item, json, error);
	if (!err && sl_override_is_rate(item.field))
		err = read_rate(&item, json, error);
	else if (!err)
		err = number_of(&item.value, json, "value", error);
	if (!err && json_object_get(json, "until_unix_ns"))
		err = number_of(&item.until_unix_ns, json, "until_unix_ns", error);
	if (!err)
		*ret = item;
	return err;
}
