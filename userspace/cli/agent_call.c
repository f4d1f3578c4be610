// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/agent_call.h"

#include <errno.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/safe.h"

static int no_agent(const struct sl_cli *cli)
{
	return sl_cli_fail(cli, SL_EXIT_ABSENT,
			   "the agent is not running (nothing listens at %s; --socket)",
			   cli->socket_path);
}

int sl_agent_call(json_t **ret, const struct sl_cli *cli, json_t *request)
{
	sl_cleanup(sl_json_freep) json_t *owned = request;
	sl_cleanup(sl_json_freep) json_t *reply = NULL;
	sl_cleanup(sl_client_closep) struct sl_client *client = NULL;
	struct sl_client_error error = { "" };
	int err;

	if (!owned)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	err = sl_client_open(&client, cli->socket_path, &error);
	if (err == -ENOENT || err == -ECONNREFUSED)
		return no_agent(cli);
	if (!err)
		err = sl_client_call(&reply, client, owned, &error);
	if (err)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	if (ret)
		*ret = SL_TAKE_PTR(reply);
	return 0;
}

bool sl_agent_is_there(const struct sl_cli *cli)
{
	sl_cleanup(sl_client_closep) struct sl_client *client = NULL;
	struct sl_client_error error = { "" };

	return sl_client_open(&client, cli->socket_path, &error) == 0;
}

static void note_warning(const struct sl_cli *cli, const json_t *reply)
{
	const char *warning = json_string_value(json_object_get(reply, "warning"));

	if (warning)
		sl_cli_note(cli, "%s", warning);
}

static int print_json(const struct sl_cli *cli, const json_t *json)
{
	if (json_dumpf(json, cli->out, JSON_INDENT(2) | JSON_ENSURE_ASCII) ||
	    fputc('\n', cli->out) == EOF)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "cannot print");
	return SL_EXIT_OK;
}

static int print_text(const struct sl_cli *cli, const char *text)
{
	sl_safe_print(cli->out, text);
	(void)fputc('\n', cli->out);
	return SL_EXIT_OK;
}

int sl_agent_do(const struct sl_cli *cli, json_t *request, const char *text)
{
	sl_cleanup(sl_json_freep) json_t *reply = NULL;
	int code = sl_agent_call(&reply, cli, request);

	if (code)
		return code;
	note_warning(cli, reply);
	return cli->format == SL_FORMAT_JSON ? print_json(cli, reply) : print_text(cli, text);
}

int sl_agent_done(const struct sl_cli *cli, const char *text)
{
	sl_cleanup(sl_json_freep) json_t *json = json_pack("{sb}", "ok", 1);

	return cli->format == SL_FORMAT_JSON ? print_json(cli, json) : print_text(cli, text);
}
