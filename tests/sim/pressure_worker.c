// SPDX-License-Identifier: Apache-2.0
/* A worker: what it pulls, what it runs, and what it says of that. */
#include <string.h>

#include "tests/harness/options.h"
#include "tests/sim/pressure_sim.h"

#define TELL_NS	      (50 * SL_PS_MS) /* it looks whether a signal is due so often */
#define OFFERED_AGAIN SL_PS_S	      /* what it rejected, after this */
#define ROUTER_NS     (3 * SL_PS_S)   /* a router that is silent for so long does not count */

static bool is_slow(const struct sl_ps_world *world)
{
	return world->now_ns >= world->slow_ns && world->now_ns < world->well_ns;
}

/* ---- as the job's router counts it ------------------------------------------------------- */

static struct sl_ps_router *router_of(struct sl_ps_world *world, const struct sl_ps_job *job)
{
	struct sl_ps_router *router = &world->router[job->router];

	return router->run == job->router_run ? router : NULL;
}

void sl_ps_push(struct sl_ps_world *world, const struct sl_ps_job *job)
{
	if (world->stream_count == SL_PS_STREAM_MAX)
		sl_die("the stream is full");
	world->stream[world->stream_count++] = *job;
}

static void accept(struct sl_ps_world *world, struct sl_ps_job *job)
{
	struct sl_ps_router *router = router_of(world, job);

	if (!job->is_accepted && router && router->jobs.unaccepted)
		router->jobs.unaccepted--;
	job->is_accepted = true;
}

static void closed(struct sl_ps_world *world, const struct sl_ps_job *job)
{
	struct sl_ps_router *router = router_of(world, job);

	if (!router || !router->jobs.open)
		return;
	router->jobs.open--;
	router->jobs.sheddable -= job->item.criticality < SL_CRITICAL;
}

/* ---- a job's way --------------------------------------------------------------------------- */

static void finish(struct sl_ps_world *world, struct sl_ps_worker *worker)
{
	for (uint32_t i = 0; i < worker->slots; i++) {
		struct sl_ps_job *job = &worker->running[i];

		if (!job->is_there || job->ends_ns > world->now_ns)
			continue;
		job->is_there = false;
		worker->busy--;
		sl_ps_now_in(world)->done++;
		sl_meter_count(&worker->gauge.meter, SL_METER_DONE, world->now_ns);
		closed(world, job);
	}
}

/* The first that may come. */
static void pull(struct sl_ps_world *world, struct sl_ps_worker *worker)
{
	for (size_t i = 0; i < world->stream_count && worker->waiting_count < SL_PS_ROOM;) {
		struct sl_ps_job *job = &world->stream[i];

		if (job->came_ns > world->now_ns) {
			i++;
			continue;
		}
		accept(world, job);
		worker->waiting[worker->waiting_count++] = *job;
		world->stream_count--;
		memmove(job, job + 1, (world->stream_count - i) * sizeof(*job));
		sl_queue_note(&worker->queue, false, world->now_ns);
	}
}

static struct sl_ps_job take(struct sl_ps_worker *worker)
{
	struct sl_ps_job job;
	size_t best = 0;

	for (size_t i = 1; i < worker->waiting_count; i++)
		if (sl_queue_before(&worker->waiting[i].item, &worker->waiting[best].item,
				    worker->gauge.level.state))
			best = i;
	job = worker->waiting[best];
	worker->waiting[best] = worker->waiting[--worker->waiting_count];
	return job;
}

static void run(struct sl_ps_world *world, struct sl_ps_worker *worker, struct sl_ps_job job)
{
	struct sl_ps_second *second = sl_ps_now_in(world);
	double ns = (double)world->service_ns * sl_rng_between(&world->service, .8, 1.2);
	uint32_t at = 0;

	while (worker->running[at].is_there)
		at++;
	job.ends_ns = world->now_ns + (uint64_t)(is_slow(world) ? ns * world->factor : ns);
	worker->running[at] = job;
	worker->busy++;
	second->started++;
	second->overdue += world->now_ns >= job.item.deadline_ns;
	second->waited_ms += (double)(world->now_ns - job.item.queued_ns) / (double)SL_PS_MS;
	sl_meter_waited(&worker->gauge.meter, world->now_ns - job.item.queued_ns, world->now_ns);
}

