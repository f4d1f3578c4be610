// SPDX-License-Identifier: Apache-2.0
/* The tables. A default is written as in the file and read by the same parser. */
#include "userspace/conf/schema.h"

#include "userspace/conf/nats.h"
#include "userspace/conf/quota.h"

#define MEMBER	       SL_CONF_MEMBER
#define LIST	       SL_CONF_LIST
#define TABLE	       SL_CONF_TABLE
#define CONFIG(member) SL_CONF_MEMBER(sl_conf_draft, config.member)

#define S_NS 1000000000ull

#define UNLIMITED_HELP	 " Left out: unlimited. 0: blocked."
#define BURST_HELP	 " Left out: what the rate admits in 100 ms, at least "
#define BYTES_BURST_HELP " Left out: what the rate admits in 250 ms, at least "

static const struct sl_choice over_new_connections[] = {
	{ "drop", 0 },
	{ "reset", 1 },
	{ NULL, 0 },
};

static const struct sl_choice classes[] = {
	{ "critical_plus", SL_TENANT_CRITICAL_PLUS },
	{ "critical", SL_TENANT_CRITICAL },
	{ "sheddable_plus", SL_TENANT_SHEDDABLE_PLUS },
	{ "sheddable", SL_TENANT_SHEDDABLE },
	{ NULL, 0 },
};

/* ---- rates ------------------------------------------------------------------ */

/* Two rates side by side: packets, then bytes. */
struct rate_pair {
	struct sl_rate_spec packets;
	struct sl_rate_spec bytes;
};

#define ASSERT_PAIR(type, a, b)                                                                    \
	_Static_assert(offsetof(struct type, b) ==                                                 \
			       offsetof(struct type, a) + offsetof(struct rate_pair, bytes),       \
		       "conf: the table of a pair of rates relies on it")
ASSERT_PAIR(sl_tenant_spec, ingress_packets, ingress_bytes);
ASSERT_PAIR(sl_tenant_spec, egress_packets, egress_bytes);
ASSERT_PAIR(sl_tenant_spec, safe_packets, safe_bytes);
ASSERT_PAIR(sl_unknown_spec, egress_packets, egress_bytes);

static const struct sl_conf_field pair_fields[] = {
	{ "packets_per_s", &sl_conf_rate, .fallback = "unlimited", MEMBER(rate_pair, packets),
	  .help = "Packets per second." UNLIMITED_HELP },
	{ "packets_burst", &sl_conf_burst, MEMBER(rate_pair, packets),
	  .help = "Packets that may come at once." BURST_HELP "1." },
	{ "bytes_per_s", &sl_conf_byte_rate, .fallback = "unlimited", MEMBER(rate_pair, bytes),
	  .help = "Bytes per second, as on the wire without preamble and checksum; see "
		  "overhead_bytes." UNLIMITED_HELP },
	{ "bytes_burst", &sl_conf_byte_burst, MEMBER(rate_pair, bytes),
	  .help = "Bytes that may come at once; 2048 or more." BYTES_BURST_HELP "16 KiB." },
};

static const struct sl_conf_table ingress = { "Limits of what comes in for the tenant.",
					      TABLE(pair_fields), 0 };
static const struct sl_conf_table egress = {
	"Limits of what the tenant's sockets and services send.", TABLE(pair_fields), 0
};
static const struct sl_conf_table safe = {
	"What on_lease_expiry: safe, and in the end blend, enforces, each way. New connections "
	"keep the limit that they have, or their part of it where it is global.",
	TABLE(pair_fields), 0
};

/* ---- requests ---------------------------------------------------------------- */

#define ALLOWANCE(name, index, text, about)                                                        \
	{                                                                                          \
		(name), &sl_conf_allowance, .fallback = (text),                                    \
					    MEMBER(sl_requests_spec, per_window[index]), .min = 0, \
					    .max = SL_REQUESTS_MAX, .help = (about)                \
	}

