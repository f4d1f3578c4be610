// SPDX-License-Identifier: Apache-2.0
#include "userspace/bus/stream_config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/bus/jetstream_private.h"

#define COUNT(of)  (sizeof(of) / sizeof(*(of)))
#define NAME_BYTES 64u /* of a member; those of the API are shorter */

/* The members that Sluice may change. */
enum owned {
	SUBJECTS,
	REPLICAS,
	WINDOW,
	DISCARD,
	AGE,
	BYTES,
	DIRECT,
	OWNED
};

static const char *const owned_names[OWNED] = {
	[SUBJECTS] = "subjects",   [REPLICAS] = "num_replicas", [WINDOW] = "duplicate_window",
	[DISCARD] = "discard",	   [AGE] = "max_age",		[BYTES] = "max_bytes",
	[DIRECT] = "allow_direct",
};

/* ---- a new one -------------------------------------------------------------------------- */

void sl_js_write_stream(struct sl_json_out *json, const struct sl_js_stream *stream, bool bucket)
{
	sl_json_open(json, '{');
	sl_js_put_text(json, "name", stream->name);
	sl_json_key(json, "subjects");
	sl_json_open(json, '[');
	for (const char *const *at = stream->subjects; *at; at++)
		sl_json_put_text(json, sl_span_of(*at));
	sl_json_close(json, ']');
	sl_js_put_text(json, "retention", stream->work_queue ? "workqueue" : "limits");
	sl_js_put_text(json, "storage", stream->memory ? "memory" : "file");
	sl_js_put_text(json, "discard", bucket || stream->work_queue ? "new" : "old");
	sl_js_put_number(json, "num_replicas", stream->replicas ? stream->replicas : 1);
	sl_js_put_number(json, "max_age", stream->max_age_s * SL_NS_PER_S);
	sl_js_put_or_endless(json, "max_msgs", 0);
	sl_js_put_or_endless(json, "max_consumers", 0);
	sl_js_put_or_endless(json, "max_bytes", stream->max_bytes);
	sl_js_put_or_endless(json, "max_msg_size", stream->max_message_bytes);
	sl_js_put_or_endless(json, "max_msgs_per_subject", stream->max_per_subject);
	if (stream->duplicate_window_s)
		sl_js_put_number(json, "duplicate_window",
				 stream->duplicate_window_s * SL_NS_PER_S);
	if (stream->direct_get)
		sl_js_put_true(json, "allow_direct");
	if (bucket) {
		sl_js_put_true(json, "allow_rollup_hdrs");
		sl_js_put_true(json, "deny_delete");
	}
	sl_json_close(json, '}');
}

/* ---- one that is there -------------------------------------------------------------------- */

struct existing {
	struct sl_json_value config, subjects;
	struct sl_json_value retention, storage, discard, mirror, sealed, no_ack, direct;
	int64_t replicas, window_ns, age_ns, bytes;
};

/* Go leaves out what is zero. */
static int number_of(int64_t *ret, struct sl_json_value value)
{
	if (value.type != SL_JSON_ABSENT)
		return sl_json_integer(ret, value);
	*ret = 0;
	return 0;
}

static int read_existing(struct existing *ret, struct sl_span info)
{
	static const char *const wanted[] = {
		"config",
		"config.subjects",
		"config.retention",
		"config.storage",
		"config.discard",
		"config.mirror",
		"config.sealed",
		"config.no_ack",
		"config.max_age",
		"config.max_bytes",
		"config.num_replicas",
		"config.allow_direct",
		"config.duplicate_window",
	};
	struct sl_json_value found[COUNT(wanted)];

	if (sl_json_pick(found, wanted, COUNT(wanted), info, NULL) != 0 ||
	    found[0].type != SL_JSON_OBJECT)
		return -EPROTO;
	*ret = (struct existing){
		.config = found[0],
		.subjects = found[1],
		.retention = found[2],
		.storage = found[3],
		.discard = found[4],
		.mirror = found[5],
		.sealed = found[6],
		.no_ack = found[7],
		.direct = found[11],
	};
	if (number_of(&ret->age_ns, found[8]) != 0 || number_of(&ret->bytes, found[9]) != 0 ||
	    number_of(&ret->replicas, found[10]) != 0 || number_of(&ret->window_ns, found[12]) != 0)
		return -EPROTO;
	return 0;
}

static bool text_is(struct sl_json_value value, const char *text)
{
	struct sl_span plain;

	return sl_json_plain(&plain, value) == 0 && sl_span_is(plain, text);
}

