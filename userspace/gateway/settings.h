/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gateway is told: gateway.yaml, and over it the environment names of the
 * contract (1.8). Plain data, the same for all workers; the tables are in
 * settings_tables.c, every key in docs/ops/gateway-configuration.md.
 *
 * Owner:  sl_settings_free() frees it.
 * Thread: immutable once loaded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sluice/envelope.h"
#include "userspace/conf/nats.h"
#include "userspace/domain/abuse.h"
#include "userspace/domain/redis_spec.h"
#include "userspace/gateway/route.h"
#include "userspace/gateway/window.h"
#include "userspace/redis/uri.h"

#define SL_SETTINGS_TEXT_BYTES 256
#define SL_SETTINGS_URI_BYTES  768
#define SL_SETTINGS_NAMES_MAX  64
#define SL_SETTINGS_PLANS_MAX  64
#define SL_SETTINGS_PLAN_BYTES 32
#define SL_SETTINGS_NAME_BYTES (SL_IDENTIFIER_MAX + 1)

/* Requests in a window, by class; 0: unlimited. A credential may name one. */
struct sl_plan {
	char name[SL_SETTINGS_PLAN_BYTES]; /* "" of the default */
	uint64_t requests[SL_CLASSES];
	int criticality; /* enum sl_criticality: requests of its credentials are no more */
	unsigned int line;
};

struct sl_settings_name {
	char text[SL_SETTINGS_NAME_BYTES];
};

struct sl_settings {
	uint32_t version;

	struct sl_conf_nats nats;

	struct {
		char decide_subject[SL_SETTINGS_TEXT_BYTES];
		char get_decision_subject[SL_SETTINGS_TEXT_BYTES];
		uint64_t timeout_ns;
		uint32_t requests_max;		   /* in flight, of a worker */
		struct sl_settings_name *subjects; /* of assignments that a client may name */
		size_t subject_count;
	} router;

	struct {
		uint64_t body_bytes_max;
		uint64_t body_timeout_ns;
	} requests;

	struct {
		uint64_t idempotency_ttl_ns;
		uint64_t message_ttl_ns;
		uint64_t registry_bytes_max;
	} store;

	struct {
		bool required;
		char api_keys_file[SL_SETTINGS_TEXT_BYTES];
		char jwks_file[SL_SETTINGS_TEXT_BYTES];
		char issuer[SL_SETTINGS_TEXT_BYTES];   /* "": any */
		char audience[SL_SETTINGS_TEXT_BYTES]; /* "": any */
		uint64_t leeway_ns;
		char subjects_file[SL_SETTINGS_TEXT_BYTES]; /* of client certificates */
	} auth;

	struct {
		bool shadow;
		uint64_t window_ns;
		struct sl_plan plan; /* the default */
		uint64_t strangers;  /* one address without a valid credential; 0: unlimited */
		uint32_t tenants_max;
		uint32_t addresses_max;
		struct sl_plan *plans;
		size_t plan_count;
	} limits;

	/* Where the limits of tenants are counted. */
	struct {
		int enabled; /* 0: not said, 1: true, 2: false */
		int mode;    /* enum sl_window_mode + 1; 0: not said */
		bool fallback_to_local;
		char prefix[SL_WINDOW_PREFIX_BYTES];
		uint32_t requests_max;
		char uri[SL_SETTINGS_URI_BYTES]; /* "": none; wiped once it is read */
		char host[SL_SETTINGS_TEXT_BYTES];
		uint32_t port; /* 0: not said */
		struct sl_redis_spec redis;
		/* What the above comes to: */
		enum sl_window_mode in_force;
		char password[SL_REDIS_URI_PASSWORD_BYTES]; /* of the URI */
	} distributed;

	/* enum sl_criticality: what a request to such a route is at most */
	struct {
		int routes_decide;
		int messages;
	} criticality;

	struct {
		bool enabled;
		char subject[SL_SETTINGS_TEXT_BYTES];
		uint64_t interval_ns;
		uint64_t timeout_ns;
		uint32_t stale_intervals; /* without an answer: nothing is known */
		uint64_t retry_after_ns;  /* the base, where the router names none */
		double warning_factor;	  /* of limits */
		uint32_t floor;		  /* requests in a window */
		bool throttle;
		uint32_t throttle_ratio;
	} backpressure;

	struct {
		struct sl_abuse_rules rules;
		double cut_factor; /* of limits */
	} abuse;

	struct {
		char socket[SL_SETTINGS_TEXT_BYTES]; /* "": no agent, no kernel */
		bool required;			     /* not ready without it */
		uint32_t flows_max;		     /* bound connections, of a worker */
		uint32_t tenant_flows_max;	     /* the same of one tenant */
	} agent;

	struct {
		uint32_t after;	       /* refusals of one connection; 0: off */
		uint32_t tenant_after; /* of a tenant, all workers together; 0: off */
		uint64_t within_ns;
		uint64_t longest_ns;
	} escalation;

	struct {
		uint32_t count_max; /* of a worker */
		uint64_t heartbeat_ns;
		bool results;
		char result_subject[SL_SETTINGS_TEXT_BYTES];
	} streams;

	struct {
		char file[SL_SETTINGS_TEXT_BYTES]; /* "": the error log of nginx */
		int level;			   /* enum sl_log_level */
	} log;

	struct {
		struct sl_settings_name *tenants;
		size_t tenant_count;
	} metrics;
};

struct sl_settings_error {
	char message[512];
};

/*
 * The file at @path over the defaults (NULL: none), @environment over both (as environ;
 * NULL: none). -EINVAL: the content, with @error; -ENOMEM; or why it could not be read.
 */
int sl_settings_load(struct sl_settings **ret, const char *path, char *const *environment,
		     struct sl_settings_error *error);
/* The same from memory. */
int sl_settings_parse(struct sl_settings **ret, const char *name, struct sl_span text,
		      char *const *environment, struct sl_settings_error *error);
void sl_settings_free(struct sl_settings *settings);
void sl_settings_freep(struct sl_settings **settings);

/* NULL when there is none of that name; "" names the default. */
const struct sl_plan *sl_settings_plan(const struct sl_settings *settings, struct sl_span name);

/* Every key, as Markdown. -EIO. */
int sl_settings_describe(FILE *out);
