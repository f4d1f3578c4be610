/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of gateway.yaml and the names of its environment. */
#include "userspace/gateway/settings_tables.h"

#include "userspace/gateway/settings.h"
#include "userspace/obs/log.h"
#include "userspace/pressure/priority.h"

#define S_NS   1000000000ull
#define MS_NS  1000000ull
#define DAY_NS (86400 * S_NS)
#define GIB    (1ull << 30)

#define MEMBER(member) SL_CONF_MEMBER(sl_settings, member)
#define PATH(member)   MEMBER(member), .type = &sl_conf_file
#define SUBJECT(value) .type = &sl_conf_subject, .fallback = (value)

static const struct sl_choice log_levels[] = {
	{ "error", SL_LOG_ERROR },
	{ "warn", SL_LOG_WARN },
	{ "info", SL_LOG_INFO },
	{ "debug", SL_LOG_DEBUG },
	{ NULL, 0 },
};

static const struct sl_conf_field router_fields[] = {
	{ "decide_subject", SUBJECT(SL_SUBJECT_DECIDE), MEMBER(router.decide_subject),
	  .help = "Where decisions are asked for." },
	{ "get_decision_subject", SUBJECT(SL_SUBJECT_GET_DECISION),
	  MEMBER(router.get_decision_subject), .help = "Where made ones are." },
	{ "timeout", &sl_conf_duration, .fallback = "5s", MEMBER(router.timeout_ns), .min = MS_NS,
	  .max = 600 * S_NS, .help = "How long the router has to answer." },
	{ "requests_max", &sl_conf_count, .fallback = "65536", MEMBER(router.requests_max),
	  .min = 1, .max = 1000000, .help = "Requests in flight, of one nginx worker." },
	{ "assignment_subjects", &sl_conf_subject,
	  SL_CONF_LIST(sl_settings, router.subjects, router.subject_count),
	  .max = SL_SETTINGS_NAMES_MAX,
	  .help = "What `assignment_subject` of a request may be. Left out: the contract's "
		  "subject alone." },
};

static const struct sl_conf_field request_fields[] = {
	{ "body_bytes_max", &sl_conf_bytes, .fallback = "1MiB", MEMBER(requests.body_bytes_max),
	  .min = 1024, .max = SL_REQUEST_BYTES_MAX, .help = "Larger bodies are answered 413." },
	{ "body_timeout", &sl_conf_duration, .fallback = "10s", MEMBER(requests.body_timeout_ns),
	  .min = 100 * MS_NS, .max = 600 * S_NS,
	  .help = "For the whole body; slower ones are answered 408." },
};

static const struct sl_conf_field store_fields[] = {
	{ "idempotency_ttl", &sl_conf_duration, .fallback = "5m", MEMBER(store.idempotency_ttl_ns),
	  .min = S_NS, .max = DAY_NS,
	  .help = "How long an answer is given again for the same key. Changes what the "
		  "bucket in NATS keeps." },
	{ "message_ttl", &sl_conf_duration, .fallback = "1h", MEMBER(store.message_ttl_ns),
	  .min = S_NS, .max = 30 * DAY_NS, .help = "How long recent messages are kept." },
	{ "registry_bytes_max", &sl_conf_bytes, .fallback = "64MiB",
	  MEMBER(store.registry_bytes_max), .min = 1u << 20, .max = 4 * GIB,
	  .help = "What the registry of blocks may take." },
};

static const struct sl_conf_field auth_fields[] = {
	{ "required", &sl_conf_bool, .fallback = "true", MEMBER(auth.required),
	  .help = "false, for development: `X-Tenant-ID` is believed, everybody is admin." },
	{ "api_keys_file", PATH(auth.api_keys_file), .fallback = "",
	  .help = "API keys, hashed; read again when it changes." },
	{ "jwks_file", PATH(auth.jwks_file), .fallback = "",
	  .help = "The public keys of tokens (RFC 7517); read again when it changes." },
	{ "issuer", &sl_conf_text, .fallback = "", MEMBER(auth.issuer),
	  .help = "What `iss` of a token must be; left out: anything." },
	{ "audience", &sl_conf_text, .fallback = "", MEMBER(auth.audience),
	  .help = "What `aud` of a token must hold; left out: anything." },
	{ "leeway", &sl_conf_duration, .fallback = "30s", MEMBER(auth.leeway_ns), .max = 600 * S_NS,
	  .help = "How far clocks may be apart." },
	{ "subjects_file", PATH(auth.subjects_file), .fallback = "",
	  .help = "Subjects of client certificates and whose they are." },
};