static bool is_true(struct sl_json_value value)
{
	bool truth;

	return sl_json_bool(&truth, value) == 0 && truth;
}

/* What no update can mend. */
static int check_fits(char ret_why[SL_JS_TEXT_BYTES], const struct existing *existing,
		      const struct sl_js_stream *stream)
{
	const char *retention = stream->work_queue ? "workqueue" : "limits";
	const char *why = NULL;

	if (!text_is(existing->retention, retention))
		why = stream->work_queue ? "its retention is not \"workqueue\""
					 : "its retention is not \"limits\"";
	else if (!stream->memory && !text_is(existing->storage, "file"))
		why = "its storage is not \"file\": a restart would lose messages";
	else if (existing->mirror.type == SL_JSON_OBJECT)
		why = "it is a mirror: nothing can be published to it";
	else if (is_true(existing->sealed))
		why = "it is sealed: nothing can be published to it";
	else if (is_true(existing->no_ack))
		why = "it has no_ack: nobody is told that a message is stored";
	if (!why)
		return 0;
	(void)snprintf(ret_why, SL_JS_TEXT_BYTES, "the stream %s that is there cannot be used: %s",
		       stream->name, why);
	return -EEXIST;
}

/* ---- subjects ------------------------------------------------------------------------------ */

/* The token of @subject at *at, which then stands at the next one; false: there is none. */
static bool next_token(struct sl_span *ret, size_t *at, struct sl_span subject)
{
	size_t begin = *at;

	if (begin > subject.length)
		return false;
	while (*at < subject.length && subject.at[*at] != '.')
		(*at)++;
	*ret = (struct sl_span){ subject.at + begin, *at - begin };
	(*at)++;
	return true;
}

bool sl_js_subject_covers(struct sl_span outer, struct sl_span inner)
{
	struct sl_span wide, narrow;
	size_t outer_at = 0, inner_at = 0;

	if (!outer.length || !inner.length)
		return false;
	while (next_token(&wide, &outer_at, outer)) {
		if (!next_token(&narrow, &inner_at, inner))
			return false;
		if (sl_span_is(wide, ">"))
			return true;
		if (sl_span_is(narrow, ">"))
			return false;
		if (!sl_span_is(wide, "*") && !sl_span_equal(wide, narrow))
			return false;
	}
	return inner_at > inner.length;
}

/* The next subject of the stream that is there; what is longer than ours is "". */
static bool next_subject(char ret[SL_BUS_SUBJECT_MAX], struct sl_json_value *ret_item,
			 size_t *state, struct sl_json_value subjects)
{
	size_t length;

	if (subjects.type != SL_JSON_ARRAY || sl_json_next(NULL, ret_item, state, subjects) != 1)
		return false;
	if (sl_json_text(ret, SL_BUS_SUBJECT_MAX, &length, *ret_item) != 0)
		ret[0] = '\0';
	return true;
}

static bool taken(const char *subject, struct sl_json_value subjects)
{
	struct sl_json_value item = { .type = SL_JSON_ABSENT };
	char other[SL_BUS_SUBJECT_MAX];
	size_t state = 0;

	while (next_subject(other, &item, &state, subjects))
		if (sl_js_subject_covers(sl_span_of(other), sl_span_of(subject)))
			return true;
	return false;
}

/* One that is still to be added stands for it as well. */
static bool replaced(const char *subject, const struct existing *existing,
		     const struct sl_js_stream *stream)
{
	for (const char *const *at = stream->subjects; *at; at++)
		if (!taken(*at, existing->subjects) &&
		    sl_js_subject_covers(sl_span_of(*at), sl_span_of(subject)))
			return true;
	return false;
}

/* A server refuses a stream two of whose subjects overlap. */
static void put_subjects(struct sl_json_out *json, const struct existing *existing,
			 const struct sl_js_stream *stream)
{
	struct sl_json_value item = { .type = SL_JSON_ABSENT };
	char other[SL_BUS_SUBJECT_MAX];
	size_t state = 0;

	sl_json_open(json, '[');
	while (next_subject(other, &item, &state, existing->subjects))
		if (!replaced(other, existing, stream))
			sl_json_put_raw(json, item.raw);
	for (const char *const *at = stream->subjects; *at; at++)
		if (!taken(*at, existing->subjects))
			sl_json_put_text(json, sl_span_of(*at));
	sl_json_close(json, ']');
}

/* ---- what is changed ------------------------------------------------------------------------- */

struct change {
	bool due[OWNED];
	int64_t age_ns, window_ns, bytes;
};

