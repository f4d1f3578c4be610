// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <string.h>

#include "sluice/hash.h"
#include "userspace/domain/sources.h"
#include "userspace/domain/text.h"

#define NONE SL_TENANT_NONE

static struct sl_source_entry entry(const char *text, uint32_t tenant)
{
	struct sl_source_entry made = { .tenant = tenant };
	struct sl_prefix_spec prefix;

	assert_int_equal(sl_parse_prefix(&prefix, text, NULL), 0);
	made.key = sl_prefix_key_of(&prefix);
	return made;
}

static const struct sl_source_change *change_of(const struct sl_source_changes *changes,
						const char *text)
{
	const struct sl_source_entry wanted = entry(text, 0);

	for (size_t i = 0; i < changes->count; i++)
		if (sl_prefix_compare(&changes->at[i].key, &wanted.key) == 0)
			return &changes->at[i];
	fail_msg("no change for %s", text);
	return changes->at;
}

static void assert_change(const struct sl_source_changes *changes, const char *text,
			  uint32_t before, uint32_t after, bool write, bool remove)
{
	const struct sl_source_change *change = change_of(changes, text);

	assert_int_equal(change->before, before);
	assert_int_equal(change->after, after);
	assert_int_equal(change->write, write);
	assert_int_equal(change->remove, remove);
}

static void a_new_prefix_answers_as_before_until_the_flip(void **state)
{
	const struct sl_source_entry before[] = { entry("10.0.0.0/8", 1) };
	const struct sl_source_entry after[] = { entry("10.1.0.0/16", 2), entry("10.0.0.0/8", 1),
						 entry("11.0.0.0/8", 3) };
	struct sl_source_changes changes;

	assert_int_equal(sl_sources_diff(&changes, before, 1, after, 3), 0);
	assert_int_equal(changes.count, 3);
	assert_change(&changes, "10.0.0.0/8", 1, 1, false, false);
	assert_change(&changes, "10.1.0.0/16", 1, 2, true, false);
	assert_change(&changes, "11.0.0.0/8", NONE, 3, true, false);
	free(changes.at);
}

static void a_removed_prefix_answers_as_the_one_around_it(void **state)
{
	const struct sl_source_entry before[] = { entry("10.0.0.0/8", 1), entry("10.1.0.0/16", 2),
						  entry("10.1.1.0/24", 1), entry("11.0.0.0/8", 4) };
	const struct sl_source_entry after[] = { entry("10.0.0.0/8", 1) };
	struct sl_source_changes changes;

	assert_int_equal(sl_sources_diff(&changes, before, 4, after, 1), 0);
	assert_int_equal(changes.count, 4);
	assert_change(&changes, "10.0.0.0/8", 1, 1, false, false);
	assert_change(&changes, "10.1.0.0/16", 2, 1, true, true);
	assert_change(&changes, "10.1.1.0/24", 1, 1, false, true);
	assert_change(&changes, "11.0.0.0/8", 4, NONE, true, true);
	free(changes.at);
}

/* What an apply that was cut short leaves in the map: a key that answers nobody. */
static void nobody_is_an_answer_too(void **state)
{
	const struct sl_source_entry before[] = { entry("10.0.0.0/8", 1),
						  entry("10.1.0.0/16", NONE) };
	const struct sl_source_entry after[] = { entry("10.0.0.0/8", 1) };
	struct sl_source_changes changes;

	assert_int_equal(sl_sources_diff(&changes, before, 2, after, 1), 0);
	assert_change(&changes, "10.1.0.0/16", NONE, 1, true, true);
	free(changes.at);
}

static void of_a_key_given_twice_the_last_counts(void **state)
{
	const struct sl_source_entry after[] = { entry("10.0.0.0/8", 1), entry("10.0.0.0/8", 2) };
	struct sl_source_changes changes;

	assert_int_equal(sl_sources_diff(&changes, NULL, 0, after, 2), 0);
	assert_int_equal(changes.count, 1);
	assert_change(&changes, "10.0.0.0/8", NONE, 2, true, false);
	free(changes.at);
}

static void of_nothing_nothing_comes(void **state)
{
	struct sl_source_changes changes;

	assert_int_equal(sl_sources_diff(&changes, NULL, 0, NULL, 0), 0);
	assert_int_equal(changes.count, 0);
	free(changes.at);
}

/* The deepest nesting there is: one prefix of each length. */
static void every_length_at_once(void **state)
{
	struct sl_source_entry after[129];
	struct sl_source_changes changes;

	for (uint32_t bits = 0; bits <= 128; bits++)
		after[bits] =
			(struct sl_source_entry){ .key.v6.prefix_bits = bits, .tenant = bits };
	assert_int_equal(sl_sources_diff(&changes, after, 128, after, 129), 0);
	assert_int_equal(changes.count, 129);
	assert_int_equal(changes.at[128].before, 127);
	assert_int_equal(changes.at[128].after, 128);
	free(changes.at);
}

/* ---- against brute force ---------------------------------------------------------------- */

#define SET_MAX 40
#define PROBES	16

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
	random_state = sl_mix(random_state + 1);
	return (uint32_t)(random_state >> 32) % below;
}

