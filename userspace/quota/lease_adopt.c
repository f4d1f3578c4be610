// SPDX-License-Identifier: Apache-2.0
/* What one agent of a node leaves in the kernel, for the next one. */
#include "userspace/quota/lease.h"

#define MS_NS 1000000ull

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the lease ended or will; 0: nothing is held. */
static uint64_t left_end_ns(const struct sl_quota_state *left, uint64_t now_ns)
{
	const uint64_t blend_ns = SL_LEASE_BLEND_MS * MS_NS;

	switch (left->mode) {
	case SL_QUOTA_MODE_COLD:
	case SL_QUOTA_MODE_FENCED:
		return 0;
	case SL_QUOTA_MODE_HELD:
		return left->rate_mu_per_s > 0 ? left->expiry_ns : 0;
	case SL_QUOTA_MODE_BLEND: /* when it ended is not known: the whole way, at once */
	case SL_QUOTA_MODE_LAST:
	case SL_QUOTA_MODE_SAFE:
	case SL_QUOTA_MODE_CLOSED:
	case SL_QUOTA_MODE_OPEN:
		break;
	}
	return now_ns > blend_ns ? now_ns - blend_ns : 1;
}

/* What was issued may be more, but then it is not known when the others' leases have ended. */
static int64_t left_safe(const struct sl_quota_state *left, int64_t rate)
{
	return left->mode == SL_QUOTA_MODE_SAFE ? rate : least(left->safe_rate_mu_per_s, rate);
}

void sl_lease_adopt(struct sl_lease *lease, const struct sl_quota_state *left, uint32_t live,
		    uint64_t now_ns)
{
	const int64_t rate = least(left->rate_mu_per_s, lease->terms.rate_mu_per_s);
	const uint64_t end_ns = left_end_ns(left, now_ns);

	if (live)
		lease->live = live;
	if (!end_ns)
		return;
	lease->has_lease = true;
	lease->rate_mu_per_s = rate;
	lease->safe_mu_per_s = left_safe(left, rate);
	lease->granted_mu_per_s = rate;
	lease->burst_mu = sl_terms_cap(&lease->terms, rate);
	lease->expiry_ns = end_ns;
	/* What arrives is not known yet: until it is, ask for what there is. */
	lease->estimate_mu_per_s = rate;
	lease->asked_mu_per_s = rate;
	lease->lambda_ppm = SL_QUOTA_PPM;
	lease->busy_ns = now_ns;
}