static int64_t larger(int64_t one, int64_t other)
{
	return one > other ? one : other;
}

/* The server wants the window within the age, 0 or less of which is none. */
static int64_t window_of(const struct existing *existing, const struct sl_js_stream *stream,
			 int64_t age_ns)
{
	int64_t wanted = (int64_t)(stream->duplicate_window_s * SL_NS_PER_S);
	int64_t window_ns = larger(existing->window_ns, wanted);

	return age_ns > 0 && window_ns > age_ns ? age_ns : window_ns;
}

static bool subjects_lack(const struct existing *existing, const struct sl_js_stream *stream)
{
	for (const char *const *at = stream->subjects; *at; at++)
		if (!taken(*at, existing->subjects))
			return true;
	return false;
}

static struct change change_of(const struct existing *existing, const struct sl_js_stream *stream,
			       bool bucket)
{
	struct change change = { .age_ns = existing->age_ns, .bytes = existing->bytes };

	if (stream->owns_age)
		change.age_ns = (int64_t)(stream->max_age_s * SL_NS_PER_S);
	if (stream->owns_bytes)
		change.bytes = stream->max_bytes ? (int64_t)stream->max_bytes : -1;
	change.window_ns = window_of(existing, stream, change.age_ns);
	change.due[SUBJECTS] = subjects_lack(existing, stream);
	change.due[REPLICAS] = (int64_t)stream->replicas > existing->replicas;
	change.due[WINDOW] = change.window_ns != existing->window_ns;
	change.due[DISCARD] = (bucket || stream->work_queue) && !text_is(existing->discard, "new");
	change.due[AGE] = change.age_ns != existing->age_ns;
	change.due[BYTES] = change.bytes != existing->bytes;
	change.due[DIRECT] = stream->direct_get && !is_true(existing->direct);
	return change;
}

static bool anything(const struct change *change)
{
	for (size_t i = 0; i < OWNED; i++)
		if (change->due[i])
			return true;
	return false;
}

/* Is the member written anew? */
static bool is_due(const char *name, const struct change *change)
{
	for (size_t i = 0; i < OWNED; i++)
		if (change->due[i] && !strcmp(name, owned_names[i]))
			return true;
	return false;
}

static int put_kept(struct sl_json_out *json, struct sl_json_value config,
		    const struct change *change)
{
	struct sl_json_value key = { .type = SL_JSON_ABSENT }, value = { .type = SL_JSON_ABSENT };
	char name[NAME_BYTES];
	size_t state = 0, length;

	while (sl_json_next(&key, &value, &state, config) == 1) {
		if (sl_json_text(name, sizeof(name), &length, key) != 0)
			return -EPROTO;
		if (is_due(name, change))
			continue;
		sl_json_key(json, name);
		sl_json_put_raw(json, value.raw);
	}
	return 0;
}

static void put_changed(struct sl_json_out *json, const struct existing *existing,
			const struct sl_js_stream *stream, const struct change *change)
{
	if (change->due[SUBJECTS]) {
		sl_json_key(json, owned_names[SUBJECTS]);
		put_subjects(json, existing, stream);
	}
	if (change->due[REPLICAS])
		sl_js_put_number(json, owned_names[REPLICAS], stream->replicas);
	if (change->due[WINDOW])
		sl_js_put_number(json, owned_names[WINDOW], (uint64_t)change->window_ns);
	if (change->due[DISCARD])
		sl_js_put_text(json, owned_names[DISCARD], "new");
	if (change->due[AGE])
		sl_js_put_number(json, owned_names[AGE], (uint64_t)change->age_ns);
	if (change->due[BYTES])
		sl_js_put_or_endless(json, owned_names[BYTES], stream->max_bytes);
	if (change->due[DIRECT])
		sl_js_put_true(json, owned_names[DIRECT]);
}

int sl_js_write_update(struct sl_json_out *json, char ret_why[SL_JS_TEXT_BYTES],
		       const struct sl_js_stream *stream, bool bucket, struct sl_span info)
{
	struct sl_span text;
	struct existing existing;
	struct change change;
	int ret = read_existing(&existing, info);

	if (!ret)
		ret = check_fits(ret_why, &existing, stream);
	if (ret)
		return ret;
	change = change_of(&existing, stream, bucket);
	if (!anything(&change))
		return 0;
	sl_json_open(json, '{');
	ret = put_kept(json, existing.config, &change);
	put_changed(json, &existing, stream, &change);
	sl_json_close(json, '}');
	if (!ret)
		ret = sl_json_done(&text, json);
	return ret ? ret : 1;
}
