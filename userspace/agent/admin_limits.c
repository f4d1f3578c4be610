// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/admin_limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/rate.h"
#include "userspace/domain/text_error.h"

static const struct {
	const char *rate;
	const char *burst;
	enum sl_override_field field;
} rates[] = {
	{ "ingress.packets_per_s", "ingress.packets_burst", SL_OVERRIDE_INGRESS_PACKETS },
	{ "ingress.bytes_per_s", "ingress.bytes_burst", SL_OVERRIDE_INGRESS_BYTES },
	{ "egress.packets_per_s", "egress.packets_burst", SL_OVERRIDE_EGRESS_PACKETS },
	{ "egress.bytes_per_s", "egress.bytes_burst", SL_OVERRIDE_EGRESS_BYTES },
	{ "new_connections_per_s", "new_connections_burst", SL_OVERRIDE_NEW_CONNECTIONS },
	{ "fragments_per_s", "fragments_burst", SL_OVERRIDE_FRAGMENTS },
	{ "safe.packets_per_s", "safe.packets_burst", SL_OVERRIDE_SAFE_PACKETS },
	{ "safe.bytes_per_s", "safe.bytes_burst", SL_OVERRIDE_SAFE_BYTES },
};

/* In the order of the fields from SL_OVERRIDE_REQUESTS_GLOBAL on. */
static const char *const request_keys[SL_REQUEST_CLASSES] = {
	[SL_REQUEST_GLOBAL] = "requests.global",
	[SL_REQUEST_ROUTES_DECIDE] = "requests.routes_decide",
	[SL_REQUEST_MESSAGES] = "requests.messages",
	[SL_REQUEST_REGISTRY_BLOCKS] = "requests.registry_blocks",
	[SL_REQUEST_COST] = "requests.cost",
};

#define RATE_COUNT (sizeof(rates) / sizeof(rates[0]))

const char *sl_admin_text(char scratch[SL_ADMIN_VALUE_BYTES], const json_t *value)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return NULL;
	(void)snprintf(scratch, SL_ADMIN_VALUE_BYTES, "%" JSON_INTEGER_FORMAT,
		       json_integer_value(value));
	return scratch;
}

/* The text of @key, or NULL with ret_err 0: absent, -EINVAL: not a text. */
static const char *text_of(int *ret_err, char scratch[SL_ADMIN_VALUE_BYTES], const json_t *set,
			   const char *key, struct sl_text_error *error)
{
	const json_t *value = json_object_get(set, key);
	const char *text;

	*ret_err = 0;
	if (!value)
		return NULL;
	text = sl_admin_text(scratch, value);
	if (!text)
		*ret_err = sl_text_refuse(error, -EINVAL, "%s: must be a text", key);
	return text;
}

static int named(struct sl_text_error *error, const struct sl_text_error *inner, int code,
		 const char *key)
{
	return code ? sl_text_refuse(error, code, "%s: %.200s", key, inner->message) : 0;
}

/* The rate of row @at, completed by its burst. 1: it was given. */
static int read_rate(struct sl_rate_spec *ret, const json_t *set, size_t at,
		     struct sl_text_error *error)
{
	enum sl_unit unit = sl_override_unit(rates[at].field);
	char scratch[SL_ADMIN_VALUE_BYTES];
	struct sl_text_error inner = { .message = "" };
	uint64_t burst = 0;
	const char *text;
	int err;

	text = text_of(&err, scratch, set, rates[at].rate, error);
	if (err)
		return err;
	if (!text)
		return json_object_get(set, rates[at].burst)
			       ? sl_text_refuse(error, -EINVAL, "%s: needs %s beside it",
						rates[at].burst, rates[at].rate)
			       : 0;
	err = sl_parse_rate(ret, text, unit, &inner);
	if (err)
		return named(error, &inner, err, rates[at].rate);
	text = text_of(&err, scratch, set, rates[at].burst, error);
	if (err)
		return err;
	if (text) {
		err = sl_parse_amount(&burst, text, unit, &inner);
		if (!err && burst == 0)
			err = sl_text_refuse(&inner, -ERANGE, "a burst of 0 admits nothing");
		if (err)
			return named(error, &inner, err, rates[at].burst);
	}
	err = sl_rate_set_burst(ret, burst, unit, &inner);
	return err ? named(error, &inner, err, text ? rates[at].burst : rates[at].rate) : 1;
}

