// SPDX-License-Identifier: Apache-2.0
/* Key-value on a stream, by the messages of NATS ADR-8. kv_list.c lists. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/kv_private.h"

#define EXPECTED_HEADER	 "Nats-Expected-Last-Subject-Sequence"
#define OPERATION_HEADER "KV-Operation"
#define DUPLICATE_MAX_S	 120u
#define STATUS_MISSING	 404u

int sl_kv_stream(char ret[SL_KV_STREAM_BYTES], const char *bucket)
{
	if (!sl_js_name_valid(bucket) || strlen(bucket) + sizeof("KV_") > SL_JS_NAME_MAX)
		return -EINVAL;
	(void)snprintf(ret, SL_KV_STREAM_BYTES, "KV_%s", bucket);
	return 0;
}

static bool key_character(char character, bool filter)
{
	return isalnum((unsigned char)character) || strchr("-/_=.", character) ||
	       (filter && (character == '*' || character == '>'));
}

static bool key_valid(const char *key, bool filter)
{
	size_t length = strlen(key);

	if (!length || key[0] == '.' || key[length - 1] == '.' || strstr(key, ".."))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!key_character(key[i], filter))
			return false;
	return true;
}

int sl_kv_subject(char ret[SL_BUS_SUBJECT_MAX], const char *bucket, const char *key, bool filter)
{
	int length;

	if (!sl_js_name_valid(bucket) || !key_valid(key, filter))
		return -EINVAL;
	length = snprintf(ret, SL_BUS_SUBJECT_MAX, "$KV.%s.%s", bucket, key);
	return length < (int)SL_BUS_SUBJECT_MAX ? 0 : -EINVAL;
}

int sl_kv_ensure(struct sl_bus *bus, const struct sl_kv_bucket *bucket, sl_js_done *done,
		 void *context)
{
	char name[SL_KV_STREAM_BYTES], subject[SL_BUS_SUBJECT_MAX];
	const char *const subjects[] = { subject, NULL };
	struct sl_js_stream stream = {
		.name = name,
		.subjects = subjects,
		.max_age_s = bucket->ttl_s,
		.max_bytes = bucket->max_bytes,
		.max_message_bytes = bucket->max_value_bytes,
		.max_per_subject = 1,
		.memory = bucket->memory,
		.direct_get = true,
		.replicas = bucket->replicas,
		.owns_age = true,
		.owns_bytes = bucket->owns_bytes,
	};
	int ret = sl_kv_stream(name, bucket->name);

	if (ret)
		return ret;
	(void)snprintf(subject, sizeof(subject), "$KV.%s.>", bucket->name);
	/* The server refuses a window longer than the life of a message. */
	if (bucket->ttl_s && bucket->ttl_s < DUPLICATE_MAX_S)
		stream.duplicate_window_s = bucket->ttl_s;
	return sl_js_ensure(bus, &stream, true, done, context);
}

static int store(struct sl_bus *bus, const char *bucket, const char *key,
		 const struct sl_bus_header *header, struct sl_span value, uint32_t timeout_ms,
		 sl_js_published_fn *done, void *context)
{
	char subject[SL_BUS_SUBJECT_MAX];
	int ret = sl_kv_subject(subject, bucket, key, false);

	if (ret)
		return ret;
	return sl_js_store(bus, subject, header, header ? 1 : 0, NULL, 0, value, timeout_ms, done,
			   context);
}

int sl_kv_put(struct sl_bus *bus, const char *bucket, const char *key, struct sl_span value,
	      uint32_t timeout_ms, sl_js_published_fn *done, void *context)
{
	return store(bus, bucket, key, NULL, value, timeout_ms, done, context);
}

int sl_kv_delete(struct sl_bus *bus, const char *bucket, const char *key, uint32_t timeout_ms,
		 sl_js_published_fn *done, void *context)
{
	const struct sl_bus_header header = { OPERATION_HEADER, SL_SPAN("DEL") };

	return store(bus, bucket, key, &header, (struct sl_span){ NULL, 0 }, timeout_ms, done,
		     context);
}

static int store_expected(struct sl_bus *bus, const char *bucket, const char *key,
			  struct sl_span value, uint64_t revision, uint32_t timeout_ms,
			  sl_js_published_fn *done, void *context)
{
	char number[32];
	struct sl_bus_header header = { EXPECTED_HEADER, { number, 0 } };

	header.value.length =
		(size_t)snprintf(number, sizeof(number), "%llu", (unsigned long long)revision);
	return store(bus, bucket, key, &header, value, timeout_ms, done, context);
}

/* ---- get ------------------------------------------------------------------------------ */

struct read {
	sl_js_got *done;
	void *context;
};

bool sl_kv_deleted(const struct sl_bus_message *message)
{
	return sl_bus_header(message, OPERATION_HEADER).length > 0;
}

/* The message itself, with what it is in headers; or a status. */
static int take_direct(struct sl_bus_message *message, uint64_t *ret_sequence)
{
	struct sl_span status = sl_bus_header(message, "Status");
	struct sl_span subject = sl_bus_header(message, "Nats-Subject");

	if (status.length)
		return sl_js_parse_status(status) == STATUS_MISSING ? -ENOENT : -EREMOTEIO;
	if (!subject.length ||
	    sl_js_parse_number(ret_sequence, sl_bus_header(message, "Nats-Sequence")) != 0)
		return -EPROTO;
	message->subject = subject;
	return 0;
}

