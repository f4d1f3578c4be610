// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/http_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void sl_http_answer_begin(struct sl_http_answer *answer)
{
	answer->head_bytes = 0;
	answer->body_bytes = 0;
	answer->status = 0;
	answer->closes = false;
	answer->broken = false;
	answer->filled = 0;
}

static void read_field(struct sl_http_answer *answer, const char *line)
{
	if (strncasecmp(line, "Content-Length:", 15) == 0)
		answer->body_bytes = strtoull(line + 15, NULL, 10);
	else if (strncasecmp(line, "Connection: close", 17) == 0)
		answer->closes = true;
	else if (strncasecmp(line, "Transfer-Encoding:", 18) == 0)
		answer->broken = true;
}

static void read_head(struct sl_http_answer *answer)
{
	const char *end = strstr(answer->head, "\r\n\r\n");
	const char *line = answer->head;

	if (!end) {
		answer->broken = answer->filled == sizeof(answer->head) - 1;
		return;
	}
	answer->head_bytes = (size_t)(end - answer->head) + 4;
	if (sscanf(answer->head, "HTTP/1.%*1d %3d", &answer->status) != 1)
		answer->broken = true;
	while ((line = strstr(line, "\r\n")) && line < end) {
		line += 2;
		read_field(answer, line);
	}
}

static bool take_body(struct sl_http_answer *answer, size_t n)
{
	answer->body_bytes = n < answer->body_bytes ? answer->body_bytes - n : 0;
	return answer->body_bytes == 0;
}

bool sl_http_answer_take(struct sl_http_answer *answer, const char *bytes, size_t n)
{
	size_t before = answer->filled;
	size_t room = sizeof(answer->head) - 1 - before;

	if (answer->head_bytes)
		return take_body(answer, n);

	memcpy(answer->head + before, bytes, n < room ? n : room);
	answer->filled += n < room ? n : room;
	answer->head[answer->filled] = '\0';
	read_head(answer);
	if (answer->broken)
		return true;
	return answer->head_bytes && take_body(answer, before + n - answer->head_bytes);
}
