/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do which work at what price: providers, and the policies by which one of
 * them is chosen. Plain data, read from router.yaml.
 *
 * Owner:  who read it; immutable while it is used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/envelope.h"

#define SL_PROVIDERS_MAX	 64 /* of all policies together */
#define SL_PROVIDER_ID_BYTES	 65
#define SL_POLICY_ID_BYTES	 129
#define SL_CAPABILITIES_MAX	 32
#define SL_CAPABILITY_BYTES	 33
#define SL_POLICY_ENDPOINT_BYTES 256

enum sl_channel {
	SL_CHANNEL_NATS = 0,
	SL_CHANNEL_GRPC,
};

#define SL_POOL_BYTES 65

struct sl_provider {
	char id[SL_PROVIDER_ID_BYTES];
	double cost;	     /* expected, of one job */
	uint64_t latency_ns; /* expected */
	uint32_t priority;   /* of its assignments */
	enum sl_channel channel;
	char endpoint[SL_POLICY_ENDPOINT_BYTES]; /* "" when there is none */
	char pool[SL_POOL_BYTES];		 /* of its workers */
	char (*capabilities)[SL_CAPABILITY_BYTES];
	size_t capability_count;
};

enum sl_strategy {
	SL_STRATEGY_WEIGHTED = 0, /* at random, by score */
	SL_STRATEGY_BEST,	  /* the highest score */
	SL_STRATEGY_ORDERED,	  /* the first that can */
};

/* A provider as one policy sees it. */
struct sl_candidate {
	char id[SL_PROVIDER_ID_BYTES];
	double weight;
	uint32_t provider; /* its index */
};

struct sl_policy {
	char id[SL_POLICY_ID_BYTES];
	char (*tenants)[SL_IDENTIFIER_MAX + 1]; /* who may name it; none: everybody */
	size_t tenant_count;
	enum sl_strategy strategy;
	double cost_factor;    /* how much the dearest loses: score / (1 + factor) */
	double latency_factor; /* the same of the slowest */
	struct sl_candidate *candidates;
	size_t candidate_count;
	struct sl_candidate *fallback; /* in order, when no candidate can */
	size_t fallback_count;
	double max_cost;	 /* 0: none */
	uint64_t max_latency_ns; /* 0: none */
	char (*require)[SL_CAPABILITY_BYTES];
	size_t require_count;
	char sticky_by[SL_CAPABILITY_BYTES]; /* the member of "context"; "": not sticky */
	uint64_t sticky_ttl_ns;
	unsigned int line;
};

/* Providers and policies together. */
struct sl_policies {
	struct sl_provider *providers;
	size_t provider_count;
	struct sl_policy *policies;
	size_t policy_count;
	uint32_t default_policy; /* its index */
};
