/* SPDX-License-Identifier: Apache-2.0 */
/* The text of quota.lua. Thread: a pure function. */
#pragma once

#include "userspace/base/span.h"

struct sl_span sl_quota_library(void);
