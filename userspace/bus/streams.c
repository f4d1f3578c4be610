// SPDX-License-Identifier: Apache-2.0
#include "userspace/bus/streams.h"

#include <errno.h>
#include <stdlib.h>

#include "sluice/envelope.h"

#define HOUR_S 3600u
#define DAY_S  (24u * HOUR_S)
#define GIB    (1024ull * 1024 * 1024)

/* Of results and usage: how long a second one of the same id is recognised. */
#define COUNTED_ONCE_S HOUR_S

static const char *const assign_subjects[] = { SL_SUBJECT_ASSIGN, NULL };
static const char *const ack_subjects[] = { SL_SUBJECT_ASSIGN_ACK, NULL };
static const char *const result_subjects[] = { SL_SUBJECT_RESULT, NULL };
static const char *const usage_subjects[] = { SL_SUBJECT_USAGE, NULL };
static const char *const dead_letter_subjects[] = {
	SL_SUBJECT_DECIDE SL_SUBJECT_DLQ_SUFFIX,
	SL_SUBJECT_ASSIGN SL_SUBJECT_DLQ_SUFFIX,
	SL_SUBJECT_ASSIGN_ACK SL_SUBJECT_DLQ_SUFFIX,
	SL_SUBJECT_RESULT SL_SUBJECT_DLQ_SUFFIX,
	SL_SUBJECT_USAGE SL_SUBJECT_DLQ_SUFFIX,
	SL_SUBJECT_EXEC_DLQ,
	SL_SUBJECT_EXEC_DLQ_OLD,
	NULL,
};

const struct sl_js_stream sl_stream_assign = {
	.name = SL_STREAM_ASSIGN,
	.subjects = assign_subjects,
	.work_queue = true,
	.max_age_s = DAY_S,
	.max_bytes = GIB,
	/* A router that takes over another's assignments may publish one again. */
	.duplicate_window_s = 600,
};

const struct sl_js_stream sl_stream_acks = {
	.name = SL_STREAM_ACKS,
	.subjects = ack_subjects,
	.max_age_s = HOUR_S,
	.max_bytes = GIB / 4,
	.duplicate_window_s = 120,
};

const struct sl_js_stream sl_stream_results = {
	.name = SL_STREAM_RESULTS,
	.subjects = result_subjects,
	.max_age_s = DAY_S,
	.max_bytes = GIB,
	.duplicate_window_s = COUNTED_ONCE_S,
};

const struct sl_js_stream sl_stream_usage = {
	.name = SL_STREAM_USAGE,
	.subjects = usage_subjects,
	.max_age_s = 7 * DAY_S,
	.max_bytes = GIB,
	.duplicate_window_s = COUNTED_ONCE_S,
};

const struct sl_js_stream sl_stream_dead_letters = {
	.name = SL_STREAM_DLQ,
	.subjects = dead_letter_subjects,
	.max_age_s = 14 * DAY_S,
	.max_bytes = GIB,
	.duplicate_window_s = 120,
};

struct ensuring {
	struct sl_bus *bus;
	const struct sl_js_stream *const *next;
	sl_js_done *done;
	void *context;
};

static void on_ensured(void *context, int status)
{
	struct ensuring *ensuring = context;

	if (!status && *++ensuring->next)
		status = sl_js_ensure_stream(ensuring->bus, *ensuring->next, on_ensured, ensuring);
	else if (!status)
		status = 1; /* that was the last */
	if (!status)
		return;
	ensuring->done(ensuring->context, status > 0 ? 0 : status);
	free(ensuring);
}

int sl_streams_ensure(struct sl_bus *bus, const struct sl_js_stream *const *streams,
		      sl_js_done *done, void *context)
{
	struct ensuring *ensuring;
	int err;

	if (!*streams)
		return -EINVAL;
	ensuring = malloc(sizeof(*ensuring));
	if (!ensuring)
		return -ENOMEM;
	*ensuring = (struct ensuring){ bus, streams, done, context };
	err = sl_js_ensure_stream(bus, *streams, on_ensured, ensuring);
	if (err)
		free(ensuring);
	return err;
}
