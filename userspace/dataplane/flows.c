// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/flows.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"

struct sl_flow_table sl_flow_table_of(const struct sl_maps *maps, uint8_t family)
{
	const struct sl_maps_view *view = sl_maps_view(maps);

	return (struct sl_flow_table){
		.lines = family == 4 ? (void *)view->flows4 : (void *)view->flows6,
		.line_count = family == 4 ? view->flows4_lines : view->flows6_lines,
		.family = family,
		.seed = view->ctl ? view->ctl->hash_seed : 0,
	};
}

static int table_for(struct sl_flow_table *ret, const struct sl_maps *maps,
		     const struct sl_flow_spec *flow, struct sl_dp_error *error)
{
	if (flow->remote.family != flow->local.family ||
	    (flow->remote.family != 4 && flow->remote.family != 6))
		return sl_dp_fail(error, -EINVAL, "a flow's two addresses are of one family");
	*ret = sl_flow_table_of(maps, flow->remote.family);
	return 0;
}

/* Written once: the packets of all CPUs read this line. */
void sl_flow_use(const struct sl_maps *maps)
{
	uint32_t *in_use = &sl_maps_view(maps)->ctl->flows_in_use;

	if (!__atomic_load_n(in_use, __ATOMIC_RELAXED))
		__atomic_store_n(in_use, 1, __ATOMIC_RELEASE);
}

static int refuse_full(struct sl_dp_error *error, const struct sl_flow_table *table)
{
	return sl_dp_fail(error, -ENOSPC,
			  "no room in the map sl_flows%u: %" PRIu64 " of its %" PRIu64
			  " slots are taken (sizes.flows makes it larger)",
			  (unsigned)table->family, sl_flow_table_used(table),
			  sl_flow_table_slots(table));
}

int sl_flow_bind(const struct sl_maps *maps, const struct sl_flow_spec *flow,
		 struct sl_dp_error *error)
{
	struct sl_flow_table table = { 0 };
	int r = table_for(&table, maps, flow, error);

	if (r)
		return r;
	if (flow->tenant >= sl_maps_view(maps)->tenants)
		return sl_dp_fail(error, -ERANGE, "there is no tenant with the id %u",
				  flow->tenant);
	r = sl_flow_table_bind(&table, flow);
	if (r == -ENOSPC)
		return refuse_full(error, &table);
	if (r)
		return sl_dp_fail(error, r, "cannot bind the flow: %s", strerror(-r));
	sl_flow_use(maps);
	return 0;
}

int sl_flow_unbind(const struct sl_maps *maps, const struct sl_flow_spec *flow,
		   struct sl_dp_error *error)
{
	struct sl_flow_table table = { 0 };
	int r = table_for(&table, maps, flow, error);

	if (r)
		return r;
	r = sl_flow_table_unbind(&table, flow);
	return r ? sl_dp_fail(error, r, "%s",
			      r == -ENOENT ? "this flow is not bound" : strerror(-r))
		 : 0;
}

struct listing {
	struct sl_flow_spec *at;
	size_t count;
	size_t total;
	size_t room;
};

static void release_listing(struct listing *listing)
{
	free(listing->at);
}

static int keep(struct listing *listing, const struct sl_flow_spec *flow)
{
	if (listing->count == listing->room) {
		size_t room = listing->room ? 2 * listing->room : 256;
		struct sl_flow_spec *more = reallocarray(listing->at, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		listing->at = more;
		listing->room = room;
	}
	listing->at[listing->count++] = *flow;
	return 0;
}

static int list_family(struct listing *listing, const struct sl_maps *maps, uint8_t family,
		       size_t max)
{
	const struct sl_flow_table table = sl_flow_table_of(maps, family);
	struct sl_flow_spec flow;
	uint64_t place = 0;

	for (; sl_flow_table_next(&flow, &table, &place); listing->total++) {
		int r = listing->count < max ? keep(listing, &flow) : 0;

		if (r)
			return r;
	}
	return 0;
}

int sl_flow_list(struct sl_flow_spec **ret, size_t *ret_count, size_t *ret_total,
		 const struct sl_maps *maps, size_t max, struct sl_dp_error *error)
{
	sl_cleanup(release_listing) struct listing listing = { 0 };
	int r = list_family(&listing, maps, 4, max);

	if (!r)
		r = list_family(&listing, maps, 6, max);
	if (r)
		return sl_dp_fail(error, r, "cannot list the flows: %s", strerror(-r));
	*ret_count = listing.count;
	*ret_total = listing.total;
	*ret = SL_TAKE_PTR(listing.at);
	return 0;
}
