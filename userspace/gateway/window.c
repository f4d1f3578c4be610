/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/window.h"

#include <errno.h>
#include <stdio.h>

#include "userspace/redis/slots.h"

#define MS_PER_S 1000u

/* ---- keys ------------------------------------------------------------------------------- */

static bool is_plain(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || sl_byte_in(byte, "._-~");
}

static size_t put_escaped(char *ret, struct sl_span text)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t made = 0;

	for (size_t i = 0; i < text.length && i < SL_IDENTIFIER_MAX; i++) {
		const unsigned char byte = (unsigned char)text.at[i];

		if (is_plain(text.at[i])) {
			ret[made++] = text.at[i];
			continue;
		}
		ret[made++] = '%';
		ret[made++] = digits[byte >> 4];
		ret[made++] = digits[byte & 15];
	}
	return made;
}

size_t sl_window_key(char *ret, const struct sl_window_owner *owner, enum sl_rate_class rate_class)
{
	size_t made = (size_t)snprintf(ret, SL_WINDOW_KEY_BYTES, "%.*s:{",
				       SL_WINDOW_PREFIX_BYTES - 1, owner->prefix);

	made += put_escaped(ret + made, owner->tenant);
	return made + (size_t)snprintf(ret + made, SL_WINDOW_KEY_BYTES - made, "}:%s:%llu",
				       sl_rate_class_name(rate_class),
				       (unsigned long long)owner->window_s);
}

/* ---- questions -------------------------------------------------------------------------------
 */

static void add(struct sl_window_question *question, const char *text, size_t length)
{
	question->argv[question->argc] = text;
	question->lens[question->argc++] = length;
}

static void add_number(struct sl_window_question *question, size_t which, uint64_t number)
{
	char *at = question->numbers[which];

	add(question, at,
	    (size_t)snprintf(at, sizeof(question->numbers[which]), "%llu",
			     (unsigned long long)number));
}

static void begin(struct sl_window_question *question, struct sl_span function,
		  const struct sl_window_owner *owner, const struct sl_window_level *levels,
		  size_t count)
{
	question->argc = 0;
	question->key_count[0] = (char)('0' + count);
	question->key_count[1] = '\0';
	add(question, "FCALL", sizeof("FCALL") - 1);
	add(question, function.at, function.length);
	add(question, question->key_count, 1);
	for (size_t i = 0; i < count; i++)
		add(question, question->keys[i],
		    sl_window_key(question->keys[i], owner, levels[i].rate_class));
	question->slot = sl_redis_slot((struct sl_span){ question->keys[0], question->lens[3] });
	add_number(question, 0, owner->window_s * MS_PER_S);
}

void sl_window_ask(struct sl_window_question *ret, const struct sl_window_owner *owner,
		   const struct sl_window_level *levels, size_t count)
{
	begin(ret, SL_SPAN("sluice_window_take"), owner, levels, count);
	for (size_t i = 0; i < count; i++)
		add_number(ret, 1 + i, levels[i].limit);
}

void sl_window_ask_look(struct sl_window_question *ret, const struct sl_window_owner *owner,
			const struct sl_window_level *levels, size_t count)
{
	begin(ret, SL_SPAN("sluice_window_look"), owner, levels, count);
}

/* ---- answers ---------------------------------------------------------------------------------
 */

/* The number at @index, from @least to @most. */
static int number_at(uint64_t *ret, const struct sl_redis_reply *reply, size_t index,
		     uint64_t least, uint64_t most)
{
	const struct sl_redis_reply *item = &reply->items[index];

	if (item->type != SL_REDIS_INTEGER || item->integer < 0 ||
	    (uint64_t)item->integer < least || (uint64_t)item->integer > most)
		return -EPROTO;
	*ret = (uint64_t)item->integer;
	return 0;
}

/* From @at on: the rest of the window, counts. */
static int read_counts(struct sl_window_verdict *made, const struct sl_redis_reply *reply,
		       size_t at, size_t count, uint64_t window_s)
{
	if (reply->type != SL_REDIS_ARRAY || reply->count != at + 1 + count ||
	    number_at(&made->reset_ms, reply, at, 1, window_s * MS_PER_S))
		return -EPROTO;
	for (size_t i = 0; i < count; i++)
		if (number_at(&made->counts[i], reply, at + 1 + i, 0, SL_WINDOW_COUNT_MAX))
			return -EPROTO;
	return 0;
}

int sl_window_read(struct sl_window_verdict *ret, const struct sl_redis_reply *reply, size_t count,
		   uint64_t window_s)
{
	struct sl_window_verdict made = { .admitted = false };
	uint64_t admitted, refused_by;

	if (read_counts(&made, reply, 2, count, window_s) || number_at(&admitted, reply, 0, 0, 1) ||
	    number_at(&refused_by, reply, 1, 0, count) || !admitted != (refused_by != 0))
		return -EPROTO;
	made.admitted = admitted;
	made.level = refused_by ? refused_by - 1 : 0;
	*ret = made;
	return 0;
}

int sl_window_read_look(struct sl_window_verdict *ret, const struct sl_redis_reply *reply,
			size_t count, uint64_t window_s)
{
	struct sl_window_verdict made = { .admitted = true };

	if (read_counts(&made, reply, 0, count, window_s))
		return -EPROTO;
	*ret = made;
	return 0;
}

enum sl_window_outcome sl_window_outcome_of(int status)
{
	switch (status) {
	case -ETIMEDOUT:
		return SL_WINDOW_TIMEOUT;
	case -ECONNRESET:
		return SL_WINDOW_LOST;
	case -EHOSTUNREACH:
		return SL_WINDOW_OPEN;
	case -EBUSY:
		return SL_WINDOW_BUSY;
	case -EPROTO:
		return SL_WINDOW_INVALID;
	default:
		return SL_WINDOW_ERROR;
	}
}

const char *sl_window_outcome_name(enum sl_window_outcome outcome)
{
	static const char *const names[SL_WINDOW_OUTCOMES] = {
		"admitted",	"refused", "timeout", "lost",
		"breaker_open", "busy",	   "error",   "invalid",
	};

	return names[outcome];
}

const char *sl_window_mode_name(enum sl_window_mode mode)
{
	static const char *const names[] = { "local", "redis", "hybrid" };

	return names[mode];
}