static const struct sl_conf_field requests_fields[] = {
	{ "window", &sl_conf_duration, .fallback = "60s", MEMBER(sl_requests_spec, window_ns),
	  .min = S_NS, .max = SL_REQUESTS_WINDOW_NS_MAX, .help = "What requests are counted in." },
	ALLOWANCE("global", SL_REQUEST_GLOBAL, "1000",
		  "Requests of all classes in a window, all of them at once at most; 0: none."),
	ALLOWANCE("routes_decide", SL_REQUEST_ROUTES_DECIDE, "50", "Those to /api/v1/routes."),
	ALLOWANCE("messages", SL_REQUEST_MESSAGES, "100", "Those to /api/v1/messages."),
	ALLOWANCE("registry_blocks", SL_REQUEST_REGISTRY_BLOCKS, "200",
		  "Those to /api/v1/registry."),
	ALLOWANCE("cost", SL_REQUEST_COST, "unlimited",
		  "Units of cost, as results state them, in a cost_window."),
	{ "cost_window", &sl_conf_duration, .fallback = "60s",
	  MEMBER(sl_requests_spec, cost_window_ns), .min = S_NS, .max = SL_REQUESTS_WINDOW_NS_MAX,
	  .help = "What cost is counted in." },
	{ "cost_estimate_milli", &sl_conf_count, .fallback = "1000",
	  MEMBER(sl_requests_spec, cost_estimate_milli), .min = 0, .max = 1000000000,
	  .help = "1/1000 units of cost that a request which states none reserves until its "
		  "result is known." },
};
static const struct sl_conf_table requests = {
	"What gateways of this node admit of the tenant, all of them together. The section "
	"written, what it leaves out is as here; neither here nor in defaults: each gateway's "
	"own plan decides, and they still share what is used.",
	TABLE(requests_fields), 0
};

/* ---- tenants ----------------------------------------------------------------- */

#define TENANT_LIMITS                                                                                    \
	{ "mode",                                                                                        \
	  &sl_conf_choice,                                                                               \
	  .fallback = "enforce",                                                                         \
	  MEMBER(sl_tenant_spec, mode),                                                                  \
	  .choices = sl_choices_mode,                                                                    \
	  .help = "enforce; shadow: pass, but count what enforce would drop; off: pass. The "            \
		  "laxer of this and the mode of the node applies." },                                   \
		{ "class",                                                                               \
		  &sl_conf_choice,                                                                       \
		  .fallback = "critical",                                                                \
		  MEMBER(sl_tenant_spec, class),                                                         \
		  .choices = classes,                                                                    \
		  .help = "Under pressure (see nats) sheddable is refused first, critical_plus last." }, \
		{ "blocked", &sl_conf_bool, .fallback = "false", MEMBER(sl_tenant_spec, blocked),        \
		  .help = "true: drop everything of the tenant." },                                      \
		{ "ingress", .table = &ingress, MEMBER(sl_tenant_spec, ingress_packets) },               \
		{ "egress", .table = &egress, MEMBER(sl_tenant_spec, egress_packets) },                  \
		{ "new_connections_per_s", &sl_conf_rate, .fallback = "unlimited",                       \
		  MEMBER(sl_tenant_spec, new_connections),                                               \
		  .help = "New TCP connections (SYN) per second." UNLIMITED_HELP },                      \
		{ "new_connections_burst", &sl_conf_burst,                                               \
		  MEMBER(sl_tenant_spec, new_connections),                                               \
		  .help = "New connections that may come at once." BURST_HELP "1." },                    \
		{ "over_new_connections",                                                                \
		  &sl_conf_choice,                                                                       \
		  .fallback = "drop",                                                                    \
		  MEMBER(sl_tenant_spec, reset),                                                         \
		  .choices = over_new_connections,                                                       \
		  .help = "A SYN over the limit: drop it silently (the client tries again), or answer "  \
			  "it with a reset (the client knows at once)." },                               \
		{ "connections",                                                                         \
		  &sl_conf_limit,                                                                        \
		  .fallback = "unlimited",                                                               \
		  MEMBER(sl_tenant_spec, connections_max),                                               \
		  .min = 1,                                                                              \
		  .max = UINT32_MAX,                                                                     \
		  .help = "Concurrent TCP connections to sockets of this node." },                       \
		{ "fragments_per_s", &sl_conf_rate, .fallback = "100",                                   \
		  MEMBER(sl_tenant_spec, fragments),                                                     \
		  .help = "Later IP fragments per second, which carry no port." },                       \
		{ "fragments_burst", &sl_conf_burst, .fallback = "100",                                  \
		  MEMBER(sl_tenant_spec, fragments),                                                     \
		  .help = "Later fragments that may come at once." },                                    \
		{ "lease",                                                                               \
		  &sl_conf_duration,                                                                     \
		  .fallback = "never",                                                                   \
		  MEMBER(sl_tenant_spec, lease_ns),                                                      \
		  .min = S_NS,                                                                           \
		  .max = 86400 * S_NS,                                                                   \
		  .flags = SL_CONF_NEVER,                                                                \
		  .help = "How long the limit stands when the agent stops renewing it; then the kernel " \
			  "itself turns to on_lease_expiry." },                                          \
		{ "on_lease_expiry",                                                                     \
		  &sl_conf_choice,                                                                       \
		  .fallback = "last",                                                                    \
		  MEMBER(sl_tenant_spec, on_lease_expiry),                                               \
		  .choices = sl_choices_fallback,                                                        \
		  .help = "last: keep the limit; safe: the rates under safe; closed: drop everything; "  \
			  "open: no limit; blend: from last to safe in a line of 30 seconds. All "       \
			  "but last need a lease." },                                                    \
		{ "safe", .table = &safe, MEMBER(sl_tenant_spec, safe_packets) },                        \
		{ "global", .table = &sl_conf_global_table, MEMBER(sl_tenant_spec, global) },            \
	{                                                                                                \
		"requests", .table = &requests, MEMBER(sl_tenant_spec, requests)                         \
	}

