// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "userspace/cli/safe.h"
#include "userspace/domain/limit.h"

int sl_live_open(struct sl_maps **ret, const struct sl_cli *cli, enum sl_maps_access access)
{
	struct sl_dp_error error = { "" };
	int err = sl_maps_open(ret, cli->pin_dir, access, &error);

	if (!err)
		return 0;
	if (err == -ENOENT)
		return sl_cli_fail(cli, SL_EXIT_ABSENT,
				   "no maps are pinned under %s: has sluiced run? (--pin-dir)",
				   cli->pin_dir);
	return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
}

void sl_live_sleep_until(uint64_t until_ns)
{
	struct timespec until = { .tv_sec = (time_t)(until_ns / 1000000000u),
				  .tv_nsec = (long)(until_ns % 1000000000u) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

const char *sl_live_name(char buffer[SL_TENANT_NAME_BYTES * 4], const struct sl_maps_view *view,
			 uint32_t tenant)
{
	const size_t size = (size_t)SL_TENANT_NAME_BYTES * 4;

	if (tenant == SL_TENANT_UNKNOWN)
		(void)snprintf(buffer, size, "%s", SL_NAME_UNKNOWN);
	else if (tenant >= view->tenants || !view->names[tenant].name[0])
		(void)snprintf(buffer, size, "#%u", tenant);
	else
		(void)sl_safe_text(buffer, size, view->names[tenant].name, SL_TENANT_NAME_BYTES);
	return buffer;
}

static bool parse_id(uint32_t *ret, const char *name)
{
	uint64_t id;

	if (name[0] != '#' || sl_parse_amount(&id, name + 1, SL_UNIT_COUNT, NULL) ||
	    id >= SL_TENANTS_MAX)
		return false;
	*ret = (uint32_t)id;
	return true;
}

int sl_live_find(uint32_t *ret, const struct sl_cli *cli, const struct sl_maps_view *view,
		 const char *name)
{
	char quoted[SL_QUOTE_BYTES];
	uint32_t id;

	if (strcmp(name, SL_NAME_UNKNOWN) == 0) {
		*ret = SL_TENANT_UNKNOWN;
		return 0;
	}
	if (parse_id(&id, name) && id < view->tenants) {
		*ret = id;
		return 0;
	}
	for (id = 1; *name && id < view->tenants; id++) {
		if (strncmp(view->names[id].name, name, SL_TENANT_NAME_BYTES) == 0) {
			*ret = id;
			return 0;
		}
	}
	return sl_cli_fail(cli, SL_EXIT_FAILED, "no tenant %s; see: sluicectl tenants list",
			   sl_text_quote(quoted, name));
}

bool sl_live_exists(const struct sl_maps_view *view, uint32_t tenant, bool retired)
{
	if (tenant == SL_TENANT_UNKNOWN)
		return true;
	return view->names[tenant].name[0] && (retired || !view->names[tenant].retired);
}

/*
 * Copies from the live half and looks at the epoch again: the agent writes a
 * half only after it stopped being live, so one epoch throughout means one whole
 * copy.
 */
static void copy_live(void *ret, const struct sl_maps_view *view, const void *halves, size_t stride,
		      size_t size)
{
	const char *bytes = halves;
	uint32_t epoch;

	do {
		epoch = __atomic_load_n(&view->ctl->epoch, __ATOMIC_ACQUIRE);
		memcpy(ret, bytes + (epoch & 1) * stride, size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (epoch != __atomic_load_n(&view->ctl->epoch, __ATOMIC_RELAXED));
}

void sl_live_limit(struct sl_limit *ret, const struct sl_maps_view *view, uint32_t tenant)
{
	copy_live(ret, view, &view->limits[tenant], view->tenants * sizeof(*ret), sizeof(*ret));
}

bool sl_live_requests(struct sl_requests *ret, const struct sl_maps_view *view, uint32_t tenant)
{
	if (!view->requests)
		return false;
	copy_live(ret, view, &view->requests[tenant], view->tenants * sizeof(*ret), sizeof(*ret));
	return true;
}

void sl_live_half(struct sl_ctl_half *ret, const struct sl_maps_view *view)
{
	copy_live(ret, view, view->ctl->half, sizeof(*ret), sizeof(*ret));
}

struct sl_rate_spec sl_live_rate(const struct sl_rate *rate, enum sl_unit unit, bool blocked)
{
	if (blocked || rate->cost == SL_COST_NEVER)
		return (struct sl_rate_spec){ 0 };
	if (!rate->cost)
		return (struct sl_rate_spec){ .unlimited = true };
	return sl_rate_of_cost(rate, unit);
}

bool sl_live_is_blocked(const struct sl_limit *limit, const struct sl_side *side, uint64_t now_ns)
{
	return (side->flags & SL_SIDE_BLOCKED) &&
	       (!limit->blocked_until_ns || now_ns < limit->blocked_until_ns);
}

enum sl_mode sl_live_mode(const struct sl_maps_view *view, const struct sl_limit *limit)
{
	uint32_t node = view->ctl->mode;
	uint32_t own = limit->ingress.flags & SL_SIDE_MODE_MASK;

	return (enum sl_mode)(node > own ? node : own);
}
