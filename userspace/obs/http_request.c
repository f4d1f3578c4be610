// SPDX-License-Identifier: Apache-2.0
#include "userspace/obs/http_request.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "userspace/obs/accept.h"

static bool is_token(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)bytes[i]) &&
		    (!bytes[i] || !strchr("!#$%&'*+-.^_`|~", bytes[i])))
			return false;
	return length > 0;
}

/* No control bytes in a target; and none of ours has anything but plain letters. */
static bool is_visible(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)bytes[i] <= ' ' || (unsigned char)bytes[i] >= 0x7f)
			return false;
	return length > 0;
}

/* The end of the line that starts at @at, before its CRLF, or NULL. A bare LF
 * or CR inside a line is where smuggling begins: it makes the line malformed. */
static const char *line_end(const char *at, const char *end)
{
	const char *cr = memchr(at, '\r', (size_t)(end - at));

	if (!cr || end - cr < 2 || cr[1] != '\n' || memchr(at, '\n', (size_t)(cr - at)))
		return NULL;
	return cr;
}

static int parse_first(struct sl_http_request *ret, const char *line, const char *end)
{
	const char *target = memchr(line, ' ', (size_t)(end - line));
	const char *version, *query;
	size_t path_bytes;
	bool get, head;

	if (!target || !is_token(line, (size_t)(target - line)))
		return 400;
	get = target - line == 3 && memcmp(line, "GET", 3) == 0;
	head = target - line == 4 && memcmp(line, "HEAD", 4) == 0;
	target++;
	version = memchr(target, ' ', (size_t)(end - target));
	if (!version || !is_visible(target, (size_t)(version - target)))
		return 400;
	if (end - version != 9 || memcmp(version, " HTTP/1.", 8) != 0 ||
	    !isdigit((unsigned char)version[8]))
		return 400;
	if (!get && !head)
		return 405;
	if (*target != '/')
		return 400;
	query = memchr(target, '?', (size_t)(version - target));
	path_bytes = (size_t)((query ? query : version) - target);
	if (path_bytes >= sizeof(ret->path))
		return 404;
	memcpy(ret->path, target, path_bytes);
	ret->path[path_bytes] = '\0';
	ret->head_only = head;
	return 200;
}

static bool read_header(struct sl_http_request *ret, const char *line, const char *end)
{
	const char *colon = memchr(line, ':', (size_t)(end - line));
	size_t name = colon ? (size_t)(colon - line) : 0;

	if (!colon || !is_token(line, name))
		return false;
	if (name == 6 && strncasecmp(line, "accept", name) == 0 &&
	    sl_accepts_openmetrics((struct sl_span){ colon + 1, (size_t)(end - colon - 1) }))
		ret->openmetrics = 1;
	return true;
}

int sl_http_parse(struct sl_http_request *ret, const char *bytes, size_t length)
{
	const char *head_end = length ? memmem(bytes, length, "\r\n\r\n", 4) : NULL;
	struct sl_http_request request = { .openmetrics = 0 };
	const char *end, *line;
	int status;

	if (!head_end)
		return length < SL_HTTP_HEAD_BYTES_MAX ? 0 : 431;
	if (head_end - bytes + 4 > (ptrdiff_t)SL_HTTP_HEAD_BYTES_MAX)
		return 431;
	end = head_end + 2;
	line = line_end(bytes, end);
	if (!line)
		return 400;
	status = parse_first(&request, bytes, line);
	for (bytes = line + 2; bytes < end; bytes = line + 2) {
		line = line_end(bytes, end);
		if (!line || !read_header(&request, bytes, line))
			return 400;
	}
	if (status == 200)
		*ret = request;
	return status;
}