static const struct sl_conf_field defaults_fields[] = { TENANT_LIMITS };

static const struct sl_conf_field tenant_fields[] = {
	{ "name", &sl_conf_name, MEMBER(sl_tenant_spec, name), .flags = SL_CONF_REQUIRED,
	  .help = "Who it is, in every command, metric and event. The counters and buckets of "
		  "a name outlive a restart." },
	{ "sources", &sl_conf_prefix, LIST(sl_tenant_spec, sources, source_count),
	  .max = SL_PREFIXES_MAX,
	  .help = "Remote prefixes whose traffic to a service without a tenant is this tenant's; "
		  "the longest match decides." },
	{ "cgroups", &sl_conf_cgroup, LIST(sl_tenant_spec, cgroups, cgroup_count), .max = 1024,
	  .help = "Egress of these cgroups is this tenant's. Paths below the cgroup2 mount." },
	{ "mark", &sl_conf_integer, .fallback = "0", MEMBER(sl_tenant_spec, mark), .min = 0,
	  .max = UINT32_MAX,
	  .help = "Egress packets with this skb mark are this tenant's; 0: none." },
	TENANT_LIMITS,
};

static const struct sl_conf_table tenant_table = {
	"The tenants. What one leaves out it takes from defaults, key by key.",
	TABLE(tenant_fields), offsetof(struct sl_tenant_spec, line)
};
static const struct sl_conf_table defaults_table = {
	"What each tenant takes unless it says otherwise.", TABLE(defaults_fields), 0
};

/* ---- services ------------------------------------------------------------------ */

static const struct sl_conf_field service_fields[] = {
	{ "address", &sl_conf_address, MEMBER(sl_service_spec, address), .flags = SL_CONF_REQUIRED,
	  .help = "The local address, or any (of both families)." },
	{ "port", &sl_conf_port, .fallback = "any", MEMBER(sl_service_spec, port), .min = 1,
	  .max = 65535, .help = "The local port, or any. ICMP has none." },
	{ "protocol", &sl_conf_choice, .fallback = "tcp", MEMBER(sl_service_spec, protocol),
	  .choices = sl_choices_protocol, .help = "The protocol." },
	{ "vlan", &sl_conf_vlan, .fallback = "any", MEMBER(sl_service_spec, vlan), .min = 1,
	  .max = 4094, .help = "The outer VLAN of the packet; none: only untagged packets." },
	{ "tenant", &sl_conf_reference, .fallback = "", MEMBER(sl_service_spec, tenant),
	  .help = "Whose service it is. Left out: the bound flow, then the source prefix decide; "
		  "what is nobody's comes under unknown." },
	{ "bind", &sl_conf_bool, MEMBER(sl_service_spec, bind),
	  .help = "Look for a bound flow first. Left out: true when the service has no tenant "
		  "and sizes.flows is not 0." },
};

static const struct sl_conf_table service_table = {
	"The protected services: only traffic to and from them is judged.", TABLE(service_fields),
	offsetof(struct sl_service_spec, line)
};

/* ---- the unknown tenant ---------------------------------------------------------- */

static const struct sl_conf_field source_fields[] = {
	{ "packets_per_s", &sl_conf_rate, .fallback = "100", .size = sizeof(struct sl_rate_spec),
	  .help = "Packets per second of one source." },
	{ "packets_burst", &sl_conf_burst, .fallback = "50", .size = sizeof(struct sl_rate_spec),
	  .help = "Packets of one source that may come at once." },
};
static const struct sl_conf_table source_table = { "The share of one unknown source.",
						   TABLE(source_fields), 0 };

