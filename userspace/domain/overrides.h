/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator set at run time, on top of the configuration: a flat list,
 * each item with one subject, one value and perhaps an end. An item set again
 * replaces the one of the same subject and field. Plain data, so that the agent
 * can keep it on disk: ends are wall-clock time, which a reboot does not reset.
 *
 * Owner:  the caller has the struct; sl_overrides_release() frees the array.
 * Thread: no state but the struct.
 */
#pragma once

#include "userspace/domain/config.h"
#include "userspace/domain/text.h"

#define SL_OVERRIDES_MAX 4096u

/* What is overridden, and which member of struct sl_override says by what. */
enum sl_override_field {
	SL_OVERRIDE_INGRESS_PACKETS, /* rate */
	SL_OVERRIDE_INGRESS_BYTES,
	SL_OVERRIDE_EGRESS_PACKETS,
	SL_OVERRIDE_EGRESS_BYTES,
	SL_OVERRIDE_NEW_CONNECTIONS,
	SL_OVERRIDE_FRAGMENTS,
	SL_OVERRIDE_SAFE_PACKETS,
	SL_OVERRIDE_SAFE_BYTES,
	SL_OVERRIDE_CONNECTIONS, /* value: the most at once, 0 = unlimited */
	SL_OVERRIDE_BLOCKED,	 /* value: 1 blocks the tenant, 0 lets it go */
	SL_OVERRIDE_TENANT_MODE, /* value: enum sl_mode */
	SL_OVERRIDE_MODE,	 /* value: enum sl_mode, of the node */
	SL_OVERRIDE_PREFIX,	 /* value: 1 blocks .prefix, 0 removes its block */
	/* value: in a window, SL_REQUESTS_UNLIMITED; in the order of enum sl_request_class */
	SL_OVERRIDE_REQUESTS_GLOBAL,
	SL_OVERRIDE_REQUESTS_ROUTES_DECIDE,
	SL_OVERRIDE_REQUESTS_MESSAGES,
	SL_OVERRIDE_REQUESTS_REGISTRY_BLOCKS,
	SL_OVERRIDE_REQUESTS_COST,
	SL_OVERRIDE_FIELDS_,
};

struct sl_override {
	enum sl_override_field field;
	char tenant[SL_TENANT_NAME_BYTES]; /* "" for MODE and PREFIX; SL_NAME_UNKNOWN is tenant 0 */
	struct sl_prefix_spec prefix;	   /* PREFIX only */
	struct sl_rate_spec rate;
	uint64_t value;
	uint64_t until_unix_ns; /* CLOCK_REALTIME, 0 = for good */
};

struct sl_overrides {
	struct sl_override *at; /* in the order in which they were first set */
	size_t count;
};

/* What became of an item when it was applied. */
enum sl_override_state {
	SL_OVERRIDE_APPLIED = 0,
	SL_OVERRIDE_ENDED,
	SL_OVERRIDE_NO_TENANT, /* kept: the tenant may come back */
	SL_OVERRIDE_NO_ROOM,   /* more blocks than sizes.blocks */
};

/* Words for the fields: "ingress_packets" ... "mode", "prefix"; see sl_parse_choice(). */
extern const struct sl_choice sl_choices_override[];

bool sl_override_is_rate(enum sl_override_field field);
bool sl_override_is_requests(enum sl_override_field field);
enum sl_unit sl_override_unit(enum sl_override_field field); /* of a rate */

void sl_overrides_release(struct sl_overrides *overrides);

/*
 * Adds @item, or replaces the one of its field and subject. Members that the
 * field does not use are ignored and stored as 0. A rate without a burst gets
 * the default one. On failure nothing is changed:
 * -EINVAL: not a name, mode, prefix or flag, or not to be had for tenant 0;
 * -ERANGE: a rate out of bounds; -ENOSPC: SL_OVERRIDES_MAX reached; -ENOMEM.
 */
int sl_overrides_set(struct sl_overrides *overrides, const struct sl_override *item,
		     struct sl_text_error *error);

/* Removes the item of @item's field and subject. -ENOENT: there is none. */
int sl_overrides_clear(struct sl_overrides *overrides, const struct sl_override *item);

/* Removes every item of @tenant; returns how many. */
size_t sl_overrides_clear_tenant(struct sl_overrides *overrides, const char *tenant);

/* The item of @item's field and subject, or NULL. Valid until the next change. */
const struct sl_override *sl_overrides_find(const struct sl_overrides *overrides,
					    const struct sl_override *item);

/* Removes what has ended at @now_unix_ns. Returns the next end, 0 = none. */
uint64_t sl_overrides_expire(struct sl_overrides *overrides, uint64_t now_unix_ns);

/*
 * Changes @config, a private copy (sl_config_copy()) whose file was loaded
 * @age_ns ago. Blocks of the file that have ended by now are left out, so that
 * afterwards every for_ns counts from now, as sl_plan_make() expects; call this
 * with no overrides too. @ret_states: NULL, or room for overrides->count.
 * -ENOMEM: @config is then good only for sl_config_free().
 */
int sl_overrides_apply(struct sl_config *config, const struct sl_overrides *overrides,
		       uint64_t now_unix_ns, uint64_t age_ns, enum sl_override_state *ret_states);
