/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map's descriptor for another process: what it may do with it goes along.
 *
 * Thread: any.
 */
#pragma once

#include "userspace/dataplane/maps.h"

/*
 * A new descriptor, the caller's: with SL_MAPS_READ the kernel refuses updates and
 * writable mappings of it, whoever holds it. Or why the pin could not be opened.
 */
int sl_maps_hand_over(const struct sl_maps *maps, enum sl_map_id id, enum sl_maps_access access,
		      struct sl_dp_error *error);
