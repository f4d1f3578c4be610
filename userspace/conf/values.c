// SPDX-License-Identifier: Apache-2.0
/* The types of schema.h: each reads one scalar. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/conf/table.h"
#include "userspace/domain/text_error.h"

static int store(void *at, const struct sl_conf_field *field, uint64_t value)
{
	switch (field->size) {
	case 1:
		*(uint8_t *)at = (uint8_t)value;
		return 0;
	case 2:
		*(uint16_t *)at = (uint16_t)value;
		return 0;
	case 4:
		*(uint32_t *)at = (uint32_t)value;
		return 0;
	case 8:
		*(uint64_t *)at = value;
		return 0;
	default:
		return -EINVAL;
	}
}

static int check_range(uint64_t value, const char *text, const struct sl_conf_field *field,
		       struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];

	if (value < field->min || value > field->max)
		return sl_text_refuse(error, -ERANGE,
				      "%s is out of range; allowed: %" PRIu64 " to %" PRIu64,
				      sl_text_quote(quoted, text), field->min, field->max);
	if ((field->flags & SL_CONF_POWER_OF_TWO) && (value & (value - 1)))
		return sl_text_refuse(error, -ERANGE,
				      "%s is not a power of two; allowed: %" PRIu64 " to %" PRIu64,
				      sl_text_quote(quoted, text), field->min, field->max);
	return 0;
}

static int parse_bool(void *at, const char *text, const struct sl_conf_field *field,
		      struct sl_text_error *error)
{
	(void)field;
	return sl_parse_bool(at, text, error);
}

static int parse_choice(void *at, const char *text, const struct sl_conf_field *field,
			struct sl_text_error *error)
{
	int value;
	int err = sl_parse_choice(&value, text, field->choices, error);

	return err ? err : store(at, field, (uint64_t)value);
}

static int parse_integer(void *at, const char *text, const struct sl_conf_field *field,
			 struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];
	uint64_t value;
	int err = 0;

	if (text[strspn(text, "0123456789")] != '\0' ||
	    sl_parse_amount(&value, text, SL_UNIT_COUNT, NULL))
		return sl_text_refuse(error, -EINVAL,
				      "%s is not a whole number; allowed: %" PRIu64 " to %" PRIu64,
				      sl_text_quote(quoted, text), field->min, field->max);
	err = check_range(value, text, field, error);
	return err ? err : store(at, field, value);
}

static int parse_amount(void *at, const char *text, const struct sl_conf_field *field,
			struct sl_text_error *error)
{
	uint64_t value;
	int err = sl_parse_amount(&value, text, field->type->unit, error);

	if (!err)
		err = check_range(value, text, field, error);
	return err ? err : store(at, field, value);
}

static int parse_limit(void *at, const char *text, const struct sl_conf_field *field,
		       struct sl_text_error *error)
{
	return strcmp(text, "unlimited") == 0 ? store(at, field, 0)
					      : parse_amount(at, text, field, error);
}

static int parse_allowance(void *at, const char *text, const struct sl_conf_field *field,
			   struct sl_text_error *error)
{
	return strcmp(text, "unlimited") == 0 ? store(at, field, SL_REQUESTS_UNLIMITED)
					      : parse_amount(at, text, field, error);
}

static int parse_port(void *at, const char *text, const struct sl_conf_field *field,
		      struct sl_text_error *error)
{
	return strcmp(text, "any") == 0 ? store(at, field, 0)
					: parse_integer(at, text, field, error);
}

static int parse_vlan(void *at, const char *text, const struct sl_conf_field *field,
		      struct sl_text_error *error)
{
	if (strcmp(text, "any") == 0)
		return store(at, field, SL_VLAN_ANY);
	if (strcmp(text, "none") == 0)
		return store(at, field, SL_VLAN_NONE);
	return parse_integer(at, text, field, error);
}

static int parse_duration(void *at, const char *text, const struct sl_conf_field *field,
			  struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES], low[SL_DURATION_BYTES], high[SL_DURATION_BYTES];
	const bool never = (field->flags & SL_CONF_NEVER) != 0;
	uint64_t ns;
	int err = sl_parse_duration(&ns, text, error);

	if (err)
		return err;
	if (ns == SL_DURATION_NEVER ? !never : ns < field->min || ns > field->max)
		return sl_text_refuse(error, -ERANGE, "%s is out of range; allowed: %s to %s%s",
				      sl_text_quote(quoted, text),
				      sl_format_duration(low, sizeof(low), field->min),
				      sl_format_duration(high, sizeof(high), field->max),
				      never ? ", or never" : "");
	return store(at, field, ns);
}

/* Keeps the burst: it may have been inherited, and has a key of its own. */
static int parse_rate(void *at, const char *text, const struct sl_conf_field *field,
		      struct sl_text_error *error)
{
	struct sl_rate_spec *rate = at;
	struct sl_rate_spec given;
	int err = sl_parse_rate(&given, text, field->type->unit, error);

	if (err)
		return err;
	rate->unlimited = given.unlimited;
	rate->per_s = given.per_s;
	return 0;
}

static int parse_burst(void *at, const char *text, const struct sl_conf_field *field,
		       struct sl_text_error *error)
{
	struct sl_rate_spec *rate = at;
	uint64_t burst;
	int err = sl_parse_amount(&burst, text, field->type->unit, error);

	if (err)
		return err;
	if (burst == 0)
		return sl_text_refuse(error, -ERANGE,
				      "a burst of 0 admits nothing; to block set the rate to 0");
	rate->burst = burst;
	return 0;
}

static int parse_name(void *at, const char *text, const struct sl_conf_field *field,
		      struct sl_text_error *error)
{
	(void)field;
	return sl_parse_name(at, text, error);
}

