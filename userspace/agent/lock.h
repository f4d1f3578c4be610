/* SPDX-License-Identifier: Apache-2.0 */
/* One agent for a state folder. The lock ends with the process, however it ends. */
#pragma once

#include <sys/types.h>

/*
 * Takes STATE_DIR/lock, making the folder (0700) when there is none, and writes this
 * process's id into it. The descriptor to keep, or -EBUSY with *ret_holder: the process
 * that has it (0: it did not say); or why the file could not be had.
 */
int sl_lock_take(const char *state_dir, pid_t *ret_holder);
