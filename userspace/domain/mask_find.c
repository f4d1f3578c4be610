// SPDX-License-Identifier: Apache-2.0
/* One walk over the text; at each place that can begin something, what it looks like. */
#include "userspace/domain/mask.h"
#include "userspace/domain/mask_looks.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LOCAL_CHARS_MAX	 64 /* of an e-mail address, before the @ */
#define DOMAIN_CHARS_MAX 255
#define LOGIN_CHARS_MAX	 512 /* of a URL */
#define NAME_CHARS_MAX	 32

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

bool sl_mask_is_secret(struct sl_span name)
{
	static const char *const secrets[] = {
		"password",    "passwd",       "passphrase",
		"apikey",      "secret",       "token",
		"accesstoken", "refreshtoken", "idtoken",
		"authtoken",   "sessiontoken", "authorization",
		"creditcard",  "cardnumber",   "cvv",
		"ssn",	       "email",	       "emailaddress",
		"phone",       "phonenumber",  "bearer",
		"xapikey",     "xauthtoken",   "cookie",
		"setcookie",   "clientsecret", "xauthorization",
		"privatekey",  "secretkey",    "proxyauthorization",
	};
	char packed[NAME_CHARS_MAX];
	size_t length = 0;

	for (size_t i = 0; i < name.length; i++) {
		if (name.at[i] == '-' || name.at[i] == '_')
			continue;
		if (length == sizeof(packed))
			return false;
		packed[length++] = lower(name.at[i]);
	}
	for (size_t i = 0; i < COUNT(secrets); i++)
		if (sl_span_is((struct sl_span){ packed, length }, secrets[i]))
			return true;
	return false;
}

static bool is_local(char byte)
{
	return sl_is_alnum(byte) || sl_byte_in(byte, "._%+-'!#$*^~|") ||
	       (unsigned char)byte >= 0x80;
}

static bool is_domain(char byte)
{
	return sl_is_alnum(byte) || byte == '.' || byte == '-' || (unsigned char)byte >= 0x80;
}

/* Behind the name of a host with a point in it and letters behind the last one. */
static size_t domain_end(struct sl_span text, size_t at)
{
	size_t end = at, point = at;

	while (end < text.length && end - at < DOMAIN_CHARS_MAX && is_domain(text.at[end])) {
		if (text.at[end] == '.' && end + 1 < text.length && sl_is_alnum(text.at[end + 1]))
			point = end;
		end++;
	}
	while (end > at && (text.at[end - 1] == '.' || text.at[end - 1] == '-'))
		end--;
	if (point == at || end < point + 3 || sl_is_digit(text.at[point + 1]))
		return 0;
	return end;
}

/* At an @; nothing before @from is looked at. */
static bool find_email(struct sl_span *ret, struct sl_span text, size_t from, size_t at)
{
	size_t begin = at, end = domain_end(text, at + 1);

	while (begin > from && at - begin < LOCAL_CHARS_MAX && is_local(text.at[begin - 1]))
		begin--;
	while (begin < at && sl_byte_in(text.at[begin], ".'-"))
		begin++;
	if (!end || begin == at)
		return false;
	*ret = (struct sl_span){ text.at + begin, end - begin };
	return true;
}

/* At "://": who logs in, up to the @ before the host. */
static bool find_login(struct sl_span *ret, struct sl_span text, size_t at)
{
	size_t begin = at + 3, end = begin;

	while (end < text.length && end - begin < LOGIN_CHARS_MAX && text.at[end] > ' ' &&
	       !sl_byte_in(text.at[end], "@/?#\"'<>"))
		end++;
	if (end == begin || end == text.length || text.at[end] != '@')
		return false;
	*ret = (struct sl_span){ text.at + begin, end - begin };
	return true;
}

static bool is_word(struct sl_span text, const char *word)
{
	if (text.length != strlen(word))
		return false;
	for (size_t i = 0; i < text.length; i++)
		if (lower(text.at[i]) != word[i])
			return false;
	return true;
}

static bool is_scheme(struct sl_span word)
{
	return is_word(word, "bearer") || is_word(word, "basic") || is_word(word, "digest") ||
	       is_word(word, "apikey") || is_word(word, "token");
}

static bool ends_a_value(char byte)
{
	return (byte >= '\0' && byte <= ' ') || sl_byte_in(byte, "\"'&;,<>(){}[]\\");
}

static size_t value_end(struct sl_span text, size_t at)
{
	while (at < text.length && !ends_a_value(text.at[at]))
		at++;
	return at;
}

static size_t skip(struct sl_span text, size_t at, const char *set)
{
	while (at < text.length && sl_byte_in(text.at[at], set))
		at++;
	return at;
}

