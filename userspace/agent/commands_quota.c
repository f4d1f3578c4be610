// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/commands_quota.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/agent/commands_said.h"
#include "userspace/agent/quota_show.h"
#include "userspace/agent/quota_survey.h"
#include "userspace/base/clock.h"

static bool is_on(struct sl_admin_reply *reply, const struct sl_agent *agent)
{
	if (agent->quota)
		return true;
	sl_admin_refuse(reply, "no limit of this node is global: see tenants[].global of the "
			       "configuration");
	return false;
}

static void refuse_tenant(struct sl_admin_reply *reply, const char *tenant)
{
	if (tenant[0])
		sl_admin_refuse(reply, "no limit of \"%s\" is global on this node", tenant);
	else
		sl_admin_refuse(reply, "no limit of this node is global any more");
}

/* ---- show ------------------------------------------------------------------------------- */

static void on_surveyed(void *context, json_t *body, const char *error)
{
	struct sl_admin_reply reply = { .body = body };

	if (!body)
		sl_admin_refuse(&reply, "%s", error);
	sl_admin_answer(context, &reply);
}

/* Answered before anything else happens when it cannot even be asked. */
static void show(struct sl_admin_reply *reply, const struct sl_admin_request *request,
		 struct sl_agent *agent)
{
	struct sl_admin_later *later;
	int err;

	if (!is_on(reply, agent))
		return;
	later = sl_admin_later(reply);
	if (!later) {
		sl_admin_refuse(reply, "out of memory");
		return;
	}
	err = sl_quota_survey(agent->quota, request->tenant, sl_monotonic_ns(), on_surveyed, later);
	if (!err)
		return;
	sl_admin_at_once(later);
	if (err == -ENOENT)
		refuse_tenant(reply, request->tenant);
	else
		sl_admin_refuse(reply, "Redis cannot be asked now: %s", strerror(-err));
}

/* ---- explain ---------------------------------------------------------------------------- */

static void explain(struct sl_admin_reply *reply, const struct sl_admin_request *request,
		    const struct sl_agent *agent)
{
	if (!is_on(reply, agent))
		return;
	reply->body = sl_quota_explain_json(agent->quota, request->tenant, sl_monotonic_ns());
	if (!reply->body)
		refuse_tenant(reply, request->tenant);
}

void sl_agent_quota_request(struct sl_admin_reply *reply, const struct sl_admin_request *request,
			    struct sl_agent *agent)
{
	if (request->command == SL_ADMIN_QUOTA)
		reply->body = sl_quota_json(agent->quota, sl_monotonic_ns());
	else if (request->command == SL_ADMIN_QUOTA_SHOW)
		show(reply, request, agent);
	else if (request->command == SL_ADMIN_QUOTA_EXPLAIN)
		explain(reply, request, agent);
	else if (is_on(reply, agent))
		sl_agent_quota_say(reply, request, agent);
}
