// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value to fill: the root is new, others are in the array that holds them. */
static struct sl_redis_reply *place(const redisReadTask *task, struct sl_redis_reader *state)
{
	const struct sl_redis_reply *parent = task->parent ? task->parent->obj : NULL;

	if (parent)
		return task->idx >= 0 && (size_t)task->idx < parent->count
			       ? (struct sl_redis_reply *)(uintptr_t)&parent->items[task->idx]
			       : NULL;
	state->values = 1;
	state->bytes = 0;
	return calloc(1, sizeof(struct sl_redis_reply));
}

static struct sl_redis_reply *begin(const redisReadTask *task)
{
	struct sl_redis_reader *state = task->privdata;

	if (!state->is_awaited(state->context)) {
		state->hostile = true;
		return NULL;
	}
	return place(task, state);
}

/* What could not be filled; a root is freed, an item belongs to its array. */
static void *give_up(const redisReadTask *task, struct sl_redis_reply *reply)
{
	if (!task->parent)
		free(reply);
	return NULL;
}

static enum sl_redis_type type_of(int type)
{
	switch (type) {
	case REDIS_REPLY_ERROR:
		return SL_REDIS_ERROR;
	case REDIS_REPLY_STATUS:
		return SL_REDIS_STATUS;
	default:
		return SL_REDIS_STRING;
	}
}

static void keep_unasked(const redisReadTask *task, const char *text, size_t length)
{
	struct sl_redis_reader *state = task->privdata;

	if (task->type == REDIS_REPLY_ERROR && !task->parent && !state->is_awaited(state->context))
		(void)snprintf(state->unasked, sizeof(state->unasked), "%.*s",
			       (int)(length < 100 ? length : 100), text);
}

static void *create_string(const redisReadTask *task, char *text, size_t length)
{
	struct sl_redis_reader *state = task->privdata;
	struct sl_redis_reply *reply;
	char *copy;

	keep_unasked(task, text, length);
	reply = begin(task);
	if (!reply)
		return NULL;
	if (length > SL_REDIS_REPLY_BYTES_MAX - state->bytes) {
		state->hostile = true;
		return give_up(task, reply);
	}
	copy = malloc(length + 1);
	if (!copy)
		return give_up(task, reply);
	memcpy(copy, text, length);
	copy[length] = '\0';
	state->bytes += length;
	reply->type = type_of(task->type);
	reply->text = (struct sl_span){ copy, length };
	return reply;
}

static void *create_array(const redisReadTask *task, int count)
{
	struct sl_redis_reader *state = task->privdata;
	struct sl_redis_reply *reply = begin(task);
	struct sl_redis_reply *items = NULL;

	if (!reply)
		return NULL;
	if (count < 0 || (size_t)count > SL_REDIS_REPLY_VALUES_MAX - state->values) {
		state->hostile = true;
		return give_up(task, reply);
	}
	if (count) {
		items = calloc((size_t)count, sizeof(*items));
		if (!items)
			return give_up(task, reply);
	}
	state->values += (size_t)count;
	reply->type = SL_REDIS_ARRAY;
	reply->items = items;
	reply->count = (size_t)count;
	return reply;
}

static void *create_integer(const redisReadTask *task, long long value)
{
	struct sl_redis_reply *reply = begin(task);

	if (!reply)
		return NULL;
	reply->type = SL_REDIS_INTEGER;
	reply->integer = value;
	return reply;
}

static void *create_nil(const redisReadTask *task)
{
	return begin(task); /* all zero is a nil */
}

/* As deep as hiredis reads: SL_REDIS_REPLY_DEPTH_MAX. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void clear(const struct sl_redis_reply *reply)
{
	for (size_t i = 0; i < reply->count; i++)
		clear(&reply->items[i]);
	free((void *)(uintptr_t)reply->items);
	free((void *)(uintptr_t)reply->text.at);
}

static void free_reply(void *reply)
{
	if (!reply)
		return;
	clear(reply);
	free(reply);
}

void sl_redis_reader_attach(redisReader *reader, struct sl_redis_reader *state)
{
	static redisReplyObjectFunctions functions = {
		.createString = create_string,
		.createArray = create_array,
		.createInteger = create_integer,
		.createNil = create_nil,
		.freeObject = free_reply,
	};

	reader->fn = &functions;
	reader->privdata = state;
}
