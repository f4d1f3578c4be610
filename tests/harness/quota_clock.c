// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/quota_clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/options.h"
#include "userspace/quota/library.h"

#define CLOCK	  "test:clock"
#define TIME_CALL "redis.call('TIME')"
#define TEST_CALL "redis.call('HMGET', '" CLOCK "', 's', 'us')"

void sl_quota_clock_load(struct sl_resp *resp)
{
	const struct sl_span library = sl_quota_library();
	const char *at = memmem(library.at, library.length, TIME_CALL, strlen(TIME_CALL));
	const size_t head = at ? (size_t)(at - library.at) : 0, room = library.length + 128;
	char *text = malloc(room);
	struct sl_span reply;
	int length;

	if (!text || !at)
		sl_die("the library reads no TIME");
	length = snprintf(text, room, "%.*s%s%.*s", (int)head, library.at, TEST_CALL,
			  (int)(library.length - head - strlen(TIME_CALL)), at + strlen(TIME_CALL));
	if (length < 0 || (size_t)length >= room)
		sl_die("the library is too long");
	(void)sl_resp_words(resp, &reply, "FLUSHALL", NULL);
	(void)sl_resp_words(resp, &reply, "FUNCTION", "FLUSH", NULL);
	if (!sl_resp_words(resp, &reply, "FUNCTION", "LOAD", text, NULL))
		sl_die("FUNCTION LOAD: %.*s", (int)reply.length, reply.at);
	free(text);
}

void sl_quota_clock_set(struct sl_resp *resp, int64_t now_us)
{
	char s[24], us[24];
	struct sl_span reply;

	(void)snprintf(s, sizeof(s), "%" PRId64, now_us / 1000000);
	(void)snprintf(us, sizeof(us), "%" PRId64, now_us % 1000000);
	if (!sl_resp_words(resp, &reply, "HSET", CLOCK, "s", s, "us", us, NULL))
		sl_die("HSET: %.*s", (int)reply.length, reply.at);
}