/* Offsets count from .proven_packets. */
#define PROVEN(member)                                                                             \
	.offset = offsetof(struct sl_unknown_spec, member) -                                       \
		  offsetof(struct sl_unknown_spec, proven_packets),                                \
	.size = sizeof(((struct sl_unknown_spec *)NULL)->member)

static const struct sl_conf_field proven_fields[] = {
	{ "packets_per_s", &sl_conf_rate, .fallback = "10k", PROVEN(proven_packets),
	  .help = "Packets per second of all proven sources together." },
	{ "packets_burst", &sl_conf_burst, PROVEN(proven_packets),
	  .help = "Their packets that may come at once." BURST_HELP "1." },
	{ "for", &sl_conf_duration, .fallback = "10m", PROVEN(proven_ns), .min = S_NS,
	  .max = 30 * 86400 * S_NS, .help = "How long a completed handshake proves a source." },
};
static const struct sl_conf_table proven_table = {
	"A reserve for sources that completed a TCP handshake, out of reach of spoofed floods.",
	TABLE(proven_fields), 0
};

static const struct sl_conf_field unknown_fields[] = {
	{ "on_miss", &sl_conf_choice, .fallback = "limit", MEMBER(sl_unknown_spec, on_miss),
	  .choices = sl_choices_on_miss, .help = "limit: by the rates below; pass; drop." },
	{ "mode", &sl_conf_choice, .fallback = "enforce", MEMBER(sl_unknown_spec, mode),
	  .choices = sl_choices_mode, .help = "As of a tenant." },
	{ "packets_per_s", &sl_conf_rate, .fallback = "10k", MEMBER(sl_unknown_spec, packets),
	  .help = "Packets per second of all unproven sources together." },
	{ "packets_burst", &sl_conf_burst, MEMBER(sl_unknown_spec, packets),
	  .help = "Packets that may come at once." BURST_HELP "1." },
	{ "bytes_per_s", &sl_conf_byte_rate, .fallback = "unlimited",
	  MEMBER(sl_unknown_spec, bytes), .help = "Bytes per second." },
	{ "bytes_burst", &sl_conf_byte_burst, MEMBER(sl_unknown_spec, bytes),
	  .help = "Bytes that may come at once." BYTES_BURST_HELP "16 KiB." },
	{ "egress", .table = &egress, MEMBER(sl_unknown_spec, egress_packets) },
	{ "new_connections_per_s", &sl_conf_rate, .fallback = "1k",
	  MEMBER(sl_unknown_spec, new_connections), .help = "New TCP connections per second." },
	{ "new_connections_burst", &sl_conf_burst, MEMBER(sl_unknown_spec, new_connections),
	  .help = "New connections that may come at once." BURST_HELP "1." },
	{ "fragments_per_s", &sl_conf_rate, .fallback = "100", MEMBER(sl_unknown_spec, fragments),
	  .help = "Later fragments per second." },
	{ "fragments_burst", &sl_conf_burst, .fallback = "100", MEMBER(sl_unknown_spec, fragments),
	  .help = "Later fragments that may come at once." },
	{ "source", .table = &source_table, MEMBER(sl_unknown_spec, source_packets) },
	{ "proven", .table = &proven_table, MEMBER(sl_unknown_spec, proven_packets) },
};
static const struct sl_conf_table unknown_table = {
	"Traffic to a protected service that is nobody's: tenant 0.", TABLE(unknown_fields), 0
};

/* ---- the node ---------------------------------------------------------------------- */

static const struct sl_conf_field interface_fields[] = {
	{ "name", &sl_conf_ifname, MEMBER(sl_interface_spec, name), .flags = SL_CONF_REQUIRED,
	  .help = "The interface; it may come and go." },
	{ "attach", &sl_conf_choice, .fallback = "native", MEMBER(sl_interface_spec, attach),
	  .choices = sl_choices_attach,
	  .help = "native: XDP in the driver, or refuse with the reason; generic: XDP on skbs, "
		  "much slower; tc-only: no XDP, the same limits on tc ingress." },
	{ "egress", &sl_conf_bool, .fallback = "true", MEMBER(sl_interface_spec, egress),
	  .help = "Judge what leaves as well." },
};
static const struct sl_conf_table interface_table = { "The protected interfaces.",
						      TABLE(interface_fields),
						      offsetof(struct sl_interface_spec, line) };

