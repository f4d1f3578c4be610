// SPDX-License-Identifier: Apache-2.0
/* Start, loop, end. Each step of the start says what it could not do, and the agent ends. */
#include "userspace/agent/agent_private.h"

#include <errno.h>
#include <event2/event.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/agent/lock.h"
#include "userspace/agent/notify.h"
#include "userspace/agent/pressure.h"
#include "userspace/agent/privileges.h"
#include "userspace/agent/quota_peers.h"
#include "userspace/agent/state.h"
#include "userspace/base/clock.h"
#include "userspace/dataplane/pins.h"

#define RENEW_MS	     300 /* leases are at least 1 s: three chances for each */
#define DRAIN_MS	     50
#define HOUSEKEEPING_MS	     1000
#define RETRY_NS	     10000000000ull
#define LARGEST_SOCKET_GROUP 0x7fffffffl

typedef int step_fn(struct sl_agent *agent, struct sl_agent_error *error);

/* ---- timers and signals ---------------------------------------------------------------- */

static void on_renew(evutil_socket_t fd, short what, void *agent)
{
	(void)fd;
	(void)what;
	sl_agent_renew(agent);
}

static void on_drain(evutil_socket_t fd, short what, void *agent)
{
	(void)fd;
	(void)what;
	sl_agent_drain(agent);
}

static void on_housekeeping(evutil_socket_t fd, short what, void *arg)
{
	struct sl_agent *agent = arg;
	uint64_t now_ns = sl_monotonic_ns();
	struct sl_agent_error error;

	(void)fd;
	(void)what;
	sl_agent_expire(agent);
	sl_watch_renew(agent->watch);
	sl_agent_repair(agent);
	if (now_ns < agent->next_retry_ns)
		return;
	agent->next_retry_ns = now_ns + RETRY_NS;
	(void)sl_sync_block_expire(agent->maps, now_ns);
	sl_agent_retry_interfaces(agent);
	/* A cgroup that was missing may be there by now. */
	if (agent->synced.cgroups_missing)
		(void)sl_agent_apply(agent, agent->config, &agent->overrides, &error);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct sl_agent *agent = arg;
	struct sl_agent_error error;

	(void)what;
	if (number == SIGHUP) {
		(void)sl_agent_reload(agent, &error);
		return;
	}
	agent->stopping = true;
	(void)event_base_loopbreak(agent->base);
}

static void on_changed(void *arg)
{
	struct sl_agent_error error;

	(void)sl_agent_reload(arg, &error);
}

static int add_timer(struct sl_agent *agent, int at, int ms, event_callback_fn function)
{
	const struct timeval every = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	agent->timers[at] = event_new(agent->base, -1, EV_PERSIST, function, agent);
	return agent->timers[at] && event_add(agent->timers[at], &every) == 0 ? 0 : -ENOMEM;
}

static int start_timers(struct sl_agent *agent, struct sl_agent_error *error)
{
	static const int numbers[] = { SIGHUP, SIGTERM, SIGINT };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		agent->signals[i] = evsignal_new(agent->base, numbers[i], on_signal, agent);
		if (!agent->signals[i] || event_add(agent->signals[i], NULL) != 0)
			return sl_agent_fail(error, -ENOMEM, "cannot watch signals");
	}
	if (add_timer(agent, 0, RENEW_MS, on_renew) || add_timer(agent, 1, DRAIN_MS, on_drain) ||
	    add_timer(agent, 2, HOUSEKEEPING_MS, on_housekeeping))
		return sl_agent_fail(error, -ENOMEM, "cannot make timers");
	return 0;
}

/* ---- steps of the start ------------------------------------------------------------------ */

static int check_privileges(struct sl_agent *agent, struct sl_agent_error *error)
{
	struct sl_privileges_error why = { .message = "" };
	int err = sl_privileges_check(&why);

	if (err)
		return sl_agent_fail(error, err, "%s", why.message);
	if (!sl_privileges_raise_memlock())
		sl_log(agent->log, SL_LOG_DEBUG,
		       "cannot raise RLIMIT_MEMLOCK; kernels from 5.11 on do not need it");
	return 0;
}

static int read_config(struct sl_agent *agent, struct sl_agent_error *error)
{
	agent->config_read_ns = sl_monotonic_ns();
	return sl_agent_read_config(&agent->config, &agent->options, error);
}

