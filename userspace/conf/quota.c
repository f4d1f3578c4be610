// SPDX-License-Identifier: Apache-2.0
#include "userspace/conf/quota.h"

#include "userspace/conf/redis.h"
#include "userspace/conf/schema.h"
#include "userspace/domain/quota_defaults.h"

#define S_NS	       1000000000ull
#define TEXT_OF(token) #token
#define TEXT(macro)    TEXT_OF(macro)
#define SECONDS(macro) TEXT(macro) "s"
#define SMALL	       TEXT(SL_QUOTA_DEFAULT_SMALL_UNITS_PER_S)

#define GLOBAL(member)	 SL_CONF_MEMBER(sl_global_spec, member)
#define CONFIG(member)	 SL_CONF_MEMBER(sl_conf_draft, config.member)
#define QUOTA(member)	 CONFIG(quota.member)
#define CAPACITY(member) SL_CONF_MEMBER(sl_capacity_spec, member)

static const struct sl_conf_field global_fields[] = {
	{ "packets", &sl_conf_bool, .fallback = "false", GLOBAL(packets),
	  .help = "ingress.packets_per_s, of all nodes together." },
	{ "bytes", &sl_conf_bool, .fallback = "false", GLOBAL(bytes),
	  .help = "ingress.bytes_per_s." },
	{ "new_connections", &sl_conf_bool, .fallback = "false", GLOBAL(new_connections),
	  .help = "new_connections_per_s." },
	{ "requests", &sl_conf_bool, .fallback = "false", GLOBAL(requests),
	  .help = "requests.global." },
	{ "cost", &sl_conf_bool, .fallback = "false", GLOBAL(cost), .help = "requests.cost." },
	{ "guarantee_percent", &sl_conf_count, .fallback = "100", GLOBAL(guarantee_percent),
	  .max = 100,
	  .help = "Of the limit, where quota.capacity does not suffice for all: this much comes "
		  "before the spare of others, by class." },
	{ "ceiling_percent", &sl_conf_count, .fallback = "100", GLOBAL(ceiling_percent), .min = 100,
	  .max = 1000,
	  .help = "Of the limit, where quota.capacity leaves spare: up to this much." },
	{ "weight", &sl_conf_count, .fallback = "100", GLOBAL(weight), .min = 1, .max = 1000000,
	  .help = "Its part of the spare, against the weights of others." },
};
const struct sl_conf_table sl_conf_global_table = {
	"Which limits are of all nodes together: each node leases a part of them from Redis (quota), "
	"and keeps to it without asking. Then on_lease_expiry says what holds when Redis is away, "
	"and its default is blend.",
	SL_CONF_TABLE(global_fields), 0
};

static const struct sl_conf_field capacity_fields[] = {
	{ "packets_per_s", &sl_conf_rate, .fallback = "unlimited", CAPACITY(packets),
	  .help = "Of all global limits of packets together. Left out: no bound is known." },
	{ "bytes_per_s", &sl_conf_byte_rate, .fallback = "unlimited", CAPACITY(bytes),
	  .help = "Of bytes." },
	{ "new_connections_per_s", &sl_conf_rate, .fallback = "unlimited",
	  CAPACITY(new_connections), .help = "Of new connections." },
	{ "requests_per_s", &sl_conf_rate, .fallback = "unlimited", CAPACITY(requests),
	  .help = "Of requests." },
	{ "cost_per_s", &sl_conf_rate, .fallback = "unlimited", CAPACITY(cost),
	  .help = "Of units of cost." },
};
static const struct sl_conf_table capacity_table = {
	"What the platform can do. Where tenants want more than that, one of the agents shares it "
	"out once a second, by guarantee, class and weight. The same on all nodes.",
	SL_CONF_TABLE(capacity_fields), 0
};

static const struct sl_conf_field quota_fields[] = {
	{ "node", &sl_conf_text, .fallback = "", QUOTA(node),
	  .help = "The name of this node among those that share. Left out: the host's name." },
	{ "redis", .table = &sl_conf_redis_table, CONFIG(redis) },
	{ "prefix", &sl_conf_text, .fallback = "q", QUOTA(prefix),
	  .help = "What the keys begin with: letters and digits." },
	{ "buckets", &sl_conf_count, .fallback = "256", QUOTA(buckets), .min = 1, .max = 1024,
	  .help = "Groups of tenants; a group is in one slot of a cluster and asked for in one "
		  "call. The same on all nodes." },
	{ "nodes", &sl_conf_count, .fallback = "3", QUOTA(nodes), .min = 1, .max = 4096,
	  .help = "How many nodes share, about. Limits up to " SMALL " units a second for each "
		  "node are too small to divide: Redis is asked about them. The same on all "
		  "nodes." },
	{ "generation", &sl_conf_integer, .fallback = "1", QUOTA(generation), .min = 1,
	  .max = 9007199254740991,
	  .help = "Raise it with each change of a global limit: of two nodes that differ the "
		  "higher one is right." },
	{ "period", &sl_conf_duration, .fallback = SECONDS(SL_QUOTA_DEFAULT_PERIOD_S),
	  QUOTA(period_ns), .min = S_NS / 10, .max = 30 * S_NS,
	  .help = "Between two renewals of a lease." },
	{ "ttl", &sl_conf_duration, .fallback = SECONDS(SL_QUOTA_DEFAULT_TTL_S), QUOTA(ttl_ns),
	  .min = S_NS / 5, .max = 60 * S_NS,
	  .help = "How long a lease holds without Redis; at least two periods." },
	{ "capacity", .table = &capacity_table, QUOTA(capacity) },
};
const struct sl_conf_table sl_conf_quota_table = {
	"How nodes share global limits. docs/quotas.md says what may be relied on.",
	SL_CONF_TABLE(quota_fields), 0
};
