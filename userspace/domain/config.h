/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a node as plain data: what conf/ reads from YAML, what
 * plan.h turns into map contents. No library type appears here.
 *
 * Owner:  sl_config_free() frees all of it; the arrays are allocated with
 *         calloc/realloc and the counts beside them are their lengths.
 * Thread: immutable once loaded.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/abi.h"
#include "sluice/requests.h"
#include "userspace/domain/nats.h"
#include "userspace/domain/redis_spec.h"

#define SL_CONFIG_INTERFACES_MAX 64
#define SL_CONFIG_IFNAME_BYTES	 16
#define SL_CONFIG_PATH_BYTES	 256
#define SL_CONFIG_SOURCES_MAX	 SL_PREFIXES_MAX

/* A rate a person wrote: `unlimited`, 0 (= blocked), or per second with a burst. */
struct sl_rate_spec {
	bool unlimited; /* per_s and burst are then 0 */
	uint64_t per_s; /* packets, connections or bytes */
	uint64_t burst; /* same unit; > 0 unless per_s is 0 */
};

/* An address with its family: 4 or 6; network order; IPv4 in the first 4 bytes. */
struct sl_address {
	uint8_t family;
	uint8_t bytes[16];
};

struct sl_prefix_spec {
	struct sl_address address; /* host bits are 0 */
	uint8_t bits;
};

enum sl_attach_mode {
	SL_ATTACH_NATIVE = 0, /* XDP in the driver, or refuse with the reason */
	SL_ATTACH_GENERIC,    /* XDP on skbs: costs as much as nftables; only if asked for */
	SL_ATTACH_TC_ONLY,    /* no XDP: the same core on tc ingress */
};

struct sl_interface_spec {
	char name[SL_CONFIG_IFNAME_BYTES];
	enum sl_attach_mode attach;
	bool egress;	 /* tc egress; default true */
	bool tc_ingress; /* tc ingress beside XDP off; true implies attach tc-only */
	unsigned line;	 /* in the config file, for messages */
};

#define SL_REQUESTS_UNLIMITED	  ((uint64_t)INT64_MAX)
#define SL_REQUESTS_MAX		  1000000000ull /* in a window */
#define SL_REQUESTS_WINDOW_NS_MAX (86400 * 1000000000ull)

/* Requests and units of cost, which gateways limit by. */
struct sl_requests_spec {
	uint32_t set; /* bit [enum sl_request_class]: said here; else the gateway's plan decides */
	uint64_t per_window[SL_REQUEST_CLASSES]; /* 0: none; SL_REQUESTS_UNLIMITED */
	uint64_t window_ns;
	uint64_t cost_window_ns;
	uint64_t cost_estimate_milli; /* 1/1000 of a unit */
};

/* Who goes first when not all can; as enum sl_criticality. */
enum sl_tenant_class {
	SL_TENANT_SHEDDABLE = 0,
	SL_TENANT_SHEDDABLE_PLUS,
	SL_TENANT_CRITICAL,
	SL_TENANT_CRITICAL_PLUS,
};

/* Which limits of a tenant are of all nodes together, leased from Redis. */
struct sl_global_spec {
	bool packets; /* ingress */
	bool bytes;
	bool new_connections;
	bool requests; /* of all classes together */
	bool cost;
	/* with struct sl_capacity_spec; of the limit */
	uint32_t guarantee_percent, ceiling_percent;
	uint32_t weight;
};

/* What the platform can do for all tenants together; unlimited: not known. */
struct sl_capacity_spec {
	struct sl_rate_spec packets;
	struct sl_rate_spec bytes;
	struct sl_rate_spec new_connections;
	struct sl_rate_spec requests;
	struct sl_rate_spec cost;
};

/* How nodes share global limits. The same on all of them, but for the node's name. */
struct sl_quota_spec {
	char node[64];	     /* "": the host's name */
	char prefix[16];     /* of the keys */
	uint32_t buckets;    /* of tenants; the keys of one are in one slot of a cluster */
	uint32_t nodes;	     /* how many there may be, until Redis says */
	uint64_t generation; /* raised with each change of a global limit */
	uint64_t period_ns;  /* of renewals */
	uint64_t ttl_ns;     /* of a lease */
	struct sl_capacity_spec capacity;
};

