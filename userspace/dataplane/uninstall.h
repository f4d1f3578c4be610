/* SPDX-License-Identifier: Apache-2.0 */
/* Everything of ours out of the kernel. */
#pragma once

#include <stddef.h>

#include "userspace/dataplane/error.h"

/*
 * Detaches every program from every interface and cgroup, then removes all pins
 * under @pin_dir, of any ABI version, and @pin_dir itself when it is empty.
 * Traffic is unjudged from then on; counters are gone. 0 also when nothing was
 * there; @ret_detached (may be NULL) counts attachments. Goes on after a failure
 * and returns the first. -EBUSY: an agent is running (sl_sync_lock()).
 */
int sl_uninstall(size_t *ret_detached, const char *pin_dir, struct sl_dp_error *error);
