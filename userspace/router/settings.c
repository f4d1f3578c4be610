// SPDX-License-Identifier: Apache-2.0
#include "userspace/router/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/conf/backoff.h"

#define MS_NS 1000000ull
#define S_NS  1000000000ull

#define SETTING(member)	 SL_CONF_MEMBER(sl_router_settings, member)
#define SET(type, field) SL_CONF_MEMBER(type, field)

/* ---- providers and policies ----------------------------------------------------------- */

static const struct sl_choice channels[] = { { "nats", SL_CHANNEL_NATS },
					     { "grpc", SL_CHANNEL_GRPC },
					     { NULL, 0 } };
static const struct sl_choice strategies[] = { { "weighted", SL_STRATEGY_WEIGHTED },
					       { "best", SL_STRATEGY_BEST },
					       { "ordered", SL_STRATEGY_ORDERED },
					       { NULL, 0 } };

static const struct sl_conf_field provider_fields[] = {
	{ "id", &sl_conf_word, SET(sl_provider, id), .flags = SL_CONF_REQUIRED,
	  .help = "Its name, in decisions, results and metrics." },
	{ "cost", &sl_conf_real, .fallback = "0", SET(sl_provider, cost), .max = 1000000,
	  .help = "What a job is expected to cost." },
	{ "latency", &sl_conf_duration, .fallback = "1s", SET(sl_provider, latency_ns),
	  .min = MS_NS, .max = 3600 * S_NS, .help = "How long a job is expected to take." },
	{ "priority", &sl_conf_integer, .fallback = "50", SET(sl_provider, priority), .max = 100,
	  .help = "Of its decisions and assignments." },
	{ "channel", &sl_conf_choice, .fallback = "nats", SET(sl_provider, channel),
	  .choices = channels, .help = "How its workers are reached." },
	{ "endpoint", &sl_conf_text, .fallback = "", SET(sl_provider, endpoint),
	  .help = "Given to the worker as it is." },
	{ "pool", &sl_conf_word, .fallback = "default", SET(sl_provider, pool),
	  .help = "Its workers' pressure.pool: whose backpressure counts for it." },
	{ "capabilities", &sl_conf_word, SL_CONF_LIST(sl_provider, capabilities, capability_count),
	  .max = SL_CAPABILITIES_MAX, .flags = SL_CONF_UNIQUE,
	  .help = "What it can do: words that constraints ask for." },
};
static const struct sl_conf_table provider_table = { "Who does work.",
						     SL_CONF_TABLE(provider_fields), 0 };

static const struct sl_conf_field candidate_fields[] = {
	{ "id", &sl_conf_word, SET(sl_candidate, id), .flags = SL_CONF_REQUIRED,
	  .help = "One of providers." },
	{ "weight", &sl_conf_real, .fallback = "1", SET(sl_candidate, weight), .max = 1000000,
	  .help = "Its share, before cost and latency are counted." },
};
static const struct sl_conf_table candidate_table = {
	"Among whom is chosen. Left out: all providers.", SL_CONF_TABLE(candidate_fields), 0
};

static const struct sl_conf_field fallback_fields[] = {
	{ "id", &sl_conf_word, SET(sl_candidate, id), .flags = SL_CONF_REQUIRED,
	  .help = "One of providers." },
};
static const struct sl_conf_table fallback_table = {
	"Who is asked, in this order, when no candidate can work.", SL_CONF_TABLE(fallback_fields),
	0
};

