/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library of Redis Functions, the files of lua/ one after the other: the text to load into
 * a server, which says its name and version in its first lines, and to compare with what a
 * server has (userspace/redis does both). One text: what a part calls stands before it.
 *
 * Thread: pure functions.
 */
#pragma once

#include "userspace/base/span.h"

#define SL_QUOTA_LIBRARY_NAME "sluice_quota"
#define SL_QUOTA_HASH_BYTES   17 /* 16 hex digits and the final NUL */

struct sl_span sl_quota_library(void);

/* SipHash of the text, for people who compare what two agents have. */
void sl_quota_library_hash(char ret[SL_QUOTA_HASH_BYTES]);
