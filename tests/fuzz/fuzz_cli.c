// SPDX-License-Identifier: Apache-2.0
/*
 * What sluicectl reads from files, people and sockets. The first byte chooses the
 * parser; what one accepts is within its bounds, and reads back where there is a
 * way back.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/cli/drop.h"
#include "userspace/cli/endpoint.h"
#include "userspace/cli/packet.h"
#include "userspace/cli/safe.h"
#include "userspace/cli/terminal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void try_packets(char choice, const char *text, const uint8_t *bytes, size_t size)
{
	struct sl_packet *packet = calloc(1, sizeof(*packet));
	struct sl_text_error error;
	int err;

	require(packet != NULL);
	err = choice == 'p' ? sl_packet_parse_pcap(packet, bytes, size, &error)
			    : sl_packet_parse_hex(packet, text, &error);
	require(err || (packet->length >= 14 && packet->length <= SL_PACKET_BYTES_LIMIT));
	free(packet);
}

static void try_words(const char *text)
{
	char buffer[SL_ENDPOINT_BYTES], clean[64];
	struct sl_address address, again;
	uint16_t port, port_again;
	uint8_t flags;

	(void)sl_packet_parse_flags(&flags, text, NULL);
	if (sl_endpoint_parse(&address, &port, text, NULL) == 0) {
		(void)sl_endpoint_format(buffer, &address, port);
		require(sl_endpoint_parse(&again, &port_again, buffer, NULL) == 0);
		require(port == port_again && memcmp(&address, &again, sizeof(address)) == 0);
	}
	(void)sl_safe_text(clean, sizeof(clean), text, strlen(text));
	for (const char *c = clean; *c; c++)
		require(*c >= 0x20 && *c < 0x7f);
}

static void try_keys(const char *bytes, size_t size)
{
	while (size) {
		size_t used = 0;
		char c;

		(void)sl_key_decode(bytes, size, &used, &c);
		require(used > 0 && used <= size);
		bytes += used;
		size -= used;
	}
}

static void try_drop(const char *bytes, size_t size)
{
	json_t *json = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL);
	struct sl_drop_filter filter = { .has_prefix = true, .prefix.address.family = 4 };
	struct sl_drop drop;

	if (json && sl_drop_of_json(&drop, json) == 0)
		(void)sl_drop_matches(&drop, &filter);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char choice = size ? (char)data[0] : 'w';
	size_t length = size ? size - 1 : 0;
	char *text = calloc(1, length + 1);

	require(text != NULL);
	if (length)
		memcpy(text, data + 1, length);
	if (choice == 'p' || choice == 'h')
		try_packets(choice, text, data + 1, length);
	else if (choice == 'k')
		try_keys(text, length);
	else if (choice == 'j')
		try_drop(text, length);
	else
		try_words(text);
	free(text);
	return 0;
}
