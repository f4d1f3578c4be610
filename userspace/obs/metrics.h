/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prometheus text exposition, version 0.0.4, or OpenMetrics 1.0. Both want all samples of a
 * family together; callers go tenant by tenant. So each family has its own
 * buffer, and the page is put together at the end.
 *
 * Owner:  sl_metrics_free() frees all buffers.
 * Thread: one at a time.
 * Errors: they stick: after one, adding does nothing and sl_metrics_status()
 *         says -ENOMEM, -EFBIG (the page would hold more than @bytes_max) or
 *         -ENOSPC (more than SL_METRICS_FAMILIES_MAX).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SL_METRICS_FAMILIES_MAX 256

enum sl_metric_type {
	SL_COUNTER = 0,
	SL_GAUGE,
	SL_HISTOGRAM,
};

struct sl_label {
	const char *name;  /* a literal */
	const char *value; /* any text: it is escaped */
};

struct sl_metrics;

int sl_metrics_new(struct sl_metrics **ret, size_t bytes_max);
void sl_metrics_free(struct sl_metrics *metrics);
void sl_metrics_freep(struct sl_metrics **metrics);

/* Starts a family and returns its number. @name and @help are literals. */
unsigned int sl_metrics_family(struct sl_metrics *metrics, const char *name,
			       enum sl_metric_type type, const char *help);

void sl_metrics_add(struct sl_metrics *metrics, unsigned int family, const struct sl_label *labels,
		    size_t count, uint64_t value);
void sl_metrics_add_real(struct sl_metrics *metrics, unsigned int family,
			 const struct sl_label *labels, size_t count, double value);

/* How many fell into each step; counts[bucket_count] is those above all bounds. */
struct sl_histogram {
	const double *bounds; /* upper ones, growing */
	const uint64_t *counts;
	size_t bucket_count;
	double sum; /* of all values */
};

#define SL_HISTOGRAM_LABELS_MAX 4

/* Its buckets, count and sum; @family is an SL_HISTOGRAM. */
void sl_metrics_add_histogram(struct sl_metrics *metrics, unsigned int family,
			      const struct sl_label *labels, size_t count,
			      const struct sl_histogram *histogram);

/* A family of one sample without labels. */
void sl_metrics_one(struct sl_metrics *metrics, const char *name, enum sl_metric_type type,
		    const char *help, uint64_t value);

int sl_metrics_status(const struct sl_metrics *metrics);

/*
 * The finished page as OpenMetrics: counters are named without their _total in what is
 * said of them (those that have none become "unknown"), and # EOF ends it. Once, after
 * the last addition.
 */
void sl_metrics_to_openmetrics(struct sl_metrics *metrics);

/* The page's length, and its parts in order: @part counts from 0; NULL after the last.
 * The text lives as long as @metrics, and until the next addition. */
size_t sl_metrics_length(const struct sl_metrics *metrics);
const char *sl_metrics_part(const struct sl_metrics *metrics, unsigned int part,
			    size_t *ret_length);
