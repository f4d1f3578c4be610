/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workers of each provider, by what they said last. A provider of whom no worker
 * was ever heard is taken to be ready: workers that send no heartbeat work as well.
 *
 * Thread: one at a time; time is the caller's.
 */
#pragma once

#include "userspace/base/table.h"
#include "userspace/domain/fields.h"
#include "userspace/domain/route.h"

#define SL_WORKERS_MAX 4096u

struct sl_heartbeat {
	char worker_id[SL_IDENTIFIER_MAX + 1];
	char status[16]; /* ready, busy, degraded, or what a newer one says */
	char provider_id[SL_IDENTIFIER_MAX + 1]; /* metadata.provider_id; "" serves all */
	double load;
	uint64_t jobs_in_flight;
};

/* Bare, or wrapped in {version, kind, data}. -EINVAL with @error. */
int sl_heartbeat_read(struct sl_heartbeat *ret, struct sl_span text, struct sl_fields_error *error);

struct sl_health;

int sl_health_new(struct sl_health **ret, const uint64_t secret[2]);
void sl_health_free(struct sl_health *health); /* NULL is fine */
void sl_health_freep(struct sl_health **health);

void sl_health_heard(struct sl_health *health, const struct sl_heartbeat *heartbeat,
		     uint64_t now_ns);

struct sl_provider_health {
	uint32_t ready, busy, degraded, silent; /* workers */
	uint64_t heard_ns;			/* the last of them; 0: never */
	uint64_t jobs_in_flight;
};
struct sl_provider_health sl_health_of(const struct sl_health *health, const char *provider,
				       uint64_t ttl_ns, uint64_t now_ns);

/* READY, DEGRADED or DOWN. */
enum sl_provider_state sl_health_state(const struct sl_provider_health *health);

struct sl_worker_seen {
	struct sl_heartbeat last;
	uint64_t heard_ns;
};
/* From the one heard last; NULL at the end. *state begins as 0. */
const struct sl_worker_seen *sl_health_next(struct sl_health *health, uint32_t *state);