static const struct sl_conf_field policy_fields[] = {
	{ "id", &sl_conf_word, SET(sl_policy, id), .flags = SL_CONF_REQUIRED,
	  .help = "Its name, the request's policy_id." },
	{ "tenants", &sl_conf_word, SL_CONF_LIST(sl_policy, tenants, tenant_count), .max = 10000,
	  .flags = SL_CONF_UNIQUE,
	  .help = "Whose it is: theirs when they name none, and of nobody else. Left out: "
		  "everybody may name it." },
	{ "strategy", &sl_conf_choice, .fallback = "weighted", SET(sl_policy, strategy),
	  .choices = strategies,
	  .help = "weighted: at random, by score; best: the highest score; ordered: the first "
		  "that can." },
	{ "cost_factor", &sl_conf_real, .fallback = "1", SET(sl_policy, cost_factor), .max = 1000,
	  .help = "How much the cost counts: score = weight / (1 + cost_factor x cost / dearest + "
		  "latency_factor x latency / slowest)." },
	{ "latency_factor", &sl_conf_real, .fallback = "1", SET(sl_policy, latency_factor),
	  .max = 1000, .help = "How much the latency counts." },
	{ "max_cost", &sl_conf_real, .fallback = "0", SET(sl_policy, max_cost), .max = 1000000,
	  .help = "No dearer provider; 0: any." },
	{ "max_latency", &sl_conf_duration, .fallback = "never", SET(sl_policy, max_latency_ns),
	  .min = MS_NS, .max = 3600 * S_NS, .flags = SL_CONF_NEVER,
	  .help = "No slower provider; never: any." },
	{ "require", &sl_conf_word, SL_CONF_LIST(sl_policy, require, require_count),
	  .max = SL_CAPABILITIES_MAX, .help = "Capabilities that it must have." },
	{ "sticky_by", &sl_conf_word, .fallback = "", SET(sl_policy, sticky_by),
	  .help = "The member of the request's context that names a session, such as "
		  "session_id: a session stays with its provider. Left out: none." },
	{ "sticky_for", &sl_conf_duration, .fallback = "30m", SET(sl_policy, sticky_ttl_ns),
	  .min = S_NS, .max = 86400 * S_NS, .help = "How long after its last request." },
	{ "providers", .table = &candidate_table,
	  SL_CONF_LIST(sl_policy, candidates, candidate_count), .max = SL_PROVIDERS_MAX,
	  .flags = SL_CONF_UNIQUE },
	{ "fallback", .table = &fallback_table, SL_CONF_LIST(sl_policy, fallback, fallback_count),
	  .max = SL_PROVIDERS_MAX, .flags = SL_CONF_UNIQUE },
};
static const struct sl_conf_table policy_table = { "How a provider is chosen.",
						   SL_CONF_TABLE(policy_fields),
						   offsetof(struct sl_policy, line) };

/* ---- the rest -------------------------------------------------------------------------- */

static const struct sl_conf_field metrics_fields[] = {
	{ "address", &sl_conf_ip_text, .fallback = "127.0.0.1", SETTING(metrics_address),
	  .help = "Where to listen." },
	{ "port", &sl_conf_integer, .fallback = "9478", SETTING(metrics_port), .max = 65535,
	  .help = "The TCP port; 0: none." },
};
static const struct sl_conf_table metrics_table = { "Metrics and health over HTTP.",
						    SL_CONF_TABLE(metrics_fields), 0 };

static const struct sl_conf_field intake_fields[] = {
	{ "decide_subject", &sl_conf_subject, .fallback = SL_SUBJECT_DECIDE,
	  SETTING(decide_subject), .help = "Where requests come from." },
	{ "get_decision_subject", &sl_conf_subject, .fallback = SL_SUBJECT_GET_DECISION,
	  SETTING(get_decision_subject), .help = "Where decisions are asked for again." },
	{ "in_flight_max", &sl_conf_count, .fallback = "500", SETTING(in_flight_max), .min = 1,
	  .max = 100000,
	  .help = "Requests whose assignment is being published; above it the answer is "
		  "service_overloaded." },
	{ "retry_after", &sl_conf_duration, .fallback = "30s", SETTING(retry_after_ns), .min = S_NS,
	  .max = 3600 * S_NS, .help = "What such an answer says." },
};
static const struct sl_conf_table intake_table = { "Requests.", SL_CONF_TABLE(intake_fields), 0 };

#define LIMIT(field) SL_CONF_MEMBER(sl_router_settings, breaker.field)

static const struct sl_conf_field breaker_fields[] = {
	{ "failures", &sl_conf_integer, .fallback = "5", LIMIT(failures), .min = 1, .max = 1000,
	  .help = "In a row, open it." },
	{ "successes", &sl_conf_integer, .fallback = "2", LIMIT(successes), .min = 1, .max = 1000,
	  .help = "Half open, close it." },
	{ "open_for", &sl_conf_duration, .fallback = "60s", LIMIT(open_ns), .min = 10 * MS_NS,
	  .max = 86400 * S_NS, .help = "Before calls are tried." },
	{ "half_open_calls", &sl_conf_integer, .fallback = "3", LIMIT(half_open_calls), .min = 1,
	  .max = 1000, .help = "That are tried at once." },
	{ "error_rate", &sl_conf_real, .fallback = "0.5", LIMIT(error_rate), .max = 1,
	  .help = "Of the calls of a window, opens it." },
	{ "calls_min", &sl_conf_integer, .fallback = "10", LIMIT(calls_min), .min = 1,
	  .max = 100000, .help = "Calls of a window before their error rate counts." },
	{ "window", &sl_conf_duration, .fallback = "60s", LIMIT(window_ns), .min = S_NS,
	  .max = 3600 * S_NS, .help = "Over which errors are counted." },
	{ "latency", &sl_conf_duration, .fallback = "5s", LIMIT(latency_ns), .min = MS_NS,
	  .max = 3600 * S_NS, .help = "A success that took longer is a failure." },
	{ "entries_max", &sl_conf_count, .fallback = "65536", SETTING(breakers_max), .min = 1,
	  .max = 1u << 22, .help = "Breakers; the least recently used give way." },
};
static const struct sl_conf_table breaker_table = {
	"Circuit breakers, one for each tenant and provider.", SL_CONF_TABLE(breaker_fields), 0
};

