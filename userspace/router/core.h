/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deciding: from a request that was read to a provider and a reason, or to a refusal.
 * Knows no bus; time and randomness are given.
 *
 * Owner:  sl_core_free() frees all it made. @settings is borrowed and may be exchanged.
 * Thread: one at a time.
 */
#pragma once

#include "userspace/domain/breaker.h"
#include "userspace/domain/sticky.h"
#include "userspace/router/health.h"
#include "userspace/router/request.h"
#include "userspace/router/settings.h"

struct sl_core {
	const struct sl_router_settings *settings;
	struct sl_table *breakers;
	struct sl_sticky *sticky;
	struct sl_idempotency *decisions;
	struct sl_health *health;
	enum sl_provider_state providers[SL_PROVIDERS_MAX]; /* as of the last sl_core_tick() */
	uint64_t random;				    /* state */
};

struct sl_core_choice {
	struct sl_route_choice route;
	const struct sl_policy *policy;
	const struct sl_provider *provider;
	bool breaker_moved; /* it went half open */
};

int sl_core_new(struct sl_core **ret, const struct sl_router_settings *settings, uint64_t seed);
void sl_core_free(struct sl_core *core); /* NULL is fine */
void sl_core_freep(struct sl_core **core);

uint64_t sl_core_random(struct sl_core *core);

/* What heartbeats say of the providers; every second or so, and after new settings. */
void sl_core_tick(struct sl_core *core, uint64_t now_ns);

/* The rules behind those of sl_request_read(): the tenant. -EACCES with @fault. */
int sl_core_admit(const struct sl_core *core, const struct sl_request *request,
		  struct sl_decide_fault *fault);

/*
 * @commit false is a dry run: no breaker, no session is touched. -EINVAL, -ENOENT,
 * -EHOSTUNREACH, with @fault.
 */
int sl_core_choose(struct sl_core_choice *ret, struct sl_core *core,
		   const struct sl_request *request, bool commit, uint64_t now_ns,
		   struct sl_decide_fault *fault);

/* A result came: of breakers. True: one changed. */
bool sl_core_result(struct sl_core *core, struct sl_span tenant, struct sl_span provider,
		    bool success, uint64_t latency_ns, uint64_t now_ns);

/* The decision alone, a JSON object; @assignment_id may be NULL. */
void sl_core_write_decision(struct sl_json_out *out, const struct sl_core_choice *choice,
			    const char *assignment_id);
/* The whole answer. @decision is what was written by the above. */
void sl_core_write_answer(struct sl_json_out *out, struct sl_span decision,
			  const struct sl_request *request);
void sl_core_write_fault(struct sl_json_out *out, const struct sl_decide_fault *fault,
			 const struct sl_request *request, struct sl_span details);

/* min(60000, max(5000, 5 x expected)). */
uint64_t sl_core_deadline_ms(const struct sl_provider *provider);
