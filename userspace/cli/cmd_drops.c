// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/cli/agent_call.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/direct.h"
#include "userspace/cli/drop.h"
#include "userspace/cli/live.h"
#include "userspace/cli/safe.h"
#include "userspace/cli/snapshot.h"
#include "userspace/dataplane/events.h"
#include "userspace/domain/counters.h"

#define LOOK_NS	       5000000000ull /* how long without --follow */
#define POLL_MS	       100
#define EVENTS_AT_ONCE 1024

struct watch {
	struct sl_cli *cli;
	struct sl_doc *doc;
	struct sl_sheet *sheet;
	struct sl_drop_filter filter;
	const struct sl_maps_view *view;
	uint64_t until_ns; /* 0: until interrupted */
	int64_t wall_ns;
	int signals;
	bool printed;
	int err;
};

static void show(struct watch *watch, const struct sl_drop *drop)
{
	if (watch->err || !sl_drop_matches(drop, &watch->filter))
		return;
	sl_drop_put(watch->sheet, drop);
	watch->err = sl_sheet_flush(watch->sheet, watch->cli, !watch->printed);
	watch->printed = true;
}

/* The time, a signal, or an output that is gone end it. */
static bool is_over(const struct watch *watch, int wait_ms)
{
	struct pollfd fd = { .fd = watch->signals, .events = POLLIN };

	if (watch->err || (watch->until_ns && sl_monotonic_ns() >= watch->until_ns))
		return true;
	return poll(&fd, 1, wait_ms) > 0;
}

static void on_event(const struct sl_event *event, void *context)
{
	struct watch *watch = context;
	struct sl_drop drop;

	sl_drop_of_event(&drop, event, watch->wall_ns);
	(void)sl_live_name(drop.tenant, watch->view, event->tenant);
	if (!if_indextoname(event->ifindex, drop.interface))
		drop.interface[0] = '\0';
	show(watch, &drop);
}

/* The agent is dead: we are the ring buffer's consumer, under the writer's lock. */
static int watch_ring(struct watch *watch)
{
	sl_cleanup(sl_direct_close) struct sl_direct direct = { .lock = -1 };
	sl_cleanup(sl_events_closep) struct sl_events *events = NULL;
	struct sl_dp_error error = { "" };
	size_t count = 0;
	int code = sl_direct_open(&direct, watch->cli);

	if (code)
		return code;
	sl_cli_note(watch->cli, "the agent is not running: reading the ring buffer itself");
	watch->view = sl_maps_view(direct.maps);
	if (sl_events_open(&events, direct.maps, on_event, watch, &error))
		return sl_cli_fail(watch->cli, SL_EXIT_FAILED, "%s", error.message);
	while (!is_over(watch, count == EVENTS_AT_ONCE ? 0 : POLL_MS))
		if (sl_events_poll(&count, events, EVENTS_AT_ONCE, &error))
			return sl_cli_fail(watch->cli, SL_EXIT_FAILED, "%s", error.message);
	return 0;
}

static int watch_agent(struct watch *watch, struct sl_client *client)
{
	sl_cleanup(sl_json_freep) json_t *request = json_pack("{ss}", "cmd", "events.follow");
	sl_cleanup(sl_json_freep) json_t *reply = NULL;
	struct sl_client_error error = { "" };
	int err = sl_client_call(&reply, client, request, &error);

	while (!err && !is_over(watch, 0)) {
		sl_cleanup(sl_json_freep) json_t *line = NULL;
		struct sl_drop drop;

		err = sl_client_next(&line, client, POLL_MS, &error);
		if (err == -ETIMEDOUT)
			err = 0;
		else if (!err && sl_drop_of_json(&drop, line) == 0)
			show(watch, &drop);
	}
	return err ? sl_cli_fail(watch->cli, SL_EXIT_FAILED, "%s", error.message) : 0;
}

static int run(struct watch *watch)
{
	sl_cleanup(sl_client_closep) struct sl_client *client = NULL;
	struct sl_client_error error = { "" };
	int code, err = sl_client_open(&client, watch->cli->socket_path, &error);

	if (err && err != -ENOENT && err != -ECONNREFUSED)
		return sl_cli_fail(watch->cli, SL_EXIT_FAILED, "%s", error.message);
	code = err ? watch_ring(watch) : watch_agent(watch, client);
	if (!code && watch->err && watch->err != -EIO)
		code = sl_cli_fail(watch->cli, SL_EXIT_FAILED, "%s", strerror(-watch->err));
	return code;
}

static int read_filter(struct sl_drop_filter *ret, struct sl_cli *cli, const struct sl_args *args)
{
	const char *reason = sl_args_option(args, "reason");
	const char *prefix = sl_args_option(args, "prefix");
	char quoted[SL_QUOTE_BYTES];
	struct sl_text_error error;

	ret->tenant = sl_args_option(args, "tenant");
	if (reason) {
		ret->reason = sl_reason_by_name(reason);
		if (ret->reason <= 0)
			return sl_cli_fail(cli, SL_EXIT_USAGE,
					   "--reason: %s is none; they are in sluicectl(8)",
					   sl_text_quote(quoted, reason));
	}
	if (prefix) {
		ret->has_prefix = true;
		if (sl_parse_prefix(&ret->prefix, prefix, &error))
			return sl_cli_fail(cli, SL_EXIT_USAGE, "--prefix: %s", error.message);
	}
	return 0;
}

static int64_t wall_offset_ns(void)
{
	return (int64_t)(sl_wall_ns() - sl_monotonic_ns());
}

/* SIGINT ends the watch in order: what was printed stays whole, the exit code is 0. */
static int catch_signals(void)
{
	sigset_t mask;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGINT);
	(void)sigaddset(&mask, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &mask, NULL))
		return -1;
	return signalfd(-1, &mask, SFD_CLOEXEC);
}

int sl_cmd_drops(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_doc_freep) struct sl_doc *doc = NULL;
	struct watch watch = { .cli = cli, .wall_ns = wall_offset_ns(), .signals = -1 };
	bool follow = sl_args_option(args, "follow") != NULL;
	uint64_t for_ns = follow ? 0 : LOOK_NS;
	int code = read_filter(&watch.filter, cli, args);

	if (!code)
		code = sl_args_duration(&for_ns, cli, args, "for");
	if (code)
		return code;
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	watch.doc = doc;
	watch.sheet = sl_doc_table(doc, "drops", NULL, sl_drop_columns, SL_DROP_COLUMNS);
	watch.until_ns = for_ns ? sl_monotonic_ns() + for_ns : 0;
	watch.signals = catch_signals();
	code = run(&watch);
	(void)close(watch.signals);
	if (!code && !watch.printed && cli->format == SL_FORMAT_TEXT)
		sl_cli_note(cli, "no drop was sampled in this time");
	return code;
}
