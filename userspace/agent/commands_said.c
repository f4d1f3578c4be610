// SPDX-License-Identifier: Apache-2.0
/* What operators say of global limits: quota.set, raise, lower, clear, drain, undrain. */
#include "userspace/agent/commands_said.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent/quota_show.h"
#include "userspace/agent/quota_steer.h"
#include "userspace/base/clock.h"
#include "userspace/quota/renewal.h"

#define NS_PER_MS 1000000

/* A request that waits for Redis. */
struct waiting {
	struct sl_agent *agent;
	struct sl_admin_later *later;
	struct sl_said_record record;
};

static const char *words_of(int err)
{
	switch (err) {
	case -ENOSPC:
		return "too many limits and nodes were changed by operators already";
	case -EACCES:
		return "Redis refuses: see docs/ops/redis.md, Rights";
	case -EREMOTEIO:
	case -EPROTO:
		return "Redis answered what cannot be";
	default:
		return "Redis does not answer: other nodes may not have heard of it";
	}
}

static json_t *body_of(const struct sl_said_record *record)
{
	if (record->subject == SL_SAID_NODE)
		return json_pack("{ss sb}", "node", record->name, "drained", (int)record->drained);
	return json_pack("{ss ss sf}", "tenant", record->name, "limit",
			 sl_quota_kind_name(record->kind), "rate_per_s",
			 sl_quota_per_s(record->kind, record->rate_mu_per_s));
}

static void log_said(const struct waiting *waiting, int err)
{
	const struct sl_said_record *record = &waiting->record;
	const bool node = record->subject == SL_SAID_NODE;

	sl_log(waiting->agent->log, err ? SL_LOG_WARN : SL_LOG_INFO,
	       err ? "not set for all nodes" : "set for all nodes",
	       SL_STR(node ? "node" : "tenant", record->name),
	       SL_STR("limit", node ? "all" : sl_quota_kind_name(record->kind)),
	       SL_NUM(node ? "drained" : "rate_mu_per_s",
		      node ? record->drained : (uint64_t)record->rate_mu_per_s),
	       SL_NUM("until_unix_ms", (uint64_t)record->until_ms),
	       SL_STR("error", err ? words_of(err) : ""));
}

/* A node drains itself also when Redis is away. */
static bool is_in_force(const struct waiting *waiting)
{
	const struct sl_quota *quota = waiting->agent->quota;
	const struct sl_said_record *now = quota ? sl_quota_said_of(quota, &waiting->record) : NULL;

	return now && now->serial == waiting->record.serial;
}

static void on_said(void *context, int err)
{
	struct waiting *waiting = context;
	struct sl_admin_reply reply = { .body = NULL };

	if (!err || is_in_force(waiting)) {
		reply.body = body_of(&waiting->record);
		if (err)
			(void)json_object_set_new(reply.body, "warning",
						  json_string(words_of(err)));
	} else {
		reply.refused = true;
		(void)snprintf(reply.error, sizeof(reply.error), "%s", words_of(err));
	}
	log_said(waiting, err);
	sl_admin_answer(waiting->later, &reply);
	free(waiting);
}

static void say(struct sl_admin_reply *reply, struct sl_agent *agent,
		const struct sl_said_record *record)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	int err;

	if (!waiting) {
		sl_admin_refuse(reply, "out of memory");
		return;
	}
	*waiting = (struct waiting){ agent, sl_admin_later(reply), *record };
	err = waiting->later ? sl_quota_say(agent->quota, record, on_said, waiting) : -ENOMEM;
	if (!err)
		return;
	if (waiting->later)
		sl_admin_at_once(waiting->later);
	free(waiting);
	sl_admin_refuse(reply, "%s", words_of(err));
}

/* ---- what is meant ------------------------------------------------------------------------ */

