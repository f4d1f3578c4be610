/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of an agent, for the files that are one: agent.c, apply.c, reload.c,
 * interfaces.c, commands.c, status.c, drops.c, exporter.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "userspace/agent/admin.h"
#include "userspace/agent/agent.h"
#include "userspace/agent/links.h"
#include "userspace/agent/quota.h"
#include "userspace/agent/reconcile.h"
#include "userspace/agent/watch.h"
#include "userspace/dataplane/attach.h"
#include "userspace/dataplane/counters_read.h"
#include "userspace/dataplane/events.h"
#include "userspace/dataplane/loader.h"
#include "userspace/dataplane/sync.h"
#include "userspace/obs/http.h"

struct event;
struct event_base;
struct json_t;
struct sl_metrics;
struct sl_agent_pressure;
struct sl_quota_peers;

#define SL_AGENT_TIMERS 3

/* One interface of the configuration. */
struct sl_agent_interface {
	struct sl_interface_spec spec;
	int ifindex; /* 0: it does not exist */
	bool attached;
	struct sl_attach_report report; /* of what is attached; egress even with an error */
	char error[512];		/* why not, when it exists and is not */
};

struct sl_agent_stats {
	uint64_t reloads_total;
	uint64_t reload_failures_total;
	uint64_t applies_total;
	uint64_t apply_failures_total;
	uint64_t apply_ns; /* of the last */
	uint64_t state_failures_total;
	uint64_t attach_failures_total;
	uint64_t attach_repairs_total; /* somebody took a program off */
	uint64_t events_total;	       /* read from the ring */
};

struct sl_agent_occupancy {
	uint64_t read_ns;  /* when; 0: never */
	uint64_t large_ns; /* the same, of the large ones */
	struct sl_occupancy maps[SL_MAP_COUNT];
	bool known[SL_MAP_COUNT];
};

struct sl_agent {
	struct sl_agent_options options;
	struct sl_log *log;
	struct event_base *base;
	struct event *signals[3];
	struct event *timers[SL_AGENT_TIMERS];
	int lock_fd;	  /* of the state folder */
	int sync_lock_fd; /* of the pins */
	gid_t group;
	gid_t gateway_group;
	uint64_t started_ns;

	struct sl_config *config; /* as read */
	uint64_t config_read_ns;
	char config_error[512]; /* of the last reload; "" when it was good */
	struct sl_config *effective;
	struct sl_overrides overrides;
	struct sl_sheds sheds;
	struct sl_plan *plan;
	struct sl_sync_result synced;

	struct sl_dataplane *dataplane;
	struct sl_maps *maps;
	struct sl_events *events;
	struct sl_attachment sockets;
	char sockets_error[512];
	struct sl_agent_interface interfaces[SL_CONFIG_INTERFACES_MAX];
	size_t interface_count;

	struct sl_links *links;
	struct sl_watch *watch;
	struct sl_admin *admin;
	struct sl_quota *quota; /* NULL: no limit is global */
	struct event *quota_timer;
	struct sl_quota_peers *peers; /* NULL: none are heard */
	struct sl_admin *gateways;    /* NULL: no gateway on this node */
	struct sl_http *http;
	struct sl_agent_pressure *pressure; /* NULL: nobody tells of it */
	bool ready;
	bool stopping;
	uint64_t next_retry_ns;
	struct sl_agent_stats stats;
	struct sl_agent_occupancy occupancy;
};

struct sl_agent_error {
	char message[512];
};

int sl_agent_fail(struct sl_agent_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

uint64_t sl_agent_seed(void); /* random */

/* ---- apply.c: what should be so, made so ------------------------------------------ */

/* Plan and write. On failure what was live stays live. */
int sl_agent_apply(struct sl_agent *agent, const struct sl_config *config,
		   const struct sl_overrides *overrides, struct sl_agent_error *error);

/* Applies, keeps and saves @changed, which is taken over in any case; *ret_unsaved
 * says why it could not be saved, "" when it was. */
int sl_agent_change(struct sl_agent *agent, struct sl_overrides *changed,
		    struct sl_agent_error *ret_unsaved, struct sl_agent_error *error);

int sl_agent_copy_overrides(struct sl_overrides *ret, const struct sl_overrides *from);

/* Ends overrides and shed levels whose time is over. */
void sl_agent_expire(struct sl_agent *agent);

/* Heartbeat and leases. */
void sl_agent_renew(struct sl_agent *agent);

/* The id of a tenant of the configuration, or -1. */
int64_t sl_agent_tenant_id(const struct sl_agent *agent, const char *name);

/* ---- shared.c: limits that are of all nodes ------------------------------------------------ */

/* What this node has of them, into @plan; joins the other nodes when it has to. */
int sl_agent_share(struct sl_agent *agent, const struct sl_config *effective, struct sl_plan *plan,
		   struct sl_agent_error *error);
void sl_agent_leave(struct sl_agent *agent);

/* ---- reload.c ----------------------------------------------------------------------- */

/* The configuration with the paths of the command line. */
int sl_agent_read_config(struct sl_config **ret, const struct sl_agent_options *options,
			 struct sl_agent_error *error);

/* All of the new configuration, or nothing of it. It was logged and counted. */
int sl_agent_reload(struct sl_agent *agent, struct sl_agent_error *error);

/* ---- interfaces.c ------------------------------------------------------------------ */

/* The interfaces of the configuration, and off those that are no longer in it. */
void sl_agent_take_interfaces(struct sl_agent *agent);
void sl_agent_on_link(const struct sl_link_slot *slot, int ifindex, bool come, void *arg);
/* Those that exist and are not attached, once more. */
void sl_agent_retry_interfaces(struct sl_agent *agent);
/* Those that somebody else took a program off, and the counting of connections. */
void sl_agent_repair(struct sl_agent *agent);
/* NULL when all that exist are attached, else the first that is not. */
const struct sl_agent_interface *sl_agent_unattached(const struct sl_agent *agent);

/* ---- commands.c, status.c, drops.c, exporter.c ---------------------------------------- */

void sl_agent_on_request(struct sl_admin_reply *reply, const struct sl_admin_request *request,
			 const char *line, void *arg);
struct json_t *sl_agent_status(const struct sl_agent *agent);
void sl_agent_on_drop(const struct sl_event *event, void *arg);
void sl_agent_drain(struct sl_agent *agent);
extern const struct sl_http_route sl_agent_routes[];
