// SPDX-License-Identifier: Apache-2.0
#include "userspace/obs/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"

#define SUFFIX_BYTES (sizeof("_bucket") - 1)

static const char the_end[] = "# EOF\n";

struct family {
	const char *name;
	const char *help;
	enum sl_metric_type type;
	char *text;
	size_t skip; /* bytes of the text before where it begins */
	size_t used;
	size_t size;
};

struct sl_metrics {
	struct family families[SL_METRICS_FAMILIES_MAX];
	unsigned int count;
	size_t bytes;	  /* allocated, over all families */
	size_t bytes_max; /* of `bytes` */
	int status;
	bool openmetrics;
};

int sl_metrics_new(struct sl_metrics **ret, size_t bytes_max)
{
	struct sl_metrics *metrics = calloc(1, sizeof(*metrics));

	if (!metrics)
		return -ENOMEM;
	metrics->bytes_max = bytes_max;
	*ret = metrics;
	return 0;
}

void sl_metrics_free(struct sl_metrics *metrics)
{
	if (!metrics)
		return;
	for (unsigned int i = 0; i < metrics->count; i++)
		free(metrics->families[i].text);
	free(metrics);
}

void sl_metrics_freep(struct sl_metrics **metrics)
{
	sl_metrics_free(*metrics);
}

/* Room for @more bytes in @family, or false with the status set. */
static bool reserve(struct sl_metrics *metrics, struct family *family, size_t more)
{
	size_t want = family->used + more, size = family->size ? family->size : 256;
	char *text;

	if (metrics->status)
		return false;
	if (want <= family->size)
		return true;
	/* By half, not double: the last growth of a large page is the costly one. */
	while (size < want)
		size += size / 2;
	if (metrics->bytes - family->size + size > metrics->bytes_max) {
		size = want;
		if (metrics->bytes - family->size + size > metrics->bytes_max) {
			metrics->status = -EFBIG;
			return false;
		}
	}
	text = realloc(family->text, size);
	if (!text) {
		metrics->status = -ENOMEM;
		return false;
	}
	metrics->bytes += size - family->size;
	family->text = text;
	family->size = size;
	return true;
}

static void put(struct family *family, const char *text, size_t length)
{
	memcpy(family->text + family->used, text, length);
	family->used += length;
}

static void put_text(struct family *family, const char *text)
{
	put(family, text, strlen(text));
}

/* A label's value: backslash, quote and newline are escaped, as the format says. */
static void put_escaped(struct family *family, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			put(family, "\\n", 2);
		else if (*text == '"' || *text == '\\')
			put(family, (const char[]){ '\\', *text }, 2);
		else
			put(family, text, 1);
	}
}

static const char *const types[] = {
	[SL_COUNTER] = " counter\n",
	[SL_GAUGE] = " gauge\n",
	[SL_HISTOGRAM] = " histogram\n",
};

/* @name_bytes: how much of the name stands there. */
static void put_head(struct family *family, size_t name_bytes, const char *type)
{
	put_text(family, "# HELP ");
	put(family, family->name, name_bytes);
	put_text(family, " ");
	put_text(family, family->help);
	put_text(family, "\n# TYPE ");
	put(family, family->name, name_bytes);
	put_text(family, type);
}

unsigned int sl_metrics_family(struct sl_metrics *metrics, const char *name,
			       enum sl_metric_type type, const char *help)
{
	struct family *family = &metrics->families[metrics->count];

	if (metrics->count == SL_METRICS_FAMILIES_MAX) {
		metrics->status = metrics->status ? metrics->status : -ENOSPC;
		return 0;
	}
	*family = (struct family){ .name = name, .help = help, .type = type };
	if (reserve(metrics, family, 2 * strlen(name) + strlen(help) + 64))
		put_head(family, strlen(name), types[type]);
	return metrics->count++;
}

static size_t longest(const struct family *family, const struct sl_label *labels, size_t count,
		      const char *value)
{
	size_t bytes = strlen(family->name) + SUFFIX_BYTES + strlen(value) + 8;

	for (size_t i = 0; i < count; i++)
		bytes += strlen(labels[i].name) + 2 * strlen(labels[i].value) + 4;
	return bytes;
}