/* At = or a colon: password=..., "api_key": "..." in a text, Authorization: Basic ... */
static bool find_assigned(struct sl_span *ret, struct sl_span text, size_t from, size_t at)
{
	size_t name_end = at, name, begin, end;

	while (name_end > from && at - name_end < 3 && sl_byte_in(text.at[name_end - 1], "\"'\\ "))
		name_end--;
	name = name_end;
	while (name > from && name_end - name < NAME_CHARS_MAX &&
	       (sl_is_alnum(text.at[name - 1]) || sl_byte_in(text.at[name - 1], "-_")))
		name--;
	if (name == name_end ||
	    !sl_mask_is_secret((struct sl_span){ text.at + name, name_end - name }))
		return false;
	begin = skip(text, at + 1, "\"'\\ ");
	end = value_end(text, begin);
	if (is_scheme((struct sl_span){ text.at + begin, end - begin }))
		end = value_end(text, skip(text, end, " "));
	if (end == begin)
		return false;
	*ret = (struct sl_span){ text.at + begin, end - begin };
	return true;
}

/* "Bearer" and what follows: in lower case it is a word of the language as well, so
 * that what follows must look like no word. */
static bool find_bearer(struct sl_span *ret, struct sl_span text, size_t at)
{
	static const char bearer[] = "bearer";
	size_t length = sizeof(bearer) - 1, begin, end;
	bool odd;

	if (text.length - at <= length || text.at[at + length] != ' ' ||
	    !is_word((struct sl_span){ text.at + at, length }, bearer))
		return false;
	begin = skip(text, at + length, " ");
	end = value_end(text, begin);
	odd = text.at[at] == 'B' || end - begin >= 20;
	for (size_t i = begin; i < end && !odd; i++)
		odd = sl_is_digit(text.at[i]);
	if (!odd || end == begin)
		return false;
	*ret = (struct sl_span){ text.at + begin, end - begin };
	return true;
}

/* A number may begin here: it is no later part of an id, a date, a version or a path. */
static bool begins_number(struct sl_span text, size_t from, size_t at)
{
	char before = at > from ? text.at[at - 1] : ' ',
	     earlier = at > from + 1 ? text.at[at - 2] : ' ';

	if (sl_is_alnum(before) || before == '_' || before == '+')
		return false;
	if (before == '-' || before == '.')
		return !sl_is_alnum(earlier);
	if (before == ':' || before == '/')
		return !sl_is_digit(earlier);
	return true;
}

static bool begins_word(struct sl_span text, size_t from, size_t at)
{
	char before = at > from ? text.at[at - 1] : ' ';

	return !sl_is_alnum(before) && !sl_byte_in(before, "-_.");
}

static size_t number_bytes(struct sl_span text, size_t at)
{
	size_t bytes = 0;

	if (sl_is_digit(text.at[at]))
		bytes = sl_looks_like_card(text, at);
	if (!bytes && sl_is_digit(text.at[at]))
		bytes = sl_looks_like_ssn(text, at);
	return bytes ? bytes : sl_looks_like_phone(text, at);
}

static bool find_word(struct sl_span *ret, struct sl_span text, size_t at)
{
	size_t bytes = sl_looks_like_key(text, at);

	if (!bytes)
		bytes = sl_looks_like_insurance(text, at);
	if (!bytes)
		return find_bearer(ret, text, at);
	*ret = (struct sl_span){ text.at + at, bytes };
	return true;
}

static bool find_at(struct sl_span *ret, struct sl_span text, size_t from, size_t at)
{
	char byte = text.at[at];
	size_t bytes;

	if (byte == '@')
		return find_email(ret, text, from, at);
	if (byte == ':' && text.length - at > 3 && memcmp(text.at + at, "://", 3) == 0)
		return find_login(ret, text, at);
	if (byte == '=' || byte == ':')
		return find_assigned(ret, text, from, at);
	if (sl_is_digit(byte) || byte == '+' || byte == '(') {
		bytes = begins_number(text, from, at) ? number_bytes(text, at) : 0;
	} else if (byte == '-') {
		bytes = sl_looks_like_pem(text, at);
	} else {
		return sl_is_alnum(byte) && begins_word(text, from, at) && find_word(ret, text, at);
	}
	if (bytes)
		*ret = (struct sl_span){ text.at + at, bytes };
	return bytes > 0;
}

bool sl_mask_find(struct sl_span *ret, struct sl_span text, size_t from)
{
	for (size_t at = from; at < text.length; at++)
		if (find_at(ret, text, from, at))
			return true;
	return false;
}