#define SIZE(member, low, high, text, ...)                                                         \
	{                                                                                          \
#member, &sl_conf_count, .fallback = (text), CONFIG(sizes.member), .min = (low),   \
					 .max = (high), __VA_ARGS__                                \
	}

static const struct sl_conf_field sizes_fields[] = {
	SIZE(tenants, 2, SL_TENANTS_MAX, "1024", .help = "Tenants, with the unknown one."),
	SIZE(flows, 0, SL_FLOWS_MAX, "65536",
	     .help = "Bound flows per family; 0: no flow bindings."),
	SIZE(services, 1, SL_SERVICES_MAX, "1024", .help = "Services per family."),
	SIZE(prefixes, 1, SL_PREFIXES_MAX, "1024", .help = "Source prefixes per family."),
	SIZE(blocks, 1, SL_PREFIXES_MAX, "4096", .help = "Blocked prefixes per family."),
	SIZE(cells, 1024, SL_CELLS_MAX, "65536", .flags = SL_CONF_POWER_OF_TWO,
	     .help = "Cells for the shares of unknown sources."),
	SIZE(sockets, 0, SL_FLOWS_MAX, "65536",
	     .help = "Counted local connections; 0: concurrent connections are not counted."),
	{ "events_bytes", &sl_conf_bytes, .fallback = "1MiB", CONFIG(sizes.events_bytes),
	  .min = 4096, .max = 1u << 30, .flags = SL_CONF_POWER_OF_TWO,
	  .help = "The ring buffer of events." },
};
static const struct sl_conf_table sizes_table = {
	"Room in the maps, fixed when they are created: a change needs new maps.",
	TABLE(sizes_fields), 0
};

#define SUN_PATH_MAX 107 /* what a socket address holds, less the NUL */

static const struct sl_conf_field paths_fields[] = {
	{ "pin_dir", &sl_conf_path, .fallback = "/sys/fs/bpf/sluice", CONFIG(pin_dir),
	  .max = SL_CONFIG_PATH_BYTES - 1, .help = "Where maps, programs and links are pinned." },
	{ "socket", &sl_conf_path, .fallback = "/run/sluice/sluiced.sock", CONFIG(socket_path),
	  .max = SUN_PATH_MAX, .help = "The agent's Unix socket." },
	{ "gateway_socket", &sl_conf_path, .fallback = "", CONFIG(gateway_socket_path),
	  .max = SUN_PATH_MAX,
	  .help = "Where a gateway on this node gets the maps it works on, and nothing else. "
		  "Left out: no gateway." },
	{ "state_dir", &sl_conf_path, .fallback = "/var/lib/sluice", CONFIG(state_dir),
	  .max = SL_CONFIG_PATH_BYTES - 1, .help = "What must outlive the maps." },
	{ "cgroup", &sl_conf_path, .fallback = "", CONFIG(cgroup_dir),
	  .max = SL_CONFIG_PATH_BYTES - 1,
	  .help = "The cgroup2 mount. Left out: the agent looks for it." },
};
static const struct sl_conf_table paths_table = { "Folders and files of the agent.",
						  TABLE(paths_fields), 0 };

static const struct sl_conf_field metrics_fields[] = {
	{ "address", &sl_conf_ip_text, .fallback = "127.0.0.1", CONFIG(metrics_address),
	  .help = "Where to listen. Metrics name the tenants: keep them from strangers." },
	{ "port", &sl_conf_integer, .fallback = "9477", CONFIG(metrics_port), .min = 0,
	  .max = 65535, .help = "The TCP port; 0: no metrics." },
	{ "tenants_max", &sl_conf_count, .fallback = "1000", CONFIG(metrics_tenants_max), .min = 0,
	  .max = SL_TENANTS_MAX,
	  .help = "Tenants with metrics of their own; the rest are summed as \"other\"." },
};
static const struct sl_conf_table metrics_table = { "Prometheus metrics and health.",
						    TABLE(metrics_fields), 0 };

static const struct sl_conf_field events_fields[] = {
	{ "per_s", &sl_conf_count, .fallback = "1000", CONFIG(events_per_s), .min = 0,
	  .max = 1000000, .help = "Drop events per second at most; 0: none." },
	{ "sample", &sl_conf_count, .fallback = "64", CONFIG(event_sample), .min = 1,
	  .max = 1u << 30, .flags = SL_CONF_POWER_OF_TWO, .help = "One event in so many drops." },
};
static const struct sl_conf_table events_table = { "Events of single drops.", TABLE(events_fields),
						   0 };