/* Of @option's value @name; 0 when none was given. */
static int find_group(gid_t *ret, const char *option, const char *name,
		      struct sl_agent_error *error)
{
	const struct group *group;
	char *end = NULL;
	long number;

	if (!name)
		return 0;
	number = strtol(name, &end, 10);
	if (*name && !*end && number > 0 && number <= LARGEST_SOCKET_GROUP) {
		*ret = (gid_t)number;
		return 0;
	}
	group = getgrnam(name); /* NOLINT(concurrency-mt-unsafe): there is one thread */
	if (!group)
		return sl_agent_fail(error, -EINVAL, "%s: no group is called \"%.60s\"", option,
				     name);
	*ret = group->gr_gid;
	return 0;
}

static int find_groups(struct sl_agent *agent, struct sl_agent_error *error)
{
	int err = find_group(&agent->group, "--socket-group", agent->options.socket_group, error);

	return err ? err
		   : find_group(&agent->gateway_group, "--gateway-group",
				agent->options.gateway_group, error);
}

static int take_lock(struct sl_agent *agent, struct sl_agent_error *error)
{
	const char *folder = agent->config->state_dir;
	struct sl_dp_error dp_error = { .message = "" };
	pid_t holder = 0;
	int err;

	agent->lock_fd = sl_lock_take(folder, &holder);
	if (agent->lock_fd == -EBUSY)
		return sl_agent_fail(error, -EBUSY,
				     "another agent (process %d) uses %.200s; stop it first",
				     (int)holder, folder);
	if (agent->lock_fd < 0)
		return sl_agent_fail(error, agent->lock_fd, "%.200s: %s", folder,
				     strerror(-agent->lock_fd));
	err = sl_pin_make_dir(agent->config->pin_dir, &dp_error);
	if (!err)
		err = sl_sync_lock(&agent->sync_lock_fd, agent->config->pin_dir, &dp_error);
	return err ? sl_agent_fail(error, err, "%s", dp_error.message) : 0;
}

static int open_dataplane(struct sl_agent *agent, struct sl_agent_error *error)
{
	static const char *const origins[] = {
		[SL_DATAPLANE_CREATED] = "made new maps",
		[SL_DATAPLANE_ADOPTED] = "took over the maps of the agent before",
		[SL_DATAPLANE_MIGRATED] = "migrated the maps of the agent before",
	};
	const struct sl_dataplane_options options = { .pin_dir = agent->config->pin_dir,
						      .sizes = agent->config->sizes,
						      .hash_seed = agent->config->hash_seed,
						      .now_ns = sl_monotonic_ns(),
						      .migrate = agent->options.migrate };
	struct sl_dp_error why = { .message = "" };
	int err;

	sl_log(agent->log, SL_LOG_INFO,
	       "loading programs; the kernel checks them for some seconds");
	err = sl_dataplane_open(&agent->dataplane, &options, &why);
	if (err)
		return sl_agent_fail(error, err, "%s", why.message);
	agent->maps = sl_dataplane_maps(agent->dataplane);
	sl_log(agent->log, SL_LOG_INFO, origins[sl_dataplane_origin(agent->dataplane)],
	       SL_STR("pin_dir", agent->config->pin_dir),
	       SL_NUM("tenants_max", sl_maps_view(agent->maps)->tenants));
	err = sl_events_open(&agent->events, agent->maps, sl_agent_on_drop, agent, &why);
	return err ? sl_agent_fail(error, err, "%s", why.message) : 0;
}

/* Nonsense in the file must not keep a node unprotected. */
static int load_overrides(struct sl_agent *agent, struct sl_agent_error *error)
{
	struct sl_text_error why = { .message = "" };
	int err = sl_state_load(&agent->overrides, agent->config->state_dir, &why);

	(void)error;
	if (err) {
		agent->stats.state_failures_total++;
		sl_log(agent->log, SL_LOG_ERROR, "overrides of operators are not in force",
		       SL_STR("error", why.message[0] ? why.message : strerror(-err)));
	}
	(void)sl_overrides_expire(&agent->overrides, sl_wall_ns());
	if (agent->overrides.count)
		sl_log(agent->log, SL_LOG_INFO, "overrides of operators are in force",
		       SL_NUM("count", agent->overrides.count));
	return 0;
}

