/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The definition of a stream as JSON: of one to be made, and of one that is there
 * already and that an operator may have changed since. Of the latter only what Sluice
 * cannot do without is changed; all else is written as the server gave it, members that
 * nobody here knows too. Source of the members: NATS's API, StreamConfig.
 *
 * Thread: pure functions. What a server says may be any bytes.
 */
#pragma once

#include "userspace/bus/jetstream_parse.h"
#include "userspace/domain/json.h"

#define SL_JS_SUBJECTS_MAX 16u

/* What the API wants to make @stream. @bucket: allow what key-value needs. */
void sl_js_write_stream(struct sl_json_out *json, const struct sl_js_stream *stream, bool bucket);

/*
 * @info is an answer to STREAM.INFO. 1: the stream is to be updated, to what was written
 * into @json; 0: it is fine as it is. What is owned:
 *   subjects          each of @stream's is taken; others stay
 *   num_replicas      at least @stream's, where that is given: never fewer than there are
 *   duplicate_window  at least @stream's, as far as the messages' age goes
 *   discard           of work queues and buckets: a full one refuses
 *   max_age           where @stream owns it
 *   max_bytes         where @stream owns it
 *   allow_direct      where @stream wants it
 *
 * -EEXIST: it can never do, @ret_why says why not; -EPROTO: not such an answer; -ENOMEM,
 * -EFBIG as sl_json_done().
 */
int sl_js_write_update(struct sl_json_out *json, char ret_why[SL_JS_TEXT_BYTES],
		       const struct sl_js_stream *stream, bool bucket, struct sl_span info);

/* Each subject that @inner stands for is one that @outer stands for; both may have wildcards. */
bool sl_js_subject_covers(struct sl_span outer, struct sl_span inner);
