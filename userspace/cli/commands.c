// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/commands.h"

#include "userspace/ledger/ledger.h"

#define MODES	   "enforce shadow off"
#define DIRECTIONS "ingress egress tc-ingress"
#define PROTOCOLS  "tcp udp icmp icmpv6"
#define REASONS                                                                                    \
	"rate_packets rate_bytes rate_new_conns new_conns_reset conns_max shed blocked_tenant "    \
	"blocked_prefix lease_closed lease_safe unknown_source unknown_denied malformed "          \
	"fragments internal"
#define GLOBAL_LIMITS "packets bytes new_connections requests cost"
#define LIMIT_KEYS                                                                                 \
	"ingress.packets_per_s= ingress.packets_burst= ingress.bytes_per_s= ingress.bytes_burst= " \
	"egress.packets_per_s= egress.packets_burst= egress.bytes_per_s= egress.bytes_burst= "     \
	"new_connections_per_s= new_connections_burst= connections= fragments_per_s= "             \
	"fragments_burst= blocked="

const struct sl_option sl_program_options[] = {
	{ "json", NULL, "print JSON for programs", NULL },
	{ "pin-dir", "DIR", "where the maps are pinned (default " SL_PIN_DIR_DEFAULT ")",
	  "@files" },
	{ "socket", "PATH", "the agent's socket (default " SL_SOCKET_DEFAULT ")", "@files" },
	{ "config", "FILE", "take both from this configuration of sluiced", "@files" },
	{ "no-color", NULL, "no colours (as with NO_COLOR in the environment)", NULL },
	{ "help", NULL, "this help, or that of the command", NULL },
	{ "version", NULL, "print the version", NULL },
	{ 0 },
};

#define OPTION_CSV                                                                                 \
	{                                                                                          \
		"csv", NULL, "print CSV", NULL                                                     \
	}
#define OPTION_FOR                                                                                 \
	{                                                                                          \
		"for", "TIME", "until then, as 10m or 1h (default: for good)", NULL                \
	}
#define OPTION_DIRECT                                                                              \
	{                                                                                          \
		"direct", NULL, "write into the maps: only when the agent is dead", NULL           \
	}

static const struct sl_option csv_options[] = { OPTION_CSV, { 0 } };

static const struct sl_option list_options[] = {
	{ "all", NULL, "also names that are no longer configured", NULL },
	OPTION_CSV,
	{ 0 },
};

static const struct sl_option top_options[] = {
	{ "interval", "TIME", "between two looks (default 1s)", NULL },
	{ "sort", "KEY", "by drops (default), offered, bytes, used or name",
	  "drops offered bytes used name" },
	{ "once", NULL, "print one table and end; so when the output is no terminal", NULL },
	{ "limit", "N", "at most so many tenants (default: all, or what fits)", NULL },
	OPTION_CSV,
	{ 0 },
};

static const struct sl_option drops_options[] = {
	{ "follow", NULL, "go on until interrupted", NULL },
	{ "tenant", "NAME", "only of this tenant", "@tenants" },
	{ "reason", "REASON", "only for this reason", REASONS },
	{ "prefix", "PREFIX", "only from (or to) these remote addresses", NULL },
	{ "for", "TIME", "end after this time (default 5s without --follow)", NULL },
	OPTION_CSV,
	{ 0 },
};

static const struct sl_option explain_options[] = {
	{ "interface", "NAME", "as it would be judged on this interface", "@interfaces" },
	{ "direction", "WAY", "ingress (default), tc-ingress or egress", DIRECTIONS },
	{ "src", "ADDRESS", "source address", NULL },
	{ "dst", "ADDRESS", "destination address", NULL },
	{ "proto", "PROTOCOL", "tcp (default), udp, icmp or icmpv6", PROTOCOLS },
	{ "sport", "PORT", "source port (default 40000)", NULL },
	{ "dport", "PORT", "destination port", NULL },
	{ "flags", "FLAGS", "of TCP: syn (default), ack, syn,ack, none ...",
	  "syn ack syn,ack fin rst none" },
	{ "vlan", "ID[,ID]", "VLAN tags, the outer first", NULL },
	{ "fragment", NULL, "a later fragment: it has no ports", NULL },
	{ "length", "BYTES", "of the whole frame (default: just the headers)", NULL },
	{ "mark", "N", "the skb mark, on tc", NULL },
	{ "hex", "HEX", "the whole frame instead, in hex", NULL },
	{ "pcap", "FILE", "the first packet of a capture instead", "@files" },
	{ 0 },
};

static const struct sl_option for_options[] = { OPTION_FOR, { 0 } };

static const struct sl_option block_add_options[] = { OPTION_FOR, OPTION_DIRECT, { 0 } };

static const struct sl_option direct_options[] = { OPTION_DIRECT, { 0 } };

static const struct sl_option flows_options[] = {
	{ "limit", "N", "at most so many (default 1000)", NULL },
	{ "tenant", "NAME", "only of this tenant", "@tenants" },
	OPTION_CSV,
	{ 0 },
};

