// SPDX-License-Identifier: Apache-2.0
/* What one agent of a node leaves in the kernel, for the next one. */
#include "userspace/quota/lease.h"

#define MS_NS 1000000ull

/* When the lease ended or will; 0: nothing is held. */
static uint64_t left_end_ns(const struct sl_quota_state *left, int64_t safe, uint64_t now_ns)
{
	const uint64_t blend_ns = SL_LEASE_BLEND_MS * MS_NS;
	const uint64_t long_ago_ns = now_ns > blend_ns ? now_ns - blend_ns : 1;

	switch (left->mode) {
	case SL_QUOTA_MODE_COLD:
	case SL_QUOTA_MODE_FENCED:
		return 0;
	case SL_QUOTA_MODE_HELD:
		return left->rate_mu_per_s > 0 ? left->expiry_ns : 0;
	case SL_QUOTA_MODE_BLEND:
		/* When it ended is not known: what takes more than its safe share has it at once,
		 * what takes less begins anew. */
		return left->rate_mu_per_s > safe ? long_ago_ns : now_ns;
	case SL_QUOTA_MODE_LAST:
	case SL_QUOTA_MODE_SAFE:
	case SL_QUOTA_MODE_CLOSED:
	case SL_QUOTA_MODE_OPEN:
		break;
	}
	return long_ago_ns;
}

void sl_lease_adopt(struct sl_lease *lease, const struct sl_terms *terms,
		    const struct sl_quota_state *left, uint32_t nodes, uint64_t seed,
		    uint64_t now_ns)
{
	const int64_t most = terms->rate_mu_per_s;
	const int64_t rate = left->rate_mu_per_s < most ? left->rate_mu_per_s : most;
	uint64_t end_ns;

	sl_lease_begin(lease, terms, nodes, seed, now_ns);
	end_ns = left_end_ns(left, sl_terms_safe_rate(terms, nodes), now_ns);
	if (!end_ns)
		return;
	lease->has_lease = true;
	lease->rate_mu_per_s = rate;
	lease->granted_mu_per_s = rate;
	lease->burst_mu = sl_terms_cap(terms, rate);
	lease->expiry_ns = end_ns;
	/* What arrives is not known yet: until it is, ask for what there is. */
	lease->estimate_mu_per_s = rate;
	lease->asked_mu_per_s = rate;
	lease->lambda_ppm = SL_QUOTA_PPM;
	lease->busy_ns = now_ns;
}
