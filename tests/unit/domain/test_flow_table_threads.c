// SPDX-License-Identifier: Apache-2.0
/* Many writers at once, and readers that must never miss a flow. */
#include "tests/unit/domain/flow_reader.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#define LINES	1024u
#define STABLE	1200u /* flows that nobody binds or unbinds; they are moved all the time */
#define WRITERS 3u
#define OWN	1000u /* flows of each writer: with them there are too many */
#define RUN_NS	700000000ull

/*
 * Ports are the same for all and tenants are two: words of slots are often the same,
 * and only the turn tells their flows apart. So many lines, that no slot sees 64 turns
 * while one thread waits for a CPU.
 */
static uint32_t tenant_of(uint32_t number)
{
	return 1 + (number & 1);
}

static struct sl_flow_spec numbered(const struct sl_flow_table *t, uint32_t number)
{
	return flow(t->family, number, tenant_of(number));
}

static void bind_stable(const struct sl_flow_table *t)
{
	for (uint32_t i = 0; i < STABLE; i++) {
		const struct sl_flow_spec f = numbered(t, i);

		assert_int_equal(sl_flow_table_bind(t, &f), 0);
	}
}

static uint32_t next_random(uint64_t *random)
{
	*random = *random * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*random >> 33);
}

/* Binds or unbinds one of the writer's own flows, from @first on. */
static void churn(const struct sl_flow_table *t, uint32_t first, bool bound[OWN], uint64_t *random)
{
	const uint32_t i = next_random(random) % OWN;
	const struct sl_flow_spec f = numbered(t, first + i);

	if (bound[i] && next_random(random) % 4) {
		(void)sl_flow_table_unbind(t, &f);
		bound[i] = false;
	} else {
		bound[i] = sl_flow_table_bind(t, &f) == 0;
	}
}

struct race {
	struct sl_flow_table table;
	atomic_bool over;
	atomic_uint lost, wrong, left;
};

struct writer {
	struct race *race;
	uint32_t first;
	uint64_t rounds;
	bool bound[OWN];
};

/* Somebody who was just moving a flow when it was unbound takes the copy back: soon. */
static bool is_gone(const struct sl_flow_table *t, const struct sl_flow_spec *f)
{
	for (unsigned i = 0; i < 1000000; i++) {
		if (find(t, f) == NOBODY)
			return true;
		(void)sched_yield();
	}
	return false;
}

/* What a writer has bound is there, wherever others have moved it. */
static void look_after_own(struct writer *writer, uint32_t i)
{
	struct race *race = writer->race;
	const struct sl_flow_spec f = numbered(&race->table, writer->first + i);

	if (!writer->bound[i])
		race->left += !is_gone(&race->table, &f);
	else if (find(&race->table, &f) == NOBODY)
		race->lost++;
}

static void *write_flows(void *context)
{
	struct writer *writer = context;
	uint64_t random = writer->first;

	for (; !writer->race->over; writer->rounds++) {
		churn(&writer->race->table, writer->first, writer->bound, &random);
		for (unsigned i = 0; i < 4; i++)
			look_after_own(writer, next_random(&random) % OWN);
	}
	return NULL;
}

static void *read_flows(void *context)
{
	struct race *race = context;
	uint64_t random = 99;

	while (!race->over) {
		const uint32_t number = next_random(&random) % (STABLE + WRITERS * OWN);
		const struct sl_flow_spec f = numbered(&race->table, number);
		const uint32_t tenant = find(&race->table, &f);

		if (tenant == NOBODY)
			race->lost += number < STABLE;
		else
			race->wrong += tenant != f.tenant;
	}
	return NULL;
}

/* All is quiet: what is in the table is what was bound, and nothing leaked. */
static void check_end(const struct race *race, const struct writer writers[WRITERS])
{
	const struct sl_flow_table *t = &race->table;

	for (unsigned w = 0; w < WRITERS; w++) {
		for (uint32_t i = 0; i < OWN; i++) {
			const struct sl_flow_spec f = numbered(t, writers[w].first + i);

			assert_int_equal(find(t, &f), writers[w].bound[i] ? f.tenant : NOBODY);
			assert_int_equal(sl_flow_table_unbind(t, &f),
					 writers[w].bound[i] ? 0 : -ENOENT);
		}
	}
	for (uint32_t i = 0; i < STABLE; i++) {
		const struct sl_flow_spec f = numbered(t, i);

		assert_int_equal(find(t, &f), f.tenant);
		assert_int_equal(sl_flow_table_unbind(t, &f), 0);
	}
	assert_int_equal(sl_flow_table_used(t), 0);
}

static void no_reader_misses_a_flow_that_moves(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct race race = { .table = new_table(family, LINES) };
		struct writer writers[WRITERS] = { 0 };
		pthread_t threads[WRITERS + 2];
		struct timespec time = { .tv_nsec = (long)RUN_NS };
		uint64_t rounds = 0;

		bind_stable(&race.table);
		for (uint32_t i = 0; i < WRITERS; i++) {
			writers[i].race = &race;
			writers[i].first = STABLE + i * OWN;
			assert_int_equal(
				pthread_create(&threads[i], NULL, write_flows, &writers[i]), 0);
		}
		for (uint32_t i = WRITERS; i < COUNT(threads); i++)
			assert_int_equal(pthread_create(&threads[i], NULL, read_flows, &race), 0);
		(void)nanosleep(&time, NULL);
		race.over = true;
		for (uint32_t i = 0; i < COUNT(threads); i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		for (uint32_t i = 0; i < WRITERS; i++)
			rounds += writers[i].rounds;
		print_message("IPv%u: %llu rounds\n", family, (unsigned long long)rounds);
		assert_true(rounds > 10000);
		assert_int_equal(race.lost, 0);
		assert_int_equal(race.wrong, 0);
		assert_int_equal(race.left, 0);
		check_end(&race, writers);
		free(race.table.lines);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_reader_misses_a_flow_that_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