static const struct sl_conf_field overhead_fields[] = {
	{ "ingress", &sl_conf_integer, .fallback = "0", CONFIG(overhead_ingress_bytes), .min = 0,
	  .max = 256, .help = "Added to the length of each packet that comes in." },
	{ "egress", &sl_conf_integer, .fallback = "0", CONFIG(overhead_egress_bytes), .min = 0,
	  .max = 256, .help = "Added to the length of each packet that leaves." },
};
static const struct sl_conf_table overhead_table = {
	"What the link adds to a packet, such as 24 for checksum, preamble and gap of Ethernet.",
	TABLE(overhead_fields), 0
};

static const struct sl_conf_field block_fields[] = {
	{ "prefix", &sl_conf_prefix, MEMBER(sl_block_spec, prefix), .flags = SL_CONF_REQUIRED,
	  .help = "The remote prefix." },
	{ "for", &sl_conf_duration, .fallback = "never", MEMBER(sl_block_spec, for_ns), .min = S_NS,
	  .max = SL_DURATION_NS_MAX, .flags = SL_CONF_NEVER,
	  .help = "The block ends after this time; never: it stays." },
};
static const struct sl_conf_table block_table = {
	"Remote prefixes whose packets to any protected service are dropped.", TABLE(block_fields),
	0
};

static const struct sl_conf_field root_fields[] = {
	{ "version", &sl_conf_integer, MEMBER(sl_conf_draft, version), .min = 1, .max = 1,
	  .flags = SL_CONF_REQUIRED, .help = "The version of this format." },
	{ "mode", &sl_conf_choice, .fallback = "enforce", CONFIG(mode), .choices = sl_choices_mode,
	  .help = "Of the whole node: enforce, shadow or off." },
	{ "resets_per_s", &sl_conf_count, .fallback = "10k", CONFIG(resets_per_s), .min = 0,
	  .max = 10000000,
	  .help = "Resets per second over all tenants (over_new_connections); 0: none." },
	{ "hash_seed", &sl_conf_integer, .fallback = "0", CONFIG(hash_seed), .min = 0,
	  .max = UINT64_MAX,
	  .help = "Of the cells of unknown sources. 0: random, as it should be; else the same "
		  "choices in each run, for tests." },
	{ "interfaces", .table = &interface_table,
	  LIST(sl_conf_draft, config.interfaces, config.interface_count),
	  .max = SL_CONFIG_INTERFACES_MAX },
	{ "sizes", .table = &sizes_table },
	{ "paths", .table = &paths_table },
	{ "metrics", .table = &metrics_table },
	{ "events", .table = &events_table },
	{ "overhead_bytes", .table = &overhead_table },
	{ "defaults", .table = &defaults_table, MEMBER(sl_conf_draft, defaults),
	  .flags = SL_CONF_RAW },
	{ "tenants", .table = &tenant_table,
	  LIST(sl_conf_draft, config.tenants, config.tenant_count), .max = SL_TENANTS_MAX - 1,
	  .template_offset = offsetof(struct sl_conf_draft, defaults), .flags = SL_CONF_TEMPLATE },
	{ "policies", .table = &sl_conf_policy_table, LIST(sl_conf_draft, policies, policy_count),
	  .max = SL_TENANTS_MAX - 1 },
	{ "services", .table = &service_table,
	  LIST(sl_conf_draft, config.services, config.service_count), .max = 2 * SL_SERVICES_MAX },
	{ "unknown", .table = &unknown_table, CONFIG(unknown) },
	{ "nats", .table = &sl_conf_nats_table, CONFIG(nats) },
	{ "quota", .table = &sl_conf_quota_table },
	{ "blocks", .table = &block_table, LIST(sl_conf_draft, config.blocks, config.block_count),
	  .max = 2 * SL_PREFIXES_MAX },
};

const struct sl_conf_table sl_conf_root = { NULL, TABLE(root_fields), 0 };

#define ASSERT_FITS(array)                                                                         \
	_Static_assert(sizeof(array) / sizeof((array)[0]) <= SL_CONF_FIELDS_MAX,                   \
		       "conf: raise SL_CONF_FIELDS_MAX")
ASSERT_FITS(root_fields);
ASSERT_FITS(tenant_fields);
ASSERT_FITS(unknown_fields);
