// SPDX-License-Identifier: Apache-2.0
/* quota set, raise, lower, clear, drain, undrain: global limits, for all nodes at once. */
#include <string.h>

#include "userspace/cli/agent_call.h"
#include "userspace/cli/commands.h"

#define TEXT_BYTES 256

/* Takes @request, with --for where it was given. */
static int do_for(struct sl_cli *cli, const struct sl_args *args, json_t *request, const char *text)
{
	const char *for_text = sl_args_option(args, "for");
	uint64_t for_ns = 0;
	int code = sl_args_duration(&for_ns, cli, args, "for");

	if (!code && for_text &&
	    (!request || json_object_set_new(request, "for", json_string(for_text))))
		code = sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	if (code) {
		json_decref(request);
		return code;
	}
	return sl_agent_do(cli, request, text);
}

static int change(struct sl_cli *cli, const struct sl_args *args, const char *command,
		  const char *key, const char *did)
{
	const char *tenant = args->positionals[0], *limit = args->positionals[1];
	const char *amount = args->positionals[2], *for_text = sl_args_option(args, "for");
	char text[TEXT_BYTES];

	(void)snprintf(text, sizeof(text), "%s of %s %s %s on all nodes%s%s", limit, tenant, did,
		       amount, for_text ? " for " : "", for_text ? for_text : "");
	return do_for(cli, args,
		      json_pack("{ssssssss}", "cmd", command, "tenant", tenant, "limit", limit, key,
				amount),
		      text);
}

int sl_cmd_quota_set(struct sl_cli *cli, const struct sl_args *args)
{
	return change(cli, args, "quota.set", "rate", "set to");
}

int sl_cmd_quota_raise(struct sl_cli *cli, const struct sl_args *args)
{
	return change(cli, args, "quota.raise", "by", "raised by");
}

int sl_cmd_quota_lower(struct sl_cli *cli, const struct sl_args *args)
{
	return change(cli, args, "quota.lower", "by", "lowered by");
}

int sl_cmd_quota_clear(struct sl_cli *cli, const struct sl_args *args)
{
	return sl_agent_do(cli,
			   json_pack("{ssssss}", "cmd", "quota.clear", "tenant",
				     args->positionals[0], "limit", args->positionals[1]),
			   "as the configuration says, on all nodes");
}

static json_t *node_request(const struct sl_args *args, const char *command)
{
	if (args->count)
		return json_pack("{ssss}", "cmd", command, "node", args->positionals[0]);
	return json_pack("{ss}", "cmd", command);
}

int sl_cmd_quota_drain(struct sl_cli *cli, const struct sl_args *args)
{
	return do_for(cli, args, node_request(args, "quota.drain"),
		      args->count ? "it gives its leases back within a period"
				  : "this node gives its leases back");
}

int sl_cmd_quota_undrain(struct sl_cli *cli, const struct sl_args *args)
{
	return sl_agent_do(cli, node_request(args, "quota.undrain"),
			   args->count ? "it leases again within a period"
				       : "this node leases again");
}
