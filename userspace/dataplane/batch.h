/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many entries of a map in few system calls. Inside of this folder.
 *
 * Thread: any; a walk beside a writer sees each entry that was there all the time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/dataplane/map_table.h"

/*
 * @count entries: keys and values as arrays, per-CPU values for all CPUs, valid
 * during the call. A negative return ends the walk and is its result.
 */
typedef int sl_batch_fn(const void *keys, const void *values, uint32_t count, void *context);

/* Walks all entries of the map @fd, which has the shape of @id. */
int sl_batch_walk(int fd, enum sl_map_id id, sl_batch_fn *function, void *context);

/* -E2BIG or -ENOSPC: the map is full; the entries before that are in. */
int sl_batch_update(int fd, enum sl_map_id id, const void *keys, const void *values,
		    uint32_t count);

/* A key that is not there is fine. */
int sl_batch_delete(int fd, enum sl_map_id id, const void *keys, uint32_t count);