static const struct sl_option mode_options[] = {
	{ "tenant", "NAME", "of this tenant alone", "@tenants" },
	OPTION_FOR,
	OPTION_DIRECT,
	{ 0 },
};

static const struct sl_option mode_clear_options[] = {
	{ "tenant", "NAME", "of this tenant alone", "@tenants" },
	{ 0 },
};

static const struct sl_option doctor_options[] = {
	{ "interface", "NAME", "look at this one (default: all that are up)", "@interfaces" },
	OPTION_CSV,
	{ 0 },
};

static const struct sl_option capacity_options[] = {
	{ "interval", "TIME", "length of a sample (default 10s)", NULL },
	{ "samples", "N", "how many (default 1)", NULL },
	OPTION_CSV,
	{ 0 },
};

static const struct sl_option usage_options[] = {
	{ "by", "WHAT", "a row for each run, provider, day or tenant (default)",
	  "run provider day tenant" },
	{ "tenant", "NAME", "only of this tenant", NULL },
	{ "since", "MOMENT", "from 2026-11-24, 2026-11-24T10:30:00Z, or so long ago: 24h", NULL },
	{ "until", "MOMENT", "before then", NULL },
	{ "limit", "N", "at most so many rows (default 1000)", NULL },
	{ "ledger", "FILE", "of sluice-usage (default " SL_LEDGER_PATH_DEFAULT ")", "@files" },
	OPTION_CSV,
	{ 0 },
};

#define OPTIONS_NATS                                                                               \
	{ "nats", "URL", "the server (default NATS_URL, or nats://127.0.0.1:4222)", NULL },        \
	{                                                                                          \
		"credentials", "FILE", "a user's JWT and seed", "@files"                           \
	}
#define OPTIONS_LETTERS                                                                            \
	{ "tenant", "NAME", "only of this tenant", NULL },                                         \
		{ "reason", "REASON", "only for this reason",                                      \
		  "validation_failed processing_error maxdeliver_exhausted" },                     \
	{                                                                                          \
		"subject", "SUBJECT", "only of messages to this subject", NULL                     \
	}

static const struct sl_option dlq_list_options[] = {
	OPTIONS_NATS,
	OPTIONS_LETTERS,
	{ "limit", "N", "at most so many, the newest (default 100)", NULL },
	OPTION_CSV,
	{ 0 },
};

static const struct sl_option dlq_show_options[] = { OPTIONS_NATS, { 0 } };

static const struct sl_option dlq_replay_options[] = {
	OPTIONS_NATS,
	OPTIONS_LETTERS,
	{ "all", NULL, "every letter that the options above leave", NULL },
	{ "keep", NULL, "leave them among the dead letters as well", NULL },
	{ 0 },
};

static const struct sl_option uninstall_options[] = {
	{ "yes", NULL, "do not ask", NULL },
	{ 0 },
};

