// SPDX-License-Identifier: Apache-2.0
#include "userspace/obs/accept.h"

#include <strings.h>

#define QUALITY_MAX 1000

/* Cuts @rest at @separator; what is before it comes back without the space around it. */
static struct sl_span next(struct sl_span *rest, char separator)
{
	const char *end = memchr(rest->at, separator, rest->length);
	struct sl_span part = { rest->at, end ? (size_t)(end - rest->at) : rest->length };

	rest->at += part.length + (end != NULL);
	rest->length -= part.length + (end != NULL);
	while (part.length && sl_byte_in(part.at[0], " \t")) {
		part.at++;
		part.length--;
	}
	while (part.length && sl_byte_in(part.at[part.length - 1], " \t"))
		part.length--;
	return part;
}

static bool is_named(struct sl_span text, const char *name)
{
	return text.length == strlen(name) && strncasecmp(text.at, name, text.length) == 0;
}

/* "q=0.5" in thousandths; -1: it is no quality. */
static int quality(struct sl_span parameter)
{
	int value, scale = QUALITY_MAX / 10;

	if (parameter.length < 3 || !is_named((struct sl_span){ parameter.at, 2 }, "q=") ||
	    !sl_byte_in(parameter.at[2], "01"))
		return -1;
	value = (parameter.at[2] - '0') * QUALITY_MAX;
	for (size_t i = 4; i < parameter.length && scale; i++, scale /= 10) {
		if (parameter.at[3] != '.' || !sl_byte_in(parameter.at[i], "0123456789"))
			return -1;
		value += (parameter.at[i] - '0') * scale;
	}
	return value > QUALITY_MAX ? QUALITY_MAX : value;
}

static void read_item(struct sl_span item, int *openmetrics, int *plain)
{
	struct sl_span type = next(&item, ';');
	int value = QUALITY_MAX;

	while (item.length) {
		int q = quality(next(&item, ';'));

		value = q >= 0 ? q : value;
	}
	if (is_named(type, "application/openmetrics-text") && value > *openmetrics)
		*openmetrics = value;
	if (is_named(type, "text/plain") && value > *plain)
		*plain = value;
}

bool sl_accepts_openmetrics(struct sl_span accept)
{
	int openmetrics = 0, plain = 0;

	while (accept.length)
		read_item(next(&accept, ','), &openmetrics, &plain);
	return openmetrics > 0 && openmetrics >= plain;
}