static void add(struct sl_metrics *metrics, unsigned int number, const char *suffix,
		const struct sl_label *labels, size_t count, const char *value)
{
	struct family *family = &metrics->families[number];

	if (!metrics->count || !reserve(metrics, family, longest(family, labels, count, value)))
		return;
	put_text(family, family->name);
	put_text(family, suffix);
	for (size_t i = 0; i < count; i++) {
		put_text(family, i ? "," : "{");
		put_text(family, labels[i].name);
		put_text(family, "=\"");
		put_escaped(family, labels[i].value);
		put_text(family, "\"");
	}
	put_text(family, count ? "} " : " ");
	put_text(family, value);
	put_text(family, "\n");
}

void sl_metrics_add(struct sl_metrics *metrics, unsigned int family, const struct sl_label *labels,
		    size_t count, uint64_t value)
{
	char digits[24];

	(void)snprintf(digits, sizeof(digits), "%" PRIu64, value);
	add(metrics, family, "", labels, count, digits);
}

void sl_metrics_add_real(struct sl_metrics *metrics, unsigned int family,
			 const struct sl_label *labels, size_t count, double value)
{
	char digits[32];

	(void)snprintf(digits, sizeof(digits), "%.9g", value);
	add(metrics, family, "", labels, count, digits);
}

void sl_metrics_add_histogram(struct sl_metrics *metrics, unsigned int family,
			      const struct sl_label *labels, size_t count,
			      const struct sl_histogram *histogram)
{
	struct sl_label own[SL_HISTOGRAM_LABELS_MAX + 1];
	uint64_t below = 0;
	char le[32], digits[32];

	if (count > SL_HISTOGRAM_LABELS_MAX)
		count = SL_HISTOGRAM_LABELS_MAX;
	for (size_t i = 0; i < count; i++)
		own[i] = labels[i];
	own[count] = (struct sl_label){ "le", le };
	for (size_t i = 0; i <= histogram->bucket_count; i++) {
		below += histogram->counts[i];
		if (i < histogram->bucket_count)
			(void)snprintf(le, sizeof(le), "%.9g", histogram->bounds[i]);
		else
			(void)snprintf(le, sizeof(le), "+Inf");
		(void)snprintf(digits, sizeof(digits), "%" PRIu64, below);
		add(metrics, family, "_bucket", own, count + 1, digits);
	}
	add(metrics, family, "_count", own, count, digits);
	(void)snprintf(digits, sizeof(digits), "%.9g", histogram->sum);
	add(metrics, family, "_sum", own, count, digits);
}

void sl_metrics_one(struct sl_metrics *metrics, const char *name, enum sl_metric_type type,
		    const char *help, uint64_t value)
{
	sl_metrics_add(metrics, sl_metrics_family(metrics, name, type, help), NULL, 0, value);
}

int sl_metrics_status(const struct sl_metrics *metrics)
{
	return metrics->status;
}

/* The new head is never longer than the old one: it is written over its end. */
static void rename_counter(struct family *family)
{
	static const char total[] = "_total", unknown[] = " unknown\n";
	size_t bytes = strlen(family->name), used = family->used;
	bool has_total = bytes > sizeof(total) - 1 &&
			 strcmp(family->name + bytes - (sizeof(total) - 1), total) == 0;

	if (has_total) {
		bytes -= sizeof(total) - 1;
		family->skip = 2 * (sizeof(total) - 1);
	}
	family->used = family->skip;
	put_head(family, bytes, has_total ? types[SL_COUNTER] : unknown);
	family->used = used;
}

void sl_metrics_to_openmetrics(struct sl_metrics *metrics)
{
	if (metrics->status)
		return;
	for (unsigned int i = 0; i < metrics->count; i++)
		if (metrics->families[i].type == SL_COUNTER && !metrics->openmetrics)
			rename_counter(&metrics->families[i]);
	metrics->openmetrics = true;
}

size_t sl_metrics_length(const struct sl_metrics *metrics)
{
	size_t length = metrics->openmetrics ? sizeof(the_end) - 1 : 0;

	for (unsigned int i = 0; i < metrics->count; i++)
		length += metrics->families[i].used - metrics->families[i].skip;
	return length;
}

const char *sl_metrics_part(const struct sl_metrics *metrics, unsigned int part, size_t *ret_length)
{
	const struct family *family = &metrics->families[part];

	if (part == metrics->count && metrics->openmetrics) {
		*ret_length = sizeof(the_end) - 1;
		return the_end;
	}
	if (part >= metrics->count)
		return NULL;
	*ret_length = family->used - family->skip;
	return family->text + family->skip;
}
