// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/direct.h"

#include <errno.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/agent_call.h"
#include "userspace/cli/live.h"
#include "userspace/dataplane/sync.h"

int sl_direct_open(struct sl_direct *ret, const struct sl_cli *cli)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	struct sl_dp_error error = { "" };
	int lock = -1;
	int err, code = sl_live_open(&maps, cli, SL_MAPS_WRITE);

	if (code)
		return code;
	err = sl_sync_lock(&lock, cli->pin_dir, &error);
	if (err == -EBUSY)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "the agent is running: leave --direct out");
	if (err)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	ret->maps = SL_TAKE_PTR(maps);
	ret->lock = lock;
	return 0;
}

void sl_direct_close(struct sl_direct *direct)
{
	sl_maps_close(direct->maps);
	if (direct->lock >= 0)
		(void)close(direct->lock);
}

int sl_direct_hint(const struct sl_cli *cli, int code)
{
	if (code == SL_EXIT_ABSENT)
		sl_cli_note(cli, "with --direct it is written into the maps, until an agent "
				 "starts and applies its configuration");
	return code;
}

int sl_direct_done(const struct sl_cli *cli)
{
	return sl_agent_done(cli, "written into the maps; an agent that starts will not know of "
				  "it");
}