static void begin(struct sl_said_record *record, const struct sl_quota *quota,
		  const struct sl_admin_request *request)
{
	const int64_t now_ms = sl_unix_ms();

	record->serial = sl_said_next_serial(sl_quota_said_of(quota, record), now_ms);
	if (request->for_ns)
		record->until_ms = now_ms + (int64_t)(request->for_ns / NS_PER_MS) + 1;
	(void)snprintf(record->by, sizeof(record->by), "%s", sl_quota_node(quota));
}

struct wanted {
	const struct sl_admin_request *request;
	int64_t rate_mu_per_s; /* in force; 0: not global here */
};

static void find_rate(const struct sl_quota_view *view, void *context)
{
	struct wanted *wanted = context;

	if (view->kind == wanted->request->limit && !strcmp(view->tenant, wanted->request->tenant))
		wanted->rate_mu_per_s = view->terms.rate_mu_per_s;
}

/* Out of bounds: as far as it may go, at least 1 and at most what can be. */
static int64_t new_rate(const struct sl_admin_request *request, int64_t rate)
{
	const int64_t by = request->amount_mu_per_s
				   ? request->amount_mu_per_s
				   : (int64_t)((__int128)rate * request->amount_percent / 100);
	int64_t wanted = request->amount_mu_per_s;

	if (request->command == SL_ADMIN_QUOTA_RAISE)
		wanted = rate + by;
	else if (request->command == SL_ADMIN_QUOTA_LOWER)
		wanted = rate - by;
	return wanted < SL_QUOTA_RATE_MAX ? wanted : SL_QUOTA_RATE_MAX;
}

static void change_limit(struct sl_admin_reply *reply, const struct sl_admin_request *request,
			 struct sl_agent *agent)
{
	struct sl_said_record record = { .subject = SL_SAID_LIMIT, .kind = request->limit };
	struct wanted wanted = { .request = request };

	memcpy(record.name, request->tenant, sizeof(request->tenant));
	sl_quota_walk(agent->quota, sl_monotonic_ns(), find_rate, &wanted);
	if (!wanted.rate_mu_per_s) {
		sl_admin_refuse(reply, "this limit of the tenant is not global on this node");
		return;
	}
	begin(&record, agent->quota, request);
	if (request->command == SL_ADMIN_QUOTA_CLEAR) {
		if (!sl_said_holds(sl_quota_said_of(agent->quota, &record), sl_unix_ms())) {
			sl_admin_refuse(reply, "nothing is set for this limit");
			return;
		}
	} else {
		record.rate_mu_per_s = new_rate(request, wanted.rate_mu_per_s);
		if (record.rate_mu_per_s < 1) {
			sl_admin_refuse(
				reply,
				"nothing would be left of the limit: to stop a tenant, block "
				"it (limit set blocked=true)");
			return;
		}
	}
	say(reply, agent, &record);
}

static void drain(struct sl_admin_reply *reply, const struct sl_admin_request *request,
		  struct sl_agent *agent)
{
	const char *self = sl_quota_node(agent->quota);
	struct sl_said_record record = {
		.subject = SL_SAID_NODE,
		.drained = request->command == SL_ADMIN_QUOTA_DRAIN,
	};

	(void)snprintf(record.name, sizeof(record.name), "%s",
		       request->node[0] ? request->node : self);
	begin(&record, agent->quota, request);
	if (!record.drained &&
	    !sl_said_holds(sl_quota_said_of(agent->quota, &record), sl_unix_ms())) {
		sl_admin_refuse(reply, "this node is not drained");
		return;
	}
	/* Its own leases go at once, whatever Redis does. */
	if (!strcmp(record.name, self))
		(void)sl_quota_learn(agent->quota, &record);
	say(reply, agent, &record);
}

void sl_agent_quota_say(struct sl_admin_reply *reply, const struct sl_admin_request *request,
			struct sl_agent *agent)
{
	if (request->command == SL_ADMIN_QUOTA_DRAIN || request->command == SL_ADMIN_QUOTA_UNDRAIN)
		drain(reply, request, agent);
	else
		change_limit(reply, request, agent);
}
