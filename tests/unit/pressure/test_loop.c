// SPDX-License-Identifier: Apache-2.0
/*
 * The closed loop: clients, a router's pool, a stream, two workers. Real code of both
 * sides; time goes by milliseconds. The workers become ten times slower, then well again.
 */
#include "userspace/pressure/gauge.h"
#include "userspace/pressure/pool.h"
#include "userspace/pressure/queue.h"

#include <stdio.h>
#include <string.h>

#include "tests/harness/test.h"

#define MS	   1000000ull
#define S	   (1000 * MS)
#define START	   (1000 * S)
#define WORKERS	   2u
#define SLOTS	   4u
#define ROOM	   4u /* of a worker's queue */
#define STREAM_MAX 4096u
#define SECONDS	   80u
#define SLOW_AT	   10u
#define WELL_AT	   40u
#define FAST_NS	   (10 * MS)
#define SLOW_NS	   (100 * MS)
#define DEADLINE   (2 * S)
#define TARGET	   (100 * MS)
#define SEEDS	   12u
#define TENANTS	   60u
#define PER_S	   500u /* 62 % of what healthy workers do, 625 % of slow ones */

struct job {
	struct sl_queue_item item;
	uint64_t ends_ns, came_ns; /* came_ns: not before */
	bool is_there;
};

struct worker {
	struct sl_gauge gauge;
	struct sl_queue queue;
	struct job running[SLOTS], waiting[ROOM];
	size_t waiting_count;
};

struct second {
	unsigned int offered, admitted, done, started, critical_lost, late;
	double waited_ms;
};

struct world {
	struct sl_pressure_pool *pool;
	struct worker workers[WORKERS];
	struct job stream[STREAM_MAX];
	size_t stream_count;
	uint64_t random, now_ns;
	uint64_t slow_to_shed_ns;
	struct second seconds[SECONDS];
};

static uint64_t next_random(struct world *world)
{
	world->random = world->random * 6364136223846793005ull + 1442695040888963407ull;
	return world->random >> 17;
}

static unsigned int second_of(const struct world *world)
{
	return (unsigned int)((world->now_ns - START) / S);
}

static struct second *now_in(struct world *world)
{
	return &world->seconds[second_of(world)];
}

static bool is_slow(const struct world *world)
{
	return second_of(world) >= SLOW_AT && second_of(world) < WELL_AT;
}

static void lose(struct world *world, const struct job *job)
{
	now_in(world)->critical_lost += job->item.criticality >= SL_CRITICAL;
}

/* ---- clients and router ------------------------------------------------------------------- */

/* Of 60 tenants two are critical, 17 requests a second: less than slow workers can do. */
static enum sl_criticality class_of(unsigned int tenant)
{
	if (tenant < 2)
		return SL_CRITICAL;
	return tenant < 24 ? SL_SHEDDABLE_PLUS : SL_SHEDDABLE;
}

static unsigned int busy(const struct worker *worker)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < SLOTS; i++)
		count += worker->running[i].is_there;
	return count;
}

static void count(struct sl_pool_jobs *jobs, const struct job *of, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		jobs->open += of[i].is_there;
		jobs->sheddable += of[i].is_there && of[i].item.criticality < SL_CRITICAL;
	}
}

/* As a router counts them: by acks and results. */
static void count_jobs(struct world *world)
{
	struct sl_pool_jobs jobs = { .unaccepted = world->stream_count };

	count(&jobs, world->stream, world->stream_count);
	for (unsigned int i = 0; i < WORKERS; i++) {
		count(&jobs, world->workers[i].running, SLOTS);
		count(&jobs, world->workers[i].waiting, world->workers[i].waiting_count);
	}
	sl_pressure_pool_jobs(world->pool, &jobs);
}

static void ask(struct world *world)
{
	const unsigned int tenant = (unsigned int)(next_random(world) % TENANTS);
	const enum sl_criticality criticality = class_of(tenant);
	struct sl_pool_request request = { .criticality = criticality, .needs_credit = true };
	struct job job = { .item = { .queued_ns = world->now_ns,
				     .deadline_ns = world->now_ns + DEADLINE,
				     .criticality = criticality },
			   .is_there = true };
	char name[16];

	(void)snprintf(name, sizeof(name), "t%u", tenant);
	request.level = sl_priority_level(criticality, sl_span_of(name), 1);
	now_in(world)->offered++;
	count_jobs(world);
	if (sl_pressure_pool_admit(world->pool, &request, world->now_ns) != SL_POOL_ADMIT) {
		lose(world, &job);
		(void)sl_pressure_pool_tick(world->pool, next_random(world), world->now_ns);
		return;
	}
	now_in(world)->admitted++;
	assert_true(world->stream_count < STREAM_MAX);
	world->stream[world->stream_count++] = job;
}

