// SPDX-License-Identifier: Apache-2.0
#include "userspace/router/core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"

#define MS_NS	      1000000u
#define SESSION_BYTES 257

static int new_tables(struct sl_core *core, const struct sl_router_settings *settings)
{
	const struct sl_table_options breakers = {
		.entries_max = settings->breakers_max,
		.value_size = sizeof(struct sl_breaker),
		.secret = { sl_core_random(core), sl_core_random(core) },
	};
	const struct sl_idempotency_options decisions = {
		.entries_max = settings->decisions_max,
		.bytes_max = settings->decisions_bytes,
		.ttl_ns = settings->decisions_ttl_ns,
		.secret = { sl_core_random(core), sl_core_random(core) },
	};
	const uint64_t secret[2] = { sl_core_random(core), sl_core_random(core) };
	int err = sl_table_new(&core->breakers, &breakers);

	if (!err)
		err = sl_idempotency_new(&core->decisions, &decisions);
	if (!err)
		err = sl_sticky_new(&core->sticky, settings->sessions_max, secret);
	return err ? err : sl_health_new(&core->health, secret);
}

int sl_core_new(struct sl_core **ret, const struct sl_router_settings *settings, uint64_t seed)
{
	sl_cleanup(sl_core_freep) struct sl_core *core = calloc(1, sizeof(*core));
	int err;

	if (!core)
		return -ENOMEM;
	core->settings = settings;
	core->random = seed;
	err = new_tables(core, settings);
	if (err)
		return err;
	*ret = SL_TAKE_PTR(core);
	return 0;
}

void sl_core_free(struct sl_core *core)
{
	if (!core)
		return;
	sl_table_free(core->breakers);
	sl_sticky_free(core->sticky);
	sl_idempotency_free(core->decisions);
	sl_health_free(core->health);
	free(core);
}

void sl_core_freep(struct sl_core **core)
{
	sl_core_free(*core);
}

