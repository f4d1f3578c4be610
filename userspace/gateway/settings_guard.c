/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of what guards the router and the tenants: backpressure and abuse. */
#include "userspace/gateway/settings.h"
#include "userspace/gateway/settings_tables.h"
#include "userspace/pressure/retry_after.h"

#define S_NS  1000000000ull
#define MS_NS 1000000ull

#define MEMBER(member) SL_CONF_MEMBER(sl_settings, member)
#define PRESSURE(key)  MEMBER(backpressure.key)
#define RULE(key)      MEMBER(abuse.rules.key)

static const struct sl_conf_field backpressure_fields[] = {
	{ "enabled", &sl_conf_bool, .fallback = "true", PRESSURE(enabled),
	  .help = "false: the router is not asked, and nothing is shed for it." },
	{ "subject", &sl_conf_subject, .fallback = SL_SUBJECT_BACKPRESSURE, PRESSURE(subject),
	  .help = "Where its status map is asked for." },
	{ "interval", &sl_conf_duration, .fallback = "1s", PRESSURE(interval_ns),
	  .min = 100 * MS_NS, .max = 60 * S_NS,
	  .help = "How often, by one nginx worker for all of them." },
	{ "timeout", &sl_conf_duration, .fallback = "500ms", PRESSURE(timeout_ns),
	  .min = 10 * MS_NS, .max = 60 * S_NS,
	  .help = "How long the answer may take; more than `interval` is as much as it." },
	{ "stale_intervals", &sl_conf_count, .fallback = "5", PRESSURE(stale_intervals), .min = 2,
	  .max = 1000,
	  .help = "After so many intervals without an answer nothing is known. What is not "
		  "known sheds nothing; it is counted." },
	{ "retry_after", &sl_conf_duration, .fallback = "30s", PRESSURE(retry_after_ns),
	  .min = S_NS, .max = SL_RETRY_AFTER_MAX_S * S_NS,
	  .help = "`Retry-After` of a 503 is half to one and a half of it, at random. What the "
		  "router's `policy` says comes first." },
	{ "warning_factor", &sl_conf_real, .fallback = "0.5", PRESSURE(warning_factor), .max = 1,
	  .help = "What is left of limits on routes that are shed, while the status is "
		  "`warning`." },
	{ "floor", &sl_conf_count, .fallback = "5", PRESSURE(floor), .min = 1, .max = 1000000000,
	  .help = "But no fewer requests in a window than this, for a warning or a cut." },
	{ "throttle", &sl_conf_bool, .fallback = "true", PRESSURE(throttle),
	  .help = "Refuse here the share that the router would refuse: see gateway.md." },
	{ "throttle_ratio", &sl_conf_count, .fallback = "2", PRESSURE(throttle_ratio), .min = 1,
	  .max = 100, .help = "Requests for each accepted one before any is refused here." },
};

const struct sl_conf_table sl_settings_backpressure_table = {
	"What is done when the router is overloaded.", SL_CONF_TABLE(backpressure_fields), 0
};

static const struct sl_choice actions[] = {
	{ "off", SL_ABUSE_OFF },
	{ "log", SL_ABUSE_LOG },
	{ "cut", SL_ABUSE_CUT },
	{ "block", SL_ABUSE_BLOCK },
	{ NULL, 0 },
};

#define ACTION(which)                                                                              \
	&sl_conf_choice, .fallback = "log", RULE(action[SL_ABUSE_##which]), .choices = actions

static const struct sl_conf_field abuse_fields[] = {
	{ "empty_payload", ACTION(EMPTY_PAYLOAD),
	  .help = "A payload under 10 bytes. off, log, cut (limits are lowered for `block`) or "
		  "block (answered 429 for `block`)." },
	{ "targeted_tenant", ACTION(TARGETED_TENANT),
	  .help = "More than `requests` for one tenant in a window." },
	{ "rate_limit_evasion", ACTION(RATE_LIMIT_EVASION),
	  .help = "More than `keys` or `addresses` for one tenant in a window." },
	{ "heavy_payload", ACTION(HEAVY_PAYLOAD),
	  .help = "More than `heavy_requests` bodies of a tenant in a window, and more than "
		  "`heavy_share` of them over `heavy_bytes`." },
	{ "multi_tenant_flood", ACTION(MULTI_TENANT_FLOOD),
	  .help = "From one address (IPv6: /64) more than `flood_tenants` in a window, and on "
		  "average more than `flood_requests` of each. It is the address that is cut or "
		  "blocked." },
	{ "window", &sl_conf_duration, .fallback = "60s", RULE(window_ns), .min = S_NS,
	  .max = 3600 * S_NS, .help = "In which all this is counted." },
	{ "block", &sl_conf_duration, .fallback = "300s", RULE(punish_ns), .min = S_NS,
	  .max = 3600 * S_NS, .help = "How long a cut or a block lasts." },
	{ "cut_factor", &sl_conf_real, .fallback = "0.5", MEMBER(abuse.cut_factor), .max = 1,
	  .help = "What a cut leaves of limits, not below `backpressure.floor`." },
	{ "requests", &sl_conf_count, .fallback = "500", RULE(requests), .min = 1,
	  .max = 1000000000, .help = "More is told as a warning, ..." },
	{ "requests_critical", &sl_conf_count, .fallback = "1000", RULE(requests_critical),
	  .min = 1, .max = 1000000000, .help = "... more than this as critical." },
	{ "keys", &sl_conf_count, .fallback = "10", RULE(keys), .min = 1,
	  .max = SL_ABUSE_SEEN_MAX - 1,
	  .help = "API keys and client certificates; tokens are "
		  "not counted, they are made anew all the time." },
	{ "addresses", &sl_conf_count, .fallback = "10", RULE(addresses), .min = 1,
	  .max = SL_ABUSE_SEEN_MAX - 1, .help = "Addresses; IPv6: /64." },
	{ "heavy_bytes", &sl_conf_bytes, .fallback = "512KiB", RULE(heavy_bytes), .min = 1,
	  .max = SL_REQUEST_BYTES_MAX, .help = "A body above it is heavy." },
	{ "heavy_requests", &sl_conf_count, .fallback = "10", RULE(heavy_requests), .min = 1,
	  .max = 1000000, .help = "Up to so many bodies say nothing." },
	{ "heavy_share", &sl_conf_real, .fallback = "0.8", RULE(heavy_share), .max = 1,
	  .help = "Of bodies." },
	{ "flood_tenants", &sl_conf_count, .fallback = "20", RULE(flood_tenants), .min = 1,
	  .max = 500, .help = "Tenants." },
	{ "flood_requests", &sl_conf_count, .fallback = "10", RULE(flood_requests), .min = 1,
	  .max = 1000000, .help = "Requests." },
};

const struct sl_conf_table sl_settings_abuse_table = {
	"Patterns of abuse, of authenticated requests; at first they are only logged.",
	SL_CONF_TABLE(abuse_fields), 0
};
