/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/pressure_status.h"

#include "userspace/pressure/retry_after.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct read {
	char status[16];
	uint64_t retry_after_s, pending, p95_ms, in_flight;
};

static const struct sl_field fields[] = {
	{ "status", SL_FIELD_IDENTIFIER, SL_FIELD_AT(struct read, status), SL_FIELD_REQUIRED },
	{ "policy.retry_after_seconds", SL_FIELD_WHOLE, SL_FIELD_AT(struct read, retry_after_s),
	  0 },
	{ "metrics.pending_messages", SL_FIELD_WHOLE, SL_FIELD_AT(struct read, pending), 0 },
	{ "metrics.latency_p95_ms", SL_FIELD_WHOLE, SL_FIELD_AT(struct read, p95_ms), 0 },
	{ "metrics.inflight_messages", SL_FIELD_WHOLE, SL_FIELD_AT(struct read, in_flight), 0 },
};

static const char *const names[] = {
	[SL_PRESSURE_UNKNOWN] = "unknown",
	[SL_PRESSURE_INACTIVE] = "inactive",
	[SL_PRESSURE_WARNING] = "warning",
	[SL_PRESSURE_ACTIVE] = "active",
};

const char *sl_pressure_name(enum sl_pressure_level level)
{
	return names[level];
}

static int level_of(enum sl_pressure_level *ret, const char *name)
{
	for (size_t i = 0; i < COUNT(names); i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		*ret = (enum sl_pressure_level)i;
		return 0;
	}
	return -1;
}

int sl_pressure_status_read(struct sl_pressure_status *ret, struct sl_span text,
			    struct sl_fields_error *error)
{
	struct read read = { .status = "" };
	enum sl_pressure_level level;
	int r;

	if (text.length > SL_PRESSURE_BYTES_MAX)
		return sl_fields_refuse(error, "more than %u bytes", SL_PRESSURE_BYTES_MAX);
	r = sl_fields_read(&read, fields, COUNT(fields), text, error);
	if (r)
		return r;
	if (level_of(&level, read.status))
		return sl_fields_refuse(error, "status: active, warning, inactive or unknown");
	if (read.retry_after_s > SL_RETRY_AFTER_MAX_S)
		return sl_fields_refuse(error, "policy.retry_after_seconds: at most %u",
					SL_RETRY_AFTER_MAX_S);
	*ret = (struct sl_pressure_status){
		.level = level,
		.retry_after_s = (uint32_t)read.retry_after_s,
		.pending = read.pending,
		.p95_ms = read.p95_ms,
		.in_flight = read.in_flight,
	};
	return 0;
}
