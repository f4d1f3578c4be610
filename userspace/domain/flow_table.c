// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/flow_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "sluice/flow.h"

#define LINES_MIN     64u
#define ADDRESS_WORDS 4 /* of IPv6; IPv4 has both addresses in one */
#define MOVES	      3 /* in a row, to make room for one flow */
#define ATTEMPTS      8 /* to take the room just made, before others do */

#define STATE_MASK (3ull << SL_FLOW_STATE_SHIFT)
#define TURN_MASK  (0x3full << SL_FLOW_TURN_SHIFT)
#define TURN_ONE   (1ull << SL_FLOW_TURN_SHIFT) /* in the top bits: wraps by itself */
#define FREE	   0ull
#define WRITING	   ((uint64_t)SL_FLOW_BEING_WRITTEN << SL_FLOW_STATE_SHIFT)

/* A line as words: slots of addresses, then the word of flow.h. */
struct shape {
	unsigned slots;
	unsigned slot_words;
	unsigned line_words;
	unsigned tenths; /* slots for 10 flows: with lines of 3, chance fills some early */
};

static const struct shape shapes[] = {
	{ SL_FLOW4_SLOTS, sizeof(struct sl_flow4) / 8, sizeof(struct sl_flow4_line) / 8, 20 },
	{ SL_FLOW6_SLOTS, sizeof(struct sl_flow6) / 8, sizeof(struct sl_flow6_line) / 8, 25 },
};

/* A flow as it stands in a slot, and where it may stand. */
struct entry {
	uint64_t address[ADDRESS_WORDS];
	uint64_t key;
	uint64_t tenant;
	uint32_t line[2];
};

static const struct shape *shape_of(const struct sl_flow_table *table)
{
	return &shapes[table->family == 6];
}

static unsigned address_words(const struct sl_flow_table *table)
{
	return shape_of(table)->slot_words - 1;
}

static uint64_t *slot_at(const struct sl_flow_table *table, uint32_t line, unsigned i)
{
	const struct shape *shape = shape_of(table);

	return (uint64_t *)table->lines + (size_t)line * shape->line_words +
	       (size_t)i * shape->slot_words;
}

static uint64_t *word_of(const struct sl_flow_table *table, uint64_t *slot)
{
	return slot + address_words(table);
}

static bool is_in_state(uint64_t word, enum sl_flow_state state)
{
	return (word & STATE_MASK) == (uint64_t)state << SL_FLOW_STATE_SHIFT;
}

static void choose_lines(struct entry *entry, const struct sl_flow_table *table)
{
	uint64_t hash;

	if (table->family == 4)
		hash = sl_flow4_hash(entry->address[0], entry->key, table->seed);
	else
		hash = sl_flow6_hash((const __u64 *)entry->address, entry->key, table->seed);
	entry->line[0] = sl_flow_first_line(hash, table->line_count);
	entry->line[1] = sl_flow_second_line(hash, entry->line[0], table->line_count);
}

static int entry_of(struct entry *ret, const struct sl_flow_table *table,
		    const struct sl_flow_spec *flow)
{
	size_t half_bytes = table->family == 4 ? 4 : 16;
	struct entry entry = { .tenant = (uint64_t)flow->tenant << SL_FLOW_TENANT_SHIFT };

	if (flow->remote.family != table->family || flow->local.family != table->family)
		return -EINVAL;
	if (flow->tenant >= SL_TENANTS_MAX)
		return -ERANGE;
	memcpy(entry.address, flow->remote.bytes, half_bytes);
	memcpy((char *)entry.address + half_bytes, flow->local.bytes, half_bytes);
	entry.key = sl_flow_key(htons(flow->remote_port), htons(flow->local_port), flow->protocol);
	choose_lines(&entry, table);
	*ret = entry;
	return 0;
}

/* The flow in a slot, with the word it was read under; false: in use by no flow. */
static bool read_slot(struct entry *ret, uint64_t *ret_word, const struct sl_flow_table *table,
		      uint64_t *slot)
{
	uint64_t *at = word_of(table, slot);
	struct entry entry = { 0 };
	uint64_t word;

	do {
		word = __atomic_load_n(at, __ATOMIC_ACQUIRE);
		if (!is_in_state(word, SL_FLOW_USED))
			return false;
		for (unsigned i = 0; i < address_words(table); i++)
			entry.address[i] = __atomic_load_n(&slot[i], __ATOMIC_ACQUIRE);
	} while (__atomic_load_n(at, __ATOMIC_RELAXED) != word);
	entry.key = word & SL_FLOW_KEY_MASK;
	entry.tenant = word & 0xffffull << SL_FLOW_TENANT_SHIFT;
	*ret = entry;
	*ret_word = word;
	return true;
}