static const struct sl_choice decisions_choices[] = { { "local", SL_DECISIONS_LOCAL },
						      { "shared", SL_DECISIONS_SHARED },
						      { NULL, 0 } };

static const struct sl_conf_field decisions_fields[] = {
	{ "store", &sl_conf_choice, .fallback = "shared", SETTING(decisions),
	  .choices = decisions_choices,
	  .help = "shared: also in JetStream, for the other routers; local: here only." },
	{ "entries_max", &sl_conf_count, .fallback = "65536", SETTING(decisions_max), .min = 1,
	  .max = 1u << 22, .help = "Decisions kept here." },
	{ "bytes_max", &sl_conf_bytes, .fallback = "64MiB", SETTING(decisions_bytes), .min = 65536,
	  .max = 1ull << 34, .help = "Of their answers together." },
	{ "for", &sl_conf_duration, .fallback = "5m", SETTING(decisions_ttl_ns), .min = S_NS,
	  .max = 86400 * S_NS, .help = "How long a decision can be found again." },
	{ "sessions_max", &sl_conf_count, .fallback = "65536", SETTING(sessions_max), .min = 1,
	  .max = 1u << 22, .help = "Sticky sessions kept." },
};
static const struct sl_conf_table decisions_table = { "Decisions that can be found again.",
						      SL_CONF_TABLE(decisions_fields), 0 };

static const struct sl_conf_field assignments_fields[] = {
	{ "subjects", &sl_conf_subject,
	  SL_CONF_LIST(sl_router_settings, assignment_subjects, assignment_subject_count),
	  .max = 32, .flags = SL_CONF_UNIQUE,
	  .help = "Where assignments may go: the first is the default. Left "
		  "out: " SL_SUBJECT_ASSIGN "." },
	{ "in_flight_max", &sl_conf_count, .fallback = "65536", SETTING(assignments_max), .min = 1,
	  .max = 1u << 22, .help = "Assignments without a result that are followed." },
	{ "publish_timeout", &sl_conf_duration, .fallback = "2s", SETTING(publish_timeout_ns),
	  .min = 10 * MS_NS, .max = 60 * S_NS, .help = "Of one of three attempts." },
	{ "result_grace", &sl_conf_duration, .fallback = "10s", SETTING(result_grace_ns),
	  .min = 100 * MS_NS, .max = 3600 * S_NS,
	  .help = "After an assignment's deadline, before it is cancelled and counted as a "
		  "timeout." },
	{ "heartbeat_ttl", &sl_conf_duration, .fallback = "15s", SETTING(heartbeat_ttl_ns),
	  .min = S_NS, .max = 3600 * S_NS,
	  .help = "Workers of a provider that are silent for so long are down." },
	{ "usage", &sl_conf_bool, .fallback = "true", SETTING(usage),
	  .help = "Emit a usage event for each result." },
	{ "backoff", &sl_conf_backoff, .fallback = "1s,2s,4s", SETTING(backoff),
	  .help = "How long a result whose usage event could not be stored waits until it is "
		  "delivered again: for each delivery, the last for all further ones; up to a "
		  "fifth is added at random." },
};
static const struct sl_conf_table assignments_table = { "Work given to workers.",
							SL_CONF_TABLE(assignments_fields), 0 };

static const struct sl_choice fail_modes[] = { { "open", SL_FAIL_OPEN },
					       { "closed", SL_FAIL_CLOSED },
					       { NULL, 0 } };

static const struct sl_conf_field pressure_fields[] = {
	{ "fail_mode", &sl_conf_choice, .fallback = "open", SETTING(fail_mode),
	  .choices = fail_modes,
	  .help = "When workers that sent signals are silent for a minute: open lets all "
		  "requests through, closed none." },
};
static const struct sl_conf_table pressure_table = { "Backpressure of the workers.",
						     SL_CONF_TABLE(pressure_fields), 0 };

