// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/obs/metrics.h"

static char *page(const struct sl_metrics *metrics)
{
	char *text = calloc(1, sl_metrics_length(metrics) + 1), *at = text;
	const char *part;
	size_t length;

	assert_non_null(text);
	for (unsigned int i = 0; (part = sl_metrics_part(metrics, i, &length)); i++) {
		memcpy(at, part, length);
		at += length;
	}
	return text;
}

static void families_stay_together(void **state)
{
	struct sl_metrics *metrics = NULL;
	unsigned int packets, open;
	char *text;

	assert_int_equal(sl_metrics_new(&metrics, 1 << 20), 0);
	packets = sl_metrics_family(metrics, "x_packets_total", SL_COUNTER, "Packets.");
	open = sl_metrics_family(metrics, "x_open", SL_GAUGE, "Open.");
	for (uint64_t i = 0; i < 2; i++) {
		const struct sl_label labels[] = { { "tenant", i ? "b" : "a" },
						   { "reason", "pass" } };

		sl_metrics_add(metrics, packets, labels, 2, i + 7);
		sl_metrics_add(metrics, open, labels, 1, UINT64_MAX);
	}
	sl_metrics_one(metrics, "x_up", SL_GAUGE, "Up.", 1);
	sl_metrics_add_real(metrics, sl_metrics_family(metrics, "x_age_seconds", SL_GAUGE, "Age."),
			    NULL, 0, 0.25);
	assert_int_equal(sl_metrics_status(metrics), 0);
	text = page(metrics);
	assert_string_equal(text, "# HELP x_packets_total Packets.\n"
				  "# TYPE x_packets_total counter\n"
				  "x_packets_total{tenant=\"a\",reason=\"pass\"} 7\n"
				  "x_packets_total{tenant=\"b\",reason=\"pass\"} 8\n"
				  "# HELP x_open Open.\n"
				  "# TYPE x_open gauge\n"
				  "x_open{tenant=\"a\"} 18446744073709551615\n"
				  "x_open{tenant=\"b\"} 18446744073709551615\n"
				  "# HELP x_up Up.\n"
				  "# TYPE x_up gauge\n"
				  "x_up 1\n"
				  "# HELP x_age_seconds Age.\n"
				  "# TYPE x_age_seconds gauge\n"
				  "x_age_seconds 0.25\n");
	free(text);
	sl_metrics_free(metrics);
}

static void label_values_are_escaped(void **state)
{
	const struct sl_label label = { "v", "a\"b\\c\ne" };
	struct sl_metrics *metrics = NULL;
	char *text;

	assert_int_equal(sl_metrics_new(&metrics, 1 << 20), 0);
	sl_metrics_add(metrics, sl_metrics_family(metrics, "m", SL_GAUGE, "h"), &label, 1, 0);
	text = page(metrics);
	assert_non_null(strstr(text, "\nm{v=\"a\\\"b\\\\c\\ne\"} 0\n"));
	free(text);
	sl_metrics_free(metrics);
}

static void a_histogram_counts_from_below(void **state)
{
	const double bounds[] = { 0.5, 2 };
	const uint64_t counts[] = { 3, 0, 1 };
	const struct sl_label label = { "path", "/a" };
	struct sl_metrics *metrics = NULL;
	char *text;

	assert_int_equal(sl_metrics_new(&metrics, 1 << 20), 0);
	sl_metrics_add_histogram(metrics, sl_metrics_family(metrics, "h", SL_HISTOGRAM, "t"),
				 &label, 1, &(struct sl_histogram){ bounds, counts, 2, 7.25 });
	text = page(metrics);
	assert_string_equal(text, "# HELP h t\n# TYPE h histogram\n"
				  "h_bucket{path=\"/a\",le=\"0.5\"} 3\n"
				  "h_bucket{path=\"/a\",le=\"2\"} 3\n"
				  "h_bucket{path=\"/a\",le=\"+Inf\"} 4\n"
				  "h_count{path=\"/a\"} 4\nh_sum{path=\"/a\"} 7.25\n");
	free(text);
	sl_metrics_free(metrics);
}

