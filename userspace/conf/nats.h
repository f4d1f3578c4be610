/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping `nats` that the files of the pipeline's programs have in common. */
#pragma once

#include "userspace/conf/table.h"
#include "userspace/domain/nats.h"

/* For a field whose .offset is that of a struct sl_conf_nats. */
extern const struct sl_conf_table sl_conf_nats_table;
