// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "userspace/cli/verdict.h"

static struct sl_name names[2] = { { .name = "" }, { .name = "shop" } };
static const struct sl_maps_view view = { .names = names, .tenants = 2 };

/* What explain prints of @explanation; free() it. */
static char *print(const struct sl_explanation *explanation, enum sl_format format)
{
	struct sl_cli cli = { .format = format };
	struct sl_doc *doc = NULL;
	char *text = NULL;
	size_t size = 0;

	cli.out = open_memstream(&text, &size);
	assert_non_null(cli.out);
	assert_int_equal(sl_doc_new(&doc), 0);
	sl_verdict_add(doc, &view, SL_EXPLAIN_XDP, "a packet", explanation);
	assert_int_equal(sl_doc_print(doc, &cli), 0);
	assert_int_equal(fclose(cli.out), 0);
	sl_doc_free(doc);
	return text;
}

static const struct sl_explanation over = { .tenant = 1,
					    .reason = SL_REASON_RATE_PACKETS,
					    .found_by = SL_FOUND_SERVICE,
					    .packets = 1,
					    .bytes = 64,
					    .packets_wait_cu = 2048000000,
					    .bytes_wait_cu = 1024 };

static void a_drop_says_who_why_and_how_long(void **state)
{
	char *text = print(&over, SL_FORMAT_TEXT);

	assert_string_equal(text,
			    "packet             a packet\n"
			    "judged at          ingress (XDP)\n"
			    "tenant             shop\n"
			    "because            the service at its local address is the tenant's\n"
			    "verdict            drop\n"
			    "because            over the tenant's packets per second\n"
			    "mode               enforce\n"
			    "admitted in        2.0ms\n"
			    "packets to charge  1\n"
			    "bytes to charge    64\n"
			    "in force           -\n");
	free(text);
}

static void shadow_and_off_pass_what_enforce_drops(void **state)
{
	struct sl_explanation explanation = over;

	explanation.mode = SL_MODE_SHADOW;
	assert_string_equal(sl_verdict_name(&explanation), "pass (shadow: counted as a drop)");
	explanation.mode = SL_MODE_OFF;
	assert_string_equal(sl_verdict_name(&explanation), "pass (the mode is off)");
	explanation.reason = SL_REASON_PASS;
	assert_string_equal(sl_verdict_name(&explanation), "pass");
}

static void what_is_not_judged_has_no_tenant(void **state)
{
	struct sl_explanation explanation = over;
	char *text;

	explanation.found_by = SL_FOUND_UNPROTECTED;
	explanation.tenant = SL_TENANT_NONE;
	text = print(&explanation, SL_FORMAT_JSON);
	assert_non_null(strstr(text, "\"tenant\": null"));
	assert_non_null(strstr(text, "\"found_by\": \"unprotected\""));
	assert_non_null(strstr(text, "\"verdict\": \"pass\""));
	assert_non_null(strstr(text, "\"dropped\": false"));
	assert_non_null(strstr(text, "\"charged_packets\": null"));
	free(text);
}

static void what_waiting_does_not_help_has_no_time(void **state)
{
	struct sl_explanation explanation = over;
	char *text;

	explanation.reason = SL_REASON_BLOCKED_TENANT;
	explanation.packets_wait_cu = explanation.bytes_wait_cu = 0;
	explanation.lease_over = 1;
	explanation.fallback = SL_FALLBACK_CLOSED;
	text = print(&explanation, SL_FORMAT_JSON);
	assert_non_null(strstr(text, "\"wait_ns\": null"));
	assert_non_null(strstr(text, "\"notes\": \"the fallback after the lease: closed\""));
	free(text);
}

static void later_versions_are_survived(void **state)
{
	struct sl_explanation explanation = over;
	char *text;

	explanation.found_by = 200;
	explanation.reason = 999;
	explanation.mode = 77;
	explanation.tenant = 99;
	text = print(&explanation, SL_FORMAT_TEXT);
	assert_non_null(strstr(text, "tenant             #99\n"));
	free(text);
	for (unsigned found_by = SL_FOUND_NOT_IP; found_by <= SL_FOUND_OFF; found_by++) {
		assert_string_not_equal(sl_found_by_name(found_by), "?");
		assert_string_not_equal(sl_found_by_text(found_by), "?");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_drop_says_who_why_and_how_long),
		cmocka_unit_test(shadow_and_off_pass_what_enforce_drops),
		cmocka_unit_test(what_is_not_judged_has_no_tenant),
		cmocka_unit_test(what_waiting_does_not_help_has_no_time),
		cmocka_unit_test(later_versions_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
