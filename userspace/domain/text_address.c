// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/text_error.h"

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

int sl_parse_address(struct sl_address *ret, const char *text, struct sl_text_error *error)
{
	struct sl_address address = { 0 };
	char quoted[SL_QUOTE_BYTES];

	if (inet_pton(AF_INET, text, address.bytes) == 1) {
		address.family = 4;
		*ret = address;
		return 0;
	}
	if (inet_pton(AF_INET6, text, address.bytes) != 1)
		return sl_text_refuse(error, -EINVAL,
				      "%s is not an address like 192.0.2.1 or 2001:db8::1",
				      sl_text_quote(quoted, text));
	if (memcmp(address.bytes, mapped, sizeof(mapped)) == 0)
		return sl_text_refuse(error, -ERANGE,
				      "%s is an IPv4 address written as IPv6; write %u.%u.%u.%u",
				      sl_text_quote(quoted, text), address.bytes[12],
				      address.bytes[13], address.bytes[14], address.bytes[15]);
	address.family = 6;
	*ret = address;
	return 0;
}

/* One to three digits, no leading zero; -1 otherwise. */
static int parse_bits(const char *text)
{
	int value = 0;

	if (*text == '\0' || (text[0] == '0' && text[1]))
		return -1;
	for (int i = 0; text[i]; i++) {
		if (i == 3 || text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

/* Clears what follows the first @bits. True when something was set there. */
static bool clear_host_bits(struct sl_address *address, int bits)
{
	bool was_set = false;

	for (int i = 0; i < (address->family == 4 ? 4 : 16); i++) {
		int keep = bits - i * 8;
		unsigned int mask = keep >= 8 ? 0xffu : keep <= 0 ? 0 : (0xff00u >> keep) & 0xffu;

		was_set |= (address->bytes[i] & ~mask) != 0;
		address->bytes[i] = (uint8_t)(address->bytes[i] & mask);
	}
	return was_set;
}

int sl_parse_prefix(struct sl_prefix_spec *ret, const char *text, struct sl_text_error *error)
{
	char address[SL_ADDRESS_BYTES], meant[SL_PREFIX_BYTES], quoted[SL_QUOTE_BYTES];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct sl_prefix_spec prefix = { 0 };
	int bits, bits_max, err;

	sl_text_quote(quoted, text);
	if (len >= sizeof(address))
		return sl_text_refuse(error, -EINVAL, "%s is not a prefix like 10.0.0.0/8", quoted);
	memcpy(address, text, len);
	address[len] = '\0';
	err = sl_parse_address(&prefix.address, address, error);
	if (err)
		return err;

	bits_max = prefix.address.family == 4 ? 32 : 128;
	bits = slash ? parse_bits(slash + 1) : bits_max;
	if (bits < 0 || bits > bits_max)
		return sl_text_refuse(error, -EINVAL, "%s: after the slash come 0 to %d bits",
				      quoted, bits_max);
	prefix.bits = (uint8_t)bits;
	if (clear_host_bits(&prefix.address, bits))
		return sl_text_refuse(error, -ERANGE,
				      "%s has bits set after the first %d; write %s", quoted, bits,
				      sl_format_prefix(meant, sizeof(meant), &prefix));
	*ret = prefix;
	return 0;
}

const char *sl_format_address(char *buffer, size_t size, const struct sl_address *address)
{
	char text[INET6_ADDRSTRLEN] = "any";

	if (address->family)
		(void)inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->bytes, text,
				sizeof(text));
	(void)snprintf(buffer, size, "%s", text);
	return buffer;
}

const char *sl_format_prefix(char *buffer, size_t size, const struct sl_prefix_spec *prefix)
{
	char address[SL_ADDRESS_BYTES];

	(void)snprintf(buffer, size, "%s/%u",
		       sl_format_address(address, sizeof(address), &prefix->address), prefix->bits);
	return buffer;
}
