/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services as the two-choice hash table of cache lines that the packet
 * path reads (abi.h: sl_services4, sl_services6), one half of it.
 *
 * Beside each service stands an entry for packets without ports to its address
 * and VLAN (SL_PROTO_FRAGMENT): later fragments, and what cannot be parsed. It
 * has the tenant that all services of that address and VLAN have, or none.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sluice/abi.h"
#include "userspace/domain/config.h"
#include "userspace/domain/text.h"

/* A table of one family. The caller gives the lines, zeroed; the rest is made. */
struct sl_service_table {
	union {
		struct sl_service4_line *lines4;
		struct sl_service6_line *lines6;
	};
	uint32_t line_count; /* of one half: a power of two */
	uint32_t used;	     /* entries */
	uint64_t seed;
	uint32_t shapes; /* as sl_ctl_half.shapes4 */
	uint32_t shapes_count;
};

/*
 * Lines of one half that hold @services of @family (4 or 6) and their entries
 * for fragments at a load of at most one half.
 */
uint32_t sl_services_lines(uint32_t services, uint8_t family);

/*
 * Fills @table with those services of @config that are @family's. @ids: the id
 * of each tenant of @config. @seed: random; the seed that fits is in the table.
 * -EINVAL: line_count is not a power of two; -EEXIST: a service twice;
 * -ENOSPC: they do not fit; -ENOMEM. On failure the table is undefined.
 */
int sl_services_fill(struct sl_service_table *table, uint8_t family, const struct sl_config *config,
		     const uint32_t *ids, uint64_t seed, struct sl_text_error *error);