/* Of few addresses and few lengths, so that prefixes nest and repeat. */
static size_t draw_set(struct sl_source_entry *set, uint32_t tenants, bool v6)
{
	static const uint8_t lengths4[] = { 0, 1, 8, 9, 16, 23, 24, 31, 32 };
	static const uint8_t lengths6[] = { 0, 1, 32, 47, 48, 64, 65, 127, 128 };
	size_t count = draw(SET_MAX + 1), kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct sl_prefix_spec prefix = { .address.family = v6 ? 6 : 4,
						 .bits = (v6 ? lengths6 : lengths4)[draw(9)] };
		struct sl_source_entry made;
		bool twice = false;

		for (size_t j = 0; j < (v6 ? 16 : 4); j++)
			prefix.address.bytes[j] = draw(3) ? 0x80 : (uint8_t)draw(3);
		for (size_t bit = prefix.bits; bit < (v6 ? 128u : 32u); bit++)
			prefix.address.bytes[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
		made = (struct sl_source_entry){ sl_prefix_key_of(&prefix),
						 draw(8) ? draw(tenants) : NONE };
		for (size_t j = 0; j < kept; j++)
			twice |= sl_prefix_compare(&set[j].key, &made.key) == 0;
		if (!twice)
			set[kept++] = made;
	}
	return kept;
}

static uint32_t lookup(const struct sl_source_entry *set, size_t count,
		       const union sl_prefix_key *key)
{
	const struct sl_source_entry *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (sl_prefix_covers(&set[i].key, key) &&
		    (!best || set[i].key.v6.prefix_bits > best->key.v6.prefix_bits))
			best = &set[i];
	return best ? best->tenant : NONE;
}

/* A trie whose values have two halves, as the kernel has it. */
struct trie {
	struct sl_source_change at[4 * SET_MAX]; /* before and after are the halves */
	size_t count;
};

static void trie_put(struct trie *trie, const struct sl_source_change *change, uint32_t live,
		     uint32_t other)
{
	size_t i = 0;

	while (i < trie->count && sl_prefix_compare(&trie->at[i].key, &change->key) != 0)
		i++;
	trie->count += i == trie->count;
	trie->at[i] = (struct sl_source_change){ change->key, live, other, false, false };
}

static void trie_remove(struct trie *trie, const struct sl_source_change *change)
{
	for (size_t i = 0; i < trie->count; i++)
		if (sl_prefix_compare(&trie->at[i].key, &change->key) == 0)
			trie->at[i] = trie->at[--trie->count];
}

static uint32_t trie_lookup(const struct trie *trie, const union sl_prefix_key *key, bool other)
{
	const struct sl_source_change *best = NULL;

	for (size_t i = 0; i < trie->count; i++)
		if (sl_prefix_covers(&trie->at[i].key, key) &&
		    (!best || trie->at[i].key.v6.prefix_bits > best->key.v6.prefix_bits))
			best = &trie->at[i];
	if (!best)
		return NONE;
	return other ? best->after : best->before;
}

struct sets {
	struct sl_source_entry old[SET_MAX], new[SET_MAX];
	size_t old_count, new_count;
};

/* Whatever address is asked for, that half answers as @set would. */
static void assert_answers(const struct trie *trie, const struct sl_source_entry *set, size_t count,
			   bool other, bool v6)
{
	for (size_t i = 0; i < PROBES; i++) {
		union sl_prefix_key key = { .v6.prefix_bits = v6 ? 128 : 32 };

		for (size_t j = 0; j < (v6 ? 16 : 4); j++)
			key.v6.address[j] = draw(3) ? 0x80 : (uint8_t)draw(256);
		assert_int_equal(trie_lookup(trie, &key, other), lookup(set, count, &key));
	}
}

/* The three steps of sources.h. At each write the live half answers as its set does. */
static void apply(struct trie *trie, const struct sets *s, bool v6)
{
	struct sl_source_changes changes;

	assert_int_equal(sl_sources_diff(&changes, s->old, s->old_count, s->new, s->new_count), 0);
	for (size_t i = 0; i < changes.count; i++) {
		const struct sl_source_change *c = &changes.at[i];

		assert_int_equal(c->before, lookup(s->old, s->old_count, &c->key));
		assert_int_equal(c->after, lookup(s->new, s->new_count, &c->key));
		if (c->write)
			trie_put(trie, c, c->before, c->after);
		assert_answers(trie, s->old, s->old_count, false, v6);
	}
	assert_answers(trie, s->new, s->new_count, true, v6);
	for (size_t i = 0; i < changes.count; i++) {
		const struct sl_source_change *c = &changes.at[i];

		if (c->remove)
			trie_remove(trie, c);
		else if (c->write)
			trie_put(trie, c, c->after, c->after);
		assert_answers(trie, s->new, s->new_count, true, v6);
	}
	assert_answers(trie, s->new, s->new_count, false, v6);
	free(changes.at);
}

static void sets_follow_each_other(uint64_t seed, bool v6)
{
	struct trie trie = { .count = 0 };
	struct sets sets = { .old_count = 0 };

	random_state = seed;
	for (int round = 0; round < 200; round++) {
		sets.new_count = draw_set(sets.new, 5, v6);
		apply(&trie, &sets, v6);
		assert_int_equal(trie.count, sets.new_count);
		memcpy(sets.old, sets.new, sizeof(sets.old));
		sets.old_count = sets.new_count;
	}
}

static void random_sets_answer_as_a_brute_search_does(void **state)
{
	sets_follow_each_other(1, false);
	sets_follow_each_other(2, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_prefix_answers_as_before_until_the_flip),
		cmocka_unit_test(a_removed_prefix_answers_as_the_one_around_it),
		cmocka_unit_test(nobody_is_an_answer_too),
		cmocka_unit_test(of_a_key_given_twice_the_last_counts),
		cmocka_unit_test(of_nothing_nothing_comes),
		cmocka_unit_test(every_length_at_once),
		cmocka_unit_test(random_sets_answer_as_a_brute_search_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
