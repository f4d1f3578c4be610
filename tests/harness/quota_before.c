// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/quota_before.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/options.h"

#define WORD 8

static uint64_t word(const char *at)
{
	uint64_t number = 0;

	for (int i = 0; i < WORD; i++)
		number = number << 8 | (uint8_t)at[i];
	return number;
}

static void add(struct sl_wire_call *call, uint64_t number)
{
	const size_t room = sizeof(call->bytes) - call->used;
	char *at = call->bytes + call->used;
	const int length = snprintf(at, room, "%" PRIu64, number);

	if (length < 0 || (size_t)length >= room || call->argc == SL_WIRE_ARGS_MAX)
		sl_die("a call of before that does not fit");
	call->argv[call->argc] = at;
	call->lengths[call->argc++] = (size_t)length;
	call->used += (size_t)length + 1;
}

void sl_quota_call_before(struct sl_wire_call *call, size_t words, size_t kept)
{
	static char data[SL_WIRE_BYTES_MAX];
	size_t length;

	if (!call->argc)
		return;
	length = call->lengths[--call->argc];
	memcpy(data, call->argv[call->argc], length);
	call->used = (size_t)(call->argv[call->argc] - call->bytes);
	for (size_t i = 0; i < length / WORD; i++)
		if (i % words < kept)
			add(call, word(data + i * WORD));
}

void sl_quota_call_cut(struct sl_wire_call *call, size_t words, size_t kept)
{
	char *data = call->bytes + call->used;
	size_t length = 0, at = 0;

	if (!call->argc)
		return;
	length = call->lengths[call->argc - 1];
	data -= length;
	for (size_t i = 0; i < length / WORD; i++)
		if (i % words < kept)
			memmove(data + WORD * at++, data + WORD * i, WORD);
	call->lengths[call->argc - 1] = WORD * at;
	call->used -= length - WORD * at;
}
