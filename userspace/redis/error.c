// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/error.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "userspace/redis/slots.h"

static const struct {
	const char *word;
	enum sl_redis_error error;
} words[] = {
	{ "MOVED", SL_REDIS_ERROR_MOVED },
	{ "ASK", SL_REDIS_ERROR_ASK },
	{ "TRYAGAIN", SL_REDIS_ERROR_TRYAGAIN },
	{ "CLUSTERDOWN", SL_REDIS_ERROR_CLUSTERDOWN },
	{ "LOADING", SL_REDIS_ERROR_LOADING },
	{ "READONLY", SL_REDIS_ERROR_READONLY },
	{ "MASTERDOWN", SL_REDIS_ERROR_MASTERDOWN },
	{ "NOREPLICAS", SL_REDIS_ERROR_NOREPLICAS },
	{ "BUSY", SL_REDIS_ERROR_BUSY },
	{ "NOAUTH", SL_REDIS_ERROR_DENIED },
	{ "WRONGPASS", SL_REDIS_ERROR_DENIED },
	{ "NOPERM", SL_REDIS_ERROR_DENIED },
	{ "OOM", SL_REDIS_ERROR_FULL },
	{ "CROSSSLOT", SL_REDIS_ERROR_CROSSSLOT },
	{ "MISCONF", SL_REDIS_ERROR_MISCONF },
};

static bool begins(struct sl_span text, const char *with)
{
	const size_t length = strlen(with);

	return text.length >= length && memcmp(text.at, with, length) == 0;
}

static struct sl_span first_word(struct sl_span text)
{
	const char *space = text.length ? memchr(text.at, ' ', text.length) : NULL;

	return space ? (struct sl_span){ text.at, (size_t)(space - text.at) } : text;
}

enum sl_redis_error sl_redis_error_of(struct sl_span text)
{
	const struct sl_span word = first_word(text);

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (sl_span_is(word, words[i].word))
			return words[i].error;
	if (begins(text, "ERR Function not found"))
		return SL_REDIS_ERROR_NO_FUNCTION;
	/* The old way to say WRONGPASS, of a server without users. */
	if (begins(text, "ERR invalid password") || begins(text, "ERR AUTH"))
		return SL_REDIS_ERROR_DENIED;
	return SL_REDIS_ERROR_OTHER;
}

int sl_redis_error_status(enum sl_redis_error error)
{
	static const int statuses[SL_REDIS_ERROR_KINDS] = {
		[SL_REDIS_ERROR_OTHER] = -EREMOTEIO,
		[SL_REDIS_ERROR_MOVED] = -ELOOP,
		[SL_REDIS_ERROR_ASK] = -ELOOP,
		[SL_REDIS_ERROR_TRYAGAIN] = -EAGAIN,
		[SL_REDIS_ERROR_CLUSTERDOWN] = -ENETDOWN,
		[SL_REDIS_ERROR_LOADING] = -EAGAIN,
		[SL_REDIS_ERROR_READONLY] = -EROFS,
		[SL_REDIS_ERROR_MASTERDOWN] = -EAGAIN,
		[SL_REDIS_ERROR_NOREPLICAS] = -EAGAIN,
		[SL_REDIS_ERROR_BUSY] = -EAGAIN,
		[SL_REDIS_ERROR_NO_FUNCTION] = -ENOENT,
		[SL_REDIS_ERROR_DENIED] = -EACCES,
		[SL_REDIS_ERROR_FULL] = -ENOSPC,
		[SL_REDIS_ERROR_CROSSSLOT] = -EXDEV,
		[SL_REDIS_ERROR_MISCONF] = -EIO,
	};

	return (unsigned int)error < SL_REDIS_ERROR_KINDS ? statuses[error] : -EREMOTEIO;
}

/* Takes the word up to the next space from *rest. */
static struct sl_span take_word(struct sl_span *rest)
{
	const struct sl_span word = first_word(*rest);
	const size_t used = word.length + (word.length < rest->length);

	*rest = (struct sl_span){ rest->at + used, rest->length - used };
	return word;
}

static int read_slot(uint16_t *ret, struct sl_span text)
{
	uint32_t slot = 0;

	if (!text.length || text.length > 5)
		return -EINVAL;
	for (size_t i = 0; i < text.length; i++) {
		if (!isdigit((unsigned char)text.at[i]))
			return -EINVAL;
		slot = slot * 10 + (uint32_t)(text.at[i] - '0');
	}
	if (slot >= SL_REDIS_SLOTS)
		return -EINVAL;
	*ret = (uint16_t)slot;
	return 0;
}

/* IPv6 comes without brackets: the port is behind the last colon. */
static int read_target(struct sl_redis_address *ret, struct sl_span text, const char *from)
{
	const char *colon = text.length ? memrchr(text.at, ':', text.length) : NULL;
	struct sl_span host, port;

	if (!colon)
		return -EINVAL;
	host = (struct sl_span){ text.at, (size_t)(colon - text.at) };
	port = (struct sl_span){ colon + 1, text.length - host.length - 1 };
	if (sl_redis_parse_port(&ret->port, port))
		return -EINVAL;
	return sl_redis_parse_host(ret->host, host.length ? host : sl_span_of(from));
}

int sl_redis_redirect_parse(struct sl_redis_redirect *ret, struct sl_span text, const char *from)
{
	struct sl_redis_redirect made = { 0 };
	struct sl_span rest = text;
	const struct sl_span word = take_word(&rest);

	if (!sl_span_is(word, "MOVED") && !sl_span_is(word, "ASK"))
		return -EINVAL;
	if (read_slot(&made.slot, take_word(&rest)) || read_target(&made.to, rest, from))
		return -EINVAL;
	*ret = made;
	return 0;
}
