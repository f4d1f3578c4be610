/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing into the maps without the agent (--direct): only what is one store and
 * safe by itself, and only while nobody else writes.
 */
#pragma once

#include "userspace/cli/cli.h"
#include "userspace/dataplane/maps.h"

struct sl_direct {
	struct sl_maps *maps;
	int lock; /* makes us the one writer */
};

/* 0; or an exit code after saying why: an agent is running, nothing is pinned. */
int sl_direct_open(struct sl_direct *ret, const struct sl_cli *cli);
void sl_direct_close(struct sl_direct *direct);

/* After a write by the agent failed with @code: what --direct could do. Returns @code. */
int sl_direct_hint(const struct sl_cli *cli, int code);

/* Says what was written, and how long it holds. Returns an exit code. */
int sl_direct_done(const struct sl_cli *cli);
