// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/router/router_private.h"

static void a_record_reads_back_as_it_was_written(void **state)
{
	struct sl_json_out out = SL_JSON_OUT(1024);
	struct sl_shared_record record = {
		.digest = { { 0x0123456789abcdefull, 5 } },
		.assignment_id = "3f2b7c1e-0000-4000-8000-000000000001",
		.answer = SL_SPAN("{\"ok\":true}"),
	};
	struct sl_shared_record read;
	struct sl_span text;

	sl_shared_write(&out, &record);
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_int_equal(sl_shared_read(&read, text), 0);
	assert_memory_equal(&read.digest, &record.digest, sizeof(read.digest));
	assert_string_equal(read.assignment_id, record.assignment_id);
	assert_true(sl_span_equal(read.answer, record.answer));
	sl_json_out_free(&out);
}

#define ZEROS_AND(more) "{\"digest\":\"00000000000000000000000000000000\"," more "}"

static void what_is_no_record_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"{}",
		"{\"digest\":\"00\",\"answer\":{}}",
		"{\"digest\":\"0000000000000000000000000000000g\",\"answer\":{}}",
		"{\"digest\":\"00000000000000000000000000000000\",\"answer\":[]}",
		"{\"digest\":\"0\",\"answer\":{},\"assignment_id\":\"x\"}",
		ZEROS_AND("\"answer\":{},\"assignment_id\":\"x\""),
	};
	struct sl_shared_record read;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(sl_shared_read(&read, sl_span_of(cases[i])), -EINVAL);
}

static void keys_are_alike_everywhere_and_apart(void **state)
{
	char a[SL_SHARED_KEY_BYTES], b[SL_SHARED_KEY_BYTES];

	assert_string_equal(sl_shared_key(a, 'i', "tenant", "key with spaces *.>"),
			    sl_shared_key(b, 'i', "tenant", "key with spaces *.>"));
	assert_int_equal(strlen(a), 34);
	assert_int_equal(strspn(a + 2, "0123456789abcdef"), 32);
	assert_string_not_equal(a, sl_shared_key(b, 'i', "tenant2", "key with spaces *.>"));
	assert_string_not_equal(a, sl_shared_key(b, 'm', "tenant", "key with spaces *.>"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_reads_back_as_it_was_written),
		cmocka_unit_test(what_is_no_record_is_refused),
		cmocka_unit_test(keys_are_alike_everywhere_and_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
