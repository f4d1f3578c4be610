/* SPDX-License-Identifier: Apache-2.0 */
/*
 * router.yaml: providers and policies, and how the router does its work.
 *
 * Owner:  sl_router_settings_clear() frees the lists.
 * Thread: immutable once read.
 */
#pragma once

#include "userspace/conf/nats.h"
#include "userspace/conf/table.h"
#include "userspace/domain/backoff.h"
#include "userspace/domain/breaker.h"
#include "userspace/domain/dead_letter.h"
#include "userspace/domain/policy.h"

enum sl_router_decisions {
	SL_DECISIONS_LOCAL = 0,
	SL_DECISIONS_SHARED,
};

/* What a pool of silent workers does to requests. */
enum sl_router_fail {
	SL_FAIL_OPEN = 0,
	SL_FAIL_CLOSED
};

struct sl_router_settings {
	uint32_t version;
	struct sl_conf_nats nats;
	char metrics_address[64];
	uint16_t metrics_port; /* 0: none */
	char decide_subject[SL_POLICY_ENDPOINT_BYTES];
	char get_decision_subject[SL_POLICY_ENDPOINT_BYTES];
	uint32_t in_flight_max; /* requests whose answer waits for something */
	uint64_t retry_after_ns;
	char (*tenants)[SL_IDENTIFIER_MAX + 1]; /* allowed; none: everybody */
	size_t tenant_count;
	struct sl_policies policies;
	char default_policy[SL_POLICY_ID_BYTES];
	struct sl_breaker_limits breaker;
	uint32_t breakers_max;
	enum sl_router_decisions decisions;
	uint32_t decisions_max;
	uint64_t decisions_bytes;
	uint64_t decisions_ttl_ns;
	uint32_t sessions_max;
	char (*assignment_subjects)[SL_POLICY_ENDPOINT_BYTES];
	size_t assignment_subject_count;
	uint32_t assignments_max;
	uint64_t publish_timeout_ns;
	uint64_t result_grace_ns;
	uint64_t heartbeat_ttl_ns;
	int fail_mode; /* enum sl_router_fail */
	bool usage;
	struct sl_backoff backoff; /* of a result that could not be settled */
	enum sl_dead_body dlq_body;
	uint64_t drain_ns;
};

extern const struct sl_conf_schema sl_router_schema;

/* As sl_conf_read_file(): @path NULL is environment and defaults alone. */
int sl_router_settings_read(struct sl_router_settings *ret, const char *path,
			    char *const *environment, struct sl_conf_error *error);
void sl_router_settings_clear(struct sl_router_settings *settings);

/* May this tenant be served? */
bool sl_router_allows(const struct sl_router_settings *settings, struct sl_span tenant);
/* The subject an assignment goes to; @wanted empty: the default. NULL: not allowed. */
const char *sl_router_assignment_subject(const struct sl_router_settings *settings,
					 struct sl_span wanted);