/* ---- workers ------------------------------------------------------------------------------ */

static void finish(struct world *world, struct worker *worker)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		struct job *job = &worker->running[i];

		if (!job->is_there || job->ends_ns > world->now_ns)
			continue;
		job->is_there = false;
		now_in(world)->done++;
		sl_meter_count(&worker->gauge.meter, SL_METER_DONE, world->now_ns);
	}
}

/* The first that may come; those that were refused wait a second. */
static void pull(struct world *world, struct worker *worker)
{
	for (size_t i = 0; i < world->stream_count && worker->waiting_count < ROOM;) {
		struct job *job = &world->stream[i];

		if (job->came_ns > world->now_ns) {
			i++;
			continue;
		}
		worker->waiting[worker->waiting_count++] = *job;
		world->stream_count--;
		memmove(job, job + 1, (world->stream_count - i) * sizeof(*job));
		sl_queue_note(&worker->queue, false, world->now_ns);
	}
}

static struct job take(struct worker *worker)
{
	size_t best = 0;
	struct job job;

	for (size_t i = 1; i < worker->waiting_count; i++)
		if (sl_queue_before(&worker->waiting[i].item, &worker->waiting[best].item,
				    worker->gauge.level.state))
			best = i;
	job = worker->waiting[best];
	worker->waiting[best] = worker->waiting[--worker->waiting_count];
	return job;
}

static void run(struct world *world, struct worker *worker, struct job job)
{
	struct second *second = now_in(world);

	for (unsigned int i = 0; i < SLOTS; i++) {
		if (worker->running[i].is_there)
			continue;
		job.ends_ns = world->now_ns + (is_slow(world) ? SLOW_NS : FAST_NS);
		worker->running[i] = job;
		break;
	}
	second->started++;
	second->late += world->now_ns >= job.item.deadline_ns;
	second->waited_ms += (double)(world->now_ns - job.item.queued_ns) / (double)MS;
	sl_meter_waited(&worker->gauge.meter, world->now_ns - job.item.queued_ns, world->now_ns);
}

static void dispatch(struct world *world, struct worker *worker)
{
	while (worker->waiting_count && busy(worker) < SLOTS) {
		struct job job = take(worker);

		switch (sl_queue_judge(&worker->queue, &job.item, world->now_ns)) {
		case SL_QUEUE_RUN:
			run(world, worker, job);
			break;
		case SL_QUEUE_EXPIRED:
			sl_meter_count(&worker->gauge.meter, SL_METER_EXPIRED, world->now_ns);
			lose(world, &job);
			break;
		case SL_QUEUE_LATE:
			sl_meter_count(&worker->gauge.meter, SL_METER_EXPIRED, world->now_ns);
			job.came_ns = job.item.queued_ns = world->now_ns + S;
			world->stream[world->stream_count++] = job;
			break;
		}
	}
	sl_queue_note(&worker->queue, !worker->waiting_count, world->now_ns);
}

static void tell(struct world *world, struct worker *worker)
{
	uint64_t since[ROOM];
	struct sl_gauge_now now = { .busy = busy(worker), .routers = 1 };

	for (size_t i = 0; i < worker->waiting_count; i++)
		since[i] = worker->waiting[i].item.queued_ns;
	now.waiting = (struct sl_meter_waiting){ since, worker->waiting_count };
	if (!sl_gauge_is_due(&worker->gauge, &now, world->now_ns))
		return;
	count_jobs(world);
	(void)sl_gauge_signal(&worker->gauge, &now, next_random(world), world->now_ns);
	assert_true(sl_pressure_pool_hear(world->pool, &worker->gauge.last, world->now_ns) >= 0);
}

/* ---- the clock ---------------------------------------------------------------------------- */

static void note_shedding(struct world *world)
{
	const struct sl_pool_view view = sl_pressure_pool_view(world->pool);

	if (is_slow(world) && !world->slow_to_shed_ns && view.state >= SL_PRESSURE_SHED)
		world->slow_to_shed_ns = world->now_ns - (START + SLOW_AT * S);
}

static void live(struct world *world, uint64_t seed)
{
	world->random = seed;
	for (world->now_ns = START; world->now_ns < START + SECONDS * S; world->now_ns += MS) {
		const uint64_t ms = (world->now_ns - START) / MS;

		for (unsigned int i = 0; i < WORKERS; i++) {
			finish(world, &world->workers[i]);
			pull(world, &world->workers[(i + ms) % WORKERS]);
			dispatch(world, &world->workers[i]);
			if (ms % 50 == i)
				tell(world, &world->workers[i]);
		}
		count_jobs(world);
		if (ms % 250 == 0)
			(void)sl_pressure_pool_tick(world->pool, next_random(world), world->now_ns);
		if (next_random(world) % 1000 < PER_S)
			ask(world);
		note_shedding(world);
	}
}