static int parse_reference(void *at, const char *text, const struct sl_conf_field *field,
			   struct sl_text_error *error)
{
	char name[SL_TENANT_NAME_BYTES];
	int err = *text ? sl_parse_name(name, text, error) : 0;

	return err ? err : store(at, field, UINT32_MAX);
}

/* The caller has checked that it fits the member. */
static int keep_text(void *at, const char *text)
{
	memcpy(at, text, strlen(text) + 1);
	return 0;
}

static int parse_ifname(void *at, const char *text, const struct sl_conf_field *field,
			struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];
	size_t len = strlen(text);
	bool good =
		len > 0 && len < field->size && strcmp(text, ".") != 0 && strcmp(text, "..") != 0;

	for (size_t i = 0; good && i < len; i++)
		good = text[i] > ' ' && text[i] < 0x7f && text[i] != '/' && text[i] != ':';
	if (!good)
		return sl_text_refuse(error, -EINVAL,
				      "%s is not the name of an interface; allowed: 1 to %zu "
				      "characters, no space, / or :",
				      sl_text_quote(quoted, text), field->size - 1);
	return keep_text(at, text);
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

static int parse_path(void *at, const char *text, const struct sl_conf_field *field,
		      struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];

	/* Only a default is empty: nothing was chosen. */
	if (*text == '\0')
		return keep_text(at, text);
	if (text[0] != '/' || strlen(text) > field->max || has_control(text))
		return sl_text_refuse(error, -EINVAL,
				      "%s is not an absolute path of at most %" PRIu64 " bytes",
				      sl_text_quote(quoted, text), field->max);
	return keep_text(at, text);
}

/* Below the cgroup2 mount, and staying there. */
static bool is_cgroup(const char *text, uint64_t max)
{
	size_t len = strlen(text);

	if (len == 0 || len > max || text[0] == '/' || text[len - 1] == '/' || has_control(text))
		return false;
	for (const char *part = text; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (*part == '/' || (part[0] == '.' && strchr("./", part[1])))
			return false;
	}
	return true;
}

static int parse_cgroup(void *at, const char *text, const struct sl_conf_field *field,
			struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];
	char *copy;

	if (!is_cgroup(text, SL_CONFIG_PATH_BYTES - 1))
		return sl_text_refuse(error, -EINVAL,
				      "%s is not a path below the cgroup2 mount like "
				      "tenants/steady (no / at either end, no . or ..)",
				      sl_text_quote(quoted, text));
	(void)field;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	*(char **)at = copy;
	return 0;
}

static int parse_ip_text(void *at, const char *text, const struct sl_conf_field *field,
			 struct sl_text_error *error)
{
	struct sl_address address;
	int err = sl_parse_address(&address, text, error);

	if (err)
		return err;
	(void)sl_format_address(at, field->size, &address);
	return 0;
}

static int parse_address(void *at, const char *text, const struct sl_conf_field *field,
			 struct sl_text_error *error)
{
	(void)field;
	if (strcmp(text, "any") == 0) {
		*(struct sl_address *)at = (struct sl_address){ 0 };
		return 0;
	}
	return sl_parse_address(at, text, error);
}

static int parse_prefix(void *at, const char *text, const struct sl_conf_field *field,
			struct sl_text_error *error)
{
	(void)field;
	return sl_parse_prefix(at, text, error);
}

const struct sl_conf_type sl_conf_bool = { "true or false", parse_bool, 0, false };
const struct sl_conf_type sl_conf_choice = { "one of", parse_choice, 0, false };
const struct sl_conf_type sl_conf_integer = { "a whole number", parse_integer, 0, false };
const struct sl_conf_type sl_conf_count = { "an amount", parse_amount, SL_UNIT_COUNT, false };
const struct sl_conf_type sl_conf_bytes = { "an amount of bytes", parse_amount, SL_UNIT_BYTES,
					    false };
const struct sl_conf_type sl_conf_allowance = { "unlimited or an amount", parse_allowance, 0,
						false };
const struct sl_conf_type sl_conf_limit = { "unlimited or an amount", parse_limit, 0, false };
const struct sl_conf_type sl_conf_port = { "any or a whole number", parse_port, 0, false };
const struct sl_conf_type sl_conf_vlan = { "any, none or a whole number", parse_vlan, 0, false };
const struct sl_conf_type sl_conf_duration = { "a duration", parse_duration, 0, false };
const struct sl_conf_type sl_conf_rate = { "a rate", parse_rate, SL_UNIT_COUNT, false };
const struct sl_conf_type sl_conf_byte_rate = { "a rate in bytes", parse_rate, SL_UNIT_BYTES,
						false };
const struct sl_conf_type sl_conf_burst = { "a burst", parse_burst, SL_UNIT_COUNT, false };
const struct sl_conf_type sl_conf_byte_burst = { "a burst in bytes", parse_burst, SL_UNIT_BYTES,
						 false };
const struct sl_conf_type sl_conf_name = { "a name", parse_name, 0, false };
const struct sl_conf_type sl_conf_reference = { "the name of a tenant", parse_reference, 0, false };
const struct sl_conf_type sl_conf_ifname = { "the name of an interface", parse_ifname, 0, false };
const struct sl_conf_type sl_conf_path = { "an absolute path", parse_path, 0, false };
const struct sl_conf_type sl_conf_cgroup = { "a path below the cgroup2 mount", parse_cgroup, 0,
					     true };
const struct sl_conf_type sl_conf_ip_text = { "an address", parse_ip_text, 0, false };
const struct sl_conf_type sl_conf_address = { "any or an address", parse_address, 0, false };
const struct sl_conf_type sl_conf_prefix = { "a prefix", parse_prefix, 0, false };
