// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/rate.h"
#include "userspace/domain/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SIXTY_CHARS "123456789.123456789.123456789.123456789.123456789.123456789."

/* A parser's answer to one text: err 0 and the value, or the whole message. */
struct number_case {
	const char *text;
	int err;
	uint64_t value;
	const char *message;
};

static void amounts_of_packets(void **state)
{
	static const struct number_case cases[] = {
		{ "0", 0, 0, NULL },
		{ "100", 0, 100, NULL },
		{ "10k", 0, 10000, NULL },
		{ "2.5M", 0, 2500000, NULL },
		{ "1G", 0, 1000000000, NULL },
		{ "0.001k", 0, 1, NULL },
		{ "18446744073709551615", 0, UINT64_MAX, NULL },
		{ "18446744073709551616", -EINVAL, 0,
		  "\"18446744073709551616\" is not an amount like 100, 10k, 2.5M or 1G" },
		{ "18446744073709551615k", -ERANGE, 0, "\"18446744073709551615k\" is too large" },
		{ "1.5", -EINVAL, 0, "\"1.5\" is not a whole number of units" },
		{ "", -EINVAL, 0, "\"\" is not an amount like 100, 10k, 2.5M or 1G" },
		{ "-1", -EINVAL, 0, "\"-1\" is not an amount like 100, 10k, 2.5M or 1G" },
		{ " 1", -EINVAL, 0, "\" 1\" is not an amount like 100, 10k, 2.5M or 1G" },
		{ "1e3", -EINVAL, 0, "\"1e3\" is not an amount like 100, 10k, 2.5M or 1G" },
		{ "0x10", -EINVAL, 0, "\"0x10\" is not an amount like 100, 10k, 2.5M or 1G" },
		{ "1.", -EINVAL, 0, "\"1.\" is not an amount like 100, 10k, 2.5M or 1G" },
		{ "1.2.3", -EINVAL, 0, "\"1.2.3\" is not an amount like 100, 10k, 2.5M or 1G" },
		{ "10K", -EINVAL, 0, "\"10K\" is not an amount like 100, 10k, 2.5M or 1G" },
		{ "10MB", -EINVAL, 0, "\"10MB\" is not an amount like 100, 10k, 2.5M or 1G" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_text_error error = { "" };
		uint64_t value = 0;

		assert_int_equal(sl_parse_amount(&value, cases[i].text, SL_UNIT_COUNT, &error),
				 cases[i].err);
		assert_int_equal(value, cases[i].value);
		assert_string_equal(error.message, cases[i].message ? cases[i].message : "");
	}
}

static void amounts_of_bytes(void **state)
{
	static const struct number_case cases[] = {
		{ "1500", 0, 1500, NULL },
		{ "1500B", 0, 1500, NULL },
		{ "10kB", 0, 10000, NULL },
		{ "10MB", 0, 10000000, NULL },
		{ "1.5GB", 0, 1500000000, NULL },
		{ "64KiB", 0, 65536, NULL },
		{ "1MiB", 0, 1048576, NULL },
		{ "1GiB", 0, 1073741824, NULL },
		{ "800Mbit", 0, 100000000, NULL },
		{ "8bit", 0, 1, NULL },
		{ "400Gbit", 0, 50000000000, NULL },
		{ "18446744073709551615", 0, UINT64_MAX, NULL },
		{ "1bit", -EINVAL, 0, "\"1bit\" is not a whole number of bytes" },
		{ "10M", -EINVAL, 0, "\"10M\": bytes or bits? write MB or Mbit" },
		{ "10mb", -EINVAL, 0,
		  "\"10mb\" is not an amount like 1500, 10kB, 2.5MB, 64KiB or 800Mbit" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_text_error error = { "" };
		uint64_t value = 0;

		assert_int_equal(sl_parse_amount(&value, cases[i].text, SL_UNIT_BYTES, &error),
				 cases[i].err);
		assert_int_equal(value, cases[i].value);
		assert_string_equal(error.message, cases[i].message ? cases[i].message : "");
	}
}

static void rates_keep_to_what_can_be_enforced(void **state)
{
	static const struct {
		const char *text;
		enum sl_unit unit;
		int err;
		struct sl_rate_spec rate;
		const char *message;
	} cases[] = {
		{ "unlimited", SL_UNIT_COUNT, 0, { .unlimited = true }, "" },
		{ "0", SL_UNIT_COUNT, 0, { .per_s = 0 }, "" },
		{ "0", SL_UNIT_BYTES, 0, { .per_s = 0 }, "" },
		{ "1", SL_UNIT_COUNT, 0, { .per_s = 1 }, "" },
		{ "100M", SL_UNIT_COUNT, 0, { .per_s = SL_RATE_PER_S_MAX }, "" },
		{ "1kB", SL_UNIT_BYTES, 0, { .per_s = SL_BYTES_PER_S_MIN }, "" },
		{ "400Gbit", SL_UNIT_BYTES, 0, { .per_s = SL_BYTES_PER_S_MAX }, "" },
		{ "100000001",
		  SL_UNIT_COUNT,
		  -ERANGE,
		  { 0 },
		  "\"100000001\" per second is out of range; allowed: 1 to 100M, 0 (blocked), "
		  "unlimited" },
		{ "999",
		  SL_UNIT_BYTES,
		  -ERANGE,
		  { 0 },
		  "\"999\" per second is out of range; allowed: 1kB to 50GB, 0 (blocked), "
		  "unlimited" },
		{ "18446744073709551615G",
		  SL_UNIT_COUNT,
		  -ERANGE,
		  { 0 },
		  "\"18446744073709551615G\" per second is out of range; allowed: 1 to 100M, "
		  "0 (blocked), unlimited" },
		{ "fast",
		  SL_UNIT_COUNT,
		  -EINVAL,
		  { 0 },
		  "\"fast\" is not an amount like 100, 10k, 2.5M or 1G; or 0 (blocked), or "
		  "unlimited" },
		{ "Unlimited",
		  SL_UNIT_BYTES,
		  -EINVAL,
		  { 0 },
		  "\"Unlimited\" is not an amount like 1500, 10kB, 2.5MB, 64KiB or 800Mbit; or 0 "
		  "(blocked), or unlimited" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_text_error error = { "" };
		struct sl_rate_spec rate = { 0 };

		assert_int_equal(sl_parse_rate(&rate, cases[i].text, cases[i].unit, &error),
				 cases[i].err);
		assert_int_equal(rate.unlimited, cases[i].rate.unlimited);
		assert_int_equal(rate.per_s, cases[i].rate.per_s);
		assert_int_equal(rate.burst, 0);
		assert_string_equal(error.message, cases[i].message);
	}
}

static void bursts_are_chosen_or_checked(void **state)
{
	static const struct {
		struct sl_rate_spec rate;
		enum sl_unit unit;
		uint64_t burst;
		int err;
		uint64_t want;
		const char *message;
	} cases[] = {
		{ { .per_s = 10000 }, SL_UNIT_COUNT, 0, 0, 1000, "" },
		{ { .per_s = 1 }, SL_UNIT_COUNT, 0, 0, 1, "" },
		{ { .per_s = 10000000 }, SL_UNIT_BYTES, 0, 0, 2500000, "" },
		{ { .per_s = 1000 }, SL_UNIT_BYTES, 0, 0, 16384, "" },
		{ { .unlimited = true }, SL_UNIT_COUNT, 0, 0, 0, "" },
		{ { .per_s = 0 }, SL_UNIT_COUNT, 0, 0, 0, "" },
		{ { .per_s = 10 }, SL_UNIT_COUNT, 7, 0, 7, "" },
		{ { .per_s = 10 }, SL_UNIT_COUNT, 864000, 0, 864000, "" },
		{ { .per_s = SL_BYTES_PER_S_MAX },
		  SL_UNIT_BYTES,
		  4320000000000000,
		  0,
		  4320000000000000,
		  "" },
		{ { .per_s = 10 },
		  SL_UNIT_COUNT,
		  864001,
		  -ERANGE,
		  0,
		  "a burst of 864.001k is more than the rate admits in a day; allowed: up to "
		  "864k" },
		{ { .per_s = 1000 },
		  SL_UNIT_BYTES,
		  2047,
		  -ERANGE,
		  0,
		  "a burst of 2.047kB is below one packet; allowed: 2.048kB or more" },
		{ { .unlimited = true },
		  SL_UNIT_COUNT,
		  5,
		  -EINVAL,
		  0,
		  "a rate that is unlimited has no burst" },
		{ { .per_s = 0 }, SL_UNIT_COUNT, 5, -EINVAL, 0, "a rate that is 0 has no burst" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_rate_spec rate = cases[i].rate;
		struct sl_text_error error = { "" };

		assert_int_equal(sl_rate_set_burst(&rate, cases[i].burst, cases[i].unit, &error),
				 cases[i].err);
		assert_int_equal(rate.burst, cases[i].want);
		assert_string_equal(error.message, cases[i].message);
	}
}

static void durations(void **state)
{
	static const struct number_case cases[] = {
		{ "never", 0, SL_DURATION_NEVER, NULL },
		{ "1ns", 0, 1, NULL },
		{ "5us", 0, 5000, NULL },
		{ "250ms", 0, 250000000, NULL },
		{ "30s", 0, 30000000000, NULL },
		{ "5m", 0, 300000000000, NULL },
		{ "1.5h", 0, 5400000000000, NULL },
		{ "3650d", 0, SL_DURATION_NS_MAX, NULL },
		{ "3651d", -ERANGE, 0,
		  "\"3651d\" is out of range; allowed: 1ns to 3650d, or never" },
		{ "0s", -ERANGE, 0, "\"0s\" is out of range; allowed: 1ns to 3650d, or never" },
		{ "99999999999999999d", -ERANGE, 0,
		  "\"99999999999999999d\" is out of range; allowed: 1ns to 3650d, or never" },
		{ "1.5ns", -EINVAL, 0, "\"1.5ns\" is not a whole number of nanoseconds" },
		{ "30", -EINVAL, 0,
		  "\"30\" is not a duration like 250ms, 30s, 5m, 1h, 1d or never" },
		{ "5M", -EINVAL, 0,
		  "\"5M\" is not a duration like 250ms, 30s, 5m, 1h, 1d or never" },
		{ "1h30m", -EINVAL, 0,
		  "\"1h30m\" is not a duration like 250ms, 30s, 5m, 1h, 1d or never" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_text_error error = { "" };
		uint64_t ns = 0;

		assert_int_equal(sl_parse_duration(&ns, cases[i].text, &error), cases[i].err);
		assert_int_equal(ns, cases[i].value);
		assert_string_equal(error.message, cases[i].message ? cases[i].message : "");
	}
}

static void prefixes(void **state)
{
	/* Text, and how it reads back; or err and the message. */
	static const struct {
		const char *text;
		int err;
		const char *want;
	} cases[] = {
		{ "10.0.0.0/8", 0, "10.0.0.0/8" },
		{ "0.0.0.0/0", 0, "0.0.0.0/0" },
		{ "::/0", 0, "::/0" },
		{ "192.0.2.1", 0, "192.0.2.1/32" },
		{ "2001:db8::1", 0, "2001:db8::1/128" },
		{ "2001:DB8::/32", 0, "2001:db8::/32" },
		{ "10.0.0.128/25", 0, "10.0.0.128/25" },
		{ "10.0.0.5/8", -ERANGE,
		  "\"10.0.0.5/8\" has bits set after the first 8; write 10.0.0.0/8" },
		{ "10.0.0.129/25", -ERANGE,
		  "\"10.0.0.129/25\" has bits set after the first 25; write 10.0.0.128/25" },
		{ "2001:db8::1/64", -ERANGE,
		  "\"2001:db8::1/64\" has bits set after the first 64; write 2001:db8::/64" },
		{ "::ffff:192.0.2.1", -ERANGE,
		  "\"::ffff:192.0.2.1\" is an IPv4 address written as IPv6; write 192.0.2.1" },
		{ "10.0.0.0/33", -EINVAL, "\"10.0.0.0/33\": after the slash come 0 to 32 bits" },
		{ "::/129", -EINVAL, "\"::/129\": after the slash come 0 to 128 bits" },
		{ "10.0.0.0/", -EINVAL, "\"10.0.0.0/\": after the slash come 0 to 32 bits" },
		{ "10.0.0.0/08", -EINVAL, "\"10.0.0.0/08\": after the slash come 0 to 32 bits" },
		{ "10.0.0.0/8/8", -EINVAL, "\"10.0.0.0/8/8\": after the slash come 0 to 32 bits" },
		{ "10.0/8", -EINVAL, "\"10.0\" is not an address like 192.0.2.1 or 2001:db8::1" },
		{ "", -EINVAL, "\"\" is not an address like 192.0.2.1 or 2001:db8::1" },
		{ "fe80::1%eth0", -EINVAL,
		  "\"fe80::1%eth0\" is not an address like 192.0.2.1 or 2001:db8::1" },
		{ SIXTY_CHARS, -EINVAL, "\"" SIXTY_CHARS "\" is not a prefix like 10.0.0.0/8" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_prefix_spec prefix = { 0 };
		struct sl_text_error error = { "" };
		char text[SL_PREFIX_BYTES];

		assert_int_equal(sl_parse_prefix(&prefix, cases[i].text, &error), cases[i].err);
		if (cases[i].err)
			assert_string_equal(error.message, cases[i].want);
		else
			assert_string_equal(sl_format_prefix(text, sizeof(text), &prefix),
					    cases[i].want);
	}
}

static void addresses_are_in_network_order(void **state)
{
	static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	struct sl_address address;
	char text[SL_ADDRESS_BYTES];

	assert_int_equal(sl_parse_address(&address, "192.0.2.7", NULL), 0);
	assert_int_equal(address.family, 4);
	assert_memory_equal(address.bytes, ((uint8_t[16]){ 192, 0, 2, 7 }), 16);
	assert_int_equal(sl_parse_address(&address, "2001:db8::1", NULL), 0);
	assert_int_equal(address.family, 6);
	assert_memory_equal(address.bytes, v6, 16);
	assert_string_equal(sl_format_address(text, sizeof(text), &address), "2001:db8::1");
	assert_int_equal(sl_parse_address(&address, "192.0.2.7/32", NULL), -EINVAL);
	assert_string_equal(sl_format_address(text, sizeof(text), &(struct sl_address){ 0 }),
			    "any");
}

static void names(void **state)
{
	static const char longest[] = "a23456789.a23456789.a23456789.a23456789.a23456789.a2345";
	struct sl_text_error error;
	char name[SL_TENANT_NAME_BYTES];

	assert_int_equal(sl_parse_name(name, "a", NULL), 0);
	assert_int_equal(sl_parse_name(name, longest, NULL), 0);
	assert_string_equal(name, longest);
	assert_int_equal(sl_parse_name(name, "7-Steady_x.y", NULL), 0);

	assert_int_equal(sl_parse_name(name, "", NULL), -EINVAL);
	assert_int_equal(sl_parse_name(name, "-a", NULL), -EINVAL);
	assert_int_equal(sl_parse_name(name, "a b", NULL), -EINVAL);
	assert_int_equal(sl_parse_name(name, "a/b", NULL), -EINVAL);
	assert_int_equal(sl_parse_name(name,
				       "a23456789.a23456789.a23456789.a23456789.a23456789.a23456",
				       NULL),
			 -EINVAL);
	assert_int_equal(sl_parse_name(name, "\xc3\xa9t\xc3\xa9\n", &error), -EINVAL);
	assert_string_equal(error.message,
			    "\"\\xc3\\xa9t\\xc3\\xa9\\x0a\" is not a name; allowed: 1 to 55 of A-Z "
			    "a-z 0-9 . _ -, the first a letter or digit");
	assert_int_equal(sl_parse_name(name, "unknown", &error), -ERANGE);
	assert_string_equal(error.message, "\"unknown\" is reserved for traffic that is nobody's");
	assert_string_equal(name, "7-Steady_x.y");
}

static void words(void **state)
{
	struct sl_text_error error;
	bool yes = false;
	int value = -1;

	assert_int_equal(sl_parse_choice(&value, "closed", sl_choices_fallback, NULL), 0);
	assert_int_equal(value, SL_FALLBACK_CLOSED);
	assert_int_equal(sl_parse_choice(&value, "sctp", sl_choices_protocol, &error), -EINVAL);
	assert_string_equal(error.message,
			    "\"sctp\" is not allowed; allowed: tcp, udp, icmp or icmpv6");
	assert_string_equal(sl_choice_name(sl_choices_protocol, IPPROTO_ICMPV6), "icmpv6");
	assert_string_equal(sl_choice_name(sl_choices_mode, 99), "?");

	assert_int_equal(sl_parse_bool(&yes, "true", NULL), 0);
	assert_true(yes);
	assert_int_equal(sl_parse_bool(&yes, "yes", &error), -EINVAL);
	assert_string_equal(error.message, "\"yes\" is neither true nor false");
}

static void lists_of_words_are_cut_to_the_buffer(void **state)
{
	char buffer[12];

	assert_string_equal(sl_choice_list(buffer, sizeof(buffer), sl_choices_mode), "enforce, sh");
	assert_string_equal(sl_choice_list(buffer, 1, sl_choices_mode), "");
}

static void long_texts_are_cut_in_messages(void **state)
{
	char buffer[SL_QUOTE_BYTES];
	char text[500];

	memset(text, '\x01', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	sl_text_quote(buffer, text);
	assert_true(strlen(buffer) < sizeof(buffer));
	assert_string_equal(buffer + strlen(buffer) - 8, "\\x01...\"");
	assert_string_equal(sl_text_quote(buffer, "a\"b\\"), "\"a\\x22b\\x5c\"");
}

static void what_is_formatted_reads_back(void **state)
{
	static const struct {
		uint64_t value;
		enum sl_unit unit;
		const char *text;
	} amounts[] = {
		{ 0, SL_UNIT_COUNT, "0" },
		{ 999, SL_UNIT_COUNT, "999" },
		{ 1500, SL_UNIT_COUNT, "1.5k" },
		{ 10000, SL_UNIT_COUNT, "10k" },
		{ 1002003, SL_UNIT_COUNT, "1002003" },
		{ 1002000, SL_UNIT_COUNT, "1.002M" },
		{ 2500000000, SL_UNIT_BYTES, "2.5GB" },
		{ 1234, SL_UNIT_BYTES, "1.234kB" },
		{ 12, SL_UNIT_BYTES, "12B" },
		{ UINT64_MAX, SL_UNIT_BYTES, "18446744073709551615B" },
	};
	static const struct {
		uint64_t ns;
		const char *text;
	} times[] = {
		{ 0, "never" },		  { 1, "1ns" },
		{ 1500000, "1500us" },	  { 250000000, "250ms" },
		{ 90000000000, "90s" },	  { 3600000000000, "1h" },
		{ 86400000000000, "1d" }, { SL_DURATION_NS_MAX, "3650d" },
	};
	char text[SL_AMOUNT_BYTES];
	uint64_t value;

	for (size_t i = 0; i < COUNT(amounts); i++) {
		sl_format_amount(text, sizeof(text), amounts[i].value, amounts[i].unit);
		assert_string_equal(text, amounts[i].text);
		assert_int_equal(sl_parse_amount(&value, text, amounts[i].unit, NULL), 0);
		assert_int_equal(value, amounts[i].value);
	}
	for (size_t i = 0; i < COUNT(times); i++) {
		sl_format_duration(text, sizeof(text), times[i].ns);
		assert_string_equal(text, times[i].text);
		assert_int_equal(sl_parse_duration(&value, text, NULL), 0);
		assert_int_equal(value, times[i].ns);
	}
	assert_string_equal(sl_format_rate(text, sizeof(text),
					   &(struct sl_rate_spec){ .unlimited = true },
					   SL_UNIT_BYTES),
			    "unlimited");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_of_packets),
		cmocka_unit_test(amounts_of_bytes),
		cmocka_unit_test(rates_keep_to_what_can_be_enforced),
		cmocka_unit_test(bursts_are_chosen_or_checked),
		cmocka_unit_test(durations),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(addresses_are_in_network_order),
		cmocka_unit_test(names),
		cmocka_unit_test(words),
		cmocka_unit_test(lists_of_words_are_cut_to_the_buffer),
		cmocka_unit_test(long_texts_are_cut_in_messages),
		cmocka_unit_test(what_is_formatted_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
