// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/cli/endpoint.h"
#include "userspace/cli/packet.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct sl_packet packet;

static void hex_with_and_without_gaps(void **state)
{
	struct sl_text_error error;

	assert_int_equal(sl_packet_parse_hex(&packet, "00112233445566778899AABBccdd", NULL), 0);
	assert_int_equal(packet.length, 14);
	assert_int_equal(packet.bytes[13], 0xdd);
	assert_int_equal(
		sl_packet_parse_hex(&packet, "00:11:22:33:44:55 66-77 88 99\naa bb cc dd", NULL),
		0);
	assert_int_equal(packet.length, 14);
	assert_int_equal(sl_packet_parse_hex(&packet, "0011", &error), -ERANGE);
	assert_string_equal(error.message, "2 bytes; an Ethernet frame has at least 14");
	assert_int_equal(sl_packet_parse_hex(&packet, "00112", &error), -EINVAL);
	assert_string_equal(error.message, "byte 2 is not two hex digits");
	assert_int_equal(sl_packet_parse_hex(&packet, "0 0", &error), -EINVAL);
	assert_int_equal(sl_packet_parse_hex(&packet, "zz", &error), -EINVAL);
}

static void too_much_hex_is_refused(void **state)
{
	const size_t digits = 2 * (SL_PACKET_BYTES_LIMIT + 1);
	char *text = malloc(digits + 1);

	assert_non_null(text);
	memset(text, '0', digits);
	text[digits] = '\0';
	assert_int_equal(sl_packet_parse_hex(&packet, text, NULL), -ERANGE);
	text[digits - 2] = '\0';
	assert_int_equal(sl_packet_parse_hex(&packet, text, NULL), 0);
	free(text);
}

/* A pcap file with one packet of 14 bytes, in this machine's byte order. */
static size_t make_pcap(uint8_t *file)
{
	const uint32_t words[] = { 0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 1, 0, 0, 14, 14 };

	memcpy(file, words, sizeof(words));
	memset(file + sizeof(words), 0x5a, 14);
	return sizeof(words) + 14;
}

static void swap_words(uint8_t *file, size_t words)
{
	for (size_t i = 0; i < words; i++) {
		uint32_t word;

		memcpy(&word, file + 4 * i, 4);
		word = __builtin_bswap32(word);
		memcpy(file + 4 * i, &word, 4);
	}
}

static void a_capture_in_either_byte_order(void **state)
{
	uint8_t file[64];
	size_t length = make_pcap(file);

	assert_int_equal(sl_packet_parse_pcap(&packet, file, length, NULL), 0);
	assert_int_equal(packet.length, 14);
	assert_int_equal(packet.bytes[0], 0x5a);
	swap_words(file, 10);
	packet.length = 0;
	assert_int_equal(sl_packet_parse_pcap(&packet, file, length, NULL), 0);
	assert_int_equal(packet.length, 14);
}

static void a_cut_capture_is_refused_at_every_byte(void **state)
{
	uint8_t file[64];
	size_t length = make_pcap(file);

	for (size_t cut = 0; cut < length; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1); /* so that a sanitizer sees its end */

		assert_non_null(copy);
		memcpy(copy, file, cut);
		assert_int_equal(sl_packet_parse_pcap(&packet, copy, cut, NULL), -EINVAL);
		free(copy);
	}
}

static void other_links_and_files_are_refused(void **state)
{
	struct sl_text_error error;
	uint8_t file[64];
	size_t length = make_pcap(file);

	file[20] = 113;
	assert_int_equal(sl_packet_parse_pcap(&packet, file, length, &error), -EINVAL);
	assert_string_equal(error.message, "the capture is not of Ethernet but of link type 113");
	memset(file, 'x', sizeof(file));
	assert_int_equal(sl_packet_parse_pcap(&packet, file, length, &error), -EINVAL);
	assert_string_equal(error.message, "not a pcap or pcapng file");
	assert_int_equal(sl_packet_read_pcap(&packet, "/nonexistent", &error), -ENOENT);
}

static void a_next_generation_capture(void **state)
{
	const uint32_t words[] = {
		0x0a0d0d0a, 28, 0x1a2b3c4d, 1,	   0xffffffff, 0xffffffff, 28, /* section */
		1,	    20, 1,	    65535, 20,			       /* interface */
		6,	    48, 0,	    0,	   0,	       14,	   14, /* packet */
	};
	uint8_t file[sizeof(words) + 20] = { 0 };
	uint32_t end = 48;

	memcpy(file, words, sizeof(words));
	memset(file + sizeof(words), 0x5a, 14);
	memcpy(file + sizeof(words) + 16, &end, 4);
	assert_int_equal(sl_packet_parse_pcap(&packet, file, sizeof(file), NULL), 0);
	assert_int_equal(packet.length, 14);
	assert_int_equal(packet.bytes[13], 0x5a);
	for (size_t cut = 0; cut < sizeof(file); cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		assert_non_null(copy);
		memcpy(copy, file, cut);
		assert_int_equal(sl_packet_parse_pcap(&packet, copy, cut, NULL), -EINVAL);
		free(copy);
	}
}

static void endpoints_have_an_address_and_a_port(void **state)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{ "192.0.2.1:443", 0 },
		{ "[2001:db8::1]:1", 0 },
		{ "192.0.2.1", -EINVAL },
		{ "192.0.2.1:", -EINVAL },
		{ "192.0.2.1:0", -ERANGE },
		{ "192.0.2.1:65536", -ERANGE },
		{ "2001:db8::1:443", -EINVAL },
		{ "[192.0.2.1]:443", -EINVAL },
		{ "[]:1", -EINVAL },
		{ "[::1]1", -EINVAL },
		{ ":1", -EINVAL },
		{ "", -EINVAL },
		{ "[", -EINVAL },
		{ "]:1", -EINVAL },
		{ "[:1", -EINVAL },
	};
	char text[SL_ENDPOINT_BYTES];

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_address address = { 0 };
		uint16_t port = 0;

		if (sl_endpoint_parse(&address, &port, cases[i].text, NULL) != cases[i].err)
			print_message("case: %s\n", cases[i].text);
		assert_int_equal(sl_endpoint_parse(&address, &port, cases[i].text, NULL),
				 cases[i].err);
		if (!cases[i].err)
			assert_string_equal(sl_endpoint_format(text, &address, port),
					    cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_with_and_without_gaps),
		cmocka_unit_test(too_much_hex_is_refused),
		cmocka_unit_test(a_capture_in_either_byte_order),
		cmocka_unit_test(a_cut_capture_is_refused_at_every_byte),
		cmocka_unit_test(other_links_and_files_are_refused),
		cmocka_unit_test(a_next_generation_capture),
		cmocka_unit_test(endpoints_have_an_address_and_a_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
