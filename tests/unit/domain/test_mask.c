// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/ident.h"
#include "userspace/domain/mask.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GONE	     SL_MASKED

/* Texts that look like keys are written in two parts, for those who search this file for keys. */

static void assert_json(const char *json, const char *want)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(1 << 20);
	enum sl_json_type type;
	struct sl_span text;

	assert_int_equal(sl_mask_json(&out, sl_span_of(json)), 0);
	assert_int_equal(sl_json_done(&text, &out), 0);
	if (text.length != strlen(want) || memcmp(text.at, want, text.length) != 0)
		fail_msg("%s: %.*s instead of %s", json, (int)text.length, text.at, want);
	assert_int_equal(sl_json_check(&type, text, NULL), 0);
}

static void assert_text(const char *given, const char *want)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(1 << 20);
	struct sl_json_value value = { .type = SL_JSON_STRING };
	char text[1024];
	size_t length;

	assert_int_equal(sl_mask_text(&out, sl_span_of(given)), 0);
	assert_int_equal(sl_json_done(&value.raw, &out), 0);
	assert_int_equal(sl_json_text(text, sizeof(text), &length, value), 0);
	if (strcmp(text, want) != 0)
		fail_msg("%s: %s instead of %s", given, text, want);
}

static void knows_the_names_of_the_contract(void **state)
{
	static const char *const names[] = {
		"password",	 "api_key",	  "secret",	 "token",	 "access_token",
		"refresh_token", "authorization", "credit_card", "ssn",		 "email",
		"phone",	 "bearer",	  "x-api-key",	 "x-auth-token", "x-authorization",
	};
	char upper[32];

	for (size_t i = 0; i < COUNT(names); i++) {
		size_t length = strlen(names[i]);

		assert_true(sl_mask_is_secret(sl_span_of(names[i])));
		for (size_t j = 0; j <= length; j++)
			upper[j] = (char)(names[i][j] >= 'a' && names[i][j] <= 'z'
						  ? names[i][j] - 'a' + 'A'
						  : names[i][j]);
		assert_true(sl_mask_is_secret(sl_span_of(upper)));
	}
	assert_true(sl_mask_is_secret(SL_SPAN("apiKey")));
	assert_true(sl_mask_is_secret(SL_SPAN("X_API_KEY")));
	assert_true(sl_mask_is_secret(SL_SPAN("AccessToken")));
}

static void leaves_other_names_alone(void **state)
{
	static const char *const names[] = {
		"",
		"tokens",
		"max_tokens",
		"token_count",
		"key",
		"tenant_id",
		"trace_id",
		"idempotency_key",
		"emails_sent",
		"passwordless",
		"phone_calls_of_a_name_that_is_longer_than_any",
	};

	for (size_t i = 0; i < COUNT(names); i++)
		assert_false(sl_mask_is_secret(sl_span_of(names[i])));
}

static void masks_by_name_at_any_depth(void **state)
{
	assert_json("{\"password\":\"x\"}", "{\"password\":\"" GONE "\"}");
	assert_json("{ \"a\" : [ { \"Secret\" : { \"b\" : [1] } } , 2 ] }",
		    "{ \"a\" : [ { \"Secret\" : \"" GONE "\" } , 2 ] }");
	assert_json("[[{\"token\":1},{\"token\":null}],{\"ssn\":true,\"x\":1}]",
		    "[[{\"token\":\"" GONE "\"},{\"token\":\"" GONE "\"}],{\"ssn\":\"" GONE
		    "\",\"x\":1}]");
	assert_json("{\"pass\\u0077ord\":\"x\",\"y\":2}",
		    "{\"pass\\u0077ord\":\"" GONE "\",\"y\":2}");
	assert_json("{\"email\":[\"a\",\"b\"],\"phone\":{}}",
		    "{\"email\":\"" GONE "\",\"phone\":\"" GONE "\"}");
	assert_json("{\"a\":\"password\",\"b\":[\"token\"]}",
		    "{\"a\":\"password\",\"b\":[\"token\"]}");
}

static void masks_by_look_at_any_depth(void **state)
{
	assert_json("{\"a\":[[\"mail to ann@example.com, please\"]]}",
		    "{\"a\":[[\"mail to " GONE ", please\"]]}");
	assert_json("\"ann@example.com\"", "\"" GONE "\"");
	assert_json("{\"ann@example.com\":1}", "{\"" GONE "\":1}");
	assert_json("{\"a\":\"ann\\u0040example.com\\n\"}", "{\"a\":\"" GONE "\\n\"}");
	assert_json("{\"a\":\"kept \\u00e9\\/\"}", "{\"a\":\"kept \\u00e9\\/\"}");
	assert_json("{\"a\":\"\\u0000 ann\"}", "{\"a\":\"" GONE "\"}");
	assert_json("{\"card\":4111111111111111,\"n\":[4111111111111112,-4111111111111111,"
		    "4111111111111111.5]}",
		    "{\"card\":\"" GONE "\",\"n\":[4111111111111112,-4111111111111111,"
		    "4111111111111111.5]}");
}

