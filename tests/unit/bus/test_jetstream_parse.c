// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/bus/jetstream_parse.h"

static void test_ack_subjects(void **state)
{
	static const char *const bad[] = {
		"",
		".",
		"$JS",
		"$JS.ACK",
		"$JS.ACK.S.c.1.2.3.4",
		"$JS.ACK.S.c.1.2.3.4.5.6",
		"$JS.ACK.S.c.1.2.3.4.",
		"$JS.ACK.S..1.2.3.4.5",
		"$JS.NAK.S.c.1.2.3.4.5",
		"$js.ACK.S.c.1.2.3.4.5",
		"$JS.ACK.S.c.x.2.3.4.5",
		"$JS.ACK.S.c.-1.2.3.4.5",
		"$JS.ACK.S.c.1.2.3.4.18446744073709551616",
		"$JS.ACK._.h.S.c.1.2.3.x.5.r",
		"$JS.ACK._.h.S.c.1.2.3.4.5.r.more",
		"_INBOX.abc.own.0000000000000000",
	};
	struct sl_js_meta meta = { 0 };

	assert_int_equal(
		sl_js_parse_ack_subject(&meta, SL_SPAN("$JS.ACK.S.c.2.7.5.1700000000000000001.9")),
		0);
	assert_int_equal(meta.deliveries, 2);
	assert_int_equal(meta.stream_sequence, 7);
	assert_int_equal(meta.timestamp_ns, 1700000000000000001ull);
	assert_int_equal(meta.pending, 9);
	assert_int_equal(
		sl_js_parse_ack_subject(&meta, SL_SPAN("$JS.ACK.hub.hash.S.c.3.8.6.10.11.random")),
		0);
	assert_int_equal(meta.deliveries, 3);
	assert_int_equal(meta.stream_sequence, 8);
	assert_int_equal(meta.timestamp_ns, 10);
	assert_int_equal(meta.pending, 11);
	assert_int_equal(sl_js_parse_ack_subject(&meta, SL_SPAN("$JS.ACK._.h.S.c.4.9.6.10.12")), 0);
	assert_int_equal(meta.deliveries, 4);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (sl_js_parse_ack_subject(&meta, sl_span_of(bad[i])) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(meta.deliveries, 4); /* untouched */
}

static void test_replies(void **state)
{
	struct sl_js_reply reply;

	assert_int_equal(sl_js_parse_reply(&reply, SL_SPAN("{\"type\":\"x\",\"seq\":1}")), 0);
	assert_false(reply.failed);
	assert_int_equal(
		sl_js_parse_reply(&reply, SL_SPAN("{\"error\":{\"code\":400,\"err_code\":10071,"
						  "\"description\":\"wrong\\nlast\"}}")),
		0);
	assert_true(reply.failed);
	assert_int_equal(reply.code, 400);
	assert_int_equal(reply.error_code, SL_JS_WRONG_SEQUENCE);
	assert_string_equal(reply.text, "wrong last");
	assert_int_equal(sl_js_parse_reply(&reply, SL_SPAN("{\"error\":{\"code\":-1}}")), 0);
	assert_true(reply.failed);
	assert_int_equal(reply.code, 0);
	assert_int_equal(sl_js_parse_reply(&reply, SL_SPAN("{\"error\":null}")), 0);
	assert_false(reply.failed);
	assert_int_equal(sl_js_parse_reply(&reply, SL_SPAN("")), -EPROTO);
	assert_int_equal(sl_js_parse_reply(&reply, SL_SPAN("[]")), -EPROTO);
	assert_int_equal(sl_js_parse_reply(&reply, SL_SPAN("+OK")), -EPROTO);
}

static void test_published(void **state)
{
	struct sl_js_published at = { 0 };

	assert_int_equal(sl_js_parse_published(
				 &at, SL_SPAN("{\"stream\":\"S\",\"seq\":5,\"duplicate\":true}")),
			 0);
	assert_int_equal(at.sequence, 5);
	assert_true(at.duplicate);
	assert_int_equal(sl_js_parse_published(&at, SL_SPAN("{\"stream\":\"S\",\"seq\":6}")), 0);
	assert_false(at.duplicate);
	assert_int_equal(sl_js_parse_published(&at, SL_SPAN("{\"stream\":\"S\"}")), -EPROTO);
	assert_int_equal(sl_js_parse_published(&at, SL_SPAN("{\"seq\":0}")), -EPROTO);
	assert_int_equal(sl_js_parse_published(&at, SL_SPAN("{\"seq\":\"6\"}")), -EPROTO);
	assert_int_equal(sl_js_parse_published(&at, SL_SPAN("{\"seq\":6,\"duplicate\":1}")),
			 -EPROTO);
	assert_int_equal(at.sequence, 6);
}

static void test_status_and_numbers(void **state)
{
	uint64_t number = 7;

	assert_int_equal(sl_js_parse_status(SL_SPAN("408")), 408);
	assert_int_equal(sl_js_parse_status(SL_SPAN("4080")), 0);
	assert_int_equal(sl_js_parse_status(SL_SPAN("40")), 0);
	assert_int_equal(sl_js_parse_status(SL_SPAN("4x8")), 0);
	assert_int_equal(sl_js_parse_status(SL_SPAN("")), 0);
	assert_int_equal(sl_js_parse_number(&number, SL_SPAN("18446744073709551615")), 0);
	assert_int_equal(number, UINT64_MAX);
	assert_int_equal(sl_js_parse_number(&number, SL_SPAN("18446744073709551616")), -ERANGE);
	assert_int_equal(sl_js_parse_number(&number, SL_SPAN("+1")), -EINVAL);
	assert_int_equal(sl_js_parse_number(&number, SL_SPAN("")), -EINVAL);
	assert_int_equal(number, UINT64_MAX);
}

static void decodes(const char *text, const char *want)
{
	uint8_t bytes[64];
	size_t length = sizeof(bytes);

	assert_int_equal(sl_js_base64(bytes, &length, sl_span_of(text)), 0);
	assert_int_equal(length, strlen(want));
	assert_memory_equal(bytes, want, length);
}

static void test_base64(void **state)
{
	static const char *const bad[] = { "A",	   "AB",   "ABC",  "A===", "====", "=AAA",
					   "AA=A", "AA-_", "AA A", "QQ=Q", "QR==", "QUJ=" };
	uint8_t bytes[8];
	size_t length;

	decodes("", "");
	decodes("QQ==", "A");
	decodes("QUI=", "AB");
	decodes("QUJD", "ABC");
	decodes("+/+/", "\xfb\xff\xbf");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		length = sizeof(bytes);
		if (sl_js_base64(bytes, &length, sl_span_of(bad[i])) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(length, sizeof(bytes));
	}
	length = 2;
	assert_int_equal(sl_js_base64(bytes, &length, SL_SPAN("QUJD")), -ENOBUFS);
}

static void test_headers(void **state)
{
	static const char *const bad[] = {
		"NATS/1.0",
		"NATS/1.0\r\n",
		"NATS/2.0\r\n\r\n",
		"NATS/1.0\r\na\r\n\r\n",
		"NATS/1.0\r\n: b\r\n\r\n",
		"NATS/1.0\r\na: b\nc: d\r\n\r\n",
		"NATS/1.0\r\na: b\r\n",
		"NATS/1.0\r\n\r\nmore",
	};
	struct sl_span block = SL_SPAN("NATS/1.0\r\na: b c\r\nx:e:f\r\ng:\r\n\r\n");
	struct sl_span name, value;
	size_t at = 0;

	assert_int_equal(sl_js_next_header(&name, &value, &at, block), 1);
	assert_true(sl_span_is(name, "a") && sl_span_is(value, "b c"));
	assert_int_equal(sl_js_next_header(&name, &value, &at, block), 1);
	assert_true(sl_span_is(name, "x") && sl_span_is(value, "e:f"));
	assert_int_equal(sl_js_next_header(&name, &value, &at, block), 1);
	assert_true(sl_span_is(name, "g") && value.length == 0);
	assert_int_equal(sl_js_next_header(&name, &value, &at, block), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int ret;

		at = 0;
		while ((ret = sl_js_next_header(&name, &value, &at, sl_span_of(bad[i]))) == 1)
			;
		if (ret != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ack_subjects), cmocka_unit_test(test_replies),
		cmocka_unit_test(test_published),    cmocka_unit_test(test_status_and_numbers),
		cmocka_unit_test(test_base64),	     cmocka_unit_test(test_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
