// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/names.h"
#include "userspace/domain/overrides.h"
#include "userspace/domain/prefix.h"

#define REMOVED UINT64_MAX /* as a block's for_ns, until the list is packed */

/*
 * A configuration on its way, and where its tenants and blocks are. No two
 * overrides have one prefix, so only the file's blocks are ever looked up.
 */
struct target {
	struct sl_config *config;
	struct sl_name_index tenants;
	size_t file_blocks; /* sorted, at the head of config->blocks */
	size_t blocks4;	    /* that are not removed */
	size_t blocks6;
	uint64_t now_unix_ns;
};

static void target_release(struct target *target)
{
	sl_name_index_release(&target->tenants);
}

/* Time from now, 0 = for good. The end is in the future. */
static uint64_t time_left(const struct target *t, const struct sl_override *item)
{
	return item->until_unix_ns ? item->until_unix_ns - t->now_unix_ns : 0;
}

/* ---- tenants ---------------------------------------------------------------------- */

static struct sl_rate_spec *rate_of_tenant(struct sl_tenant_spec *tenant,
					   enum sl_override_field field)
{
	struct sl_rate_spec *const rates[SL_OVERRIDE_FIELDS_] = {
		[SL_OVERRIDE_INGRESS_PACKETS] = &tenant->ingress_packets,
		[SL_OVERRIDE_INGRESS_BYTES] = &tenant->ingress_bytes,
		[SL_OVERRIDE_EGRESS_PACKETS] = &tenant->egress_packets,
		[SL_OVERRIDE_EGRESS_BYTES] = &tenant->egress_bytes,
		[SL_OVERRIDE_NEW_CONNECTIONS] = &tenant->new_connections,
		[SL_OVERRIDE_FRAGMENTS] = &tenant->fragments,
		[SL_OVERRIDE_SAFE_PACKETS] = &tenant->safe_packets,
		[SL_OVERRIDE_SAFE_BYTES] = &tenant->safe_bytes,
	};

	return rates[field];
}

static struct sl_rate_spec *rate_of_unknown(struct sl_unknown_spec *unknown,
					    enum sl_override_field field)
{
	struct sl_rate_spec *const rates[SL_OVERRIDE_FIELDS_] = {
		[SL_OVERRIDE_INGRESS_PACKETS] = &unknown->packets,
		[SL_OVERRIDE_INGRESS_BYTES] = &unknown->bytes,
		[SL_OVERRIDE_EGRESS_PACKETS] = &unknown->egress_packets,
		[SL_OVERRIDE_EGRESS_BYTES] = &unknown->egress_bytes,
		[SL_OVERRIDE_NEW_CONNECTIONS] = &unknown->new_connections,
		[SL_OVERRIDE_FRAGMENTS] = &unknown->fragments,
	};

	return rates[field];
}

static enum sl_override_state apply_to_unknown(struct target *t, const struct sl_override *item)
{
	struct sl_unknown_spec *unknown = &t->config->unknown;
	struct sl_rate_spec *rate = rate_of_unknown(unknown, item->field);

	if (rate)
		*rate = item->rate;
	else
		unknown->mode = (enum sl_mode)item->value;
	return SL_OVERRIDE_APPLIED;
}

static enum sl_override_state apply_to_tenant(struct target *t, const struct sl_override *item)
{
	int64_t index = sl_name_index_find(&t->tenants, item->tenant);
	struct sl_tenant_spec *tenant;
	struct sl_rate_spec *rate;

	if (strcmp(item->tenant, SL_NAME_UNKNOWN) == 0)
		return apply_to_unknown(t, item);
	if (index < 0)
		return SL_OVERRIDE_NO_TENANT;
	tenant = &t->config->tenants[index];
	rate = rate_of_tenant(tenant, item->field);
	if (rate) {
		*rate = item->rate;
	} else if (sl_override_is_requests(item->field)) {
		const unsigned int at = item->field - SL_OVERRIDE_REQUESTS_GLOBAL;

		tenant->requests.per_window[at] = item->value;
		tenant->requests.set |= 1u << at;
	} else if (item->field == SL_OVERRIDE_CONNECTIONS) {
		tenant->connections_max = (uint32_t)item->value;
	} else if (item->field == SL_OVERRIDE_TENANT_MODE) {
		tenant->mode = (enum sl_mode)item->value;
	} else {
		tenant->blocked = item->value != 0;
		tenant->blocked_for_ns = tenant->blocked ? time_left(t, item) : 0;
	}
	return SL_OVERRIDE_APPLIED;
}

