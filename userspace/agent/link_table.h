/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the interfaces we want exist, from what the kernel's rtnetlink says.
 * Pure: links.h brings the messages.
 *
 * Thread: a table belongs to one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/domain/config.h"

enum sl_link_event_type {
	SL_LINK_IS,	/* it exists, by this name now */
	SL_LINK_GONE,	/* removed, or moved to another namespace */
	SL_LINK_DONE,	/* the end of a list that was asked for */
	SL_LINK_BROKEN, /* the list is not to be trusted: ask again */
};

struct sl_link_event {
	enum sl_link_event_type type;
	int ifindex;
	char name[SL_CONFIG_IFNAME_BYTES];
};

typedef void sl_link_event_fn(const struct sl_link_event *event, void *context);

/*
 * Reads the messages of one datagram, each bounded by what is there; what is not
 * about links, and links without a name, are skipped. Returns how many messages
 * were malformed; reading ends at the first whose length is.
 */
unsigned int sl_link_parse(const void *bytes, size_t length, sl_link_event_fn *function,
			   void *context);

struct sl_link_slot {
	char name[SL_CONFIG_IFNAME_BYTES];
	int ifindex; /* 0: there is none of this name */
	bool seen;   /* in the list that is being read */
};

struct sl_link_table {
	struct sl_link_slot slots[SL_CONFIG_INTERFACES_MAX];
	size_t count;
};

/* @come: @ifindex has the name of @slot now. Else it has lost it. */
typedef void sl_link_change_fn(const struct sl_link_slot *slot, int ifindex, bool come,
			       void *context);

/* The names to look for; those that stay keep what is known of them. */
void sl_link_table_want(struct sl_link_table *table, const struct sl_interface_spec *interfaces,
			size_t count);

/* Before a list is asked for: what it does not mention is gone at its end. */
void sl_link_table_begin(struct sl_link_table *table);

/* Calls @function for each change that @event means; a rename may be two. */
void sl_link_table_apply(struct sl_link_table *table, const struct sl_link_event *event,
			 sl_link_change_fn *function, void *context);
