// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/packet.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/text_error.h"

#define ETHERNET_BYTES	  14u
#define LINKTYPE_ETHERNET 1u
#define PCAP_BYTES_MAX	  (1u << 20) /* only the first packet is wanted */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_between(char c)
{
	return c == ' ' || c == ':' || c == '-' || c == '\n' || c == '\t' || c == '\r';
}

int sl_packet_parse_hex(struct sl_packet *ret, const char *text, struct sl_text_error *error)
{
	size_t length = 0;

	while (*text) {
		int high, low;

		if (is_between(*text)) {
			text++;
			continue;
		}
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return sl_text_refuse(error, -EINVAL, "byte %zu is not two hex digits",
					      length);
		if (length == SL_PACKET_BYTES_LIMIT)
			return sl_text_refuse(error, -ERANGE, "more than %u bytes",
					      SL_PACKET_BYTES_LIMIT);
		ret->bytes[length++] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	if (length < ETHERNET_BYTES)
		return sl_text_refuse(error, -ERANGE,
				      "%zu bytes; an Ethernet frame has at least %u", length,
				      ETHERNET_BYTES);
	ret->length = length;
	return 0;
}

/* A capture file; `swapped` when it was written on a machine of the other byte order. */
struct capture {
	const uint8_t *bytes;
	size_t length;
	bool swapped;
};

static uint32_t get32(const struct capture *capture, size_t at)
{
	uint32_t value;

	memcpy(&value, capture->bytes + at, sizeof(value));
	return capture->swapped ? __builtin_bswap32(value) : value;
}

static uint16_t get16(const struct capture *capture, size_t at)
{
	uint16_t value;

	memcpy(&value, capture->bytes + at, sizeof(value));
	return capture->swapped ? __builtin_bswap16(value) : value;
}

static int cut(struct sl_text_error *error)
{
	return sl_text_refuse(error, -EINVAL, "the capture ends within its first packet");
}

static int take(struct sl_packet *ret, const struct capture *capture, size_t at, size_t length,
		struct sl_text_error *error)
{
	if (at > capture->length || length > capture->length - at)
		return cut(error);
	if (length < ETHERNET_BYTES || length > SL_PACKET_BYTES_LIMIT)
		return sl_text_refuse(error, -ERANGE, "the first packet has %zu bytes", length);
	memcpy(ret->bytes, capture->bytes + at, length);
	ret->length = length;
	return 0;
}

static int not_ethernet(struct sl_text_error *error, unsigned type)
{
	return sl_text_refuse(error, -EINVAL, "the capture is not of Ethernet but of link type %u",
			      type);
}

static int parse_classic(struct sl_packet *ret, const struct capture *capture,
			 struct sl_text_error *error)
{
	if (capture->length < 24 + 16)
		return cut(error);
	if (get32(capture, 20) != LINKTYPE_ETHERNET)
		return not_ethernet(error, get32(capture, 20));
	return take(ret, capture, 24 + 16, get32(capture, 24 + 8), error);
}

enum block {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,
};

/* pcapng: blocks of {type, length, ..., length}; the first interface is taken. */
static int parse_next_generation(struct sl_packet *ret, const struct capture *capture,
				 struct sl_text_error *error)
{
	size_t at = 0, length;

	for (; capture->length - at >= 12; at += length) {
		uint32_t type = get32(capture, at);

		length = get32(capture, at + 4);
		if (length < 12 || length % 4 || length > capture->length - at)
			return cut(error);
		if (type == BLOCK_INTERFACE && length >= 20 &&
		    get16(capture, at + 8) != LINKTYPE_ETHERNET)
			return not_ethernet(error, get16(capture, at + 8));
		if (type == BLOCK_ENHANCED && length >= 32)
			return get32(capture, at + 20) > length - 32
				       ? cut(error)
				       : take(ret, capture, at + 28, get32(capture, at + 20),
					      error);
		if (type == BLOCK_SIMPLE && length >= 16)
			return get32(capture, at + 8) > length - 16
				       ? cut(error)
				       : take(ret, capture, at + 12, get32(capture, at + 8), error);
	}
	return sl_text_refuse(error, -EINVAL, "the capture holds no packet");
}

int sl_packet_parse_pcap(struct sl_packet *ret, const uint8_t *bytes, size_t length,
			 struct sl_text_error *error)
{
	struct capture capture = { .bytes = bytes, .length = length };
	uint32_t magic;

	if (length < 12)
		return sl_text_refuse(error, -EINVAL, "not a pcap or pcapng file");
	magic = get32(&capture, 0);
	if (magic == BLOCK_SECTION) {
		capture.swapped = get32(&capture, 8) == 0x4d3c2b1a;
		return parse_next_generation(ret, &capture, error);
	}
	capture.swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
	if (capture.swapped || magic == 0xa1b2c3d4 || magic == 0xa1b23c4d)
		return parse_classic(ret, &capture, error);
	return sl_text_refuse(error, -EINVAL, "not a pcap or pcapng file");
}

int sl_packet_read_pcap(struct sl_packet *ret, const char *path, struct sl_text_error *error)
{
	sl_autofclose FILE *file = fopen(path, "re");
	sl_autofree uint8_t *bytes = malloc(PCAP_BYTES_MAX);
	char quoted[SL_QUOTE_BYTES];
	size_t length;

	if (!file)
		return sl_text_refuse(error, -errno, "cannot open %s: %s",
				      sl_text_quote(quoted, path), strerror(errno));
	if (!bytes)
		return sl_text_refuse(error, -ENOMEM, "out of memory");
	length = fread(bytes, 1, PCAP_BYTES_MAX, file);
	if (ferror(file))
		return sl_text_refuse(error, -EIO, "cannot read %s", sl_text_quote(quoted, path));
	return sl_packet_parse_pcap(ret, bytes, length, error);
}
