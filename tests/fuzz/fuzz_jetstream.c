// SPDX-License-Identifier: Apache-2.0
/* What a server may send: ack subjects, answers, statuses, base64, header blocks. The
 * first byte chooses. What is accepted holds what the headers promise. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/bus/jetstream_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void ack_subject(struct sl_span text)
{
	struct sl_js_meta meta;

	if (sl_js_parse_ack_subject(&meta, text) == 0)
		require(text.length >= sizeof("$JS.ACK.s.c.1.1.1.1.1") - 1 &&
			memcmp(text.at, "$JS.ACK.", 8) == 0);
}

static void answer(struct sl_span text)
{
	struct sl_js_reply reply;
	struct sl_js_published published;

	if (sl_js_parse_reply(&reply, text) == 0) {
		require(memchr(reply.text, 0, sizeof(reply.text)) != NULL);
		for (const char *at = reply.text; *at; at++)
			require((unsigned char)*at >= ' ');
	}
	if (sl_js_parse_published(&published, text) == 0)
		require(published.sequence > 0);
}

static void numbers(struct sl_span text)
{
	uint64_t number;

	require(sl_js_parse_status(text) <= 999);
	(void)sl_js_parse_number(&number, text);
}

/* Room for exactly what it decodes to: a byte more is seen by the address sanitizer. */
static void base64(struct sl_span text)
{
	size_t length = text.length / 4 * 3;
	uint8_t *bytes = malloc(length ? length : 1);

	require(bytes != NULL);
	if (sl_js_base64(bytes, &length, text) == 0)
		require(length <= text.length / 4 * 3 && text.length % 4 == 0);
	free(bytes);
}

static void headers(struct sl_span block)
{
	struct sl_span name, value;
	size_t state = 0, before = 0;

	while (sl_js_next_header(&name, &value, &state, block) == 1) {
		require(name.length > 0 && state > before && state <= block.length);
		require(!memchr(name.at, '\n', name.length) && !memchr(name.at, ':', name.length));
		require(!value.length || !memchr(value.at, '\r', value.length));
		before = state;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(struct sl_span) = { ack_subject, answer, numbers, base64,
							   headers };
	struct sl_span rest;

	if (!size)
		return 0;
	rest = (struct sl_span){ (const char *)data + 1, size - 1 };
	parsers[(size_t)data[0] % (sizeof(parsers) / sizeof(*parsers))](rest);
	return 0;
}