static void reject(struct sl_ps_world *world, struct sl_ps_worker *worker, struct sl_ps_job job)
{
	sl_meter_count(&worker->gauge.meter, SL_METER_EXPIRED, world->now_ns);
	job.came_ns = job.item.queued_ns = world->now_ns + OFFERED_AGAIN;
	sl_ps_push(world, &job);
}

static void expire(struct sl_ps_world *world, struct sl_ps_worker *worker,
		   const struct sl_ps_job *job)
{
	sl_meter_count(&worker->gauge.meter, SL_METER_EXPIRED, world->now_ns);
	closed(world, job);
	sl_ps_lose(world, job->tenant, SL_PS_EXPIRED, job->tries);
}

static void dispatch(struct sl_ps_world *world, struct sl_ps_worker *worker)
{
	while (worker->waiting_count && worker->busy < worker->slots) {
		const struct sl_ps_job job = take(worker);
		enum sl_queue_verdict verdict =
			sl_queue_judge(&worker->queue, &job.item, world->now_ns);

		if (world->trial->broken == SL_PS_BREAK_DEADLINE)
			verdict = SL_QUEUE_RUN;
		if (verdict == SL_QUEUE_RUN)
			run(world, worker, job);
		else if (verdict == SL_QUEUE_EXPIRED)
			expire(world, worker, &job);
		else
			reject(world, worker, job);
	}
	if (worker->busy < worker->slots)
		sl_queue_note(&worker->queue, true, world->now_ns);
}

/* ---- what it says ---------------------------------------------------------------------------- */

static uint32_t routers_heard(const struct sl_ps_world *world, const struct sl_ps_worker *worker)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < world->routers; i++)
		count += worker->router_ns[i] && world->now_ns - worker->router_ns[i] < ROUTER_NS;
	return count;
}

/* What lies in the stream and may come. */
static uint64_t backlog(const struct sl_ps_world *world)
{
	uint64_t count = 0;

	for (size_t i = 0; i < world->stream_count; i++)
		count += world->stream[i].came_ns <= world->now_ns;
	return count;
}

static void tell(struct sl_ps_world *world, struct sl_ps_worker *worker, bool is_leaving)
{
	uint64_t since[SL_PS_ROOM];
	struct sl_gauge_now now = { .busy = worker->busy,
				    .backlog = backlog(world),
				    .drops = worker->drops,
				    .routers = routers_heard(world, worker) };

	for (size_t i = 0; i < worker->waiting_count; i++)
		since[i] = worker->waiting[i].item.queued_ns;
	now.waiting = (struct sl_meter_waiting){ since, worker->waiting_count };
	sl_queue_note(&worker->queue, !worker->waiting_count, world->now_ns);
	if (!is_leaving && !sl_gauge_is_due(&worker->gauge, &now, world->now_ns))
		return;
	worker->gauge.last.leaving = is_leaving;
	(void)sl_gauge_signal(&worker->gauge, &now, sl_rng_next(&world->bus), world->now_ns);
	if (world->trial->broken == SL_PS_BREAK_GREEDY)
		worker->gauge.last.credits = SL_SIGNAL_CREDITS_MAX / 2;
	if (world->trial->broken == SL_PS_BREAK_SLACK && worker->busy)
		worker->gauge.last.credits = 0;
	sl_ps_tell(world, &worker->gauge.last);
}

void sl_ps_work(struct sl_ps_world *world, uint32_t index)
{
	struct sl_ps_worker *worker = &world->worker[index];

	if (worker->is_down)
		return;
	finish(world, worker);
	if (world->stream_count && worker->waiting_count < SL_PS_ROOM)
		pull(world, worker);
	if (worker->waiting_count)
		dispatch(world, worker);
	if (world->now_ns - worker->tended_ns < TELL_NS)
		return;
	worker->tended_ns = world->now_ns;
	tell(world, worker, false);
}

void sl_ps_stop_worker(struct sl_ps_world *world, uint32_t index, bool says_so)
{
	struct sl_ps_worker *worker = &world->worker[index];

	if (says_so)
		tell(world, worker, true);
	for (uint32_t i = 0; i < worker->slots; i++)
		if (worker->running[i].is_there)
			sl_ps_push(world, &worker->running[i]);
	for (size_t i = 0; i < worker->waiting_count; i++)
		sl_ps_push(world, &worker->waiting[i]);
	worker->is_down = true;
}