static void read_answered(void *context, int status, const struct sl_bus_message *reply)
{
	sl_autofree struct read *read = context;
	struct sl_bus_message message = { .nats = reply ? reply->nats : NULL };
	uint64_t sequence = 0;

	if (!status)
		status = take_direct(&message, &sequence);
	if (!status && sl_kv_deleted(&message))
		status = -ENOENT;
	read->done(read->context, status, status ? NULL : &message, status ? 0 : sequence);
}

static int get(struct sl_bus *bus, const char *bucket, const char *key, uint32_t timeout_ms,
	       sl_bus_done *done, void *context)
{
	char name[SL_KV_STREAM_BYTES], subject[SL_BUS_SUBJECT_MAX], api[SL_BUS_SUBJECT_MAX];
	char text[SL_BUS_SUBJECT_MAX + 32];
	int ret = sl_kv_stream(name, bucket);
	int length;

	if (!ret)
		ret = sl_kv_subject(subject, bucket, key, false);
	if (ret)
		return ret;
	sl_js_subject(api, "DIRECT.GET", name, NULL);
	/* Nothing in a key needs an escape. */
	length = snprintf(text, sizeof(text), "{\"last_by_subj\":\"%s\"}", subject);
	return sl_bus_request(NULL, bus, api, NULL, 0, (struct sl_span){ text, (size_t)length },
			      timeout_ms, done, context);
}

int sl_kv_get(struct sl_bus *bus, const char *bucket, const char *key, uint32_t timeout_ms,
	      sl_js_got *done, void *context)
{
	sl_autofree struct read *read = malloc(sizeof(*read));
	int ret;

	if (!read)
		return -ENOMEM;
	*read = (struct read){ done, context };
	ret = get(bus, bucket, key, timeout_ms, read_answered, read);
	if (!ret)
		read = NULL;
	return ret;
}

/* ---- create: also over a delete marker --------------------------------------------------- */

struct created {
	struct sl_bus *bus;
	char bucket[SL_JS_NAME_MAX];
	char key[SL_BUS_SUBJECT_MAX];
	char *value;
	size_t value_bytes;
	uint32_t timeout_ms;
	sl_js_published_fn *done;
	void *context;
};

static void free_created(struct created **created)
{
	if (*created) {
		free((*created)->value);
		free(*created);
	}
}

static void end_create(void *context, int status, const struct sl_js_published *published)
{
	sl_cleanup(free_created) struct created *created = context;

	created->done(created->context, status, published);
}

/* What is there: a marker may be written over, if it is still the last then. */
static void looked(void *context, int status, const struct sl_bus_message *reply)
{
	struct created *created = context;
	struct sl_bus_message message = { .nats = reply ? reply->nats : NULL };
	uint64_t sequence = 0;

	if (!status)
		status = take_direct(&message, &sequence);
	if (!status && !sl_kv_deleted(&message))
		status = -EEXIST;
	if (status == -ENOENT) /* it went meanwhile */
		status = 0;
	if (!status)
		status = store_expected(created->bus, created->bucket, created->key,
					(struct sl_span){ created->value, created->value_bytes },
					sequence, created->timeout_ms, end_create, created);
	if (status)
		end_create(created, status, NULL);
}

static void first_tried(void *context, int status, const struct sl_js_published *published)
{
	struct created *created = context;

	if (status == -EEXIST) {
		status = get(created->bus, created->bucket, created->key, created->timeout_ms,
			     looked, created);
		if (!status)
			return;
	}
	end_create(created, status, published);
}

static int create(struct sl_bus *bus, const char *bucket, const char *key, struct sl_span value,
		  uint32_t timeout_ms, sl_js_published_fn *done, void *context)
{
	sl_cleanup(free_created) struct created *created = calloc(1, sizeof(*created));
	int ret;

	if (!created)
		return -ENOMEM;
	created->value = malloc(value.length + 1);
	if (!created->value)
		return -ENOMEM;
	if (value.length)
		memcpy(created->value, value.at, value.length);
	created->value_bytes = value.length;
	created->bus = bus;
	created->timeout_ms = timeout_ms;
	created->done = done;
	created->context = context;
	(void)snprintf(created->bucket, sizeof(created->bucket), "%s", bucket);
	(void)snprintf(created->key, sizeof(created->key), "%s", key);
	ret = store_expected(bus, bucket, key, value, 0, timeout_ms, first_tried, created);
	if (!ret)
		created = NULL;
	return ret;
}

int sl_kv_update(struct sl_bus *bus, const char *bucket, const char *key, struct sl_span value,
		 uint64_t revision, uint32_t timeout_ms, sl_js_published_fn *done, void *context)
{
	if (!revision)
		return create(bus, bucket, key, value, timeout_ms, done, context);
	return store_expected(bus, bucket, key, value, revision, timeout_ms, done, context);
}