static void begin_one(struct world *world, uint64_t seed)
{
	const struct sl_pressure_pool_options options = { .name = "p", .secret = { 1, 2 } };

	assert_int_equal(sl_pressure_pool_new(&world->pool, &options, START), 0);
	for (unsigned int i = 0; i < WORKERS; i++) {
		const struct sl_gauge_options gauge = {
			.pool = "p", .source = i ? "b" : "a", .epoch = 1, .slots = SLOTS
		};

		sl_gauge_init(&world->workers[i].gauge, &gauge, START);
		sl_queue_init(&world->workers[i].queue, TARGET, START);
	}
	live(world, seed);
}

static int begin(void **state)
{
	struct world *worlds = test_calloc(SEEDS, sizeof(*worlds));

	for (unsigned int i = 0; i < SEEDS; i++)
		begin_one(&worlds[i], i + 1);
	*state = worlds;
	return 0;
}

static int end(void **state)
{
	struct world *worlds = *state;

	for (unsigned int i = 0; i < SEEDS; i++)
		sl_pressure_pool_free(worlds[i].pool);
	test_free(worlds);
	return 0;
}

/* ---- what must be so, whatever the seed --------------------------------------------------- */

static void healthy_workers_get_everything(void **state)
{
	const struct world *worlds = *state;

	for (unsigned int i = 0; i < SEEDS * SLOW_AT; i++) {
		const struct second *second = &worlds[i / SLOW_AT].seconds[i % SLOW_AT];

		assert_int_equal(second->admitted, second->offered);
	}
}

static unsigned int done_while_slow(const struct world *world)
{
	unsigned int done = 0;

	for (unsigned int i = SLOW_AT + 1; i < WELL_AT; i++)
		done += world->seconds[i].done;
	return done;
}

static void slow_workers_are_kept_busy(void **state)
{
	const unsigned int capacity = WORKERS * SLOTS * (unsigned int)(S / SLOW_NS);
	const struct world *worlds = *state;

	for (unsigned int i = 0; i < SEEDS; i++)
		assert_true(done_while_slow(&worlds[i]) >=
			    capacity * (WELL_AT - SLOW_AT - 1) * 95 / 100);
}

static double waited_ms(const struct world *world)
{
	unsigned int started = 0;
	double sum = 0;

	for (unsigned int i = SLOW_AT + 3; i < WELL_AT; i++) {
		sum += world->seconds[i].waited_ms;
		started += world->seconds[i].started;
	}
	return sum / started;
}

/* On average; and there is a queue, or workers would be idle. */
static void what_runs_has_waited_no_longer_than_the_target(void **state)
{
	const struct world *worlds = *state;

	for (unsigned int i = 0; i < SEEDS; i++) {
		assert_true(waited_ms(&worlds[i]) <= (double)(TARGET / MS));
		assert_true(waited_ms(&worlds[i]) >= (double)(TARGET / MS) / 4);
	}
}

static void what_is_critical_is_never_lost(void **state)
{
	const struct world *worlds = *state;

	for (unsigned int i = 0; i < SEEDS * SECONDS; i++)
		assert_int_equal(worlds[i / SECONDS].seconds[i % SECONDS].critical_lost, 0);
}

static void nothing_runs_after_its_deadline(void **state)
{
	const struct world *worlds = *state;

	for (unsigned int i = 0; i < SEEDS * SECONDS; i++)
		assert_int_equal(worlds[i / SECONDS].seconds[i % SECONDS].late, 0);
}

static void shedding_begins_within_a_second(void **state)
{
	const struct world *worlds = *state;

	for (unsigned int i = 0; i < SEEDS; i++)
		assert_in_range(worlds[i].slow_to_shed_ns, 1, S);
}

/* Everything passes again after 10 s, and from then on. */
static void well_again_everything_passes_and_stays_so(void **state)
{
	const struct world *worlds = *state;

	for (unsigned int i = 0; i < SEEDS; i++)
		for (unsigned int at = WELL_AT + 10; at < SECONDS; at++)
			assert_true(worlds[i].seconds[at].admitted >=
				    worlds[i].seconds[at].offered * 99 / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(healthy_workers_get_everything),
		cmocka_unit_test(slow_workers_are_kept_busy),
		cmocka_unit_test(what_runs_has_waited_no_longer_than_the_target),
		cmocka_unit_test(what_is_critical_is_never_lost),
		cmocka_unit_test(nothing_runs_after_its_deadline),
		cmocka_unit_test(shedding_begins_within_a_second),
		cmocka_unit_test(well_again_everything_passes_and_stays_so),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
