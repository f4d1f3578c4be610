/* SPDX-License-Identifier: Apache-2.0 */
/* Delays of redelivery, for the files of the pipeline's programs. */
#pragma once

#include "userspace/conf/table.h"
#include "userspace/domain/backoff.h"

/* Into a struct sl_backoff; "" is none. */
extern const struct sl_conf_type sl_conf_backoff;