static int read_connections(uint64_t *ret, const json_t *set, struct sl_text_error *error)
{
	char scratch[SL_ADMIN_VALUE_BYTES];
	struct sl_text_error inner;
	int err;
	const char *text = text_of(&err, scratch, set, "connections", error);

	if (!text)
		return err;
	*ret = 0;
	if (strcmp(text, "unlimited") == 0)
		return 1;
	err = sl_parse_amount(ret, text, SL_UNIT_COUNT, &inner);
	if (!err && (*ret == 0 || *ret > UINT32_MAX))
		err = sl_text_refuse(&inner, -ERANGE,
				     "out of range; allowed: unlimited, or 1 to %" PRIu32,
				     UINT32_MAX);
	return err ? named(error, &inner, err, "connections") : 1;
}

static int read_requests(uint64_t *ret, const json_t *set, const char *key,
			 struct sl_text_error *error)
{
	char scratch[SL_ADMIN_VALUE_BYTES];
	struct sl_text_error inner;
	int err;
	const char *text = text_of(&err, scratch, set, key, error);

	if (!text)
		return err;
	*ret = SL_REQUESTS_UNLIMITED;
	if (strcmp(text, "unlimited") == 0)
		return 1;
	err = sl_parse_amount(ret, text, SL_UNIT_COUNT, &inner);
	if (!err && *ret > SL_REQUESTS_MAX)
		err = sl_text_refuse(&inner, -ERANGE,
				     "out of range; allowed: unlimited, or 0 to %llu in a window",
				     SL_REQUESTS_MAX);
	return err ? named(error, &inner, err, key) : 1;
}

static int read_blocked(uint64_t *ret, const json_t *set, struct sl_text_error *error)
{
	char scratch[SL_ADMIN_VALUE_BYTES];
	struct sl_text_error inner;
	bool blocked = false;
	int err;
	const char *text = text_of(&err, scratch, set, "blocked", error);

	if (!text)
		return err;
	err = sl_parse_bool(&blocked, text, &inner);
	*ret = blocked;
	return err ? named(error, &inner, err, "blocked") : 1;
}

static struct sl_override *next(struct sl_admin_request *ret, enum sl_override_field field)
{
	struct sl_override *item = &ret->set[ret->set_count++];

	item->field = field;
	return item;
}

static bool is_known(const char *key)
{
	if (strcmp(key, "connections") == 0 || strcmp(key, "blocked") == 0)
		return true;
	for (size_t i = 0; i < RATE_COUNT; i++)
		if (strcmp(rates[i].rate, key) == 0 || strcmp(rates[i].burst, key) == 0)
			return true;
	for (size_t i = 0; i < SL_REQUEST_CLASSES; i++)
		if (strcmp(request_keys[i], key) == 0)
			return true;
	return false;
}

static int check_keys(const json_t *set, struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];
	const char *key;
	json_t *value;

	if (!json_is_object(set) || json_object_size(set) == 0)
		return sl_text_refuse(error, -EINVAL,
				      "set: must be an object like "
				      "{\"ingress.packets_per_s\": \"10k\"}");
	/* jansson's loop wants a pointer it could write through; nothing is written. */
	json_object_foreach((json_t *)(uintptr_t)set, key, value)
	{
		if (!is_known(key))
			return sl_text_refuse(error, -EINVAL, "set: %s is not a limit",
					      sl_text_quote(quoted, key));
	}
	return 0;
}

int sl_admin_read_limits(struct sl_admin_request *ret, const json_t *set,
			 struct sl_text_error *error)
{
	uint64_t value = 0;
	int got = check_keys(set, error);

	for (size_t i = 0; got >= 0 && i < RATE_COUNT; i++) {
		struct sl_rate_spec rate = { .unlimited = false };

		got = read_rate(&rate, set, i, error);
		if (got > 0)
			next(ret, rates[i].field)->rate = rate;
	}
	for (size_t i = 0; got >= 0 && i < SL_REQUEST_CLASSES; i++) {
		got = read_requests(&value, set, request_keys[i], error);
		if (got > 0)
			next(ret, SL_OVERRIDE_REQUESTS_GLOBAL + (enum sl_override_field)i)->value =
				value;
	}
	if (got >= 0)
		got = read_connections(&value, set, error);
	if (got > 0)
		next(ret, SL_OVERRIDE_CONNECTIONS)->value = value;
	if (got >= 0)
		got = read_blocked(&value, set, error);
	if (got > 0)
		next(ret, SL_OVERRIDE_BLOCKED)->value = value;
	return got < 0 ? got : 0;
}
