/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of key-value share. */
#pragma once

#include "userspace/bus/jetstream_private.h"

#define SL_KV_STREAM_BYTES (SL_JS_NAME_MAX + 4u)

/* "KV_<bucket>"; 0 or -EINVAL. */
int sl_kv_stream(char ret[SL_KV_STREAM_BYTES], const char *bucket);
/* "$KV.<bucket>.<key>"; @filter: wildcards may be in it. 0 or -EINVAL. */
int sl_kv_subject(char ret[SL_BUS_SUBJECT_MAX], const char *bucket, const char *key, bool filter);
/* A marker that a key was deleted, not a value. */
bool sl_kv_deleted(const struct sl_bus_message *message);
