/* SPDX-License-Identifier: Apache-2.0 */
/* A tenant's limits of requests, as a table of `tenants get`. */
#pragma once

#include "userspace/cli/sheet.h"
#include "userspace/dataplane/maps.h"

/* Nothing is added when the maps have none. */
void sl_tenant_requests_put(struct sl_doc *doc, const struct sl_maps_view *view, uint32_t tenant,
			    uint64_t now_ns);