static const struct sl_choice on_off[] = { { "enforce", 0 }, { "shadow", 1 }, { NULL, 0 } };

static const struct sl_choice criticalities[] = {
	{ "critical_plus", SL_CRITICAL_PLUS },
	{ "critical", SL_CRITICAL },
	{ "sheddable_plus", SL_SHEDDABLE_PLUS },
	{ "sheddable", SL_SHEDDABLE },
	{ NULL, 0 },
};

#define REQUESTS(type, member, value)                                                              \
	&sl_conf_limit, .fallback = (value), SL_CONF_MEMBER(type, member), .min = 1,               \
			.max = 1000000000

static const struct sl_conf_field plan_fields[] = {
	{ "name", &sl_conf_word, SL_CONF_MEMBER(sl_plan, name), .flags = SL_CONF_REQUIRED,
	  .help = "As credentials name it." },
	{ "routes_decide", REQUESTS(sl_plan, requests[SL_CLASS_ROUTES_DECIDE], "50"),
	  .help = "Decisions." },
	{ "messages", REQUESTS(sl_plan, requests[SL_CLASS_MESSAGES], "100"), .help = "Messages." },
	{ "registry_blocks", REQUESTS(sl_plan, requests[SL_CLASS_REGISTRY_BLOCKS], "200"),
	  .help = "The registry." },
	{ "global", REQUESTS(sl_plan, requests[SL_CLASS_GLOBAL], "1000"),
	  .help = "All of these together." },
	{ "criticality", &sl_conf_choice, .fallback = "critical_plus",
	  SL_CONF_MEMBER(sl_plan, criticality), .choices = criticalities,
	  .help = "Requests of these credentials are no more important than this, when not all "
		  "can be served." },
};

static const struct sl_conf_table plan_table = { "Limits for credentials that name them.",
						 SL_CONF_TABLE(plan_fields),
						 offsetof(struct sl_plan, line) };

#define DEFAULT(which) limits.plan.requests[which]

static const struct sl_conf_field limit_fields[] = {
	{ "mode", &sl_conf_choice, .fallback = "enforce", MEMBER(limits.shadow), .choices = on_off,
	  .help = "shadow: count what enforce would refuse, and pass it." },
	{ "window", &sl_conf_duration, .fallback = "60s", MEMBER(limits.window_ns), .min = S_NS,
	  .max = DAY_NS,
	  .help = "Limits are so many requests in this time; all of them may come at once." },
	{ "routes_decide", REQUESTS(sl_settings, DEFAULT(SL_CLASS_ROUTES_DECIDE), "50"),
	  .help = "Decisions of one tenant." },
	{ "messages", REQUESTS(sl_settings, DEFAULT(SL_CLASS_MESSAGES), "100"),
	  .help = "Messages of one tenant." },
	{ "registry_blocks", REQUESTS(sl_settings, DEFAULT(SL_CLASS_REGISTRY_BLOCKS), "200"),
	  .help = "Requests to the registry of one tenant." },
	{ "global", REQUESTS(sl_settings, DEFAULT(SL_CLASS_GLOBAL), "1000"),
	  .help = "All of a tenant's requests together." },
	{ "strangers", REQUESTS(sl_settings, limits.strangers, "600"),
	  .help = "Requests of one address (IPv6: /64) without a valid credential." },
	{ "tenants_max", &sl_conf_count, .fallback = "16384", MEMBER(limits.tenants_max), .min = 8,
	  .max = 1000000, .help = "Tenants with buckets of their own at a time; more share one." },
	{ "addresses_max", &sl_conf_count, .fallback = "16384", MEMBER(limits.addresses_max),
	  .min = 8, .max = 1000000, .help = "The same of addresses." },
	{ "plans", .table = &plan_table, SL_CONF_LIST(sl_settings, limits.plans, limits.plan_count),
	  .max = SL_SETTINGS_PLANS_MAX, .flags = SL_CONF_UNIQUE },
};

#define AT_MOST(member)                                                                            \
	&sl_conf_choice, .fallback = "critical_plus", MEMBER(criticality.member),                  \
			 .choices = criticalities

