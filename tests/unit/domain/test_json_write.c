// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/json.h"

static void assert_out(const struct sl_json_out *out, const char *want)
{
	struct sl_span text;

	assert_int_equal(sl_json_done(&text, out), 0);
	if (!sl_span_is(text, want))
		fail_msg("%.*s instead of %s", (int)text.length, text.at, want);
}

static void puts_commas_where_they_belong(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(4096);

	sl_json_open(&out, '{');
	sl_json_key(&out, "a");
	sl_json_open(&out, '[');
	sl_json_put_integer(&out, -1);
	sl_json_open(&out, '{');
	sl_json_close(&out, '}');
	sl_json_put_null(&out);
	sl_json_put_bool(&out, true);
	sl_json_open(&out, '[');
	sl_json_close(&out, ']');
	sl_json_close(&out, ']');
	sl_json_key(&out, "b");
	sl_json_put_raw(&out, SL_SPAN("{\"x\": 1}"));
	sl_json_key(&out, "c\"");
	sl_json_put_text(&out, SL_SPAN("t"));
	sl_json_key(&out, "d");
	sl_json_put_bool(&out, false);
	sl_json_close(&out, '}');
	assert_out(&out, "{\"a\":[-1,{},null,true,[]],\"b\":{\"x\": 1},\"c\\\"\":\"t\","
			 "\"d\":false}");
	sl_json_out_reset(&out);
	sl_json_put_integer(&out, INT64_MIN);
	assert_out(&out, "-9223372036854775808");
}

static void escapes_what_must_be(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(4096);

	sl_json_put_text(&out, SL_SPAN("\"\\/\b\f\n\r\t\0\x01\x1f\x7f \xc3\xa9\xf0\x9f\x98\x80"));
	assert_out(&out, "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u0001\\u001f\x7f "
			 "\xc3\xa9\xf0\x9f\x98\x80\"");
	sl_json_out_reset(&out);
	sl_json_put_text(&out, (struct sl_span){ NULL, 0 });
	assert_out(&out, "\"\"");
}

static void replaces_what_is_no_utf8(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(4096);
	enum sl_json_type type;
	struct sl_span text;

	sl_json_put_text(&out, SL_SPAN("a\xff"
				       "b\xc0\xafz\xed\xa0\x80\xe2\x82"));
	assert_out(&out, "\"a\xef\xbf\xbd"
			 "b\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
			 "\xef\xbf\xbd\xef\xbf\xbd\"");
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_int_equal(sl_json_check(&type, text, NULL), 0);
}

static void writes_every_byte_so_that_it_reads_back(void **state)
{
	for (int byte = 0; byte < 0x80; byte++) {
		sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(64);
		struct sl_json_value value = { .type = SL_JSON_STRING };
		char given[1] = { (char)byte }, text[8];
		size_t length = 0;
		int err;

		sl_json_put_text(&out, (struct sl_span){ given, 1 });
		assert_int_equal(sl_json_done(&value.raw, &out), 0);
		err = sl_json_text(text, sizeof(text), &length, value);
		assert_int_equal(err, byte ? 0 : -EILSEQ);
		assert_true(!byte || (length == 1 && text[0] == given[0]));
	}
}

/* Text is looked at by eight bytes at a time: it must not matter where in them one stands. */
static void escapes_a_byte_wherever_it_stands(void **state)
{
	for (int byte = 1; byte < 0x100; byte++) {
		for (size_t place = 0; place < 17; place++) {
			sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(256);
			struct sl_json_value value = { .type = SL_JSON_STRING };
			char given[17], text[64];
			enum sl_json_type type;
			size_t length = 0;

			memset(given, 'x', sizeof(given));
			given[place] = (char)byte;
			sl_json_put_text(&out, (struct sl_span){ given, sizeof(given) });
			assert_int_equal(sl_json_done(&value.raw, &out), 0);
			assert_int_equal(sl_json_check(&type, value.raw, NULL), 0);
			assert_int_equal(sl_json_text(text, sizeof(text), &length, value), 0);
			if (byte < 0x80) {
				assert_int_equal(length, sizeof(given));
				assert_memory_equal(text, given, sizeof(given));
				continue;
			}
			assert_int_equal(length, sizeof(given) + 2);
			assert_memory_equal(text + place, "\xef\xbf\xbd", 3);
			assert_memory_equal(text + place + 3, given + place + 1, 16 - place);
		}
	}
}

static void writes_the_shortest_real(void **state)
{
	static const struct {
		double value;
		const char *want;
	} rows[] = {
		{ 0, "0" },
		{ 5, "5" },
		{ -1000, "-1000" },
		{ 0.1, "0.1" },
		{ 0.25, "0.25" },
		{ 1.0 / 3, "0.3333333333333333" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 1e300, "1e+300" },
		{ 5e-324, "4.94065645841247e-324" },
		{ 999999999999999, "999999999999999" },
		{ NAN, "null" },
		{ -INFINITY, "null" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(64);

		sl_json_put_real(&out, rows[i].value);
		assert_out(&out, rows[i].want);
	}
}

static void reals_read_back(void **state)
{
	unsigned int seed = 1;

	for (int i = 0; i < 20000; i++) {
		sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(64);
		struct sl_json_value value = { .type = SL_JSON_NUMBER };
		double given = ldexp(rand_r(&seed) + 1, rand_r(&seed) % 200 - 100) / 3, got = 0;

		sl_json_put_real(&out, given);
		assert_int_equal(sl_json_done(&value.raw, &out), 0);
		assert_int_equal(sl_json_real(&got, value), 0);
		assert_true(got == given);
	}
}

static void an_error_sticks(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(8);
	struct sl_span text = SL_SPAN("mine");

	sl_json_put_text(&out, SL_SPAN("123456"));
	assert_out(&out, "\"123456\"");
	sl_json_put_integer(&out, 1);
	assert_int_equal(sl_json_done(&text, &out), -EFBIG);
	assert_true(sl_span_is(text, "mine"));
	sl_json_put_null(&out);
	assert_int_equal(sl_json_done(&text, &out), -EFBIG);
	sl_json_out_reset(&out);
	sl_json_put_null(&out);
	assert_out(&out, "null");
}

static void grows_up_to_its_bound(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(1 << 20);
	struct sl_span text;

	for (int i = 0; i < (1 << 20); i++)
		sl_json_put_raw(&out, SL_SPAN("1"));
	assert_int_equal(sl_json_done(&text, &out), -EFBIG);
	assert_true(out.size <= 1 << 20);
	sl_json_out_free(&out);
	assert_null(out.at);
	sl_json_put_raw(&out, SL_SPAN("1"));
	assert_out(&out, "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_commas_where_they_belong),
		cmocka_unit_test(escapes_what_must_be),
		cmocka_unit_test(replaces_what_is_no_utf8),
		cmocka_unit_test(writes_every_byte_so_that_it_reads_back),
		cmocka_unit_test(escapes_a_byte_wherever_it_stands),
		cmocka_unit_test(writes_the_shortest_real),
		cmocka_unit_test(reals_read_back),
		cmocka_unit_test(an_error_sticks),
		cmocka_unit_test(grows_up_to_its_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
