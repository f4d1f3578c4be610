// SPDX-License-Identifier: Apache-2.0
/* Where Redis is in one word. What is accepted can be connected to, and logged in with. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/redis/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

/* Ends, and has nothing that would end it earlier for others. */
static void check_word(const char *word, size_t size)
{
	require(memchr(word, 0, size) != NULL);
	for (; *word; word++)
		require((unsigned char)*word >= ' ' && *word != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_redis_uri uri;
	struct sl_redis_address address;
	const char *why = NULL;

	if (sl_redis_uri_parse(&uri, (struct sl_span){ (const char *)data, size }, &why)) {
		require(why && *why);
		return 0;
	}
	check_word(uri.user, sizeof(uri.user));
	check_word(uri.password, sizeof(uri.password));
	require(!uri.user[0] || uri.password[0]);
	require(uri.database <= SL_REDIS_DATABASE_MAX);
	require(memchr(uri.address, 0, sizeof(uri.address)) != NULL);
	require(sl_redis_parse_address(&address, sl_span_of(uri.address), 1) == 0);
	return 0;
}
