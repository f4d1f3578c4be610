// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/meter.h"

#include <stdlib.h>

#define SLICE_MIN_NS 250000000ull
#define SLICE_MAX_NS 15000000000ull
#define NS_PER_MS    1e6
#define NS_PER_S     1e9

void sl_meter_init(struct sl_meter *meter, uint64_t target_ns, uint64_t now_ns)
{
	uint64_t slice_ns = target_ns * 5 / 2;

	if (slice_ns < SLICE_MIN_NS)
		slice_ns = SLICE_MIN_NS;
	if (slice_ns > SLICE_MAX_NS)
		slice_ns = SLICE_MAX_NS;
	*meter = (struct sl_meter){ .begun_ns = now_ns,
				    .slice_ns = slice_ns,
				    .slice = now_ns / slice_ns };
}

/* Slices that are over make room. Time that went back stays in the newest slice. */
static void turn(struct sl_meter *meter, uint64_t now_ns)
{
	const uint64_t slice = now_ns / meter->slice_ns;

	if (slice > meter->slice + SL_METER_SLICES)
		meter->slice = slice - SL_METER_SLICES;
	while (meter->slice < slice) {
		const uint64_t place = ++meter->slice % SL_METER_SLICES;

		for (unsigned int i = 0; i < SL_METER_EVENTS; i++)
			meter->counts[i][place] = 0;
	}
}

void sl_meter_count(struct sl_meter *meter, enum sl_meter_event event, uint64_t now_ns)
{
	turn(meter, now_ns);
	meter->counts[(unsigned int)event % SL_METER_EVENTS][meter->slice % SL_METER_SLICES]++;
}

void sl_meter_waited(struct sl_meter *meter, uint64_t waited_ns, uint64_t now_ns)
{
	meter->samples[meter->next].at_ns = now_ns;
	meter->samples[meter->next].waited_ns = waited_ns;
	meter->next = (meter->next + 1) % SL_METER_SAMPLES;
}

/* The oldest slice begins where the newest ends, less all of them. */
static uint64_t from_ns(const struct sl_meter *meter)
{
	const uint64_t first = meter->slice + 1 > SL_METER_SLICES
				       ? (meter->slice + 1 - SL_METER_SLICES) * meter->slice_ns
				       : 0;

	return first > meter->begun_ns ? first : meter->begun_ns;
}

double sl_meter_per_s(struct sl_meter *meter, enum sl_meter_event event, uint64_t now_ns)
{
	uint64_t sum = 0, span_ns;

	turn(meter, now_ns);
	for (unsigned int i = 0; i < SL_METER_SLICES; i++)
		sum += meter->counts[(unsigned int)event % SL_METER_EVENTS][i];
	span_ns = now_ns > from_ns(meter) ? now_ns - from_ns(meter) : 0;
	if (span_ns < meter->slice_ns) /* at first: one event is no rate */
		span_ns = meter->slice_ns;
	return (double)sum * NS_PER_S / (double)span_ns;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static double quantile_ms(const uint64_t *sorted, size_t count, unsigned int percent)
{
	const size_t at = count ? (count - 1) * percent / 100 : 0;

	return count ? (double)sorted[at] / NS_PER_MS : 0;
}

void sl_meter_read(struct sl_signal *signal, struct sl_meter *meter,
		   const struct sl_meter_waiting *waiting, uint64_t now_ns)
{
	uint64_t delays[2 * SL_METER_SAMPLES];
	size_t count = 0;

	turn(meter, now_ns);
	for (size_t i = 0; i < SL_METER_SAMPLES; i++)
		if (meter->samples[i].at_ns && meter->samples[i].at_ns >= from_ns(meter))
			delays[count++] = meter->samples[i].waited_ns;
	for (size_t i = 0; i < waiting->count && i < SL_METER_SAMPLES; i++)
		delays[count++] = now_ns > waiting->since_ns[i] ? now_ns - waiting->since_ns[i] : 0;
	qsort(delays, count, sizeof(delays[0]), compare);
	signal->queue_delay_p50_ms = quantile_ms(delays, count, 50);
	signal->queue_delay_p99_ms = quantile_ms(delays, count, 99);
	signal->done_per_s = sl_meter_per_s(meter, SL_METER_DONE, now_ns);
	signal->reject_per_s = sl_meter_per_s(meter, SL_METER_REFUSED, now_ns);
	signal->expired_per_s = sl_meter_per_s(meter, SL_METER_EXPIRED, now_ns);
}
