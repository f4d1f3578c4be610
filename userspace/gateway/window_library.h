/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library of Redis Functions that counts windows, window.lua, as it is in the source.
 *
 * Thread: pure functions.
 */
#pragma once

#include "userspace/base/span.h"

#define SL_WINDOW_LIBRARY_NAME "sluice_window"

struct sl_span sl_window_library(void);
