// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/rate.h"

#include <errno.h>

#include "userspace/domain/text_error.h"

#define S_NS 1000000000ull

uint64_t sl_rate_default_burst(uint64_t per_s, enum sl_unit unit)
{
	const uint64_t min = unit == SL_UNIT_BYTES ? SL_RATE_BURST_BYTES_DEFAULT : 1;
	const uint64_t ms =
		unit == SL_UNIT_BYTES ? SL_RATE_BURST_BYTES_MS_DEFAULT : SL_RATE_BURST_MS_DEFAULT;
	uint64_t burst = per_s / (1000 / ms);

	return burst > min ? burst : min;
}

int sl_rate_set_burst(struct sl_rate_spec *rate, uint64_t burst, enum sl_unit unit,
		      struct sl_text_error *error)
{
	const uint64_t min = unit == SL_UNIT_BYTES ? SL_RATE_BURST_BYTES_MIN : 1;
	char given[SL_AMOUNT_BYTES], bound[SL_AMOUNT_BYTES];
	uint64_t max;

	if (rate->unlimited || rate->per_s == 0) {
		if (burst)
			return sl_text_refuse(error, -EINVAL, "a rate that is %s has no burst",
					      rate->unlimited ? "unlimited" : "0");
		rate->burst = 0;
		return 0;
	}
	if (burst == 0)
		burst = sl_rate_default_burst(rate->per_s, unit);

	max = rate->per_s * (SL_BURST_NS_MAX / S_NS);
	if (burst < min || burst > max)
		return sl_text_refuse(
			error, -ERANGE,
			burst < min ? "a burst of %s is below one packet; allowed: "
				      "%s or more"
				    : "a burst of %s is more than the rate admits "
				      "in a day; allowed: up to %s",
			sl_format_amount(given, sizeof(given), burst, unit),
			sl_format_amount(bound, sizeof(bound), burst < min ? min : max, unit));
	rate->burst = burst;
	return 0;
}
