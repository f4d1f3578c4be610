// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/text_error.h"

static int refuse(struct sl_text_error *error, const char *text)
{
	char quoted[SL_QUOTE_BYTES];

	return sl_text_refuse(error, -EINVAL,
			      "%s is not an address and port like 192.0.2.1:443 or "
			      "[2001:db8::1]:443",
			      sl_text_quote(quoted, text));
}

static int parse_port(uint16_t *ret, const char *text, struct sl_text_error *error)
{
	uint64_t port;
	int err = sl_parse_amount(&port, text, SL_UNIT_COUNT, error);

	if (!err && (port < 1 || port > 65535))
		err = sl_text_refuse(error, -ERANGE, "port %llu; allowed: 1 to 65535",
				     (unsigned long long)port);
	if (!err)
		*ret = (uint16_t)port;
	return err;
}

int sl_endpoint_parse(struct sl_address *ret, uint16_t *ret_port, const char *text,
		      struct sl_text_error *error)
{
	const char *colon = strrchr(text, ':');
	bool bracketed = text[0] == '[';
	char address_text[SL_ADDRESS_BYTES];
	struct sl_address address;
	size_t length;
	int err;

	if (!colon || (bracketed && (colon < text + 2 || colon[-1] != ']')))
		return refuse(error, text);
	length = (size_t)(colon - text) - (bracketed ? 2 : 0);
	if (!length || length >= sizeof(address_text))
		return refuse(error, text);
	memcpy(address_text, text + (bracketed ? 1 : 0), length);
	address_text[length] = '\0';
	if (sl_parse_address(&address, address_text, NULL) || (address.family == 6) != bracketed)
		return refuse(error, text);
	err = parse_port(ret_port, colon + 1, error);
	if (!err)
		*ret = address;
	return err;
}

const char *sl_endpoint_format(char *buffer, const struct sl_address *address, uint16_t port)
{
	char text[SL_ADDRESS_BYTES];

	(void)sl_format_address(text, sizeof(text), address);
	if (!port)
		(void)snprintf(buffer, SL_ENDPOINT_BYTES, "%s", text);
	else
		(void)snprintf(buffer, SL_ENDPOINT_BYTES,
			       address->family == 6 ? "[%s]:%u" : "%s:%u", text, port);
	return buffer;
}