/* From @word, of which only the turn stays, and goes on. */
static bool change(const struct sl_flow_table *table, uint64_t *slot, uint64_t word, uint64_t to)
{
	uint64_t *at = word_of(table, slot);

	to |= (word & TURN_MASK) + TURN_ONE;
	return __atomic_compare_exchange_n(at, &word, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

/* Every copy of the flow becomes @to. Returns whether there was one. */
static bool change_all(const struct sl_flow_table *table, const struct entry *flow, uint64_t to)
{
	bool found = false;

	for (int choice = 0; choice < 2; choice++) {
		for (unsigned i = 0; i < shape_of(table)->slots; i++) {
			uint64_t *slot = slot_at(table, flow->line[choice], i);
			struct entry entry;
			uint64_t word;

			while (read_slot(&entry, &word, table, slot) && entry.key == flow->key &&
			       !memcmp(entry.address, flow->address, sizeof(entry.address))) {
				if (!change(table, slot, word, to))
					continue;
				found = true;
				break;
			}
		}
	}
	return found;
}

/* A free slot of the line, now ours; else NULL. */
static uint64_t *claim(const struct sl_flow_table *table, uint32_t line)
{
	for (unsigned i = 0; i < shape_of(table)->slots; i++) {
		uint64_t *slot = slot_at(table, line, i);
		uint64_t word = __atomic_load_n(word_of(table, slot), __ATOMIC_RELAXED);

		if (is_in_state(word, SL_FLOW_FREE) && change(table, slot, word, WRITING))
			return slot;
	}
	return NULL;
}

/* Into a slot that is ours. Releases, for no address may be seen before the claim. */
static uint64_t publish(const struct sl_flow_table *table, uint64_t *slot,
			const struct entry *entry)
{
	uint64_t *at = word_of(table, slot);
	uint64_t turn = __atomic_load_n(at, __ATOMIC_RELAXED) & TURN_MASK;
	uint64_t word = turn | entry->key | entry->tenant;

	for (unsigned i = 0; i < address_words(table); i++)
		__atomic_store_n(&slot[i], entry->address[i], __ATOMIC_RELEASE);
	__atomic_store_n(at, word, __ATOMIC_RELEASE);
	return word;
}

/* The flow in this slot, if the line is its first choice. */
static bool is_movable(struct entry *ret, uint64_t *ret_word, const struct sl_flow_table *table,
		       uint32_t line, unsigned i)
{
	if (!read_slot(ret, ret_word, table, slot_at(table, line, i)))
		return false;
	choose_lines(ret, table);
	return ret->line[0] == line;
}

/*
 * Moves one flow of the line to its second choice. True: a slot of the line may be free
 * now. The flow's owner may have changed or unbound it meanwhile: then it stays, and the
 * copy goes, unless the owner has taken that over.
 */
static bool move_one(const struct sl_flow_table *table, uint32_t line)
{
	for (unsigned i = 0; i < shape_of(table)->slots; i++) {
		uint64_t *slot = slot_at(table, line, i), *copy;
		uint64_t word, copy_word;
		struct entry entry;

		if (!is_movable(&entry, &word, table, line, i))
			continue;
		copy = claim(table, entry.line[1]);
		if (!copy)
			continue;
		copy_word = publish(table, copy, &entry);
		if (!change(table, slot, word, FREE))
			(void)change(table, copy, copy_word, FREE);
		return true;
	}
	return false;
}

/* The same; where there is room only behind others, they move first, @moves in a row. */
static bool make_room(const struct sl_flow_table *table, uint32_t line, unsigned moves)
{
	if (move_one(table, line))
		return true;
	for (unsigned i = 0; moves > 1 && i < shape_of(table)->slots; i++) {
		struct entry entry;
		uint64_t word;

		if (is_movable(&entry, &word, table, line, i) &&
		    make_room(table, entry.line[1], moves - 1))
			return move_one(table, line);
	}
	return false;
}

uint32_t sl_flow_table_lines(uint32_t flows, uint8_t family)
{
	const struct shape *shape = &shapes[family == 6];
	const uint64_t slots = ((uint64_t)flows * shape->tenths + 9) / 10;
	const uint64_t lines = (slots + shape->slots - 1) / shape->slots;

	return lines < LINES_MIN ? LINES_MIN : (uint32_t)lines;
}

uint64_t sl_flow_table_slots(const struct sl_flow_table *table)
{
	return (uint64_t)table->line_count * shape_of(table)->slots;
}

uint64_t sl_flow_table_room(const struct sl_flow_table *table)
{
	return sl_flow_table_slots(table) * 10 / shape_of(table)->tenths;
}

static uint64_t *slot_of_place(const struct sl_flow_table *table, uint64_t place)
{
	const unsigned slots = shape_of(table)->slots;

	return slot_at(table, (uint32_t)(place / slots), (unsigned)(place % slots));
}

uint64_t sl_flow_table_used(const struct sl_flow_table *table)
{
	uint64_t used = 0;

	for (uint64_t place = 0; place < sl_flow_table_slots(table); place++) {
		const uint64_t *at = word_of(table, slot_of_place(table, place));

		used += !is_in_state(__atomic_load_n(at, __ATOMIC_RELAXED), SL_FLOW_FREE);
	}
	return used;
}

int sl_flow_table_bind(const struct sl_flow_table *table, const struct sl_flow_spec *flow)
{
	struct entry entry;
	int r = entry_of(&entry, table, flow);

	for (int attempt = 0; !r && attempt < ATTEMPTS; attempt++) {
		uint64_t *slot;

		if (change_all(table, &entry, entry.key | entry.tenant))
			return 0;
		slot = claim(table, entry.line[0]);
		if (!slot)
			slot = claim(table, entry.line[1]);
		if (slot) {
			(void)publish(table, slot, &entry);
			return 0;
		}
		if (!make_room(table, entry.line[0], MOVES) &&
		    !make_room(table, entry.line[1], MOVES))
			break;
	}
	return r ? r : -ENOSPC;
}

int sl_flow_table_unbind(const struct sl_flow_table *table, const struct sl_flow_spec *flow)
{
	struct sl_flow_spec of_any_tenant = *flow;
	struct entry entry;
	int r;

	of_any_tenant.tenant = 0;
	r = entry_of(&entry, table, &of_any_tenant);
	if (r)
		return r;
	return change_all(table, &entry, FREE) ? 0 : -ENOENT;
}

static void spec_of(struct sl_flow_spec *ret, const struct sl_flow_table *table,
		    const struct entry *entry)
{
	size_t half_bytes = table->family == 4 ? 4 : 16;

	*ret = (struct sl_flow_spec){
		.remote = { .family = table->family },
		.local = { .family = table->family },
		.remote_port = ntohs((uint16_t)entry->key),
		.local_port = ntohs((uint16_t)(entry->key >> 16)),
		.protocol = (uint8_t)(entry->key >> 48),
		.tenant = (uint32_t)(entry->tenant >> SL_FLOW_TENANT_SHIFT),
	};
	memcpy(ret->remote.bytes, entry->address, half_bytes);
	memcpy(ret->local.bytes, (const char *)entry->address + half_bytes, half_bytes);
}

bool sl_flow_table_next(struct sl_flow_spec *ret, const struct sl_flow_table *table,
			uint64_t *place)
{
	while (*place < sl_flow_table_slots(table)) {
		struct entry entry;
		uint64_t word;

		if (!read_slot(&entry, &word, table, slot_of_place(table, (*place)++)))
			continue;
		spec_of(ret, table, &entry);
		return true;
	}
	return false;
}

uint64_t sl_flow_table_sweep(const struct sl_flow_table *table, uint64_t *place, uint64_t slots,
			     sl_flow_is_over *is_over, void *context)
{
	const uint64_t all = sl_flow_table_slots(table);
	uint64_t freed = 0;

	for (; slots && *place < all; slots--) {
		uint64_t *slot = slot_of_place(table, (*place)++), word;
		struct sl_flow_spec flow;
		struct entry entry;

		if (!read_slot(&entry, &word, table, slot))
			continue;
		spec_of(&flow, table, &entry);
		/* From the word that was looked at: whoever took the slot over keeps it. */
		if (is_over(context, &flow))
			freed += change(table, slot, word, FREE);
	}
	return freed;
}
