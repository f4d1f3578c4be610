/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that knows cmocka's include order. Tests include this first. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