static void a_page_has_a_limit(void **state)
{
	struct sl_metrics *metrics = NULL;
	unsigned int family;

	assert_int_equal(sl_metrics_new(&metrics, 4096), 0);
	family = sl_metrics_family(metrics, "m", SL_GAUGE, "h");
	for (uint64_t i = 0; i < 10000; i++)
		sl_metrics_add(metrics, family, NULL, 0, i);
	assert_int_equal(sl_metrics_status(metrics), -EFBIG);
	assert_true(sl_metrics_length(metrics) <= 4096);
	sl_metrics_free(metrics);
	sl_metrics_free(NULL);
}

static void families_have_a_limit(void **state)
{
	struct sl_metrics *metrics = NULL;

	assert_int_equal(sl_metrics_new(&metrics, 1 << 20), 0);
	for (int i = 0; i < SL_METRICS_FAMILIES_MAX; i++)
		sl_metrics_one(metrics, "m", SL_GAUGE, "h", 1);
	assert_int_equal(sl_metrics_status(metrics), 0);
	sl_metrics_one(metrics, "m", SL_GAUGE, "h", 1);
	assert_int_equal(sl_metrics_status(metrics), -ENOSPC);
	sl_metrics_free(metrics);
}

static void can_be_openmetrics(void **state)
{
	static const double bounds[] = { 0.5 };
	static const uint64_t counts[] = { 1, 2 };
	struct sl_metrics *metrics = NULL;
	unsigned int family;
	char *text;

	assert_int_equal(sl_metrics_new(&metrics, 1 << 20), 0);
	family = sl_metrics_family(metrics, "x_packets_total", SL_COUNTER, "Packets.");
	sl_metrics_add(metrics, family, &(struct sl_label){ "a", "b" }, 1, 7);
	sl_metrics_add(metrics, family, NULL, 0, 8);
	sl_metrics_one(metrics, "x_hits", SL_COUNTER, "Hits.", 1);
	sl_metrics_one(metrics, "_total", SL_COUNTER, "A name of nothing else.", 1);
	sl_metrics_one(metrics, "x_up", SL_GAUGE, "Up.", 1);
	sl_metrics_add_histogram(metrics, sl_metrics_family(metrics, "h", SL_HISTOGRAM, "t"), NULL,
				 0, &(struct sl_histogram){ bounds, counts, 1, 7.25 });
	sl_metrics_to_openmetrics(metrics);
	sl_metrics_to_openmetrics(metrics); /* changes nothing more */
	text = page(metrics);
	assert_string_equal(text, "# HELP x_packets Packets.\n"
				  "# TYPE x_packets counter\n"
				  "x_packets_total{a=\"b\"} 7\n"
				  "x_packets_total 8\n"
				  "# HELP x_hits Hits.\n"
				  "# TYPE x_hits unknown\n"
				  "x_hits 1\n"
				  "# HELP _total A name of nothing else.\n"
				  "# TYPE _total unknown\n"
				  "_total 1\n"
				  "# HELP x_up Up.\n"
				  "# TYPE x_up gauge\n"
				  "x_up 1\n"
				  "# HELP h t\n"
				  "# TYPE h histogram\n"
				  "h_bucket{le=\"0.5\"} 1\n"
				  "h_bucket{le=\"+Inf\"} 3\n"
				  "h_count 3\n"
				  "h_sum 7.25\n"
				  "# EOF\n");
	assert_int_equal(sl_metrics_length(metrics), strlen(text));
	free(text);
	sl_metrics_free(metrics);
}

static void an_empty_page_can_be_openmetrics(void **state)
{
	struct sl_metrics *metrics = NULL;
	char *text;

	assert_int_equal(sl_metrics_new(&metrics, 1 << 20), 0);
	sl_metrics_to_openmetrics(metrics);
	text = page(metrics);
	assert_string_equal(text, "# EOF\n");
	free(text);
	sl_metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_stay_together),
		cmocka_unit_test(can_be_openmetrics),
		cmocka_unit_test(an_empty_page_can_be_openmetrics),
		cmocka_unit_test(label_values_are_escaped),
		cmocka_unit_test(a_histogram_counts_from_below),
		cmocka_unit_test(a_page_has_a_limit),
		cmocka_unit_test(families_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
