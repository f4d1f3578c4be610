/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pinned maps as the commands read them.
 *
 * Thread: one. Owner: the caller closes what sl_live_open() returned.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/cli/cli.h"
#include "userspace/dataplane/maps.h"
#include "userspace/domain/config.h"
#include "userspace/domain/text.h"

/* 0; or an exit code after saying why: SL_EXIT_ABSENT when nothing is pinned. */
int sl_live_open(struct sl_maps **ret, const struct sl_cli *cli, enum sl_maps_access access);

/* Waits until CLOCK_MONOTONIC is @until_ns, however often it is interrupted. */
void sl_live_sleep_until(uint64_t until_ns);

/* A tenant's name, clean; "unknown" for 0, "#ID" where there is none. */
const char *sl_live_name(char buffer[SL_TENANT_NAME_BYTES * 4], const struct sl_maps_view *view,
			 uint32_t tenant);

/* The id of a name ("unknown" is 0, "#5" is 5). SL_EXIT_FAILED after saying so. */
int sl_live_find(uint32_t *ret, const struct sl_cli *cli, const struct sl_maps_view *view,
		 const char *name);

/* A tenant that is there: named and, unless @retired, configured. 0 always is. */
bool sl_live_exists(const struct sl_maps_view *view, uint32_t tenant, bool retired);

/* The live half of a limit or of the control word, as of one moment. */
void sl_live_limit(struct sl_limit *ret, const struct sl_maps_view *view, uint32_t tenant);
/* False: the maps are of an agent that had no limits of requests yet. */
bool sl_live_requests(struct sl_requests *ret, const struct sl_maps_view *view, uint32_t tenant);
void sl_live_half(struct sl_ctl_half *ret, const struct sl_maps_view *view);

/* How a limit's rate reads: a direction that is blocked has rate 0. */
struct sl_rate_spec sl_live_rate(const struct sl_rate *rate, enum sl_unit unit, bool blocked);

/* Whether the block of the direction holds at @now_ns. */
bool sl_live_is_blocked(const struct sl_limit *limit, const struct sl_side *side, uint64_t now_ns);

/* The mode that applies: the laxer of the node's and the tenant's. */
enum sl_mode sl_live_mode(const struct sl_maps_view *view, const struct sl_limit *limit);

/* A rate's cell: unlimited spelled out, 0 in red. */
struct sl_sheet;
void sl_put_rate(struct sl_sheet *sheet, const struct sl_rate_spec *rate);
