// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/uri.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define SCHEME	   "redis://"
#define SCHEME_TLS "rediss://"

static bool begins(struct sl_span text, const char *with)
{
	const size_t length = strlen(with);

	return text.length >= length && memcmp(text.at, with, length) == 0;
}

static struct sl_span behind(struct sl_span text, size_t length)
{
	return (struct sl_span){ text.at + length, text.length - length };
}

/* The length up to the last @byte of @text; all of it when there is none. */
static size_t length_to_last(struct sl_span text, char byte)
{
	const char *found = text.length ? memrchr(text.at, byte, text.length) : NULL;

	return found ? (size_t)(found - text.at) : text.length;
}

static size_t length_to_first(struct sl_span text, char byte)
{
	const char *found = text.length ? memchr(text.at, byte, text.length) : NULL;

	return found ? (size_t)(found - text.at) : text.length;
}

static int hex_value(char digit)
{
	const char lower = (char)tolower((unsigned char)digit);

	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Undoes %XX. The bytes of a credential: printable, of at most @size - 1. */
static int unescape(char *ret, size_t size, struct sl_span text)
{
	size_t made = 0;

	for (size_t i = 0; i < text.length; i++) {
		int byte = (unsigned char)text.at[i];

		if (byte == '%') {
			const int high = i + 2 < text.length ? hex_value(text.at[i + 1]) : -1;
			const int low = high >= 0 ? hex_value(text.at[i + 2]) : -1;

			if (low < 0)
				return -EINVAL;
			byte = high * 16 + low;
			i += 2;
		}
		if (byte < ' ' || byte == 0x7f || made + 1 >= size)
			return -EINVAL;
		ret[made++] = (char)byte;
	}
	ret[made] = '\0';
	return 0;
}

/* "user:password", ":password"; a word alone is a password, as clients of Redis take it. */
static int take_login(struct sl_redis_uri *made, struct sl_span text, const char **why)
{
	const size_t length = length_to_first(text, ':');
	const bool both = length < text.length;

	*why = "user and password: printable characters, %XX for others, at most 64 and 256";
	if (both && unescape(made->user, sizeof(made->user), (struct sl_span){ text.at, length }))
		return -EINVAL;
	if (unescape(made->password, sizeof(made->password),
		     both ? behind(text, length + 1) : text))
		return -EINVAL;
	*why = "a user needs a password";
	return made->password[0] ? 0 : -EINVAL;
}

static int take_address(struct sl_redis_uri *made, struct sl_span text, const char **why)
{
	struct sl_redis_address address;

	*why = "want redis://HOST[:PORT][/DATABASE]";
	if (text.length >= sizeof(made->address) ||
	    sl_redis_parse_address(&address, text, SL_REDIS_PORT_DEFAULT))
		return -EINVAL;
	memcpy(made->address, text.at, text.length);
	made->address[text.length] = '\0';
	return 0;
}

static int take_database(struct sl_redis_uri *made, struct sl_span text, const char **why)
{
	*why = "behind the slash: the number of a database, 0 to 1023";
	if (text.length > 4)
		return -EINVAL;
	for (size_t i = 0; i < text.length; i++) {
		if (!isdigit((unsigned char)text.at[i]))
			return -EINVAL;
		made->database = made->database * 10 + (uint32_t)(text.at[i] - '0');
	}
	return made->database <= SL_REDIS_DATABASE_MAX ? 0 : -EINVAL;
}

static int parse(struct sl_redis_uri *made, struct sl_span text, const char **why)
{
	/* What a password holds is escaped, but an @ is often not: the last one counts. */
	size_t slash, login;
	int err = 0;

	*why = "rediss: the client library of Debian 12 has no TLS; use a tunnel on this host";
	if (begins(text, SCHEME_TLS))
		return -EPROTONOSUPPORT;
	*why = "want redis://HOST[:PORT][/DATABASE]";
	if (!begins(text, SCHEME))
		return -EINVAL;
	text = behind(text, strlen(SCHEME));
	login = length_to_last(text, '@');
	if (login < text.length) {
		err = take_login(made, (struct sl_span){ text.at, login }, why);
		text = behind(text, login + 1);
	}
	slash = length_to_first(text, '/');
	if (!err)
		err = take_address(made, (struct sl_span){ text.at, slash }, why);
	if (!err && slash < text.length)
		err = take_database(made, behind(text, slash + 1), why);
	return err;
}

int sl_redis_uri_parse(struct sl_redis_uri *ret, struct sl_span text, const char **ret_why)
{
	struct sl_redis_uri made = { .database = 0 };
	const int err = parse(&made, text, ret_why);

	if (!err)
		*ret = made;
	explicit_bzero(&made, sizeof(made));
	return err;
}
