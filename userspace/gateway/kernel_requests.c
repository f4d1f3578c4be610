/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/kernel_requests.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/domain/request_words.h"

#define KEPT_MAX   1024u
#define READ_TRIES 4

struct sl_kernel_requests_kept {
	uint64_t until_ns; /* 0: nothing is */
	uint32_t tenant;
	enum sl_mode node;
	uint64_t generation;
	struct sl_requests limits;
};

void sl_kernel_requests_clear(struct sl_kernel_requests *requests)
{
	free(requests->kept);
	*requests = (struct sl_kernel_requests){ 0 };
}

/* The half that was live before and after it was read, so that it was not written meanwhile. */
static int read_live(struct sl_kernel_requests_kept *ret, const struct sl_kernel_maps *maps,
		     uint32_t tenant)
{
	struct sl_ctl ctl;
	int r = sl_kernel_maps_get(&ctl, maps, SL_KERNEL_CTL, 0);

	for (int i = 0; !r && i < READ_TRIES; i++) {
		const uint32_t epoch = ctl.epoch;

		r = sl_kernel_maps_get(&ret->limits, maps, SL_KERNEL_REQUEST_LIMITS,
				       (epoch & 1) * maps->tenants + tenant);
		if (!r)
			r = sl_kernel_maps_get(&ctl, maps, SL_KERNEL_CTL, 0);
		if (r || ctl.epoch != epoch)
			continue;
		ret->tenant = tenant;
		ret->generation = ctl.config_generation;
		ret->node = ctl.mode > SL_MODE_OFF ? SL_MODE_ENFORCE : (enum sl_mode)ctl.mode;
		return 0;
	}
	return r ? r : -EAGAIN;
}

static struct sl_kernel_requests_kept *place_of(struct sl_kernel_requests *requests,
						const struct sl_kernel_maps *maps, uint32_t tenant)
{
	if (!requests->kept) {
		uint32_t count = 1;

		while (count < KEPT_MAX && count < maps->tenants)
			count *= 2;
		requests->kept = calloc(count, sizeof(*requests->kept));
		requests->count = count;
	}
	return requests->kept ? &requests->kept[tenant & (requests->count - 1)] : NULL;
}

static bool is_fresh(const struct sl_kernel_requests_kept *kept, uint32_t tenant, uint32_t gen,
		     uint64_t now_ns)
{
	return kept->until_ns && kept->tenant == tenant && kept->limits.gen == gen &&
	       (int64_t)(kept->until_ns - now_ns) > 0;
}

int sl_kernel_requests_get(struct sl_kernel_limits *ret, struct sl_kernel_requests *requests,
			   const struct sl_kernel_maps *maps, uint32_t tenant, uint32_t gen,
			   uint64_t now_ns)
{
	struct sl_kernel_requests_kept read = { 0 }, *kept;
	int r;

	if (!maps->request_words || tenant >= maps->tenants)
		return -ENOENT;
	kept = place_of(requests, maps, tenant);
	if (!kept)
		kept = &read;
	if (!is_fresh(kept, tenant, gen, now_ns)) {
		r = read_live(&read, maps, tenant);
		if (r)
			return r;
		read.until_ns = now_ns + SL_KERNEL_REQUESTS_NS;
		*kept = read;
	}
	if (kept->limits.gen != gen)
		return -ESTALE;
	*ret = (struct sl_kernel_limits){
		.limits = kept->limits,
		.node = kept->node,
		.generation = kept->generation,
		.words = &maps->request_words[tenant],
	};
	return sl_request_words_own(ret->words, gen) ? 0 : -ESTALE;
}
