// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/class_throttle.h"

static unsigned int index_of(enum sl_criticality class)
{
	return (unsigned int)class % SL_CRITICALITIES;
}

double sl_class_throttle_refuses(struct sl_class_throttle *throttle, enum sl_criticality class,
				 double ratio, uint64_t now_ns)
{
	bool lower_go = true; /* all below, as far as can be */
	double ret = 0;

	for (unsigned int i = 0; i < SL_CRITICALITIES; i++) {
		const double share = sl_throttle_refuses(&throttle->of[i], ratio, now_ns);

		/* What is above is refused by its own share, and so at least is this class. */
		if (i >= index_of(class) && lower_go && share > ret)
			ret = share;
		if (sl_throttle_is_known(&throttle->of[i], now_ns))
			lower_go = lower_go && share >= SL_THROTTLE_REFUSE_MAX;
	}
	return ret;
}

bool sl_class_throttle_admits(struct sl_class_throttle *throttle, enum sl_criticality class,
			      double ratio, uint64_t now_ns, uint64_t random)
{
	const double share = sl_class_throttle_refuses(throttle, class, ratio, now_ns);

	return sl_throttle_draws(&throttle->of[index_of(class)], share, now_ns, random);
}

void sl_class_throttle_report(struct sl_class_throttle *throttle, enum sl_criticality class,
			      bool accepted, uint64_t now_ns)
{
	sl_throttle_report(&throttle->of[index_of(class)], accepted, now_ns);
}

void sl_class_throttle_forget(struct sl_class_throttle *throttle)
{
	for (unsigned int i = 0; i < SL_CRITICALITIES; i++)
		sl_throttle_forget(&throttle->of[i]);
}
