// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#include "userspace/obs/http_request.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *head;
	int status;
	const char *path;
} heads[] = {
	{ "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 200, "/metrics" },
	{ "GET /metrics?a=b HTTP/1.0\r\n\r\n", 200, "/metrics" },
	{ "HEAD / HTTP/1.1\r\n\r\n", 200, "/" },
	{ "GET / HTTP/1.1\r\n\r\nbody is not looked at", 200, "/" },
	{ "", 0, NULL },
	{ "GET / HTTP/1.1\r\nHost: x\r\n", 0, NULL },
	{ "GET / HTTP/1.1\n\n", 0, NULL },
	{ "POST /metrics HTTP/1.1\r\n\r\n", 405, NULL },
	{ "get / HTTP/1.1\r\n\r\n", 405, NULL },
	{ "GET /0123456789012345678901234567890123456789012345678901234567890123 "
	  "HTTP/1.1\r\n\r\n",
	  404, NULL },
	{ "GET  / HTTP/1.1\r\n\r\n", 400, NULL },
	{ "GET / HTTP/2.0\r\n\r\n", 400, NULL },
	{ "GET / HTTP/1.1 \r\n\r\n", 400, NULL },
	{ "GET /\r\n\r\n", 400, NULL },
	{ "\r\n\r\n", 400, NULL },
	{ "GET http://x/ HTTP/1.1\r\n\r\n", 400, NULL },
	{ "GET /\x01 HTTP/1.1\r\n\r\n", 400, NULL },
	{ "GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, NULL },
	{ "GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400, NULL },
	{ "GET / HTTP/1.1\r\na: b\nc: d\r\n\r\n", 400, NULL },
	{ "GET / HTTP/1.1\r\na: b\rc: d\r\n\r\n", 400, NULL },
};

static void heads_are_read_or_refused(void **state)
{
	for (size_t i = 0; i < COUNT(heads); i++) {
		struct sl_http_request request = { .path = "untouched" };
		int status = sl_http_parse(&request, heads[i].head, strlen(heads[i].head));

		if (status != heads[i].status)
			fail_msg("%s: %d", heads[i].head, status);
		assert_string_equal(request.path, heads[i].path ? heads[i].path : "untouched");
	}
}

static void every_prefix_waits_for_more(void **state)
{
	const char *head = "HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n";
	struct sl_http_request request;

	for (size_t cut = 0; cut < strlen(head); cut++)
		assert_int_equal(sl_http_parse(&request, head, cut), 0);
	assert_int_equal(sl_http_parse(&request, head, strlen(head)), 200);
	assert_int_equal(request.head_only, 1);
}

static void a_nul_is_no_letter(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\na\0: b\r\n\r\n";
	struct sl_http_request request;

	assert_int_equal(sl_http_parse(&request, head, sizeof(head) - 1), 400);
}

static void a_large_head_is_refused(void **state)
{
	static char head[SL_HTTP_HEAD_BYTES_MAX + 64];
	struct sl_http_request request;
	int length = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\na: ");

	memset(head + length, 'x', sizeof(head) - (size_t)length);
	assert_int_equal(sl_http_parse(&request, head, SL_HTTP_HEAD_BYTES_MAX - 1), 0);
	assert_int_equal(sl_http_parse(&request, head, SL_HTTP_HEAD_BYTES_MAX), 431);
	memcpy(head + sizeof(head) - 4, "\r\n\r\n", 4);
	assert_int_equal(sl_http_parse(&request, head, sizeof(head)), 431);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_read_or_refused),
		cmocka_unit_test(every_prefix_waits_for_more),
		cmocka_unit_test(a_nul_is_no_letter),
		cmocka_unit_test(a_large_head_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
