/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches the interfaces of this network namespace and says when one of the
 * wanted names comes or goes; a rename is both. When the kernel had to drop
 * messages (a storm of changes), everything is listed anew.
 *
 * Owner:  sl_links_free() closes the socket.
 * Thread: the one that runs the event base; @function is called from the loop.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/agent/link_table.h"

struct event_base;
struct sl_links;

struct sl_links_stats {
	uint64_t scans_total;	  /* lists asked for */
	uint64_t overruns_total;  /* the kernel dropped messages */
	uint64_t malformed_total; /* messages that could not be read */
};

/* Why the socket could not be had. The first list arrives in the loop. */
int sl_links_new(struct sl_links **ret, struct event_base *base, sl_link_change_fn *function,
		 void *context);
void sl_links_free(struct sl_links *links);

/* From now on these names, at most SL_CONFIG_INTERFACES_MAX; lists everything anew. */
void sl_links_want(struct sl_links *links, const struct sl_interface_spec *interfaces,
		   size_t count);

struct sl_links_stats sl_links_stats(const struct sl_links *links);