static int first_apply(struct sl_agent *agent, struct sl_agent_error *error)
{
	struct sl_dp_error why = { .message = "" };
	int err = sl_agent_apply(agent, agent->config, &agent->overrides, error);

	if (err)
		return err;
	sl_agent_renew(agent);
	err = sl_dataplane_carry(agent->dataplane, &why);
	return err ? sl_agent_fail(error, err, "%s", why.message) : 0;
}

static int attach_all(struct sl_agent *agent, struct sl_agent_error *error)
{
	struct sl_dp_error why = { .message = "" };

	(void)error;
	sl_agent_take_interfaces(agent);
	if (agent->config->sizes.sockets == 0) {
		(void)snprintf(agent->sockets_error, sizeof(agent->sockets_error),
			       "off: sizes.sockets is 0");
		return 0;
	}
	/* Without it packets are judged all the same; only connections are not counted. */
	if (sl_attach_sockets(agent->dataplane, agent->config->cgroup_dir, &agent->sockets, &why) !=
	    0) {
		(void)snprintf(agent->sockets_error, sizeof(agent->sockets_error), "%s",
			       why.message);
		sl_log(agent->log, SL_LOG_WARN, "concurrent connections are not counted",
		       SL_STR("error", why.message));
	}
	return 0;
}

static int open_socket(struct sl_admin **ret, struct sl_agent *agent, const char *path,
		       bool gateway, struct sl_agent_error *error)
{
	const struct sl_admin_options options = { .path = path,
						  .group = gateway ? agent->gateway_group
								   : agent->group,
						  .gateway = gateway,
						  .log = agent->log,
						  .function = sl_agent_on_request,
						  .context = agent };
	int err = sl_admin_new(ret, agent->base, &options);

	if (err == -EADDRINUSE)
		return sl_agent_fail(error, err, "another agent answers at %.200s", path);
	return err ? sl_agent_fail(error, err, "%.200s: %s", path, strerror(-err)) : 0;
}

static int open_sockets(struct sl_agent *agent, struct sl_agent_error *error)
{
	const struct sl_config *config = agent->config;
	int err = open_socket(&agent->admin, agent, config->socket_path, false, error);

	if (err || !config->gateway_socket_path[0])
		return err;
	return open_socket(&agent->gateways, agent, config->gateway_socket_path, true, error);
}

static int open_http(struct sl_agent *agent, struct sl_agent_error *error)
{
	const struct sl_config *config = agent->config;
	int err;

	if (!config->metrics_port)
		return 0;
	err = sl_http_new(&agent->http, agent->base, config->metrics_address, config->metrics_port,
			  sl_agent_routes, agent);
	if (err)
		return sl_agent_fail(error, err, "metrics at %s port %u: %s",
				     config->metrics_address, config->metrics_port, strerror(-err));
	if (strncmp(config->metrics_address, "127.", 4) != 0 &&
	    strcmp(config->metrics_address, "::1") != 0)
		sl_log(agent->log, SL_LOG_WARN,
		       "metrics name the tenants and are open to whoever reaches this address",
		       SL_STR("address", config->metrics_address));
	return 0;
}

static int watch_all(struct sl_agent *agent, struct sl_agent_error *error)
{
	int err = sl_links_new(&agent->links, agent->base, sl_agent_on_link, agent);

	if (err)
		return sl_agent_fail(error, err, "cannot watch interfaces: %s", strerror(-err));
	sl_links_want(agent->links, agent->config->interfaces, agent->config->interface_count);
	err = sl_watch_new(&agent->watch, agent->base, agent->options.config_path, on_changed,
			   agent);
	return err ? sl_agent_fail(error, err, "cannot watch %.200s: %s",
				   agent->options.config_path, strerror(-err))
		   : 0;
}

static int drop_privileges(struct sl_agent *agent, struct sl_agent_error *error)
{
	struct sl_privileges_error why = { .message = "" };
	int err;

	if (agent->options.no_sandbox) {
		sl_log(agent->log, SL_LOG_WARN, "--no-sandbox: all privileges are kept");
		return 0;
	}
	err = sl_privileges_drop(&why);
	if (!err)
		err = sl_privileges_filter(&why);
	return err ? sl_agent_fail(error, err, "%s", why.message) : 0;
}

