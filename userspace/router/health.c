// SPDX-License-Identifier: Apache-2.0
#include "userspace/router/health.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct sl_health {
	struct sl_table *workers; /* of struct sl_worker_seen, by worker_id */
};

int sl_health_new(struct sl_health **ret, const uint64_t secret[2])
{
	sl_cleanup(sl_health_freep) struct sl_health *health = calloc(1, sizeof(*health));
	const struct sl_table_options options = {
		.entries_max = SL_WORKERS_MAX,
		.value_size = sizeof(struct sl_worker_seen),
		.secret = { secret[0], secret[1] },
	};
	int err;

	if (!health)
		return -ENOMEM;
	err = sl_table_new(&health->workers, &options);
	if (err)
		return err;
	*ret = SL_TAKE_PTR(health);
	return 0;
}

void sl_health_free(struct sl_health *health)
{
	if (!health)
		return;
	sl_table_free(health->workers);
	free(health);
}

void sl_health_freep(struct sl_health **health)
{
	sl_health_free(*health);
}

/* ---- messages ---------------------------------------------------------------------------- */

#define FIELD(path, kind, member)                                                                  \
	{                                                                                          \
		path, kind, SL_FIELD_AT(struct sl_heartbeat, member), 0                            \
	}

static const struct sl_field bare[] = {
	{ "worker_id", SL_FIELD_IDENTIFIER, SL_FIELD_AT(struct sl_heartbeat, worker_id),
	  SL_FIELD_REQUIRED },
	{ "status", SL_FIELD_IDENTIFIER, SL_FIELD_AT(struct sl_heartbeat, status),
	  SL_FIELD_REQUIRED },
	FIELD("load", SL_FIELD_AMOUNT, load),
	FIELD("resources.jobs_in_flight", SL_FIELD_WHOLE, jobs_in_flight),
	FIELD("metadata.provider_id", SL_FIELD_IDENTIFIER, provider_id),
};

int sl_heartbeat_read(struct sl_heartbeat *ret, struct sl_span text, struct sl_fields_error *error)
{
	static const char *const wanted[] = { "kind", "data" };
	struct sl_json_value found[COUNT(wanted)];
	struct sl_heartbeat heartbeat = { .worker_id = "" };
	int err;

	if (sl_json_pick(found, wanted, COUNT(wanted), text, NULL) != 0)
		return sl_fields_refuse(error, "not a JSON object");
	if (found[0].type == SL_JSON_STRING && found[1].type == SL_JSON_OBJECT)
		text = found[1].raw;
	err = sl_fields_read(&heartbeat, bare, COUNT(bare), text, error);
	if (!err)
		*ret = heartbeat;
	return err;
}

/* ---- what is known ------------------------------------------------------------------------- */

void sl_health_heard(struct sl_health *health, const struct sl_heartbeat *heartbeat,
		     uint64_t now_ns)
{
	const struct sl_span name = sl_span_of(heartbeat->worker_id);
	struct sl_worker_seen *seen =
		sl_table_put(health->workers, sl_table_key(health->workers, &name, 1), now_ns);

	seen->last = *heartbeat;
	seen->heard_ns = now_ns;
}

static void count(struct sl_provider_health *ret, const struct sl_worker_seen *seen,
		  uint64_t ttl_ns, uint64_t now_ns)
{
	if (seen->heard_ns > ret->heard_ns)
		ret->heard_ns = seen->heard_ns;
	if (now_ns > seen->heard_ns && now_ns - seen->heard_ns >= ttl_ns) {
		ret->silent++;
		return;
	}
	ret->jobs_in_flight += seen->last.jobs_in_flight;
	if (strcmp(seen->last.status, "degraded") == 0)
		ret->degraded++;
	else if (strcmp(seen->last.status, "busy") == 0)
		ret->busy++;
	else
		ret->ready++;
}

struct sl_provider_health sl_health_of(const struct sl_health *health, const char *provider,
				       uint64_t ttl_ns, uint64_t now_ns)
{
	struct sl_provider_health found = { 0 };
	const struct sl_worker_seen *seen;
	uint32_t at = 0;

	while ((seen = sl_table_next(health->workers, &at, now_ns)))
		if (!seen->last.provider_id[0] || strcmp(seen->last.provider_id, provider) == 0)
			count(&found, seen, ttl_ns, now_ns);
	return found;
}

enum sl_provider_state sl_health_state(const struct sl_provider_health *health)
{
	if (health->ready + health->busy)
		return SL_PROVIDER_READY;
	if (health->degraded)
		return SL_PROVIDER_DEGRADED;
	return health->silent ? SL_PROVIDER_DOWN : SL_PROVIDER_READY;
}

const struct sl_worker_seen *sl_health_next(struct sl_health *health, uint32_t *state)
{
	return sl_table_next(health->workers, state, 0);
}
