// SPDX-License-Identifier: Apache-2.0
#include "userspace/bus/jetstream_parse.h"

#include <errno.h>

#include "userspace/domain/json.h"

#define ACK_TOKENS_MAX 12u
#define ACK_TOKENS_OLD 9u /* without domain and account */
#define ACK_TOKENS_NEW 11u

#define COUNT(of) (sizeof(of) / sizeof(*(of)))

/* ---- answers of the API --------------------------------------------------------------- */

static uint32_t small_number(struct sl_json_value value)
{
	int64_t number;

	if (sl_json_integer(&number, value) != 0 || number < 0 || number > UINT32_MAX)
		return 0;
	return (uint32_t)number;
}

/* It goes into a log line: one line of it, whatever it holds. */
static void take_text(char ret[SL_JS_TEXT_BYTES], struct sl_json_value value)
{
	size_t length;

	if (sl_json_text(ret, SL_JS_TEXT_BYTES, &length, value) != 0)
		ret[0] = '\0';
	for (char *at = ret; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
}

int sl_js_parse_reply(struct sl_js_reply *ret, struct sl_span text)
{
	static const char *const wanted[] = { "error", "error.code", "error.err_code",
					      "error.description" };
	struct sl_json_value found[COUNT(wanted)];
	struct sl_js_reply reply = { .failed = false };

	if (sl_json_pick(found, wanted, COUNT(wanted), text, NULL) != 0)
		return -EPROTO;
	reply.failed = found[0].type != SL_JSON_ABSENT && found[0].type != SL_JSON_NULL;
	if (reply.failed) {
		reply.code = small_number(found[1]);
		reply.error_code = small_number(found[2]);
		take_text(reply.text, found[3]);
	}
	*ret = reply;
	return 0;
}

int sl_js_parse_published(struct sl_js_published *ret, struct sl_span text)
{
	static const char *const wanted[] = { "seq", "duplicate" };
	struct sl_json_value found[COUNT(wanted)];
	int64_t sequence;
	bool duplicate = false;

	if (sl_json_pick(found, wanted, COUNT(wanted), text, NULL) != 0 ||
	    sl_json_integer(&sequence, found[0]) != 0 || sequence <= 0)
		return -EPROTO;
	if (found[1].type != SL_JSON_ABSENT && sl_json_bool(&duplicate, found[1]) != 0)
		return -EPROTO;
	*ret = (struct sl_js_published){ .sequence = (uint64_t)sequence, .duplicate = duplicate };
	return 0;
}

/* ---- numbers and subjects -------------------------------------------------------------- */

int sl_js_parse_number(uint64_t *ret, struct sl_span text)
{
	uint64_t number = 0;

	if (!text.length)
		return -EINVAL;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(text.at[i] - '0'), &number))
			return -ERANGE;
	}
	*ret = number;
	return 0;
}

uint32_t sl_js_parse_status(struct sl_span text)
{
	uint64_t number;

	if (text.length != 3 || sl_js_parse_number(&number, text) != 0)
		return 0;
	return (uint32_t)number;
}

/* The tokens of @subject; 0: too many, or an empty one. */
static size_t split(struct sl_span tokens[ACK_TOKENS_MAX], struct sl_span subject)
{
	size_t count = 0, start = 0;

	for (size_t i = 0; i <= subject.length; i++) {
		if (i < subject.length && subject.at[i] != '.')
			continue;
		if (i == start || count == ACK_TOKENS_MAX)
			return 0;
		tokens[count++] = (struct sl_span){ subject.at + start, i - start };
		start = i + 1;
	}
	return count;
}

int sl_js_parse_ack_subject(struct sl_js_meta *ret, struct sl_span subject)
{
	struct sl_span tokens[ACK_TOKENS_MAX];
	size_t count = subject.length ? split(tokens, subject) : 0;
	const struct sl_span *numbers;
	struct sl_js_meta meta = { 0 };

	if (count != ACK_TOKENS_OLD && count < ACK_TOKENS_NEW)
		return -EINVAL;
	if (!sl_span_is(tokens[0], "$JS") || !sl_span_is(tokens[1], "ACK"))
		return -EINVAL;
	numbers = tokens + (count == ACK_TOKENS_OLD ? 4 : 6);
	if (sl_js_parse_number(&meta.deliveries, numbers[0]) != 0 ||
	    sl_js_parse_number(&meta.stream_sequence, numbers[1]) != 0 ||
	    sl_js_parse_number(&meta.timestamp_ns, numbers[3]) != 0 ||
	    sl_js_parse_number(&meta.pending, numbers[4]) != 0)
		return -EINVAL;
	*ret = meta;
	return 0;
}

/* ---- a stored message in JSON ------------------------------------------------------------ */

static int digit_of(char character)
{
	if (character >= 'A' && character <= 'Z')
		return character - 'A';
	if (character >= 'a' && character <= 'z')
		return character - 'a' + 26;
	if (character >= '0' && character <= '9')
		return character - '0' + 52;
	if (character == '+')
		return 62;
	return character == '/' ? 63 : -1;
}

static size_t padding_of(struct sl_span text)
{
	if (!text.length || text.at[text.length - 1] != '=')
		return 0;
	return text.at[text.length - 2] == '=' ? 2 : 1;
}

int sl_js_base64(uint8_t *at, size_t *ret_length, struct sl_span text)
{
	size_t padding, length, written = 0;
	uint32_t held = 0;
	unsigned int bits = 0;

	if (text.length % 4)
		return -EINVAL;
	padding = padding_of(text);
	length = text.length / 4 * 3 - padding;
	if (length > *ret_length)
		return -ENOBUFS;
	for (size_t i = 0; i < text.length - padding; i++) {
		int digit = digit_of(text.at[i]);

		if (digit < 0)
			return -EINVAL;
		held = (held << 6 | (uint32_t)digit) & 0x3fffu;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			at[written++] = (uint8_t)(held >> bits);
		}
	}
	if (held & ((1u << bits) - 1u))
		return -EINVAL; /* two texts for the same bytes */
	*ret_length = written;
	return 0;
}

/* The line that begins at *state, without its end; false: there is none. */
static bool next_line(struct sl_span *ret, size_t *state, struct sl_span block)
{
	size_t start = *state;

	for (size_t i = start; i + 1 < block.length; i++) {
		if (block.at[i] != '\r' || block.at[i + 1] != '\n')
			continue;
		*ret = (struct sl_span){ block.at + start, i - start };
		*state = i + 2;
		return true;
	}
	return false;
}

static bool line_clean(struct sl_span line)
{
	for (size_t i = 0; i < line.length; i++)
		if (!line.at[i] || line.at[i] == '\r' || line.at[i] == '\n')
			return false;
	return true;
}

int sl_js_next_header(struct sl_span *ret_name, struct sl_span *ret_value, size_t *state,
		      struct sl_span block)
{
	struct sl_span line, value;
	const char *colon;

	if (!*state && (!next_line(&line, state, block) || !sl_span_is(line, "NATS/1.0")))
		return -EINVAL;
	if (!next_line(&line, state, block))
		return -EINVAL;
	if (!line.length)
		return *state == block.length ? 0 : -EINVAL;
	colon = memchr(line.at, ':', line.length);
	if (!colon || colon == line.at || !line_clean(line))
		return -EINVAL;
	value = (struct sl_span){ colon + 1, line.length - (size_t)(colon + 1 - line.at) };
	while (value.length && *value.at == ' ') {
		value.at++;
		value.length--;
	}
	*ret_name = (struct sl_span){ line.at, (size_t)(colon - line.at) };
	*ret_value = value;
	return 1;
}