static const struct sl_conf_field criticality_fields[] = {
	{ "plan", &sl_conf_choice, .fallback = "critical_plus",
	  SL_CONF_MEMBER(sl_settings, limits.plan.criticality), .choices = criticalities,
	  .help = "Of credentials that name no plan." },
	{ "routes_decide", AT_MOST(routes_decide), .help = "Of decides." },
	{ "messages", AT_MOST(messages), .help = "Of POST messages." },
};

static const struct sl_conf_field stream_fields[] = {
	{ "count_max", &sl_conf_count, .fallback = "1000", MEMBER(streams.count_max), .min = 1,
	  .max = 100000, .help = "Open streams of one nginx worker; more are answered 503." },
	{ "heartbeat", &sl_conf_duration, .fallback = "15s", MEMBER(streams.heartbeat_ns),
	  .min = S_NS, .max = 300 * S_NS, .help = "How often a quiet stream says so." },
	{ "results", &sl_conf_bool, .fallback = "true", MEMBER(streams.results),
	  .help = "false: there is no stream of results." },
	{ "result_subject", SUBJECT(SL_SUBJECT_RESULT), MEMBER(streams.result_subject),
	  .help = "Where results are." },
};

static const struct sl_conf_field agent_fields[] = {
	{ "socket", PATH(agent.socket), .fallback = "",
	  .help = "The agent's `paths.gateway_socket`. Left out: nothing reaches the kernel." },
	{ "required", &sl_conf_bool, .fallback = "false", MEMBER(agent.required),
	  .help = "true: a worker without the agent is not ready." },
	{ "flows_max", &sl_conf_count, .fallback = "100k", MEMBER(agent.flows_max), .min = 1,
	  .max = 1000000, .help = "Connections bound in the kernel, of one nginx worker." },
	{ "tenant_flows_max", &sl_conf_count, .fallback = "10k", MEMBER(agent.tenant_flows_max),
	  .min = 1, .max = 1000000, .help = "The same of one tenant." },
};

static const struct sl_conf_field escalation_fields[] = {
	{ "after", &sl_conf_count, .fallback = "10", MEMBER(escalation.after), .max = 1000000,
	  .help = "A connection with more refusals (429) than this in `within` is refused in "
		  "the kernel until its Retry-After has passed. 0: never." },
	{ "tenant_after", &sl_conf_count, .fallback = "100", MEMBER(escalation.tenant_after),
	  .max = 1000000,
	  .help = "The same of a tenant: all its connections, and new ones. 0: never." },
	{ "within", &sl_conf_duration, .fallback = "1s", MEMBER(escalation.within_ns), .min = MS_NS,
	  .max = 3600 * S_NS, .help = "The time in which refusals are counted." },
	{ "longest", &sl_conf_duration, .fallback = "60s", MEMBER(escalation.longest_ns),
	  .min = 100 * MS_NS, .max = 60 * S_NS,
	  .help = "At most so long, whatever Retry-After is." },
};

static const struct sl_conf_field log_fields[] = {
	{ "file", PATH(log.file), .fallback = "",
	  .help = "JSON lines go there; left out: to nginx's error log." },
	{ "level", &sl_conf_choice, .fallback = "warn", MEMBER(log.level), .choices = log_levels,
	  .help = "error, warn, info or debug." },
};

static const struct sl_conf_field metric_fields[] = {
	{ "tenants", &sl_conf_text,
	  SL_CONF_LIST(sl_settings, metrics.tenants, metrics.tenant_count),
	  .max = SL_SETTINGS_NAMES_MAX,
	  .help = "Tenants with a label of their own; the others are `other`." },
};

static const struct sl_conf_table router_table = { "Who decides.", SL_CONF_TABLE(router_fields),
						   0 };
static const struct sl_conf_table request_table = { "What a client may send.",
						    SL_CONF_TABLE(request_fields), 0 };
static const struct sl_conf_table store_table = { "What is kept in JetStream.",
						  SL_CONF_TABLE(store_fields), 0 };
static const struct sl_conf_table auth_table = { "Who is who.", SL_CONF_TABLE(auth_fields), 0 };
static const struct sl_conf_table limit_table = { "How much.", SL_CONF_TABLE(limit_fields), 0 };
static const struct sl_conf_table criticality_table = {
	"How important a request is, when the router or a worker cannot serve all: no more than "
	"its tenant's `class` (sluice.yaml; critical where the agent does not know the tenant), its "
	"credential's plan and its route say. It travels as `x-criticality`; a client's own is not "
	"looked at.",
	SL_CONF_TABLE(criticality_fields), 0
};
static const struct sl_conf_table stream_table = { "Server-sent events.",
						   SL_CONF_TABLE(stream_fields), 0 };
