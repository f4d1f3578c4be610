// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/drop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "userspace/cli/endpoint.h"
#include "userspace/cli/safe.h"
#include "userspace/domain/counters.h"
#include "userspace/domain/text.h"

const struct sl_column sl_drop_columns[] = {
	{ "time", "TIME", SL_KIND_TEXT, 15 },	       { "time_unix_ns", NULL, SL_KIND_PLAIN, 0 },
	{ "tenant", "TENANT", SL_KIND_TEXT, 12 },      { "reason", "REASON", SL_KIND_TEXT, 14 },
	{ "verdict", "VERDICT", SL_KIND_TEXT, 7 },     { "direction", "WAY", SL_KIND_TEXT, 7 },
	{ "interface", "INTERFACE", SL_KIND_TEXT, 9 }, { "protocol", "PROTO", SL_KIND_TEXT, 5 },
	{ "remote", "REMOTE", SL_KIND_TEXT, 21 },      { "remote_address", NULL, SL_KIND_TEXT, 0 },
	{ "remote_port", NULL, SL_KIND_PLAIN, 0 },     { "local", "LOCAL", SL_KIND_TEXT, 21 },
	{ "local_address", NULL, SL_KIND_TEXT, 0 },    { "local_port", NULL, SL_KIND_PLAIN, 0 },
	{ "tcp_flags", "FLAGS", SL_KIND_TEXT, 5 },     { "bytes", "BYTES", SL_KIND_PLAIN, 5 },
};

_Static_assert(sizeof(sl_drop_columns) / sizeof(sl_drop_columns[0]) == SL_DROP_COLUMNS,
	       "drop: a column for each cell");

const char *sl_tcp_flags_format(char *buffer, uint8_t flags)
{
	static const char letters[] = "FSRPAU";
	size_t at = 0;

	for (unsigned i = 0; letters[i]; i++)
		if (flags & 1u << i)
			buffer[at++] = letters[i];
	if (!at)
		buffer[at++] = '-';
	buffer[at] = '\0';
	return buffer;
}

void sl_drop_of_event(struct sl_drop *ret, const struct sl_event *event, int64_t wall_ns)
{
	size_t width = event->family == 4 ? 4 : 16;

	*ret = (struct sl_drop){
		.time_unix_ns = event->time_ns + (uint64_t)wall_ns,
		.reason = event->reason,
		.direction = event->direction == SL_EGRESS ? SL_EGRESS : SL_INGRESS,
		.shadow = event->shadow,
		.protocol = event->protocol,
		.tcp_flags = event->tcp_flags,
		.length_bytes = event->length_bytes,
		.parsed = event->family == 4 || event->family == 6,
		.remote_port = ntohs(event->remote_port),
		.local_port = ntohs(event->local_port),
	};
	if (!ret->parsed)
		return;
	ret->remote.family = ret->local.family = event->family;
	memcpy(ret->remote.bytes, event->remote, width);
	memcpy(ret->local.bytes, event->local, width);
}

static uint64_t number(const json_t *json, const char *key, uint64_t max)
{
	json_int_t value = json_integer_value(json_object_get(json, key));

	return value > 0 && (uint64_t)value <= max ? (uint64_t)value : 0;
}

static const char *text(const json_t *json, const char *key)
{
	const char *value = json_string_value(json_object_get(json, key));

	return value ? value : "";
}

static uint8_t protocol_called(const char *name)
{
	int protocol = 0;

	(void)sl_parse_choice(&protocol, name, sl_choices_protocol, NULL);
	return (uint8_t)protocol;
}

static uint8_t protocol_of(const json_t *json)
{
	const char *name = text(json, "protocol");

	return *name ? protocol_called(name) : (uint8_t)number(json, "protocol", 255);
}

