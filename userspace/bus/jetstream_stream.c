// SPDX-License-Identifier: Apache-2.0
/* A stream that is to be there: looked for first, for what an operator changed is kept. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/jetstream_private.h"
#include "userspace/bus/stream_config.h"

enum step {
	LOOK,
	MAKE,
	UPDATE
};

struct ensured {
	struct sl_bus *bus;
	sl_js_done *done;
	void *context;
	enum step step;
	bool made_before; /* another made it between our two questions: looked for again, once */
	bool bucket;
	struct sl_js_stream stream; /* its texts are the next two */
	char name[SL_JS_NAME_MAX];
	char *subjects[SL_JS_SUBJECTS_MAX + 1];
};

static void free_ensured(struct ensured **ensured)
{
	if (!*ensured)
		return;
	for (size_t i = 0; i < SL_JS_SUBJECTS_MAX; i++)
		free((*ensured)->subjects[i]);
	free(*ensured);
}

/* What the server said, and of which stream. */
static void name_error(const struct ensured *ensured)
{
	char text[SL_JS_TEXT_BYTES];

	(void)snprintf(text, sizeof(text), "stream %s: %.120s", ensured->name,
		       sl_js_error(ensured->bus));
	sl_js_set_error(ensured->bus, text);
}

static void answered(void *context, int status, const struct sl_bus_message *reply);

/* Sends what is in @json, which is freed. */
static int ask(struct ensured *ensured, enum step step, struct sl_json_out *json)
{
	static const char *const verbs[] = {
		[LOOK] = "STREAM.INFO", [MAKE] = "STREAM.CREATE", [UPDATE] = "STREAM.UPDATE"
	};
	char subject[SL_BUS_SUBJECT_MAX];

	ensured->step = step;
	sl_js_subject(subject, verbs[step], ensured->name, NULL);
	return sl_js_call(ensured->bus, subject, json, SL_JS_API_MS, answered, ensured);
}

static int look(struct ensured *ensured)
{
	struct sl_json_out json = SL_JSON_OUT(SL_JS_JSON_MAX);

	sl_json_open(&json, '{');
	sl_json_close(&json, '}');
	return ask(ensured, LOOK, &json);
}

static int make(struct ensured *ensured)
{
	struct sl_json_out json = SL_JSON_OUT(SL_JS_JSON_MAX);

	sl_js_write_stream(&json, &ensured->stream, ensured->bucket);
	return ask(ensured, MAKE, &json);
}

/* 1: asked; 0: nothing to change; or an error. */
static int update(struct ensured *ensured, struct sl_span info)
{
	struct sl_json_out json = SL_JSON_OUT(SL_JS_JSON_MAX);
	char why[SL_JS_TEXT_BYTES] = "";
	int ret = sl_js_write_update(&json, why, &ensured->stream, ensured->bucket, info);

	if (ret <= 0) {
		sl_json_out_free(&json);
		sl_js_set_error(ensured->bus, why);
		return ret;
	}
	ret = ask(ensured, UPDATE, &json);
	return ret ? ret : 1;
}

/* 1: asked something more; else the end. */
static int go_on(struct ensured *ensured, int status, const struct sl_js_reply *answer,
		 const struct sl_bus_message *reply)
{
	if (ensured->step == LOOK && !status)
		return update(ensured, sl_bus_payload(reply));
	if (ensured->step == LOOK && answer->error_code == SL_JS_NO_STREAM) {
		status = make(ensured);
		return status ? status : 1;
	}
	if (ensured->step == MAKE && answer->error_code == SL_JS_NAME_IN_USE &&
	    !ensured->made_before) {
		ensured->made_before = true;
		status = look(ensured);
		return status ? status : 1;
	}
	if (status == -EREMOTEIO)
		name_error(ensured);
	return status;
}

static void answered(void *context, int status, const struct sl_bus_message *reply)
{
	sl_cleanup(free_ensured) struct ensured *ensured = context;
	struct sl_js_reply answer;

	status = sl_js_status(ensured->bus, status, reply, &answer);
	status = go_on(ensured, status, &answer, reply);
	if (status > 0)
		ensured = NULL;
	else
		ensured->done(ensured->context, status);
}

static int copy_subjects(struct ensured *ensured, const struct sl_js_stream *stream)
{
	for (size_t i = 0; stream->subjects[i]; i++) {
		if (i == SL_JS_SUBJECTS_MAX)
			return -EINVAL;
		ensured->subjects[i] = strdup(stream->subjects[i]);
		if (!ensured->subjects[i])
			return -ENOMEM;
	}
	return 0;
}

int sl_js_ensure(struct sl_bus *bus, const struct sl_js_stream *stream, bool bucket,
		 sl_js_done *done, void *context)
{
	sl_cleanup(free_ensured) struct ensured *ensured = NULL;
	int ret;

	if (!sl_js_name_valid(stream->name) || !stream->subjects || !stream->subjects[0])
		return -EINVAL;
	ensured = calloc(1, sizeof(*ensured));
	if (!ensured)
		return -ENOMEM;
	ensured->bus = bus;
	ensured->done = done;
	ensured->context = context;
	ensured->bucket = bucket;
	ensured->stream = *stream;
	(void)snprintf(ensured->name, sizeof(ensured->name), "%s", stream->name);
	ret = copy_subjects(ensured, stream);
	ensured->stream.name = ensured->name;
	ensured->stream.subjects = (const char *const *)ensured->subjects;
	if (!ensured->stream.replicas)
		ensured->stream.replicas = bus->options.stream_replicas;
	if (!ret)
		ret = look(ensured);
	if (!ret)
		ensured = NULL;
	return ret;
}

int sl_js_ensure_stream(struct sl_bus *bus, const struct sl_js_stream *stream, sl_js_done *done,
			void *context)
{
	return sl_js_ensure(bus, stream, false, done, context);
}