static int hear_pressure(struct sl_agent *agent, struct sl_agent_error *error)
{
	return sl_agent_pressure_new(&agent->pressure, agent, error);
}

static int hear_peers(struct sl_agent *agent, struct sl_agent_error *error)
{
	return sl_quota_peers_new(&agent->peers, agent, error);
}

static int make_base(struct sl_agent *agent, struct sl_agent_error *error)
{
	/* A client that leaves must not end the agent. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return sl_agent_fail(error, -errno, "signal: %s", strerror(errno));
	agent->base = event_base_new();
	return agent->base ? 0 : sl_agent_fail(error, -ENOMEM, "cannot make an event loop");
}

/* What may be in use by another comes first: a start that fails then changes nothing. */
static step_fn *const steps[] = {
	read_config,  find_groups,     check_privileges, make_base,   take_lock,  open_sockets,
	open_http,    open_dataplane,  load_overrides,	 first_apply, attach_all, watch_all,
	start_timers, drop_privileges, hear_pressure,	 hear_peers,
};

int sl_agent_start(struct sl_agent **ret, const struct sl_agent_options *options,
		   struct sl_log *log)
{
	struct sl_agent *agent = calloc(1, sizeof(*agent));

	if (!agent)
		return -ENOMEM;
	agent->options = *options;
	agent->log = log;
	agent->lock_fd = -1;
	agent->sync_lock_fd = -1;
	agent->started_ns = sl_monotonic_ns();
	sl_log(log, SL_LOG_INFO, "starting", SL_STR("version", SL_VERSION),
	       SL_STR("config", options->config_path));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct sl_agent_error error = { .message = "" };
		int err = steps[i](agent, &error);

		if (!err)
			continue;
		sl_log(log, SL_LOG_ERROR, "cannot start", SL_STR("error", error.message));
		sl_agent_free(agent);
		return err;
	}
	agent->ready = true;
	*ret = agent;
	return 0;
}

int sl_agent_run(struct sl_agent *agent)
{
	int err = sl_notify("READY=1");

	if (err)
		sl_log(agent->log, SL_LOG_WARN, "cannot tell the service manager",
		       SL_STR("error", strerror(-err)));
	sl_log(agent->log, SL_LOG_INFO, "ready",
	       SL_STR("mode", sl_choice_name(sl_choices_mode, (int)agent->effective->mode)),
	       SL_NUM("interfaces", agent->interface_count),
	       SL_NUM("tenants", agent->config->tenant_count),
	       SL_NUM("services", agent->config->service_count),
	       SL_STR("socket", agent->config->socket_path),
	       SL_NUM("metrics_port", agent->config->metrics_port));
	err = event_base_dispatch(agent->base) < 0 ? -EIO : 0;
	(void)sl_notify("STOPPING=1");
	sl_log(agent->log, SL_LOG_INFO,
	       err ? "the event loop failed" : "ending; limits stay in force");
	return err;
}

static void free_event(struct event *event)
{
	if (event)
		event_free(event);
}

void sl_agent_free(struct sl_agent *agent)
{
	if (!agent)
		return;
	for (size_t i = 0; i < sizeof(agent->signals) / sizeof(agent->signals[0]); i++)
		free_event(agent->signals[i]);
	for (size_t i = 0; i < SL_AGENT_TIMERS; i++)
		free_event(agent->timers[i]);
	sl_quota_peers_free(agent->peers);
	sl_agent_pressure_free(agent->pressure);
	sl_agent_leave(agent);
	sl_watch_free(agent->watch);
	sl_links_free(agent->links);
	sl_http_free(agent->http);
	sl_admin_free(agent->gateways);
	sl_admin_free(agent->admin);
	sl_events_close(agent->events);
	sl_dataplane_close(agent->dataplane);
	if (agent->base)
		event_base_free(agent->base);
	sl_plan_free(agent->plan);
	sl_overrides_release(&agent->overrides);
	sl_config_free(agent->effective);
	sl_config_free(agent->config);
	if (agent->sync_lock_fd >= 0)
		(void)close(agent->sync_lock_fd);
	if (agent->lock_fd >= 0)
		(void)close(agent->lock_fd);
	free(agent);
}
