// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <unistd.h>

#include "tests/unit/cli/run_cli.h"
#include "userspace/cli/moment.h"
#include "userspace/ledger/ledger.h"

#define NOW_MS 1795219200000ull /* 2026-11-21T00:00:00Z */

static char folder[] = "/tmp/test_usage.XXXXXX";
static char path[64];

static int make_ledger(void **state)
{
	struct sl_usage_event events[] = {
		{ .tenant_id = "acme",
		  .provider_id = "=openai", /* what a spreadsheet would run */
		  .event_type = "chat",
		  .latency_ms = 10,
		  .cost = 0.0125,
		  .timestamp_ms = NOW_MS,
		  .assignment_id = "a1",
		  .run_id = "run-1" },
		{ .tenant_id = "acme",
		  .provider_id = "local",
		  .event_type = "chat",
		  .latency_ms = 20.5,
		  .cost = 1,
		  .status = SL_WORKER_ERROR,
		  .timestamp_ms = NOW_MS + 86400000,
		  .assignment_id = "a2",
		  .run_id = "run-1" },
		{ .tenant_id = "beta",
		  .provider_id = "local",
		  .event_type = "chat",
		  .timestamp_ms = NOW_MS,
		  .request_id = "r3" },
	};
	struct sl_ledger_error error;
	struct sl_ledger *ledger;
	bool is_new[3];

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/usage.db", folder);
	assert_int_equal(sl_ledger_open(&ledger, path, &error), 0);
	assert_int_equal(sl_ledger_write(ledger, events, 3, is_new, &error), 0);
	sl_ledger_close(ledger);
	return 0;
}

static int remove_ledger(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" }; /* a reader leaves them */
	char name[80];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
	return rmdir(folder);
}

static struct ran report(const char *options)
{
	char line[256];

	(void)snprintf(line, sizeof(line), "usage report --ledger %s%s", path, options);
	return run_cli(line);
}

static void expect(const char *options, const char *out)
{
	struct ran ran = report(options);

	assert_string_equal(ran.err, "");
	assert_int_equal(ran.code, SL_EXIT_OK);
	assert_string_equal(ran.out, out);
	run_done(&ran);
}

#define CSV_FIGURES                                                                                \
	"events,successes,errors,timeouts,cancelled,success_rate,cost,latency_mean_ms,first,last\n"

static void csv_has_each_grouping(void **state)
{
	expect(" --csv --by run",
	       "run,tenant," CSV_FIGURES
	       "run-1,acme,2,1,1,0,0,0.5,1.0125,15.25,2026-11-21T00:00:00Z,2026-11-22T00:00:00Z\n"
	       "r3,beta,1,1,0,0,0,1,0,0,2026-11-21T00:00:00Z,2026-11-21T00:00:00Z\n");
	expect(" --csv --by provider",
	       "provider," CSV_FIGURES
	       "\"'=openai\",1,1,0,0,0,1,0.0125,10,2026-11-21T00:00:00Z,2026-11-21T00:00:00Z\n"
	       "local,2,1,1,0,0,0.5,1,10.25,2026-11-21T00:00:00Z,2026-11-22T00:00:00Z\n");
	expect(" --csv --by day --tenant acme --since 2026-11-22",
	       "day,tenant," CSV_FIGURES
	       "2026-11-22,acme,1,0,1,0,0,0,1,20.5,2026-11-22T00:00:00Z,2026-11-22T00:00:00Z\n");
	expect(" --csv --until 2026-11-21T00:00:01Z --tenant acme",
	       "tenant," CSV_FIGURES
	       "acme,1,1,0,0,0,1,0.0125,10,2026-11-21T00:00:00Z,2026-11-21T00:00:00Z\n");
}

static void json_and_text_say_the_same(void **state)
{
	struct ran ran = report(" --json --tenant beta");

	assert_non_null(strstr(ran.out, "\"usage\": ["));
	assert_non_null(strstr(ran.out, "\"tenant\": \"beta\""));
	assert_non_null(strstr(ran.out, "\"success_rate\": 1.0"));
	run_done(&ran);
	ran = report(" --by run");
	assert_non_null(strstr(ran.out, "RUN"));
	assert_non_null(strstr(ran.out, "1.0125"));
	assert_non_null(strstr(ran.out, " 50%"));
	run_done(&ran);
	ran = report(" --tenant nobody");
	assert_string_equal(ran.out, "no usage in this time\n");
	run_done(&ran);
}

static void wrong_use_is_explained(void **state)
{
	static const struct {
		const char *options;
		int code;
		const char *says;
	} cases[] = {
		{ " --by week", SL_EXIT_USAGE, "--by" },
		{ " --since yesterday", SL_EXIT_USAGE, "is no moment" },
		{ " --since 2026-02-30", SL_EXIT_USAGE, "is no moment" },
		{ " --since 2026-11-22 --until 2026-11-21", SL_EXIT_USAGE, "before --until" },
		{ " --json --csv", SL_EXIT_USAGE, "exclude each other" },
	};
	struct ran ran;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ran = report(cases[i].options);
		assert_int_equal(ran.code, cases[i].code);
		assert_non_null(strstr(ran.err, cases[i].says));
		run_done(&ran);
	}
	ran = run_cli("usage report --ledger /nowhere/usage.db");
	assert_int_equal(ran.code, SL_EXIT_ABSENT);
	assert_non_null(strstr(ran.err, "there is no such file"));
	run_done(&ran);
}

static void moments_are_dates_times_or_ago(void **state)
{
	char text[SL_MOMENT_BYTES];
	uint64_t ms = 0;

	assert_int_equal(sl_parse_moment(&ms, "2026-11-21", NOW_MS, NULL), 0);
	assert_int_equal(ms, NOW_MS);
	assert_int_equal(sl_parse_moment(&ms, "2026-11-21T01:00:05Z", 0, NULL), 0);
	assert_int_equal(ms, NOW_MS + 3605000);
	assert_string_equal(sl_format_moment(text, ms), "2026-11-21T01:00:05Z");
	assert_int_equal(sl_parse_moment(&ms, "1d", NOW_MS, NULL), 0);
	assert_int_equal(ms, NOW_MS - 86400000);
	assert_int_equal(sl_parse_moment(&ms, "2026-13-01", NOW_MS, NULL), -ERANGE);
	assert_int_equal(sl_parse_moment(&ms, "2026-11-21T24:00:00Z", NOW_MS, NULL), -ERANGE);
	assert_int_equal(sl_parse_moment(&ms, "never", NOW_MS, NULL), -ERANGE);
	assert_int_equal(sl_parse_moment(&ms, "1d", 5, NULL), -ERANGE);
	assert_int_equal(sl_parse_moment(&ms, "", NOW_MS, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_has_each_grouping),
		cmocka_unit_test(json_and_text_say_the_same),
		cmocka_unit_test(wrong_use_is_explained),
		cmocka_unit_test(moments_are_dates_times_or_ago),
	};

	return cmocka_run_group_tests(tests, make_ledger, remove_ledger);
}
