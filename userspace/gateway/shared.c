/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/shared.h"

#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const int statuses[SL_STATUSES] = { 200, 201, 400, 401, 403, 404, 405, 408, 409,
					   413, 415, 429, 499, 500, 502, 503, 504, 0 };

static const uint32_t latencies_us[SL_LATENCIES - 1] = {
	250,	500,	1000,	2500,	 5000,	  10000,   25000,    50000,
	100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000, 30000000,
};

static size_t rounded(size_t bytes)
{
	return (bytes + 63) & ~(size_t)63;
}

size_t sl_shared_bytes(const struct sl_settings *settings)
{
	return rounded(sizeof(struct sl_shared)) +
	       rounded(sl_buckets_bytes(settings->limits.tenants_max)) +
	       rounded(sl_buckets_bytes(settings->limits.addresses_max));
}

struct sl_buckets *sl_shared_tenants(struct sl_shared *shared)
{
	return (void *)((char *)shared + rounded(sizeof(*shared)));
}

struct sl_buckets *sl_shared_addresses(struct sl_shared *shared)
{
	return (void *)((char *)sl_shared_tenants(shared) +
			rounded(sl_buckets_bytes(shared->tenants_max)));
}

void sl_shared_init(struct sl_shared *shared, const struct sl_settings *settings,
		    const uint64_t secret[2])
{
	shared->tenants_max = settings->limits.tenants_max;
	shared->addresses_max = settings->limits.addresses_max;
	shared->abuse.secret[0] = secret[0];
	shared->abuse.secret[1] = secret[1];
	sl_buckets_init(sl_shared_tenants(shared), settings->limits.tenants_max, secret);
	sl_buckets_init(sl_shared_addresses(shared), settings->limits.addresses_max, secret);
}

size_t sl_status_index(int status)
{
	for (size_t i = 0; i < SL_STATUSES - 1; i++)
		if (statuses[i] == status)
			return i;
	return SL_STATUSES - 1;
}

int sl_status_at(size_t index)
{
	return statuses[index];
}

size_t sl_latency_index(uint64_t us)
{
	size_t i = 0;

	while (i < COUNT(latencies_us) && us > latencies_us[i])
		i++;
	return i;
}

double sl_latency_bound_s(size_t index)
{
	return index < COUNT(latencies_us) ? latencies_us[index] / 1e6 : (double)INFINITY;
}

static uint64_t read_one(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void add(uint64_t *sum, const uint64_t *counters, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sum[i] += read_one(&counters[i]);
}

/* By second, so that the sets of two workers meet. */
static void add_seconds(struct sl_worker_counters *ret, const struct sl_worker_counters *one,
			uint64_t now_s)
{
	for (size_t i = 0; i < SL_SECONDS_KEPT; i++) {
		uint64_t second = read_one(&one->seconds[i].second);

		if (second > now_s || now_s - second >= SL_SECONDS_KEPT)
			continue;
		ret->seconds[second % SL_SECONDS_KEPT].second = second;
		ret->seconds[second % SL_SECONDS_KEPT].requests +=
			read_one(&one->seconds[i].requests);
	}
}

void sl_shared_sum(struct sl_worker_counters *ret, const struct sl_shared *shared, uint64_t now_ns)
{
	*ret = (struct sl_worker_counters){ 0 };
	for (size_t i = 0; i < SL_WORKERS_MAX; i++) {
		const struct sl_worker_counters *one = &shared->workers[i];
		uint64_t seen_ns = read_one(&one->seen_ns);

		if (!seen_ns)
			continue;
		add(&ret->requests[0][0], &one->requests[0][0], SL_ROUTES_MAX * SL_STATUSES);
		add(ret->latencies, one->latencies, SL_LATENCIES);
		add(&ret->latency_sum_us, &one->latency_sum_us, 1);
		add(&ret->checked[0][0], &one->checked[0][0], SL_CLASSES * SL_TENANT_LABELS);
		add(&ret->exceeded[0][0], &one->exceeded[0][0], SL_CLASSES * SL_TENANT_LABELS);
		add(ret->counts, one->counts, SL_COUNTS);
		add_seconds(ret, one, now_ns / 1000000000);
		if ((int64_t)(now_ns - seen_ns) > (int64_t)SL_WORKER_FRESH_NS)
			continue;
		add(ret->gauges, one->gauges, SL_GAUGES);
		ret->alive++;
	}
}