const struct sl_command sl_commands[] = {
	{ "status", NULL, "", "What this node enforces, and how it is", NULL, 0, 0, NULL,
	  sl_cmd_status },
	{ "tenants", "list", "", "All tenants with limits and counters", NULL, 0, 0, list_options,
	  sl_cmd_tenants_list },
	{ "tenants", "get", "NAME", "All about one tenant", "@tenants", 1, 1, NULL,
	  sl_cmd_tenants_get },
	{ "tenants", "set", "NAME KEY=VALUE...", "The same as limit set", "@tenants|" LIMIT_KEYS, 2,
	  SL_POSITIONALS_MAX, for_options, sl_cmd_limit_set },
	{ "tenants", "top", "", "Live view of offered and dropped traffic", NULL, 0, 0, top_options,
	  sl_cmd_tenants_top },
	{ "drops", NULL, "", "Sampled drops as they happen", NULL, 0, 0, drops_options,
	  sl_cmd_drops },
	{ "explain", NULL, "", "What would happen to a packet, and why", NULL, 0, 0,
	  explain_options, sl_cmd_explain },
	{ "limit", "list", "", "Limits that operators changed", NULL, 0, 0, csv_options,
	  sl_cmd_limit_list },
	{ "limit", "set", "NAME KEY=VALUE...", "Change limits of a tenant", "@tenants|" LIMIT_KEYS,
	  2, SL_POSITIONALS_MAX, for_options, sl_cmd_limit_set },
	{ "limit", "clear", "NAME", "Back to what the configuration says", "@tenants", 1, 1, NULL,
	  sl_cmd_limit_clear },
	{ "block", "list", "", "Blocked prefixes", NULL, 0, 0, csv_options, sl_cmd_block_list },
	{ "block", "add", "PREFIX...", "Drop all from these prefixes", NULL, 1, SL_POSITIONALS_MAX,
	  block_add_options, sl_cmd_block_add },
	{ "block", "del", "PREFIX...", "Let them in again", NULL, 1, SL_POSITIONALS_MAX,
	  direct_options, sl_cmd_block_del },
	{ "flows", "list", "", "Connections bound to tenants", NULL, 0, 0, flows_options,
	  sl_cmd_flows_list },
	{ "flows", "bind", "PROTOCOL REMOTE LOCAL NAME", "Bind a connection to a tenant",
	  "tcp udp|||@tenants", 4, 4, NULL, sl_cmd_flows_bind },
	{ "flows", "unbind", "PROTOCOL REMOTE LOCAL", "Forget a bound connection", "tcp udp||", 3,
	  3, NULL, sl_cmd_flows_unbind },
	{ "mode", "show", "", "The mode of the node and of its tenants", NULL, 0, 0, csv_options,
	  sl_cmd_mode_show },
	{ "mode", "set", "MODE", "enforce, shadow (count only) or off", MODES, 1, 1, mode_options,
	  sl_cmd_mode_set },
	{ "mode", "clear", "", "Back to the mode of the configuration", NULL, 0, 0,
	  mode_clear_options, sl_cmd_mode_clear },
	{ "shed", "set", "NAME PERMILLE", "Shed this share of a tenant's traffic for a while",
	  "@tenants|", 2, 2, for_options, sl_cmd_shed_set },
	{ "pressure", NULL, "", "Overload of the workers, and what is shed for it", NULL, 0, 0,
	  csv_options, sl_cmd_pressure },
	{ "quota", "node", "", "What this node has of the limits of all nodes, and why", NULL, 0, 0,
	  csv_options, sl_cmd_quota },
	{ "quota", "show", "[NAME]", "Who holds what of them, on all nodes, by Redis", "@tenants",
	  0, 1, csv_options, sl_cmd_quota_show },
	{ "quota", "explain", "NAME", "Why a tenant was refused lately by them", "@tenants", 1, 1,
	  csv_options, sl_cmd_quota_explain },
	{ "quota", "set", "NAME LIMIT RATE", "Another rate a second of a limit, on all nodes",
	  "@tenants|" GLOBAL_LIMITS "|", 3, 3, for_options, sl_cmd_quota_set },
	{ "quota", "raise", "NAME LIMIT BY", "Raise a limit of all nodes, by a rate or as 20%",
	  "@tenants|" GLOBAL_LIMITS "|", 3, 3, for_options, sl_cmd_quota_raise },
	{ "quota", "lower", "NAME LIMIT BY", "Lower it", "@tenants|" GLOBAL_LIMITS "|", 3, 3,
	  for_options, sl_cmd_quota_lower },
	{ "quota", "clear", "NAME LIMIT", "Back to what the configuration says, on all nodes",
	  "@tenants|" GLOBAL_LIMITS, 2, 2, NULL, sl_cmd_quota_clear },
	{ "quota", "drain", "[NODE]", "A node gives all its leases back and takes none", NULL, 0, 1,
	  for_options, sl_cmd_quota_drain },
	{ "quota", "undrain", "[NODE]", "It may lease again", NULL, 0, 1, NULL,
	  sl_cmd_quota_undrain },
	{ "bpf", "maps", "", "The maps: sizes, memory, how full", NULL, 0, 0, csv_options,
	  sl_cmd_bpf_maps },
	{ "bpf", "progs", "", "The programs in the kernel", NULL, 0, 0, csv_options,
	  sl_cmd_bpf_progs },
	{ "bpf", "links", "", "Where they are attached", NULL, 0, 0, csv_options,
	  sl_cmd_bpf_links },
	{ "bpf", "diff", "", "What the maps hold against the configuration of --config", NULL, 0, 0,
	  csv_options, sl_cmd_bpf_diff },
	{ "doctor", NULL, "", "Can sluiced run here, and how well", NULL, 0, 0, doctor_options,
	  sl_cmd_doctor },
	{ "capacity", NULL, "", "Demand, unmet demand and headroom of each tenant", NULL, 0, 0,
	  capacity_options, sl_cmd_capacity },
	{ "usage", "report", "", "Cost and success of jobs by run, provider, day or tenant", NULL,
	  0, 0, usage_options, sl_cmd_usage_report },
	{ "dlq", "list", "", "Messages that could not be worked on", NULL, 0, 0, dlq_list_options,
	  sl_cmd_dlq_list },
	{ "dlq", "show", "NUMBER", "One of them, whole", NULL, 1, 1, dlq_show_options,
	  sl_cmd_dlq_show },
	{ "dlq", "replay", "[NUMBER...]", "Send messages again to where they belong", NULL, 0,
	  SL_POSITIONALS_MAX, dlq_replay_options, sl_cmd_dlq_replay },
	{ "reload", NULL, "", "Have the agent read its configuration again", NULL, 0, 0, NULL,
	  sl_cmd_reload },
	{ "uninstall", NULL, "", "Take everything of Sluice out of the kernel", NULL, 0, 0,
	  uninstall_options, sl_cmd_uninstall },
	{ "version", NULL, "", "Versions of sluicectl, of the maps, and of the agent", NULL, 0, 0,
	  NULL, sl_cmd_version },
	{ "help", NULL, "[COMMAND [VERB]]", "This help, or that of a command", NULL, 0, 2, NULL,
	  sl_cmd_help },
	{ "complete", NULL, "WORD...", NULL, NULL, 0, SL_POSITIONALS_MAX, NULL, sl_cmd_complete },
	{ 0 },
};