static const struct sl_choice bodies[] = { { "none", SL_DEAD_BODY_NONE },
					   { "masked", SL_DEAD_BODY_MASKED },
					   { "whole", SL_DEAD_BODY_WHOLE },
					   { NULL, 0 } };

static const struct sl_conf_field dlq_fields[] = {
	{ "message", &sl_conf_choice, .fallback = "none", SETTING(dlq_body), .choices = bodies,
	  .help = "What a dead letter has of the message: it may hold personal data. Without "
		  "it, nothing can be replayed." },
};
static const struct sl_conf_table dlq_table = { "Dead letters.", SL_CONF_TABLE(dlq_fields), 0 };

static const struct sl_conf_field root_fields[] = {
	{ "version", &sl_conf_integer, SETTING(version), .min = 1, .max = 1,
	  .flags = SL_CONF_REQUIRED, .help = "The version of this format." },
	{ "tenants", &sl_conf_word, SL_CONF_LIST(sl_router_settings, tenants, tenant_count),
	  .max = 100000, .flags = SL_CONF_UNIQUE, .help = "Who is served. Left out: everybody." },
	{ "default_policy", &sl_conf_word, .fallback = "", SETTING(default_policy),
	  .help = "Of a request that names none. Left out: the first policy." },
	{ "drain", &sl_conf_duration, .fallback = "20s", SETTING(drain_ns), .min = 100 * MS_NS,
	  .max = 600 * S_NS, .help = "How long SIGTERM waits for what was begun." },
	{ "nats", .table = &sl_conf_nats_table, SETTING(nats) },
	{ "metrics", .table = &metrics_table },
	{ "intake", .table = &intake_table },
	{ "providers", .table = &provider_table,
	  SL_CONF_LIST(sl_router_settings, policies.providers, policies.provider_count),
	  .max = SL_PROVIDERS_MAX, .flags = SL_CONF_UNIQUE },
	{ "policies", .table = &policy_table,
	  SL_CONF_LIST(sl_router_settings, policies.policies, policies.policy_count), .max = 10000,
	  .flags = SL_CONF_UNIQUE },
	{ "breaker", .table = &breaker_table },
	{ "decisions", .table = &decisions_table },
	{ "assignments", .table = &assignments_table },
	{ "pressure", .table = &pressure_table },
	{ "dlq", .table = &dlq_table },
};
static const struct sl_conf_table root_table = { NULL, SL_CONF_TABLE(root_fields), 0 };

static const struct sl_conf_variable variables[] = {
	{ "NATS_URL", "nats.servers", NULL },
	{ "ROUTER_DECIDE_SUBJECT", "intake.decide_subject", NULL },
	{ "ROUTER_GET_DECISION_SUBJECT", "intake.get_decision_subject", NULL },
	{ "IDEMPOTENCY_TTL_MS", "decisions.for", "ms" },
	{ "ENABLE_USAGE_PUBLISH", "assignments.usage", NULL },
	{ "NATS_BACKOFF_MS", "assignments.backoff", NULL },
};

static const char intro[] =
	"# Configuration of the router\n"
	"\n"
	"`sluice-router --config-help` prints this page; a test keeps it true. Example:\n"
	"[router.yaml](../examples/router.yaml). Amounts, durations and the rules of the file\n"
	"are those of [sluice.yaml](configuration.md). It is read again on SIGHUP and when it\n"
	"changes; what is refused leaves the last good one in force. `nats`, `metrics`, the\n"
	"subjects and the sizes of stores take effect at the next start. Metrics and health:\n"
	"[router-metrics.md](router-metrics.md).\n"
	"\n"
	"## The router\n\n";

/* ---- what no table can say ------------------------------------------------------------- */