static const struct sl_conf_table agent_table = { "The kernel, by way of the agent.",
						  SL_CONF_TABLE(agent_fields), 0 };
static const struct sl_conf_table escalation_table = { "Who keeps asking after a refusal.",
						       SL_CONF_TABLE(escalation_fields), 0 };
static const struct sl_conf_table log_table = { "What is written down.", SL_CONF_TABLE(log_fields),
						0 };
static const struct sl_conf_table metric_table = { "What is counted apart.",
						   SL_CONF_TABLE(metric_fields), 0 };

static const struct sl_conf_field root_fields[] = {
	{ "version", &sl_conf_integer, MEMBER(version), .min = 1, .max = 1, .fallback = "1",
	  .help = "Of this file's form." },
	{ "nats", .table = &sl_conf_nats_table, MEMBER(nats) },
	{ "router", .table = &router_table },
	{ "requests", .table = &request_table },
	{ "store", .table = &store_table },
	{ "auth", .table = &auth_table },
	{ "limits", .table = &limit_table },
	{ "distributed", .table = &sl_settings_distributed_table },
	{ "criticality", .table = &criticality_table },
	{ "backpressure", .table = &sl_settings_backpressure_table },
	{ "abuse", .table = &sl_settings_abuse_table },
	{ "streams", .table = &stream_table },
	{ "agent", .table = &agent_table },
	{ "escalation", .table = &escalation_table },
	{ "log", .table = &log_table },
	{ "metrics", .table = &metric_table },
};

static const struct sl_conf_table root_table = { "The file of the gateway.",
						 SL_CONF_TABLE(root_fields), 0 };