static void masks_what_looks_personal(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		/* e-mail */
		{ "ann@example.com", GONE },
		{ "<ann.b+c@mail.example.co.uk>.", "<" GONE ">." },
		{ "to=ann@example.com;x", "to=" GONE ";x" },
		{ "a@b.co,c@d.org", GONE "," GONE },
		{ "j\xc3\xb6rg@b\xc3\xbc"
		  "cher.de",
		  GONE },
		/* phones */
		{ "+15551234567", GONE },
		{ "tel:+1 (555) 123-4567.", "tel:" GONE "." },
		{ "+44 20 7946 0958", GONE },
		{ "+49.151.12345678", GONE },
		{ "call (555) 123-4567 now", "call " GONE " now" },
		{ "555-123-4567", GONE },
		{ "555.123.4567", GONE },
		{ "1-800-555-1234", GONE },
		{ "06 12 34 56 78", GONE },
		{ "020 7946 0958", GONE },
		/* cards */
		{ "4111111111111111", GONE },
		{ "card:4111 1111 1111 1111 123", "card:" GONE " 123" },
		{ "4111-1111-1111-1111", GONE },
		{ "378282246310005", GONE },
		{ "3782 822463 10005", GONE },
		{ "5555555555554444, 6011111111111117", GONE ", " GONE },
		{ "5 4111111111111111 6", "5 " GONE " 6" },
		/* national ids */
		{ "078-05-1120", GONE },
		{ "ssn 219-09-9999.", "ssn " GONE "." },
		{ "AB123456C", GONE },
		{ "AB 12 34 56 C", GONE },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_text(rows[i].text, rows[i].want);
}

static void masks_what_looks_secret(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "Bearer abc", "Bearer " GONE },
		{ "Authorization: Bearer abc.def-1", "Authorization: " GONE },
		{ "authorization: basic dXNlcjpwYXNz", "authorization: " GONE },
		{ "sent bearer 0123abc to it", "sent bearer " GONE " to it" },
		{ "BEARER x1", "BEARER " GONE },
		{ "sk-abc123def456", GONE },
		{ "key=sk-proj-abc123DEF_456-x!", "key=" GONE "!" },
		{ "sk_live_4eC39HqLyjWDarjtT1zdp7dc", GONE },
		{ "ghp_"
		  "16C7e42F292c6912E7710c838347Ae178B4a",
		  GONE },
		{ "AKIA"
		  "IOSFODNN7EXAMPLE",
		  GONE },
		{ "xoxb-"
		  "123456789012-abc",
		  GONE },
		{ "eyJhbGciOiJIUzI1NiJ9."
		  "eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
		  GONE },
		{ "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY", GONE },
		{ "password=hunter2&x=1", "password=" GONE "&x=1" },
		{ "api_key: abc", "api_key: " GONE },
		{ "{\"password\": \"hunter2\", \"x\": 1}",
		  "{\"password\": \"" GONE "\", \"x\": 1}" },
		{ "{\\\"token\\\":\\\"abc\\\"}", "{\\\"token\\\":\\\"" GONE "\\\"}" },
		{ "nats://user:pa55@host:4222/x", "nats://" GONE "@host:4222/x" },
		{ "https://u:p@example.com", "https://" GONE "@example.com" },
		{ "a -----BEGIN RSA "
		  "PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b",
		  "a " GONE " b" },
		{ "-----BEGIN "
		  "PRIVATE KEY-----\nMIIE",
		  GONE },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_text(rows[i].text, rows[i].want);
}

static void leaves_alone_what_pipelines_are_full_of(void **state)
{
	static const char *const texts[] = {
		"",
		"0f8fad5b-d9cb-469f-a165-70867728950e",
		"41111111-1111-4111-8111-111111111111",
		"11111111-2222-4333-8444-555555555555",
		"01ARZ3NDEKTSV4RRFFQ69G5FAV",
		"01234567890123456789012345",
		"4bf92f3577b34da6a3ce929d0e0e4736",
		"41111111111111114111111111111111",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-4111111111111111-01",
		"00f067aa0ba902b7-4111111111111111",
		"v2.555-123-4567",
		"2026-11-24T18:41:24.123456Z",
		"2026-11-24 18:41:24+01:00",
		"2026-11-24T18:41:24+0100",
		"24.11.2026, 18:41",
		"1764009684",
		"1764009684123",
		"1764009684123456",
		"1764009684123456789",
		"1764009684.123456",
		"12345678.25",
		"+12345678.25",
		"-555.1234567",
		"1.5e+10000000",
		"4111111111111111.5",
		"4111111111111112", /* fails the Luhn test */
		"192.168.100.200:4222",
		"2001:db8::5555:1234",
		"10.0.0.0/8 and 198.51.100.7",
		"caf.exec.assign.v1",
		"beamline.router.v1.decide",
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"v1.2.3-rc.4+build.5678",
		"a bearer of news",
		"the bearer certificate",
		"token budget: 512 tokens, max_tokens=100",
		"sk-learn and sk-estimators",
		"nats://host:4222/a@b",
		"user@localhost",
		"@mention and a@b",
		"100 200 3000",
		"1-2-3",
		"000-12-3456",
		"666-12-3456",
		"900-12-3456",
		"123-00-4567",
		"123-45-0000",
		"result-0f8fad5b-d9cb-469f-a165-70867728950e",
		"gr\xc3\xbc\xc3\x9f"
		"e",
	};

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_text(texts[i], texts[i]);
}

