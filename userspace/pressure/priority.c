// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/priority.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/siphash.h"

#define EDGE_DEN   1000u
#define SHORT_PART 10u

static const char *const names[SL_CRITICALITIES] = { "sheddable", "sheddable_plus", "critical",
						     "critical_plus" };

const char *sl_criticality_name(enum sl_criticality criticality)
{
	return names[(unsigned int)criticality % SL_CRITICALITIES];
}

int sl_criticality_of(enum sl_criticality *ret, struct sl_span name)
{
	for (unsigned int i = 0; i < SL_CRITICALITIES; i++)
		if (sl_span_is(name, names[i])) {
			*ret = (enum sl_criticality)i;
			return 0;
		}
	return -ENOENT;
}

unsigned int sl_priority_level(enum sl_criticality criticality, struct sl_span tenant,
			       uint64_t hour)
{
	/* No secret: every router must see the same tenants on the same levels. */
	const uint64_t key[2] = { hour, 0x736c756963650001ull };
	uint64_t hash[2];

	sl_siphash(hash, key, tenant.length ? tenant.at : "", tenant.length);
	return (unsigned int)criticality % SL_CRITICALITIES * SL_PRIORITY_PER_CLASS +
	       (unsigned int)(hash[0] % SL_PRIORITY_PER_CLASS);
}

void sl_priority_init(struct sl_priority *priority, uint64_t now_ns)
{
	*priority = (struct sl_priority){ .window_ns = now_ns };
}

void sl_priority_offer(struct sl_priority *priority, unsigned int level)
{
	priority->offered[level % SL_PRIORITY_LEVELS]++;
	priority->offered_count++;
}

static uint64_t age_ns(const struct sl_priority *priority, uint64_t now_ns)
{
	return now_ns > priority->window_ns ? now_ns - priority->window_ns : 0;
}

static void turn(struct sl_priority *priority, uint64_t long_ns, uint64_t now_ns)
{
	memcpy(priority->before, priority->offered, sizeof(priority->before));
	memset(priority->offered, 0, sizeof(priority->offered));
	priority->before_count = priority->offered_count;
	priority->before_long_ns = long_ns;
	priority->offered_count = 0;
	priority->window_ns = now_ns;
}

bool sl_priority_turn(struct sl_priority *priority, uint64_t now_ns)
{
	const uint64_t long_ns = age_ns(priority, now_ns);

	if (!long_ns ||
	    (long_ns < SL_PRIORITY_WINDOW_NS && priority->offered_count < SL_PRIORITY_WINDOW_MAX))
		return false;
	turn(priority, long_ns, now_ns);
	return true;
}

bool sl_priority_cut_short(struct sl_priority *priority, uint64_t now_ns)
{
	const uint64_t long_ns = age_ns(priority, now_ns);

	if (long_ns < SL_PRIORITY_WINDOW_NS / SHORT_PART)
		return false;
	turn(priority, long_ns, now_ns);
	return true;
}

double sl_priority_offered_per_s(const struct sl_priority *priority)
{
	if (!priority->before_long_ns)
		return 0;
	return priority->before_count * 1e9 / (double)priority->before_long_ns;
}

static void set_edge(struct sl_priority *priority, unsigned int threshold, uint32_t num)
{
	priority->threshold = threshold;
	priority->edge_num = num;
	priority->edge_den = EDGE_DEN;
}

void sl_priority_fit(struct sl_priority *priority, double per_s)
{
	double left = per_s * (double)priority->before_long_ns / 1e9;
	unsigned int level = SL_PRIORITY_LEVELS;

	while (level && priority->before[level - 1] <= left) {
		left -= priority->before[level - 1];
		level--;
	}
	if (level)
		set_edge(priority, level,
			 (uint32_t)(left > 0 ? left * EDGE_DEN / priority->before[level - 1] : 0));
	else
		set_edge(priority, 0, 0);
}

void sl_priority_from(struct sl_priority *priority, enum sl_criticality criticality)
{
	set_edge(priority, (unsigned int)criticality % SL_CRITICALITIES * SL_PRIORITY_PER_CLASS, 0);
}

bool sl_priority_passes(struct sl_priority *priority, unsigned int level)
{
	if (level >= priority->threshold)
		return true;
	if (level + 1 != priority->threshold || !priority->edge_num)
		return false;
	priority->edge_sum += priority->edge_num;
	if (priority->edge_sum < priority->edge_den)
		return false;
	priority->edge_sum -= priority->edge_den;
	return true;
}