struct sl_tenant_spec {
	char name[SL_TENANT_NAME_BYTES];
	enum sl_mode mode;
	enum sl_tenant_class class;
	bool blocked;
	uint64_t blocked_for_ns; /* from now, 0 = for good; only an override sets it */
	struct sl_rate_spec ingress_packets;
	struct sl_rate_spec ingress_bytes;
	struct sl_rate_spec egress_packets;
	struct sl_rate_spec egress_bytes;
	struct sl_rate_spec new_connections;
	struct sl_rate_spec fragments; /* later fragments, ingress */
	uint32_t connections_max;      /* 0 = unlimited */
	bool reset;		       /* a SYN over the limit: RST, not silence */
	enum sl_fallback on_lease_expiry;
	uint64_t lease_ns; /* how long a limit lives without the agent; 0 = for ever */
	struct sl_rate_spec safe_packets;
	struct sl_rate_spec safe_bytes;
	struct sl_requests_spec requests;
	struct sl_global_spec global;
	struct sl_prefix_spec *sources;
	size_t source_count;
	char **cgroups; /* paths below the cgroup2 mount */
	size_t cgroup_count;
	uint32_t mark; /* 0 = none: egress packets with this skb mark are the tenant's */
	unsigned line;
};

struct sl_service_spec {
	struct sl_address address; /* family 0: any address, both families */
	uint16_t port;		   /* host order; 0 = any */
	uint8_t protocol;	   /* IPPROTO_TCP, _UDP, _ICMP or _ICMPV6 */
	uint16_t vlan;		   /* SL_VLAN_ANY, SL_VLAN_NONE or 1..4094 */
	int tenant;		   /* index into sl_config.tenants, -1 = by flow or source */
	bool bind;		   /* look for a bound flow first */
	unsigned line;
};

/* Tenant 0: traffic to a protected service that is nobody's. */
struct sl_unknown_spec {
	enum sl_on_miss on_miss;
	enum sl_mode mode;
	struct sl_rate_spec packets; /* all unproven sources together */
	struct sl_rate_spec bytes;
	struct sl_rate_spec egress_packets;
	struct sl_rate_spec egress_bytes;
	struct sl_rate_spec new_connections;
	struct sl_rate_spec fragments;
	struct sl_rate_spec source_packets; /* one source */
	struct sl_rate_spec proven_packets; /* reserve: all proven sources together */
	uint64_t proven_ns;		    /* how long a handshake proves a source */
};

struct sl_block_spec {
	struct sl_prefix_spec prefix;
	uint64_t for_ns; /* from when the configuration was loaded; 0 = for good */
};

/* Sizes of the maps; fixed when the maps are created. */
struct sl_sizes {
	uint32_t tenants;      /* ids 0..tenants-1 */
	uint32_t flows;	       /* per family; 0 = no flow bindings */
	uint32_t services;     /* per family, entries */
	uint32_t prefixes;     /* per family */
	uint32_t blocks;       /* per family */
	uint32_t cells;	       /* power of two */
	uint32_t sockets;      /* 0 = concurrent connections are not counted */
	uint32_t events_bytes; /* power of two, at least a page */
};

struct sl_config {
	enum sl_mode mode;
	struct sl_sizes sizes;
	char pin_dir[SL_CONFIG_PATH_BYTES];		/* default /sys/fs/bpf/sluice */
	char socket_path[SL_CONFIG_PATH_BYTES];		/* default /run/sluice/sluiced.sock */
	char gateway_socket_path[SL_CONFIG_PATH_BYTES]; /* "" = no gateway on this node */
	char state_dir[SL_CONFIG_PATH_BYTES];		/* default /var/lib/sluice */
	char cgroup_dir[SL_CONFIG_PATH_BYTES];		/* cgroup2 mount; "" = find it */
	char metrics_address[64];			/* default 127.0.0.1 */
	uint16_t metrics_port;				/* default 9477; 0 = off */
	uint32_t metrics_tenants_max;			/* cardinality cap; the rest is "other" */
	uint32_t events_per_s;				/* 0 = none */
	uint32_t event_sample; /* power of two: one event in so many drops */
	uint32_t resets_per_s;
	uint32_t overhead_ingress_bytes;
	uint32_t overhead_egress_bytes;
	uint64_t hash_seed; /* 0 = random */
	struct sl_interface_spec *interfaces;
	size_t interface_count;
	struct sl_tenant_spec *tenants; /* ids are given by the agent, not by position */
	size_t tenant_count;
	struct sl_service_spec *services;
	size_t service_count;
	struct sl_unknown_spec unknown;
	bool has_nats;		  /* else nobody tells this node of pressure */
	struct sl_conf_nats nats; /* only with has_nats */
	struct sl_quota_spec quota;
	struct sl_redis_spec redis; /* only used when a limit is global */
	struct sl_block_spec *blocks;
	size_t block_count;
};

/* All of it anew; free with sl_config_free(). -ENOMEM. */
int sl_config_copy(struct sl_config **ret, const struct sl_config *config);

/* NULL is fine. Frees the arrays and the struct itself. */
void sl_config_free(struct sl_config *config);
