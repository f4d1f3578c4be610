// SPDX-License-Identifier: Apache-2.0
/* The types of table.h that keep a text in the caller's array. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/conf/table.h"
#include "userspace/domain/text_error.h"

static int keep(void *at, const char *text)
{
	memcpy(at, text, strlen(text) + 1);
	return 0;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

/* Only a default is empty: nothing was chosen. */
static int parse_text(void *at, const char *text, const struct sl_conf_field *field,
		      struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];

	if (strlen(text) >= field->size || has_control(text))
		return sl_text_refuse(error, -EINVAL,
				      "%s is not a text of at most %zu bytes without control "
				      "characters",
				      sl_text_quote(quoted, text), field->size - 1);
	return keep(at, text);
}

static bool is_word(const char *text)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("._-", *text))
			return false;
	return true;
}

static int parse_word(void *at, const char *text, const struct sl_conf_field *field,
		      struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];

	if (strlen(text) >= field->size || !is_word(text))
		return sl_text_refuse(error, -EINVAL,
				      "%s is not a word of at most %zu of A-Z a-z 0-9 . _ -",
				      sl_text_quote(quoted, text), field->size - 1);
	return keep(at, text);
}

/* Tokens of printable characters with dots between them; no wildcard. */
static bool is_subject(const char *text)
{
	const char *before = ".";

	for (const char *at = text; *at; before = at++)
		if (*at <= ' ' || *at > '~' || strchr("*>", *at) || (*at == '.' && *before == '.'))
			return false;
	return *before != '.' || *text == '\0';
}

static int parse_subject(void *at, const char *text, const struct sl_conf_field *field,
			 struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];

	if (strlen(text) >= field->size || !is_subject(text))
		return sl_text_refuse(error, -EINVAL,
				      "%s is not a subject of at most %zu bytes, like "
				      "caf.exec.assign.v1, without wildcards",
				      sl_text_quote(quoted, text), field->size - 1);
	return keep(at, text);
}

/* "scheme://something" with one of the schemes. */
static bool is_url(const char *text, size_t length, const struct sl_choice *schemes)
{
	for (const struct sl_choice *scheme = schemes; scheme->name; scheme++) {
		const size_t prefix = strlen(scheme->name);

		if (length > prefix + 3 && strncmp(text, scheme->name, prefix) == 0 &&
		    strncmp(text + prefix, "://", 3) == 0) {
			for (size_t i = 0; i < length; i++)
				if (text[i] <= ' ' || text[i] > '~' || text[i] == ',')
					return false;
			return true;
		}
	}
	return false;
}

/* Not quoted: it may hold a password. */
static int refuse_url(struct sl_text_error *error, const struct sl_conf_field *field)
{
	char schemes[SL_CHOICES_BYTES];

	return sl_text_refuse(error, -EINVAL,
			      "it is not %s of at most %zu bytes with the scheme %s",
			      field->type->name, field->size - 1,
			      sl_choice_list(schemes, sizeof(schemes), field->choices));
}

static int parse_url(void *at, const char *text, const struct sl_conf_field *field,
		     struct sl_text_error *error)
{
	if (*text && (strlen(text) >= field->size || !is_url(text, strlen(text), field->choices)))
		return refuse_url(error, field);
	return keep(at, text);
}

static int parse_urls(void *at, const char *text, const struct sl_conf_field *field,
		      struct sl_text_error *error)
{
	const char *url = text;

	if (strlen(text) >= field->size)
		return refuse_url(error, field);
	while (*url) {
		const size_t length = strcspn(url, ",");

		if (!is_url(url, length, field->choices) ||
		    (url[length] == ',' && url[length + 1] == '\0'))
			return refuse_url(error, field);
		url += length + (url[length] == ',');
	}
	return keep(at, text);
}

static int parse_file(void *at, const char *text, const struct sl_conf_field *field,
		      struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];

	if (*text && (text[0] != '/' || strlen(text) >= field->size || has_control(text)))
		return sl_text_refuse(error, -EINVAL,
				      "%s is not an absolute path of at most %zu bytes",
				      sl_text_quote(quoted, text), field->size - 1);
	return keep(at, text);
}

/* Digits, and after a point more of them: nothing that a locale or a float's tricks change. */
static int parse_real(void *at, const char *text, const struct sl_conf_field *field,
		      struct sl_text_error *error)
{
	const size_t whole = strspn(text, "0123456789");
	const size_t part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	char quoted[SL_QUOTE_BYTES];
	double value = 0, scale = 1;

	if (whole == 0 || whole + part > 18 || (text[whole] == '.' && part == 0) ||
	    text[whole + part + (text[whole] == '.')] != '\0')
		return sl_text_refuse(error, -EINVAL, "%s is not a number like 0.25",
				      sl_text_quote(quoted, text));
	for (size_t i = 0; i < whole; i++)
		value = value * 10 + (text[i] - '0');
	for (size_t i = 0; i < part; i++) {
		value = value * 10 + (text[whole + 1 + i] - '0');
		scale *= 10;
	}
	value /= scale;
	if (value < (double)field->min || value > (double)field->max)
		return sl_text_refuse(error, -ERANGE, "%s is out of range; allowed: %llu to %llu",
				      sl_text_quote(quoted, text), (unsigned long long)field->min,
				      (unsigned long long)field->max);
	*(double *)at = value;
	return 0;
}

const struct sl_conf_type sl_conf_text = { "a text", parse_text, 0, false };
const struct sl_conf_type sl_conf_word = { "a word", parse_word, 0, false };
const struct sl_conf_type sl_conf_subject = { "a subject", parse_subject, 0, false };
const struct sl_conf_type sl_conf_url = { "a URL", parse_url, 0, false };
const struct sl_conf_type sl_conf_urls = { "URLs with commas between them", parse_urls, 0, false };
const struct sl_conf_type sl_conf_file = { "an absolute file path", parse_file, 0, false };
const struct sl_conf_type sl_conf_real = { "a number", parse_real, 0, false };
