// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/wire.h"

#include <stdint.h>
#include <string.h>

static size_t digits_of(size_t number)
{
	size_t digits = 1;

	while (number >= 10) {
		number /= 10;
		digits++;
	}
	return digits;
}

/* '*' or '$', the number, CR, LF */
static size_t head_length(size_t number)
{
	return 1 + digits_of(number) + 2;
}

static char *write_head(char *at, char kind, size_t number)
{
	const size_t digits = digits_of(number);

	*at++ = kind;
	for (size_t i = digits; i-- > 0; number /= 10)
		at[i] = (char)('0' + number % 10);
	at += digits;
	*at++ = '\r';
	*at++ = '\n';
	return at;
}

size_t sl_redis_wire_length(size_t argc, const size_t *lens)
{
	size_t length = head_length(argc);

	for (size_t i = 0; i < argc; i++) {
		if (lens[i] > SIZE_MAX / 2 || length > SIZE_MAX / 4)
			return SIZE_MAX;
		length += head_length(lens[i]) + lens[i] + 2;
	}
	return length;
}

void sl_redis_wire_write(char *ret, size_t argc, const char *const *argv, const size_t *lens)
{
	char *at = write_head(ret, '*', argc);

	for (size_t i = 0; i < argc; i++) {
		at = write_head(at, '$', lens[i]);
		if (lens[i])
			memcpy(at, argv[i], lens[i]);
		at += lens[i];
		*at++ = '\r';
		*at++ = '\n';
	}
}