static int compare_tenants(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Without providers there is one, so that a router without a file answers. */
static int default_providers(struct sl_policies *policies)
{
	struct sl_provider *provider;

	if (policies->provider_count)
		return 0;
	provider = calloc(1, sizeof(*provider));
	if (!provider)
		return -ENOMEM;
	*provider = (struct sl_provider){
		.id = "default", .latency_ns = S_NS, .priority = 50, .pool = "default"
	};
	policies->providers = provider;
	policies->provider_count = 1;
	return 0;
}

static int default_policy(struct sl_policies *policies)
{
	struct sl_policy *policy;

	if (policies->policy_count)
		return 0;
	policy = calloc(1, sizeof(*policy));
	if (!policy)
		return -ENOMEM;
	*policy = (struct sl_policy){ .id = "default", .cost_factor = 1, .latency_factor = 1 };
	policies->policies = policy;
	policies->policy_count = 1;
	return 0;
}

/* A policy without candidates has all providers. */
static int default_candidates(const struct sl_policies *policies, struct sl_policy *policy)
{
	if (policy->candidate_count)
		return 0;
	policy->candidates = calloc(policies->provider_count, sizeof(*policy->candidates));
	if (!policy->candidates)
		return -ENOMEM;
	policy->candidate_count = policies->provider_count;
	for (size_t i = 0; i < policies->provider_count; i++) {
		policy->candidates[i].weight = 1;
		memcpy(policy->candidates[i].id, policies->providers[i].id, SL_PROVIDER_ID_BYTES);
	}
	return 0;
}

static int resolve(struct sl_conf_context *ctx, const struct sl_policies *policies, size_t policy,
		   const char *list, struct sl_candidate *candidates, size_t count)
{
	char path[64];

	for (size_t i = 0; i < count; i++) {
		uint32_t at = 0;

		while (at < policies->provider_count &&
		       strcmp(policies->providers[at].id, candidates[i].id) != 0)
			at++;
		candidates[i].provider = at;
		if (at < policies->provider_count)
			continue;
		(void)snprintf(path, sizeof(path), "policies[%zu].%s[%zu].id", policy, list, i);
		return sl_conf_refuse(ctx, path, "no provider is called \"%s\"", candidates[i].id);
	}
	return 0;
}

static int check_policy(struct sl_conf_context *ctx, const struct sl_policies *policies, size_t at)
{
	struct sl_policy *policy = &policies->policies[at];
	int err = default_candidates(policies, policy);

	if (!err)
		err = resolve(ctx, policies, at, "providers", policy->candidates,
			      policy->candidate_count);
	if (!err)
		err = resolve(ctx, policies, at, "fallback", policy->fallback,
			      policy->fallback_count);
	return err;
}

static int check_default(struct sl_conf_context *ctx, struct sl_router_settings *settings)
{
	struct sl_policies *policies = &settings->policies;

	if (!settings->default_policy[0])
		return 0;
	for (uint32_t i = 0; i < policies->policy_count; i++)
		if (strcmp(policies->policies[i].id, settings->default_policy) == 0) {
			policies->default_policy = i;
			return 0;
		}
	return sl_conf_refuse(ctx, "default_policy", "no policy is called \"%s\"",
			      settings->default_policy);
}

static int check(struct sl_conf_context *ctx, void *filled)
{
	struct sl_router_settings *settings = filled;
	int err = default_providers(&settings->policies);

	if (!err)
		err = default_policy(&settings->policies);
	for (size_t i = 0; i < settings->policies.policy_count && !err; i++)
		err = check_policy(ctx, &settings->policies, i);
	if (!err)
		err = check_default(ctx, settings);
	if (settings->tenant_count)
		qsort(settings->tenants, settings->tenant_count, sizeof(*settings->tenants),
		      compare_tenants);
	return err;
}

const struct sl_conf_schema sl_router_schema = {
	.program = "router",
	.intro = intro,
	.root = &root_table,
	.size = sizeof(struct sl_router_settings),
	.check = check,
	.variables = variables,
	.variable_count = sizeof(variables) / sizeof(variables[0]),
};

int sl_router_settings_read(struct sl_router_settings *ret, const char *path,
			    char *const *environment, struct sl_conf_error *error)
{
	return sl_conf_read_file(ret, &sl_router_schema, path, environment, error);
}

void sl_router_settings_clear(struct sl_router_settings *settings)
{
	sl_conf_clear(settings, &sl_router_schema);
}

bool sl_router_allows(const struct sl_router_settings *settings, struct sl_span tenant)
{
	char name[SL_IDENTIFIER_MAX + 1];

	if (!settings->tenant_count)
		return true;
	if (tenant.length >= sizeof(name))
		return false;
	memcpy(name, tenant.at, tenant.length);
	name[tenant.length] = '\0';
	return bsearch(name, settings->tenants, settings->tenant_count, sizeof(*settings->tenants),
		       compare_tenants) != NULL;
}

const char *sl_router_assignment_subject(const struct sl_router_settings *settings,
					 struct sl_span wanted)
{
	if (!settings->assignment_subject_count)
		return !wanted.length || sl_span_is(wanted, SL_SUBJECT_ASSIGN) ? SL_SUBJECT_ASSIGN
									       : NULL;
	if (!wanted.length)
		return settings->assignment_subjects[0];
	for (size_t i = 0; i < settings->assignment_subject_count; i++)
		if (sl_span_is(wanted, settings->assignment_subjects[i]))
			return settings->assignment_subjects[i];
	return NULL;
}