/* ---- blocks ------------------------------------------------------------------------- */

static int compare_blocks(const void *a, const void *b)
{
	const struct sl_block_spec *x = a, *y = b;
	const union sl_prefix_key x_key = sl_prefix_key_of(&x->prefix);
	const union sl_prefix_key y_key = sl_prefix_key_of(&y->prefix);

	if (x->prefix.address.family != y->prefix.address.family)
		return x->prefix.address.family < y->prefix.address.family ? -1 : 1;
	return sl_prefix_compare(&x_key, &y_key);
}

/* Blocks of @family that stand. */
static size_t *counter_of(struct target *t, uint8_t family)
{
	return family == 4 ? &t->blocks4 : &t->blocks6;
}

/*
 * The blocks of the file count from now on, those that have ended are gone, and
 * there is room for @more.
 */
static int take_file_blocks(struct target *t, uint64_t age_ns, size_t more)
{
	struct sl_config *config = t->config;
	struct sl_block_spec *blocks =
		reallocarray(config->blocks, config->block_count + more + 1, sizeof(*blocks));

	if (!blocks)
		return -ENOMEM;
	config->blocks = blocks;
	for (size_t i = 0; i < config->block_count; i++) {
		struct sl_block_spec block = blocks[i];

		if (block.for_ns && block.for_ns <= age_ns)
			continue;
		if (block.for_ns)
			block.for_ns -= age_ns;
		blocks[t->file_blocks++] = block;
		++*counter_of(t, block.prefix.address.family);
	}
	config->block_count = t->file_blocks;
	qsort(blocks, t->file_blocks, sizeof(*blocks), compare_blocks);
	return 0;
}

static enum sl_override_state apply_prefix(struct target *t, const struct sl_override *item)
{
	const struct sl_block_spec block = { .prefix = item->prefix,
					     .for_ns = item->value ? time_left(t, item) : REMOVED };
	struct sl_config *config = t->config;
	struct sl_block_spec *found =
		bsearch(&block, config->blocks, t->file_blocks, sizeof(block), compare_blocks);
	size_t *counter = counter_of(t, item->prefix.address.family);

	if (found) {
		*found = block;
		*counter -= !item->value;
		return SL_OVERRIDE_APPLIED;
	}
	if (!item->value)
		return SL_OVERRIDE_APPLIED;
	if (*counter >= config->sizes.blocks)
		return SL_OVERRIDE_NO_ROOM;
	++*counter;
	config->blocks[config->block_count++] = block;
	return SL_OVERRIDE_APPLIED;
}

static void pack_blocks(struct sl_config *config)
{
	size_t kept = 0;

	for (size_t i = 0; i < config->block_count; i++)
		if (config->blocks[i].for_ns != REMOVED)
			config->blocks[kept++] = config->blocks[i];
	config->block_count = kept;
}

/* ---- all ----------------------------------------------------------------------------- */

static enum sl_override_state apply(struct target *t, const struct sl_override *item)
{
	if (item->until_unix_ns && item->until_unix_ns <= t->now_unix_ns)
		return SL_OVERRIDE_ENDED;
	if (item->field == SL_OVERRIDE_PREFIX)
		return apply_prefix(t, item);
	if (item->field != SL_OVERRIDE_MODE)
		return apply_to_tenant(t, item);
	t->config->mode = (enum sl_mode)item->value;
	return SL_OVERRIDE_APPLIED;
}

int sl_overrides_apply(struct sl_config *config, const struct sl_overrides *overrides,
		       uint64_t now_unix_ns, uint64_t age_ns, enum sl_override_state *ret_states)
{
	sl_cleanup(target_release) struct target target = { .config = config,
							    .now_unix_ns = now_unix_ns };
	int err = take_file_blocks(&target, age_ns, overrides->count);

	if (err)
		return err;
	err = sl_name_index_make(&target.tenants, config->tenants, sizeof(*config->tenants),
				 config->tenant_count);
	if (err)
		return err;
	for (size_t i = 0; i < overrides->count; i++) {
		enum sl_override_state state = apply(&target, &overrides->at[i]);

		if (ret_states)
			ret_states[i] = state;
	}
	pack_blocks(config);
	return 0;
}
