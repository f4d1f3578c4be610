// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/text.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/text_error.h"

const struct sl_choice sl_choices_mode[] = {
	{ "enforce", SL_MODE_ENFORCE },
	{ "shadow", SL_MODE_SHADOW },
	{ "off", SL_MODE_OFF },
	{ NULL, 0 },
};

const struct sl_choice sl_choices_fallback[] = {
	{ "last", SL_FALLBACK_LAST },	  { "safe", SL_FALLBACK_SAFE },
	{ "closed", SL_FALLBACK_CLOSED }, { "open", SL_FALLBACK_OPEN },
	{ "blend", SL_FALLBACK_BLEND },	  { NULL, 0 },
};

const struct sl_choice sl_choices_attach[] = {
	{ "native", SL_ATTACH_NATIVE },
	{ "generic", SL_ATTACH_GENERIC },
	{ "tc-only", SL_ATTACH_TC_ONLY },
	{ NULL, 0 },
};

const struct sl_choice sl_choices_on_miss[] = {
	{ "limit", SL_ON_MISS_LIMIT },
	{ "pass", SL_ON_MISS_PASS },
	{ "drop", SL_ON_MISS_DROP },
	{ NULL, 0 },
};

const struct sl_choice sl_choices_protocol[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ "icmp", IPPROTO_ICMP },
	{ "icmpv6", IPPROTO_ICMPV6 },
	{ NULL, 0 },
};

int sl_text_refuse(struct sl_text_error *error, int code, const char *format, ...)
{
	va_list args;

	if (!error)
		return code;
	va_start(args, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return code;
}

const char *sl_text_quote(char buffer[SL_QUOTE_BYTES], const char *text)
{
	static const char tail[] = "...\"";
	const size_t end = SL_QUOTE_BYTES - sizeof(tail);
	size_t at = 0;

	buffer[at++] = '"';
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
		size_t width = plain ? 1 : 4;

		if (at + width > end) {
			memcpy(buffer + at, tail, sizeof(tail));
			return buffer;
		}
		if (plain)
			buffer[at] = (char)c;
		else
			(void)snprintf(buffer + at, SL_QUOTE_BYTES - at, "\\x%02x", c);
		at += width;
	}
	buffer[at++] = '"';
	buffer[at] = '\0';
	return buffer;
}

int sl_parse_bool(bool *ret, const char *text, struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];

	if (strcmp(text, "true") == 0)
		*ret = true;
	else if (strcmp(text, "false") == 0)
		*ret = false;
	else
		return sl_text_refuse(error, -EINVAL, "%s is neither true nor false",
				      sl_text_quote(quoted, text));
	return 0;
}

static bool is_name_char(char c, bool first)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
		return true;
	return !first && (c == '.' || c == '_' || c == '-');
}

int sl_parse_name(char ret[SL_TENANT_NAME_BYTES], const char *text, struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];
	size_t len = strlen(text);
	bool good = len > 0 && len < SL_TENANT_NAME_BYTES;

	for (size_t i = 0; good && i < len; i++)
		good = is_name_char(text[i], i == 0);
	if (!good)
		return sl_text_refuse(error, -EINVAL,
				      "%s is not a name; allowed: 1 to %u of A-Z a-z 0-9 . _ -, "
				      "the first a letter or digit",
				      sl_text_quote(quoted, text), SL_TENANT_NAME_BYTES - 1);
	if (strcmp(text, SL_NAME_UNKNOWN) == 0)
		return sl_text_refuse(error, -ERANGE,
				      "\"%s\" is reserved for traffic that is nobody's",
				      SL_NAME_UNKNOWN);
	memcpy(ret, text, len + 1);
	return 0;
}

int sl_parse_choice(int *ret, const char *text, const struct sl_choice *choices,
		    struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];
	char names[SL_CHOICES_BYTES];

	for (const struct sl_choice *c = choices; c->name; c++) {
		if (strcmp(text, c->name) == 0) {
			*ret = c->value;
			return 0;
		}
	}
	return sl_text_refuse(error, -EINVAL, "%s is not allowed; allowed: %s",
			      sl_text_quote(quoted, text),
			      sl_choice_list(names, sizeof(names), choices));
}

const char *sl_choice_name(const struct sl_choice *choices, int value)
{
	for (; choices->name; choices++)
		if (choices->value == value)
			return choices->name;
	return "?";
}

size_t sl_text_append(char *buffer, size_t size, size_t at, const char *text)
{
	size_t len = strlen(text);

	if (len > size - 1 - at)
		len = size - 1 - at;
	memcpy(buffer + at, text, len);
	buffer[at + len] = '\0';
	return at + len;
}

const char *sl_choice_list(char *buffer, size_t size, const struct sl_choice *choices)
{
	size_t at = 0;

	buffer[0] = '\0';
	for (size_t i = 0; choices[i].name; i++) {
		if (i > 0)
			at = sl_text_append(buffer, size, at, choices[i + 1].name ? ", " : " or ");
		at = sl_text_append(buffer, size, at, choices[i].name);
	}
	return buffer;
}
