// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/counters.h"

#include <string.h>

#define S_NS 1000000000ull

#define COUNTERS_WORDS (sizeof(struct sl_counters) / sizeof(uint64_t))
#define NODE_WORDS     (sizeof(struct sl_node) / sizeof(uint64_t))

_Static_assert(sizeof(struct sl_counters) % sizeof(uint64_t) == 0, "counters: all words");
_Static_assert(sizeof(struct sl_node) % sizeof(uint64_t) == 0, "counters: all words");

#define REASON_INFO(number, NAME, field, text) [number] = { SL_REASON_##NAME, #field, text },
static const struct sl_reason_info infos[] = { SL_REASONS(REASON_INFO) };
#undef REASON_INFO

_Static_assert(sizeof(infos) / sizeof(infos[0]) == SL_REASON_COUNT_, "counters: every reason");

const struct sl_reason_info *sl_reason_info(unsigned reason)
{
	return reason < SL_REASON_COUNT_ ? &infos[reason] : NULL;
}

int sl_reason_by_name(const char *name)
{
	for (size_t i = 0; i < SL_REASON_COUNT_; i++)
		if (strcmp(infos[i].name, name) == 0)
			return (int)infos[i].reason;
	return -1;
}

const struct sl_count *sl_reason_count(const struct sl_reason_counts *counts, enum sl_reason reason)
{
	/* reasons.h: one struct sl_count after the other, in the order of the enum. */
	return (const struct sl_count *)(const void *)counts + reason;
}

struct sl_count sl_reasons_dropped(const struct sl_reason_counts *counts)
{
	struct sl_count sum = { 0 };

	for (unsigned i = SL_REASON_PASS + 1; i < SL_REASON_COUNT_; i++) {
		const struct sl_count *one = sl_reason_count(counts, (enum sl_reason)i);

		sum.packets += one->packets;
		sum.bytes += one->bytes;
	}
	return sum;
}

struct sl_count sl_reasons_total(const struct sl_reason_counts *counts)
{
	struct sl_count sum = sl_reasons_dropped(counts);

	sum.packets += counts->pass.packets;
	sum.bytes += counts->pass.bytes;
	return sum;
}

/* ---- word by word: the structs hold nothing but counters ------------------------------ */

static void add_words(uint64_t *total, const uint64_t *one, size_t words)
{
	for (size_t i = 0; i < words; i++)
		total[i] += one[i];
}

/* One word that went back tells that all of them began anew. */
static void subtract_words(uint64_t *now, const uint64_t *before, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (now[i] < before[i])
			return;
	for (size_t i = 0; i < words; i++)
		now[i] -= before[i];
}

void sl_counters_add(struct sl_counters *total, const struct sl_counters *one)
{
	uint64_t sum[COUNTERS_WORDS], words[COUNTERS_WORDS];

	memcpy(sum, total, sizeof(sum));
	memcpy(words, one, sizeof(words));
	add_words(sum, words, COUNTERS_WORDS);
	memcpy(total, sum, sizeof(sum));
}

void sl_node_add(struct sl_node *total, const struct sl_node *one)
{
	uint64_t sum[NODE_WORDS], words[NODE_WORDS];

	memcpy(sum, total, sizeof(sum));
	memcpy(words, one, sizeof(words));
	add_words(sum, words, NODE_WORDS);
	memcpy(total, sum, sizeof(sum));
}

void sl_counters_since(struct sl_counters *ret, const struct sl_counters *now,
		       const struct sl_counters *before)
{
	uint64_t words[COUNTERS_WORDS], old[COUNTERS_WORDS];

	memcpy(words, now, sizeof(words));
	memcpy(old, before, sizeof(old));
	subtract_words(words, old, COUNTERS_WORDS);
	memcpy(ret, words, sizeof(words));
}

void sl_node_since(struct sl_node *ret, const struct sl_node *now, const struct sl_node *before)
{
	uint64_t words[NODE_WORDS], old[NODE_WORDS];

	memcpy(words, now, sizeof(words));
	memcpy(old, before, sizeof(old));
	subtract_words(words, old, NODE_WORDS);
	memcpy(ret, words, sizeof(words));
}

uint64_t sl_per_second(uint64_t count, uint64_t elapsed_ns)
{
	if (elapsed_ns == 0)
		return 0;
	return (uint64_t)(((unsigned __int128)count * S_NS + elapsed_ns / 2) / elapsed_ns);
}
