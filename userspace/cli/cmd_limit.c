// SPDX-License-Identifier: Apache-2.0
/* Commands that override limits: limit set|clear|list, shed set. */
#include <string.h>

#include "userspace/cli/agent_call.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/live.h"
#include "userspace/cli/sheet.h"

/* Each KEY=VALUE into @set; the agent knows which keys there are. */
static int collect(json_t *set, struct sl_cli *cli, const struct sl_args *args)
{
	char quoted[SL_QUOTE_BYTES], key[64];

	for (size_t i = 1; i < args->count; i++) {
		const char *word = args->positionals[i];
		const char *equals = strchr(word, '=');
		size_t length = equals ? (size_t)(equals - word) : 0;

		if (!length || !equals[1] || length >= sizeof(key))
			return sl_cli_fail(cli, SL_EXIT_USAGE,
					   "%s is not KEY=VALUE like ingress.packets_per_s=10k",
					   sl_text_quote(quoted, word));
		memcpy(key, word, length);
		key[length] = '\0';
		if (json_object_get(set, key))
			return sl_cli_fail(cli, SL_EXIT_USAGE, "%s is given twice", key);
		if (json_object_set_new(set, key, json_string(equals + 1)))
			return sl_cli_fail(cli, SL_EXIT_USAGE, "%s is not UTF-8",
					   sl_text_quote(quoted, word));
	}
	return 0;
}

int sl_cmd_limit_set(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_json_freep) json_t *set = json_object();
	const char *for_text = sl_args_option(args, "for");
	const char *tenant = args->positionals[0];
	char text[128];
	uint64_t for_ns;
	int code =
		set ? collect(set, cli, args) : sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");

	if (!code)
		code = sl_args_duration(&for_ns, cli, args, "for");
	if (code)
		return code;
	(void)snprintf(text, sizeof(text), "limits of %s set%s%s", tenant, for_text ? " for " : "",
		       for_text ? for_text : "");
	if (for_text)
		return sl_agent_do(cli,
				   json_pack("{sssssOss}", "cmd", "limit.set", "tenant", tenant,
					     "set", set, "for", for_text),
				   text);
	return sl_agent_do(
		cli, json_pack("{sssssO}", "cmd", "limit.set", "tenant", tenant, "set", set), text);
}

int sl_cmd_limit_clear(struct sl_cli *cli, const struct sl_args *args)
{
	const char *tenant = args->positionals[0];

	return sl_agent_do(cli, json_pack("{ssss}", "cmd", "limit.clear", "tenant", tenant),
			   "limits as the configuration says");
}

int sl_cmd_shed_set(struct sl_cli *cli, const struct sl_args *args)
{
	const char *for_text = sl_args_option(args, "for");
	const char *tenant = args->positionals[0];
	struct sl_text_error error;
	uint64_t permille = 0, for_ns = 0;
	char text[128];

	if (sl_parse_amount(&permille, args->positionals[1], SL_UNIT_COUNT, &error))
		return sl_cli_fail(cli, SL_EXIT_USAGE, "%s", error.message);
	if (permille > 1000)
		return sl_cli_fail(cli, SL_EXIT_USAGE, "PERMILLE is 0 to 1000");
	if (sl_args_duration(&for_ns, cli, args, "for"))
		return SL_EXIT_USAGE;
	if (permille && !for_ns)
		return sl_cli_fail(cli, SL_EXIT_USAGE,
				   "shedding ends by itself: say --for TIME, as --for 30s");
	(void)snprintf(text, sizeof(text), "sheds %llu of 1000 of %s", (unsigned long long)permille,
		       tenant);
	return sl_agent_do(cli,
			   json_pack("{sssssIss}", "cmd", "shed.set", "tenant", tenant, "permille",
				     (json_int_t)permille, "for", for_text ? for_text : "1s"),
			   text);
}
