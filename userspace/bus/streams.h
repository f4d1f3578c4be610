/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams and consumers of the pipeline, defined once: whichever program comes
 * first makes them, and none changes what another made.
 *
 * Owner, thread, errors: as jetstream.h.
 */
#pragma once

#include "userspace/bus/jetstream.h"

extern const struct sl_js_stream sl_stream_assign;
extern const struct sl_js_stream sl_stream_acks;
extern const struct sl_js_stream sl_stream_results;
extern const struct sl_js_stream sl_stream_usage;
extern const struct sl_js_stream sl_stream_dead_letters;

/* All of @streams (ends with NULL), one after the other; @done once, with the first
 * failure or 0. @streams outlives it. */
int sl_streams_ensure(struct sl_bus *bus, const struct sl_js_stream *const *streams,
		      sl_js_done *done, void *context);
