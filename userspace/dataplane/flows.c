// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/flows.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/batch.h"
#include "userspace/dataplane/maps_private.h"

struct key {
	enum sl_map_id id;
	union {
		struct sl_flow4_key v4;
		struct sl_flow6_key v6;
	};
};

static int key_of(struct key *ret, const struct sl_flow_spec *flow, struct sl_dp_error *error)
{
	struct key key = { .id = SL_MAP_FLOWS4 };

	if (flow->remote.family != flow->local.family ||
	    (flow->remote.family != 4 && flow->remote.family != 6))
		return sl_dp_fail(error, -EINVAL, "a flow's two addresses are of one family");
	if (flow->remote.family == 4) {
		key.v4.remote_port = htons(flow->remote_port);
		key.v4.local_port = htons(flow->local_port);
		key.v4.protocol = flow->protocol;
		memcpy(&key.v4.remote, flow->remote.bytes, sizeof(key.v4.remote));
		memcpy(&key.v4.local, flow->local.bytes, sizeof(key.v4.local));
	} else {
		key.id = SL_MAP_FLOWS6;
		memset(&key.v6, 0, sizeof(key.v6));
		key.v6.remote_port = htons(flow->remote_port);
		key.v6.local_port = htons(flow->local_port);
		key.v6.protocol = flow->protocol;
		memcpy(key.v6.remote, flow->remote.bytes, sizeof(key.v6.remote));
		memcpy(key.v6.local, flow->local.bytes, sizeof(key.v6.local));
	}
	*ret = key;
	return 0;
}

void sl_flow_use(const struct sl_maps *maps)
{
	__atomic_store_n(&maps->view.ctl->flows_in_use, 1, __ATOMIC_RELEASE);
}

int sl_flow_bind(const struct sl_maps *maps, const struct sl_flow_spec *flow,
		 struct sl_dp_error *error)
{
	const struct sl_flow value = { .tenant = flow->tenant };
	struct key key = { 0 };
	int r = key_of(&key, flow, error);

	if (r)
		return r;
	if (flow->tenant >= maps->view.tenants)
		return sl_dp_fail(error, -ERANGE, "there is no tenant with the id %u",
				  flow->tenant);
	if (!bpf_map_update_elem(maps->fds[key.id], &key.v4, &value, BPF_ANY)) {
		sl_flow_use(maps);
		return 0;
	}
	if (errno == E2BIG)
		return sl_dp_fail(error, -ENOSPC, "the map %s is full with %u flows",
				  sl_map_name(key.id), maps->max_entries[key.id]);
	return sl_dp_fail(error, -errno, "cannot write the map %s: %s", sl_map_name(key.id),
			  strerror(errno));
}

int sl_flow_unbind(const struct sl_maps *maps, const struct sl_flow_spec *flow,
		   struct sl_dp_error *error)
{
	struct key key = { 0 };
	int r = key_of(&key, flow, error);

	if (r)
		return r;
	if (!bpf_map_delete_elem(maps->fds[key.id], &key.v4))
		return 0;
	return sl_dp_fail(error, -errno, "%s",
			  errno == ENOENT ? "this flow is not bound" : strerror(errno));
}

struct listing {
	struct sl_flow_spec *at;
	size_t count;
	size_t total;
	size_t max;
};

static void release_listing(struct listing *listing)
{
	free(listing->at);
}

/* How many of @count more are kept; there is room for them then. */
static int reserve(size_t *ret, struct listing *listing, uint32_t count)
{
	size_t room = listing->max - listing->count;
	size_t kept = count < room ? count : room;
	struct sl_flow_spec *more;

	listing->total += count;
	*ret = kept;
	if (!kept)
		return 0;
	more = reallocarray(listing->at, listing->count + kept, sizeof(*more));
	if (!more)
		return -ENOMEM;
	listing->at = more;
	return 0;
}

static int take4(const void *keys, const void *values, uint32_t count, void *context)
{
	struct listing *listing = context;
	const struct sl_flow4_key *key = keys;
	const struct sl_flow *value = values;
	size_t kept;
	int r = reserve(&kept, listing, count);

	for (size_t i = 0; !r && i < kept; i++) {
		struct sl_flow_spec flow = {
			.remote = { .family = 4 },
			.local = { .family = 4 },
			.remote_port = ntohs(key[i].remote_port),
			.local_port = ntohs(key[i].local_port),
			.protocol = key[i].protocol,
			.tenant = value[i].tenant,
		};

		memcpy(flow.remote.bytes, &key[i].remote, sizeof(key[i].remote));
		memcpy(flow.local.bytes, &key[i].local, sizeof(key[i].local));
		listing->at[listing->count++] = flow;
	}
	return r;
}

static int take6(const void *keys, const void *values, uint32_t count, void *context)
{
	struct listing *listing = context;
	const struct sl_flow6_key *key = keys;
	const struct sl_flow *value = values;
	size_t kept;
	int r = reserve(&kept, listing, count);

	for (size_t i = 0; !r && i < kept; i++) {
		struct sl_flow_spec flow = {
			.remote = { .family = 6 },
			.local = { .family = 6 },
			.remote_port = ntohs(key[i].remote_port),
			.local_port = ntohs(key[i].local_port),
			.protocol = key[i].protocol,
			.tenant = value[i].tenant,
		};

		memcpy(flow.remote.bytes, key[i].remote, sizeof(key[i].remote));
		memcpy(flow.local.bytes, key[i].local, sizeof(key[i].local));
		listing->at[listing->count++] = flow;
	}
	return r;
}

int sl_flow_list(struct sl_flow_spec **ret, size_t *ret_count, size_t *ret_total,
		 const struct sl_maps *maps, size_t max, struct sl_dp_error *error)
{
	sl_cleanup(release_listing) struct listing listing = { .max = max };
	int r = sl_batch_walk(maps->fds[SL_MAP_FLOWS4], SL_MAP_FLOWS4, take4, &listing);

	if (!r)
		r = sl_batch_walk(maps->fds[SL_MAP_FLOWS6], SL_MAP_FLOWS6, take6, &listing);
	if (r)
		return sl_dp_fail(error, r, "cannot read the flows: %s", strerror(-r));
	*ret_count = listing.count;
	*ret_total = listing.total;
	*ret = SL_TAKE_PTR(listing.at);
	return 0;
}
