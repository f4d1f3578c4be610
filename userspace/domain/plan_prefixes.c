// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/plan_prefixes.h"

#include <errno.h>
#include <stdlib.h>

static int compare_sources(const void *a, const void *b)
{
	const struct sl_source_entry *x = a, *y = b;

	return sl_prefix_compare(&x->key, &y->key);
}

static int compare_blocks(const void *a, const void *b)
{
	const struct sl_block_entry *x = a, *y = b;

	return sl_prefix_compare(&x->key, &y->key);
}

static void add_source(struct sl_source_entry *entries, size_t *count,
		       const struct sl_prefix_spec *prefix, uint32_t tenant)
{
	entries[(*count)++] =
		(struct sl_source_entry){ .key = sl_prefix_key_of(prefix), .tenant = tenant };
}

static int plan_sources(struct sl_plan *plan, const struct sl_config *config)
{
	size_t total = 0;

	for (size_t i = 0; i < config->tenant_count; i++)
		total += config->tenants[i].source_count;
	plan->sources4 = calloc(total + 1, sizeof(*plan->sources4));
	plan->sources6 = calloc(total + 1, sizeof(*plan->sources6));
	if (!plan->sources4 || !plan->sources6)
		return -ENOMEM;
	for (size_t i = 0; i < config->tenant_count; i++) {
		const struct sl_tenant_spec *tenant = &config->tenants[i];

		for (size_t j = 0; j < tenant->source_count; j++) {
			if (tenant->sources[j].address.family == 4)
				add_source(plan->sources4, &plan->sources4_count,
					   &tenant->sources[j], plan->ids[i]);
			else
				add_source(plan->sources6, &plan->sources6_count,
					   &tenant->sources[j], plan->ids[i]);
		}
	}
	qsort(plan->sources4, plan->sources4_count, sizeof(*plan->sources4), compare_sources);
	qsort(plan->sources6, plan->sources6_count, sizeof(*plan->sources6), compare_sources);
	return 0;
}

/* ---- blocks ------------------------------------------------------------------------- */

static uint64_t later(uint64_t a_ns, uint64_t b_ns)
{
	if (a_ns == 0 || b_ns == 0)
		return 0;
	return a_ns > b_ns ? a_ns : b_ns;
}

/*
 * Sorts, makes each block last at least as long as the blocks around it, and
 * makes one of a prefix given twice. Returns how many are left.
 */
static size_t resolve_blocks(struct sl_block_entry *blocks, size_t count)
{
	size_t around[129]; /* each longer than the one before, and lengths are 0 to 128 */
	size_t depth = 0, kept = 0;

	qsort(blocks, count, sizeof(*blocks), compare_blocks);
	for (size_t i = 0; i < count; i++) {
		struct sl_block_entry block = blocks[i];

		while (depth && !sl_prefix_covers(&blocks[around[depth - 1]].key, &block.key))
			depth--;
		if (depth)
			block.until_ns = later(block.until_ns, blocks[around[depth - 1]].until_ns);
		if (depth && compare_blocks(&blocks[around[depth - 1]], &block) == 0) {
			blocks[around[depth - 1]] = block;
			continue;
		}
		around[depth++] = kept;
		blocks[kept++] = block;
	}
	return kept;
}

static void add_block(struct sl_block_entry *entries, size_t *count,
		      const struct sl_block_spec *block, uint64_t now_ns)
{
	entries[(*count)++] = (struct sl_block_entry){
		.key = sl_prefix_key_of(&block->prefix),
		.until_ns = block->for_ns ? now_ns + block->for_ns : 0,
	};
}

static int plan_blocks(struct sl_plan *plan, const struct sl_config *config, uint64_t now_ns)
{
	plan->blocks4 = calloc(config->block_count + 1, sizeof(*plan->blocks4));
	plan->blocks6 = calloc(config->block_count + 1, sizeof(*plan->blocks6));
	if (!plan->blocks4 || !plan->blocks6)
		return -ENOMEM;
	for (size_t i = 0; i < config->block_count; i++) {
		const struct sl_block_spec *block = &config->blocks[i];

		if (block->prefix.address.family == 4)
			add_block(plan->blocks4, &plan->blocks4_count, block, now_ns);
		else
			add_block(plan->blocks6, &plan->blocks6_count, block, now_ns);
	}
	plan->blocks4_count = resolve_blocks(plan->blocks4, plan->blocks4_count);
	plan->blocks6_count = resolve_blocks(plan->blocks6, plan->blocks6_count);
	return 0;
}

int sl_plan_prefixes(struct sl_plan *plan, const struct sl_config *config, uint64_t now_ns)
{
	int err = plan_sources(plan, config);

	return err ? err : plan_blocks(plan, config, now_ns);
}