static void leaves_random_ids_alone(void **state)
{
	unsigned int seed = 20261124;
	struct sl_span found;

	for (int i = 0; i < 200000; i++) {
		char text[SL_UUID_BYTES], hex[33];
		uint8_t random[16];

		for (size_t j = 0; j < sizeof(random); j++)
			random[j] = (uint8_t)(rand_r(&seed) >> 7);
		sl_uuid4(text, random);
		for (size_t j = 0; j < sizeof(random); j++)
			(void)snprintf(hex + 2 * j, 3, "%02x", random[j]);
		if (sl_mask_find(&found, sl_span_of(text), 0))
			fail_msg("masked: %s", text);
		if (sl_mask_find(&found, sl_span_of(hex), 0))
			fail_msg("masked: %s", hex);
	}
}

static void masking_twice_changes_nothing(void **state)
{
	assert_text("Bearer " GONE, "Bearer " GONE);
	assert_text("password=" GONE " nats://" GONE "@h.example.com/",
		    "password=" GONE " nats://" GONE "@h.example.com/");
	assert_json("{\"token\":\"" GONE "\"}", "{\"token\":\"" GONE "\"}");
}

static void refuses_what_is_no_json(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(1 << 20);
	sl_cleanup(sl_json_out_free) struct sl_json_out tiny = SL_JSON_OUT(4);

	assert_int_equal(sl_mask_json(&out, SL_SPAN("{\"password\":\"x\"")), -EINVAL);
	assert_int_equal(sl_mask_json(&out, SL_SPAN("")), -EINVAL);
	assert_int_equal(out.length, 0);
	assert_int_equal(sl_mask_json(&tiny, SL_SPAN("{\"password\":\"x\"}")), -EFBIG);
}

static void stands_among_other_values(void **state)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(1 << 20);
	struct sl_span text;

	sl_json_open(&out, '[');
	(void)sl_mask_text(&out, SL_SPAN("a\"b"));
	(void)sl_mask_json(&out, SL_SPAN("{\"ssn\":1}"));
	(void)sl_mask_text(&out, SL_SPAN("\xff"));
	sl_json_close(&out, ']');
	assert_int_equal(sl_json_done(&text, &out), 0);
	assert_true(sl_span_is(text, "[\"a\\\"b\",{\"ssn\":\"" GONE "\"},\"\xef\xbf\xbd\"]"));
}

static double seconds(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A megabyte of the beginnings of everything. */
static void time_is_linear(void **state)
{
	static const char *const units[] = {
		"1 ",	       "4111 ",	  "555-", "+1 ",  "a@",	 "a.", "://",
		"token=",      "bearer ", "eyJ",  "eyJ ", "sk-", "(",  "AB12",
		"-----BEGIN ", "x",	  "@",	  "1.",	  "S",
	};
	size_t bytes = 1 << 20;
	char *text = malloc(bytes + 16);

	assert_non_null(text);
	for (size_t i = 0; i < COUNT(units); i++) {
		size_t unit = strlen(units[i]), length = 0, done = 0;
		struct sl_span found;
		double start;

		for (; length + unit <= bytes; length += unit)
			memcpy(text + length, units[i], unit);
		start = seconds();
		while (sl_mask_find(&found, (struct sl_span){ text, length }, done))
			done = (size_t)(found.at - text) + found.length;
		start = seconds() - start;
		if (start > 1.5)
			fail_msg("1 MiB of \"%s\" takes %f s", units[i], start);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_names_of_the_contract),
		cmocka_unit_test(leaves_other_names_alone),
		cmocka_unit_test(masks_by_name_at_any_depth),
		cmocka_unit_test(masks_by_look_at_any_depth),
		cmocka_unit_test(masks_what_looks_personal),
		cmocka_unit_test(masks_what_looks_secret),
		cmocka_unit_test(leaves_alone_what_pipelines_are_full_of),
		cmocka_unit_test(leaves_random_ids_alone),
		cmocka_unit_test(masking_twice_changes_nothing),
		cmocka_unit_test(refuses_what_is_no_json),
		cmocka_unit_test(stands_among_other_values),
		cmocka_unit_test(time_is_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