/* SplitMix64: choices need no secrecy, only evenness. */
uint64_t sl_core_random(struct sl_core *core)
{
	uint64_t z = core->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

void sl_core_tick(struct sl_core *core, uint64_t now_ns)
{
	const struct sl_policies *policies = &core->settings->policies;

	for (size_t i = 0; i < policies->provider_count; i++) {
		const struct sl_provider_health health =
			sl_health_of(core->health, policies->providers[i].id,
				     core->settings->heartbeat_ttl_ns, now_ns);

		core->providers[i] = sl_health_state(&health);
	}
}

/* ---- choosing ------------------------------------------------------------------------------ */

static int refuse(struct sl_decide_fault *fault, int err, enum sl_code code, enum sl_intake intake,
		  const char *message)
{
	fault->code = code;
	fault->intake = intake;
	(void)snprintf(fault->message, sizeof(fault->message), "%s", message);
	return err;
}

int sl_core_admit(const struct sl_core *core, const struct sl_request *request,
		  struct sl_decide_fault *fault)
{
	struct sl_request_options options = { .priority = 0 };

	if (!sl_router_allows(core->settings, sl_span_of(request->tenant_id)))
		return refuse(fault, -EACCES, SL_CODE_UNAUTHORIZED, SL_INTAKE_TENANT_FORBIDDEN,
			      "the tenant is not served here");
	if (!request->pushes)
		return 0;
	if (!sl_router_assignment_subject(core->settings, sl_span_of(request->assignment_subject)))
		return refuse(fault, -EINVAL, SL_CODE_INVALID_REQUEST,
			      SL_INTAKE_SCHEMA_VALIDATION_FAILED,
			      "assignment_subject is not one of those allowed");
	return sl_request_options(&options, request, fault);
}

/* Heartbeats and breakers together. */
static void judge_providers(enum sl_provider_state *states, struct sl_core *core,
			    const struct sl_request *request, uint64_t now_ns)
{
	const struct sl_policies *policies = &core->settings->policies;
	const struct sl_span tenant = sl_span_of(request->tenant_id);
	const bool any = sl_table_stats(core->breakers).entries > 0;

	for (size_t i = 0; i < policies->provider_count; i++) {
		states[i] = core->providers[i];
		if (any && states[i] != SL_PROVIDER_DOWN &&
		    !sl_breaker_admits(sl_breaker_find(core->breakers, tenant,
						       sl_span_of(policies->providers[i].id),
						       now_ns),
				       &core->settings->breaker, now_ns))
			states[i] = SL_PROVIDER_OPEN;
	}
}

static void commit_choice(struct sl_core_choice *choice, struct sl_core *core,
			  const struct sl_request *request, const struct sl_sticky_session *session,
			  uint64_t now_ns)
{
	struct sl_breaker *breaker =
		sl_table_stats(core->breakers).entries
			? sl_breaker_find(core->breakers, sl_span_of(request->tenant_id),
					  sl_span_of(choice->provider->id), now_ns)
			: NULL;

	/* Only work that will report back may count as a trial. */
	if (breaker && request->pushes)
		choice->breaker_moved = sl_breaker_take(breaker, &core->settings->breaker, now_ns);
	if (session->value.length)
		sl_sticky_keep(core->sticky, session, sl_span_of(choice->provider->id), now_ns);
}

int sl_core_choose(struct sl_core_choice *ret, struct sl_core *core,
		   const struct sl_request *request, bool commit, uint64_t now_ns,
		   struct sl_decide_fault *fault)
{
	const struct sl_policies *policies = &core->settings->policies;
	enum sl_provider_state states[SL_PROVIDERS_MAX];
	struct sl_sticky_session session = { .value = { NULL, 0 } };
	char value[SESSION_BYTES];
	struct sl_route_request wanted;
	int err;

	ret->breaker_moved = false;
	ret->policy = sl_policy_find(policies, sl_span_of(request->policy_id),
				     sl_span_of(request->tenant_id));
	if (!ret->policy)
		return refuse(fault, -ENOENT, SL_CODE_POLICY_NOT_FOUND, SL_INTAKE_NONE,
			      "there is no such policy for this tenant");
	err = sl_request_constraints(&wanted, request, fault);
	if (err)
		return err;
	wanted.sticky = (struct sl_span){ NULL, 0 };
	wanted.random = sl_core_random(core);
	if (ret->policy->sticky_by[0]) {
		sl_request_session(value, sizeof(value), request, ret->policy->sticky_by);
		session = (struct sl_sticky_session){ sl_span_of(request->tenant_id),
						      sl_span_of(ret->policy->id),
						      sl_span_of(value) };
		if (session.value.length)
			wanted.sticky = sl_sticky_find(core->sticky, &session,
						       ret->policy->sticky_ttl_ns, now_ns);
	}
	judge_providers(states, core, request, now_ns);
	err = sl_route(&ret->route, policies, ret->policy, states, &wanted);
	if (err == -ENOENT)
		return refuse(fault, err, SL_CODE_DENIED, SL_INTAKE_NONE, ret->route.reason);
	if (err)
		return refuse(fault, err, SL_CODE_UNAVAILABLE, SL_INTAKE_NONE, ret->route.reason);
	ret->provider = &policies->providers[ret->route.provider];
	if (commit)
		commit_choice(ret, core, request, &session, now_ns);
	return 0;
}

bool sl_core_result(struct sl_core *core, struct sl_span tenant, struct sl_span provider,
		    bool success, uint64_t latency_ns, uint64_t now_ns)
{
	struct sl_breaker *breaker = sl_breaker_get(core->breakers, tenant, provider, now_ns);

	return sl_breaker_report(breaker, &core->settings->breaker, success, latency_ns, now_ns);
}

/* ---- writing --------------------------------------------------------------------------------- */

void sl_core_write_decision(struct sl_json_out *out, const struct sl_core_choice *choice,
			    const char *assignment_id)
{
	const struct sl_provider *provider = choice->provider;

	sl_json_open(out, '{');
	sl_json_key(out, "provider_id");
	sl_json_put_text(out, sl_span_of(provider->id));
	sl_json_key(out, "priority");
	sl_json_put_integer(out, provider->priority);
	sl_json_key(out, "expected_latency_ms");
	sl_json_put_integer(out, (int64_t)(provider->latency_ns / MS_NS));
	sl_json_key(out, "expected_cost");
	sl_json_put_real(out, provider->cost);
	sl_json_key(out, "reason");
	sl_json_put_text(out, sl_span_of(choice->route.reason));
	sl_json_key(out, "policy_id");
	sl_json_put_text(out, sl_span_of(choice->policy->id));
	if (assignment_id) {
		sl_json_key(out, "metadata");
		sl_json_open(out, '{');
		sl_json_key(out, "assignment_id");
		sl_json_put_text(out, sl_span_of(assignment_id));
		sl_json_close(out, '}');
	}
	sl_json_close(out, '}');
}

void sl_core_write_answer(struct sl_json_out *out, struct sl_span decision,
			  const struct sl_request *request)
{
	sl_json_open(out, '{');
	sl_json_key(out, "ok");
	sl_json_put_bool(out, true);
	sl_json_key(out, "decision");
	sl_json_put_raw(out, decision);
	sl_json_key(out, "context");
	sl_json_open(out, '{');
	sl_json_key(out, "request_id");
	sl_json_put_text(out, sl_span_of(request->request_id));
	sl_json_key(out, "trace_id");
	sl_json_put_text(out, sl_span_of(request->trace.trace_id));
	sl_json_close(out, '}');
	sl_json_close(out, '}');
}

void sl_core_write_fault(struct sl_json_out *out, const struct sl_decide_fault *fault,
			 const struct sl_request *request, struct sl_span details)
{
	const struct sl_error_body body = {
		.code = fault->code,
		.intake = fault->intake,
		.message = fault->message,
		.details = details,
		.request_id = sl_span_of(request->request_id),
		.trace_id = sl_span_of(request->trace.trace_id),
		.tenant_id = sl_span_of(request->tenant_id),
	};

	sl_error_write(out, &body);
}

uint64_t sl_core_deadline_ms(const struct sl_provider *provider)
{
	const uint64_t wanted = 5 * (provider->latency_ns / MS_NS);

	if (wanted < 5000)
		return 5000;
	return wanted > 60000 ? 60000 : wanted;
}
