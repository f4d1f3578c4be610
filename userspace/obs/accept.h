/* SPDX-License-Identifier: Apache-2.0 */
/* Which form of a page of metrics a scraper asks for. Pure. */
#pragma once

#include "userspace/base/span.h"

#define SL_OPENMETRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define SL_METRICS_TYPE	    "text/plain; version=0.0.4; charset=utf-8"

/*
 * By the value of an Accept header: OpenMetrics, when it is named with a quality over 0
 * and not under that of text/plain. Whatever is malformed is as if it were not there.
 */
bool sl_accepts_openmetrics(struct sl_span accept);