static const struct sl_conf_variable variables[] = {
	{ "NATS_URL", "nats.servers", NULL },
	{ "ROUTER_DECIDE_SUBJECT", "router.decide_subject", NULL },
	{ "ROUTER_GET_DECISION_SUBJECT", "router.get_decision_subject", NULL },
	{ "ROUTER_REQUEST_TIMEOUT_MS", "router.timeout", "ms" },
	{ "GATEWAY_AUTH_REQUIRED", "auth.required", NULL },
	{ "IDEMPOTENCY_TTL_MS", "store.idempotency_ttl", "ms" },
	{ "GATEWAY_RATE_LIMIT_TTL_SECONDS", "limits.window", "s" },
	{ "GATEWAY_RATE_LIMIT_ROUTES_DECIDE_LIMIT", "limits.routes_decide", NULL },
	{ "GATEWAY_RATE_LIMIT_MESSAGES", "limits.messages", NULL },
	{ "GATEWAY_RATE_LIMIT_REGISTRY_BLOCKS", "limits.registry_blocks", NULL },
	{ "GATEWAY_RATE_LIMIT_GLOBAL", "limits.global", NULL },
	{ "GATEWAY_DISTRIBUTED_RATE_LIMIT_ENABLED", "distributed.enabled", NULL },
	{ "GATEWAY_RATE_LIMIT_MODE", "distributed.mode", NULL },
	{ "GATEWAY_RATE_LIMIT_REDIS_URI", "distributed.uri", NULL },
	{ "GATEWAY_RATE_LIMIT_REDIS_HOST", "distributed.host", NULL },
	{ "GATEWAY_RATE_LIMIT_REDIS_PORT", "distributed.port", NULL },
	{ "GATEWAY_RATE_LIMIT_REDIS_TIMEOUT_MS", "distributed.redis.command_timeout", "ms" },
	{ "GATEWAY_RATE_LIMIT_FALLBACK_TO_LOCAL", "distributed.fallback_to_local", NULL },
	{ "ENABLE_RESULTS_SUBSCRIBER", "streams.results", NULL },
	{ "CAF_RESULT_SUBJECT", "streams.result_subject", NULL },
	{ "GATEWAY_BACKPRESSURE_ENABLED", "backpressure.enabled", NULL },
	{ "GATEWAY_BACKPRESSURE_SUBJECT", "backpressure.subject", NULL },
	{ "GATEWAY_BACKPRESSURE_INTERVAL_MS", "backpressure.interval", "ms" },
	{ "GATEWAY_BACKPRESSURE_TIMEOUT_MS", "backpressure.timeout", "ms" },
	{ "GATEWAY_BACKPRESSURE_STALE_INTERVALS", "backpressure.stale_intervals", NULL },
	{ "GATEWAY_BACKPRESSURE_RETRY_AFTER_SECONDS", "backpressure.retry_after", "s" },
	{ "GATEWAY_BACKPRESSURE_WARNING_FACTOR", "backpressure.warning_factor", NULL },
	{ "GATEWAY_BACKPRESSURE_FLOOR", "backpressure.floor", NULL },
	{ "GATEWAY_BACKPRESSURE_THROTTLE", "backpressure.throttle", NULL },
	{ "GATEWAY_BACKPRESSURE_THROTTLE_RATIO", "backpressure.throttle_ratio", NULL },
	{ "GATEWAY_ABUSE_EMPTY_PAYLOAD", "abuse.empty_payload", NULL },
	{ "GATEWAY_ABUSE_TARGETED_TENANT", "abuse.targeted_tenant", NULL },
	{ "GATEWAY_ABUSE_RATE_LIMIT_EVASION", "abuse.rate_limit_evasion", NULL },
	{ "GATEWAY_ABUSE_HEAVY_PAYLOAD", "abuse.heavy_payload", NULL },
	{ "GATEWAY_ABUSE_MULTI_TENANT_FLOOD", "abuse.multi_tenant_flood", NULL },
	{ "GATEWAY_ABUSE_WINDOW_SECONDS", "abuse.window", "s" },
	{ "GATEWAY_ABUSE_BLOCK_SECONDS", "abuse.block", "s" },
	{ "GATEWAY_ABUSE_CUT_FACTOR", "abuse.cut_factor", NULL },
	{ "GATEWAY_ABUSE_REQUESTS", "abuse.requests", NULL },
	{ "GATEWAY_ABUSE_REQUESTS_CRITICAL", "abuse.requests_critical", NULL },
	{ "GATEWAY_ABUSE_KEYS", "abuse.keys", NULL },
	{ "GATEWAY_ABUSE_ADDRESSES", "abuse.addresses", NULL },
	{ "GATEWAY_ABUSE_HEAVY_BYTES", "abuse.heavy_bytes", NULL },
	{ "GATEWAY_ABUSE_HEAVY_REQUESTS", "abuse.heavy_requests", NULL },
	{ "GATEWAY_ABUSE_HEAVY_SHARE", "abuse.heavy_share", NULL },
	{ "GATEWAY_ABUSE_FLOOD_TENANTS", "abuse.flood_tenants", NULL },
	{ "GATEWAY_ABUSE_FLOOD_REQUESTS", "abuse.flood_requests", NULL },
};

static int check(struct sl_conf_context *ctx, void *filled)
{
	struct sl_settings *settings = filled;

	if (!settings->nats.tls_cert_file[0] != !settings->nats.tls_key_file[0])
		return sl_conf_refuse(ctx, "nats", "tls_cert_file and tls_key_file come together");
	if (settings->abuse.rules.requests_critical < settings->abuse.rules.requests)
		return sl_conf_refuse(ctx, "abuse.requests_critical", "at least abuse.requests");
	return sl_settings_distributed_complete(ctx, settings);
}

const struct sl_conf_schema sl_settings_schema = {
	.program = "gateway",
	.intro =
		"# Configuration of the gateway\n\n"
		"What `sluice_config` of nginx.conf names; a test keeps this page true. How it\n"
		"is run: [gateway.md](gateway.md). Example:\n"
		"[gateway.yaml](../examples/stack/gateway.yaml). Amounts, durations and the rules\n"
		"of the file are those of [sluice.yaml](configuration.md). It is read again by\n"
		"`nginx -s reload`; one that is wrong leaves the running one in force.\n"
		"`NATS_SUBJECT_ALLOWLIST` and `METRICS_TENANT_LABEL_ALLOWLIST`, names with commas\n"
		"between them, stand for `router.assignment_subjects` and `metrics.tenants`.\n\n"
		"## The file\n\n",
	.root = &root_table,
	.size = sizeof(struct sl_settings),
	.check = check,
	.variables = variables,
	.variable_count = sizeof(variables) / sizeof(variables[0]),
};