int sl_drop_of_json(struct sl_drop *ret, const json_t *json)
{
	int reason = sl_reason_by_name(text(json, "reason"));
	struct sl_drop drop = { 0 };

	if (reason < 0)
		return -EINVAL;
	drop.reason = (uint16_t)reason;
	drop.time_unix_ns = number(json, "time_unix_ns", INT64_MAX);
	(void)sl_safe_text(drop.tenant, sizeof(drop.tenant), text(json, "tenant"), SIZE_MAX);
	(void)sl_safe_text(drop.interface, sizeof(drop.interface), text(json, "interface"),
			   SIZE_MAX);
	drop.direction = strcmp(text(json, "direction"), "egress") == 0 ? SL_EGRESS : SL_INGRESS;
	drop.shadow = json_is_true(json_object_get(json, "shadow"));
	drop.protocol = protocol_of(json);
	drop.tcp_flags = (uint8_t)number(json, "tcp_flags", 255);
	drop.length_bytes = (uint32_t)number(json, "bytes", UINT32_MAX);
	drop.parsed = !sl_parse_address(&drop.remote, text(json, "remote"), NULL) &&
		      !sl_parse_address(&drop.local, text(json, "local"), NULL);
	drop.remote_port = (uint16_t)number(json, "remote_port", 65535);
	drop.local_port = (uint16_t)number(json, "local_port", 65535);
	*ret = drop;
	return 0;
}

static bool covers(const struct sl_prefix_spec *prefix, const struct sl_address *address)
{
	unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;
	unsigned differ;

	if (prefix->address.family != address->family ||
	    memcmp(prefix->address.bytes, address->bytes, whole) != 0)
		return false;
	if (!rest)
		return true;
	differ = (unsigned)prefix->address.bytes[whole] ^ address->bytes[whole];
	return differ >> (8 - rest) == 0;
}

bool sl_drop_matches(const struct sl_drop *drop, const struct sl_drop_filter *filter)
{
	if (filter->tenant && strcmp(filter->tenant, drop->tenant) != 0)
		return false;
	if (filter->reason && filter->reason != drop->reason)
		return false;
	return !filter->has_prefix || (drop->parsed && covers(&filter->prefix, &drop->remote));
}

static void put_time(struct sl_sheet *sheet, uint64_t unix_ns)
{
	time_t seconds = (time_t)(unix_ns / 1000000000u);
	struct tm local;
	char clock[16];

	if (!localtime_r(&seconds, &local) || !strftime(clock, sizeof(clock), "%H:%M:%S", &local)) {
		sl_put_none(sheet);
		return;
	}
	sl_put_textf(sheet, "%s.%06u", clock, (unsigned)(unix_ns % 1000000000u / 1000));
}

/* As people write it, and taken apart for programs. */
static void put_endpoint(struct sl_sheet *sheet, const struct sl_drop *drop,
			 const struct sl_address *address, uint16_t port)
{
	char endpoint[SL_ENDPOINT_BYTES];

	if (!drop->parsed) {
		sl_put_none(sheet);
		sl_put_none(sheet);
		sl_put_none(sheet);
		return;
	}
	sl_put_text(sheet, sl_endpoint_format(endpoint, address, port));
	sl_put_text(sheet, sl_endpoint_format(endpoint, address, 0));
	sl_put_number(sheet, port);
}

static void put_protocol(struct sl_sheet *sheet, uint8_t protocol)
{
	const char *name = sl_choice_name(sl_choices_protocol, protocol);

	if (*name != '?')
		sl_put_text(sheet, name);
	else if (protocol)
		sl_put_textf(sheet, "%u", protocol);
	else
		sl_put_none(sheet);
}

void sl_drop_put(struct sl_sheet *sheet, const struct sl_drop *drop)
{
	const struct sl_reason_info *info = sl_reason_info(drop->reason);
	char flags[8];

	put_time(sheet, drop->time_unix_ns);
	sl_put_number(sheet, drop->time_unix_ns);
	sl_put_text(sheet, drop->tenant);
	sl_put_text(sheet, info ? info->name : "?");
	sl_put_word(sheet, drop->shadow ? "shadow" : "dropped");
	sl_shade(sheet, drop->shadow ? SL_SHADE_WARN : SL_SHADE_BAD);
	sl_put_word(sheet, drop->direction == SL_EGRESS ? "egress" : "ingress");
	if (drop->interface[0])
		sl_put_text(sheet, drop->interface);
	else
		sl_put_none(sheet);
	put_protocol(sheet, drop->protocol);
	put_endpoint(sheet, drop, &drop->remote, drop->remote_port);
	put_endpoint(sheet, drop, &drop->local, drop->local_port);
	if (drop->protocol == IPPROTO_TCP)
		sl_put_text(sheet, sl_tcp_flags_format(flags, drop->tcp_flags));
	else
		sl_put_none(sheet);
	sl_put_number(sheet, drop->length_bytes);
}
