// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"

#define EVALUATE_MIN_NS 200000000ull /* a period, less its jitter */
#define RISING_MIN_NS	100000000ull
#define PRESSED_MIN_NS	50000000ull
#define GOES_ON_NS	100000000ull /* what goes on comes again within this */
#define RISING_MIN	2.5	     /* one signal of it brings the smoothed pressure over 1 */
#define OVER_NS		300000000000ull
#define MS_PER_S	1e3
/* While shedding, credits make the fine cut: that they refuse a quarter is as it should be,
 * where a twentieth is else. Without it workers would idle between two jobs. */
#define FINE_CUT 0.2

struct source {
	struct sl_signal last;
	uint64_t drops_judged;
};

/* All workers that live. */
struct together {
	struct sl_signal sum;
	uint32_t workers;
	bool dropped;
};

struct sl_pressure_pool {
	char name[SL_SIGNAL_NAME_BYTES];
	enum sl_work_class work;
	bool fail_closed;
	struct sl_table *sources;
	struct together all; /* at the last signal or tick */
	struct sl_level level;
	struct sl_capacity_control capacity;
	struct sl_priority priority;
	struct sl_meter meter; /* what was admitted, what found no credit */
	struct sl_pool_jobs jobs;
	uint64_t given_total; /* jobs that we ever let through */
	int64_t open_max;
	uint64_t backlog; /* of the stream, as who spoke last saw it */
	uint64_t judged_ns, heard_ns;
	uint64_t no_credit_ns; /* when a request last found none */
	bool dropped;	       /* by the router */
	bool was_high;	       /* at the last judgement */
	bool heard;	       /* since the last judgement */
	/* As they were at it. */
	uint64_t ended_judged, no_credit_judged, open_judged;
	struct sl_pool_counts counts;
};

int sl_pressure_pool_new(struct sl_pressure_pool **ret,
			 const struct sl_pressure_pool_options *options, uint64_t now_ns)
{
	const struct sl_table_options sources = {
		.entries_max = SL_PRESSURE_SOURCES_MAX,
		.value_size = sizeof(struct source),
		.ttl_ns = SL_CREDITS_TTL_NS,
		.secret = { options->secret[0], options->secret[1] },
	};
	sl_autofree struct sl_pressure_pool *pool = calloc(1, sizeof(*pool));
	int err;

	if (!pool)
		return -ENOMEM;
	(void)snprintf(pool->name, sizeof(pool->name), "%s", options->name);
	pool->work = options->work;
	pool->fail_closed = options->fail_closed;
	err = sl_table_new(&pool->sources, &sources);
	if (err)
		return err;
	sl_capacity_control_init(&pool->capacity, SL_CAPACITY_MAX, now_ns);
	sl_priority_init(&pool->priority, now_ns);
	sl_meter_init(&pool->meter, 0, now_ns);
	*ret = SL_TAKE_PTR(pool);
	return 0;
}

void sl_pressure_pool_free(struct sl_pressure_pool *pool)
{
	if (!pool)
		return;
	sl_table_free(pool->sources);
	free(pool);
}

/* ---- all workers together ------------------------------------------------------------- */

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static double smaller(double a, double b)
{
	return a < b ? a : b;
}

static void add(struct together *ret, const struct sl_signal *signal)
{
	struct sl_signal *sum = &ret->sum;

	ret->workers++;
	sum->inflight += signal->inflight;
	sum->limit += signal->limit;
	sum->queue_depth += signal->queue_depth;
	sum->done_per_s += signal->done_per_s;
	sum->reject_per_s += signal->reject_per_s;
	sum->expired_per_s += signal->expired_per_s;
	sum->credits += signal->credits;
	sum->queue_delay_p50_ms = larger(sum->queue_delay_p50_ms, signal->queue_delay_p50_ms);
	sum->queue_delay_p99_ms = larger(sum->queue_delay_p99_ms, signal->queue_delay_p99_ms);
}

static void put_together(struct sl_pressure_pool *pool, uint64_t now_ns)
{
	struct together ret = { .workers = 0 };
	const struct source *source;
	uint32_t at = 0;

	while ((source = sl_table_next(pool->sources, &at, now_ns))) {
		add(&ret, &source->last);
		ret.dropped = ret.dropped || source->last.drops != source->drops_judged;
	}
	/* It is one stream, and what it was to who has not spoken since is over. */
	ret.sum.backlog = ret.workers ? pool->backlog : 0;
	pool->all = ret;
}

/*
 * What may be open from now on. Only when credits are new: between two signals results make
 * the room, and what was accepted since must not count twice.
 */
static void grant(struct sl_pressure_pool *pool)
{
	pool->open_max = (int64_t)(pool->jobs.open - pool->jobs.unaccepted) + pool->all.sum.credits;
}

static uint64_t ended_total(const struct sl_pressure_pool *pool)
{
	return pool->given_total > pool->jobs.open ? pool->given_total - pool->jobs.open : 0;
}

/* Requests a second that found no credit; @work: jobs there are. */
static double starved_per_s(struct sl_pressure_pool *pool, uint64_t work, uint64_t now_ns)
{
	const double refused = sl_meter_per_s(&pool->meter, SL_METER_REFUSED, now_ns);
	const uint64_t lately = pool->counts.no_credit_total - pool->no_credit_judged;

	if (pool->level.state >= SL_PRESSURE_SHED)
		return refused * FINE_CUT;
	/* All of them in one moment: a burst that is over. So it is when slots are free again. */
	if (lately < 2 || now_ns - pool->no_credit_ns > GOES_ON_NS || work < pool->all.sum.limit)
		return 0;
	/* One that is not over: it goes on as it was since the last judgement, and no more. So
	 * many refusals are one less gaps between them. */
	return smaller(refused,
		       (double)(lately - 1) * 1e9 / larger((double)(now_ns - pool->judged_ns), 1));
}

/*
 * What workers finish in a second is what they are given, while they could do more: a burst
 * would be taken for a queue. How fast it is worked off is seen from our jobs that ended since
 * the last judgement.
 */
static double drain_per_s(const struct sl_pressure_pool *pool, uint64_t now_ns)
{
	const double done = pool->all.sum.done_per_s;
	const uint64_t ended = ended_total(pool);

	if (pool->level.state >= SL_PRESSURE_SHED || ended <= pool->ended_judged ||
	    now_ns - pool->judged_ns < PRESSED_MIN_NS)
		return done;
	return larger(done, (double)(ended - pool->ended_judged) * 1e9 /
				    (double)(now_ns - pool->judged_ns));
}

static double pressure_of(struct sl_pressure_pool *pool, uint64_t now_ns)
{
	const struct sl_signal *sum = &pool->all.sum;
	const uint64_t ours = pool->jobs.unaccepted; /* lie in the stream: a part of its backlog */
	const uint64_t depth = sum->queue_depth + (ours > sum->backlog ? ours : sum->backlog);
	const double starved = starved_per_s(pool, sum->inflight + depth, now_ns);
	const struct sl_pressure_inputs inputs = {
		.queue_delay_s = sum->queue_delay_p50_ms / MS_PER_S,
		.target_s = (double)sl_work_class_target_ns(pool->work) / 1e9,
		.inflight = (double)sum->inflight,
		.limit = (double)sum->limit,
		.queue_depth = (double)depth,
		.drain_per_s = drain_per_s(pool, now_ns),
		.offered_per_s = sum->done_per_s + sum->reject_per_s + sum->expired_per_s + starved,
		.refused_per_s = sum->reject_per_s + starved,
	};

	return sl_pressure_of(&inputs);
}

/* The threshold that goes with state and capacity. */
static void set_threshold(struct sl_pressure_pool *pool)
{
	const enum sl_pressure_state state = pool->level.state == SL_PRESSURE_STALE
						     ? pool->level.before_stale
						     : pool->level.state;

	switch (state) {
	case SL_PRESSURE_OK:
	case SL_PRESSURE_WARN:
	case SL_PRESSURE_STALE:
		sl_priority_from(&pool->priority, SL_SHEDDABLE);
		break;
	case SL_PRESSURE_SHED:
		sl_priority_fit(&pool->priority, pool->capacity.per_s);
		break;
	case SL_PRESSURE_STOP:
		sl_priority_from(&pool->priority, SL_CRITICAL_PLUS);
		break;
	}
}

static void step_capacity(struct sl_pressure_pool *pool, uint64_t random, uint64_t now_ns)
{
	const struct sl_capacity_step step = {
		.state = pool->level.state,
		.pressure = pool->level.pressure,
		.done_per_s = pool->all.sum.done_per_s,
		.busy = sl_signal_busy(&pool->all.sum),
		.admitted_per_s = sl_meter_per_s(&pool->meter, SL_METER_ADMITTED, now_ns),
		.jitter = (double)(random >> 11) * 0x1p-53,
	};

	if (sl_capacity_control_step(&pool->capacity, &step, now_ns))
		set_threshold(pool);
}

static void drops_are_judged(struct sl_pressure_pool *pool, uint64_t now_ns)
{
	struct source *source;
	uint32_t at = 0;

	while ((source = sl_table_next(pool->sources, &at, now_ns)))
		source->drops_judged = source->last.drops;
}

/* True: the state changed. */
static bool judge(struct sl_pressure_pool *pool, uint64_t now_ns)
{
	const struct sl_level_signal signal = {
		.pressure = pressure_of(pool, now_ns),
		.dropped = pool->all.dropped || pool->dropped,
		.deserted = !pool->all.workers,
	};
	const bool changed = sl_level_signal(&pool->level, &signal, now_ns);

	drops_are_judged(pool, now_ns);
	pool->judged_ns = now_ns;
	pool->ended_judged = ended_total(pool);
	pool->no_credit_judged = pool->counts.no_credit_total;
	pool->open_judged = pool->jobs.open;
	pool->was_high = signal.pressure > RISING_MIN;
	pool->heard = pool->dropped = false;
	if (changed) {
		pool->counts.transitions_total++;
		/* What is known of the demand is the window that runs: it is enough. */
		if (pool->level.state == SL_PRESSURE_SHED)
			(void)sl_priority_cut_short(&pool->priority, now_ns);
		step_capacity(pool, 0, now_ns);
		set_threshold(pool);
	}
	return changed;
}

/* Bad news does not wait for its turn, and worse news not until something is shed. */
static bool is_rising(struct sl_pressure_pool *pool, uint64_t now_ns)
{
	const uint64_t min_ns = pool->was_high ? PRESSED_MIN_NS : RISING_MIN_NS;

	return pool->level.begun && now_ns - pool->judged_ns >= min_ns &&
	       (!pool->was_high || pool->level.state < SL_PRESSURE_SHED) &&
	       pressure_of(pool, now_ns) > RISING_MIN;
}

int sl_pressure_pool_hear(struct sl_pressure_pool *pool, const struct sl_signal *signal,
			  uint64_t now_ns)
{
	const struct sl_span name = sl_span_of(signal->source);
	const struct sl_table_key key = sl_table_key(pool->sources, &name, 1);
	struct source *source = sl_table_get(pool->sources, key, now_ns);
	bool urgent = signal->leaving;

	if (source &&
	    !sl_signal_is_newer(signal->epoch, signal->seq, source->last.epoch, source->last.seq)) {
		pool->counts.old_signals_total++;
		return -ESTALE;
	}
	pool->counts.signals_total++;
	pool->heard_ns = now_ns;
	pool->backlog = signal->backlog;
	/* Who came too late to hear the workers does not know that this was the last one. */
	if (signal->leaving && !pool->level.begun)
		return 0;
	pool->heard = true;
	if (source)
		urgent = urgent || source->last.state != signal->state;
	if (signal->leaving) {
		sl_table_remove(pool->sources, key);
	} else {
		const bool is_new = !source;

		source = sl_table_put(pool->sources, key, now_ns);
		source->last = *signal;
		if (is_new)
			source->drops_judged = signal->drops;
	}
	put_together(pool, now_ns);
	grant(pool);
	if (!urgent && pool->level.begun && now_ns - pool->judged_ns < EVALUATE_MIN_NS &&
	    !is_rising(pool, now_ns))
		return 0;
	return judge(pool, now_ns);
}

/* The same words a second time say nothing: a worker spoke, or it has become worse here. */
static bool has_news(const struct sl_pressure_pool *pool)
{
	return pool->heard || pool->counts.no_credit_total != pool->no_credit_judged ||
	       pool->jobs.open > pool->open_judged;
}

bool sl_pressure_pool_tick(struct sl_pressure_pool *pool, uint64_t random, uint64_t now_ns)
{
	const uint32_t workers = pool->all.workers;
	bool changed = false;

	put_together(pool, now_ns);
	if (pool->all.workers != workers) /* one fell silent, its credits with it */
		grant(pool);
	if ((pool->heard && now_ns - pool->judged_ns >= SL_PRESSURE_PERIOD_NS) ||
	    (pool->all.workers && has_news(pool) && is_rising(pool, now_ns)))
		changed = judge(pool, now_ns);
	if (sl_level_tick(&pool->level, now_ns)) {
		pool->counts.transitions_total++;
		changed = true;
	}
	step_capacity(pool, random, now_ns);
	if (sl_priority_turn(&pool->priority, now_ns) || changed)
		set_threshold(pool);
	return changed;
}

void sl_pressure_pool_dropped(struct sl_pressure_pool *pool)
{
	pool->dropped = true;
}

/* ---- requests --------------------------------------------------------------------------- */

/*
 * What is sheddable was let in while there was room, and goes last: when workers grant less
 * than that, it must not stand in the way of who is critical.
 */
static bool has_credit(const struct sl_pressure_pool *pool, enum sl_criticality criticality)
{
	const uint64_t ahead = criticality < SL_CRITICAL ? 0 : pool->jobs.sheddable;

	return sl_credits_allow(pool->open_max, pool->jobs.open - ahead, criticality);
}

static enum sl_pool_verdict verdict(struct sl_pressure_pool *pool,
				    const struct sl_pool_request *request)
{
	if (!pool->level.begun)
		return SL_POOL_ADMIT;
	if (pool->capacity.failed)
		return pool->fail_closed ? SL_POOL_SHED : SL_POOL_ADMIT;
	if (!sl_priority_passes(&pool->priority, request->level))
		return SL_POOL_SHED;
	if (request->needs_credit && !has_credit(pool, request->criticality))
		return SL_POOL_NO_CREDIT;
	return SL_POOL_ADMIT;
}

enum sl_pool_verdict sl_pressure_pool_admit(struct sl_pressure_pool *pool,
					    const struct sl_pool_request *request, uint64_t now_ns)
{
	enum sl_pool_verdict ret;

	if (sl_priority_turn(&pool->priority, now_ns))
		set_threshold(pool);
	sl_priority_offer(&pool->priority, request->level);
	ret = verdict(pool, request);
	switch (ret) {
	case SL_POOL_ADMIT:
		pool->counts.admitted_total++;
		pool->given_total += request->needs_credit;
		sl_meter_count(&pool->meter, SL_METER_ADMITTED, now_ns);
		break;
	case SL_POOL_SHED:
		pool->counts.shed_total++;
		break;
	case SL_POOL_NO_CREDIT:
		pool->counts.no_credit_total++;
		pool->no_credit_ns = now_ns;
		sl_meter_count(&pool->meter, SL_METER_REFUSED, now_ns);
		break;
	}
	return ret;
}

void sl_pressure_pool_jobs(struct sl_pressure_pool *pool, const struct sl_pool_jobs *jobs)
{
	pool->jobs = *jobs;
	if (jobs->unaccepted > jobs->open)
		pool->jobs.unaccepted = jobs->open;
	if (jobs->sheddable > jobs->open)
		pool->jobs.sheddable = jobs->open;
}

/* ---- what others see -------------------------------------------------------------------- */

static bool is_limited(const struct sl_pressure_pool *pool)
{
	const enum sl_pressure_state state = pool->level.state;

	return state == SL_PRESSURE_SHED || state == SL_PRESSURE_STOP ||
	       (state == SL_PRESSURE_STALE && pool->priority.threshold);
}

struct sl_pool_view sl_pressure_pool_view(const struct sl_pressure_pool *pool)
{
	return (struct sl_pool_view){
		.name = pool->name,
		.work = pool->work,
		.state = pool->level.state,
		.pressure = pool->level.pressure,
		.capacity_per_s = is_limited(pool) ? pool->capacity.per_s : 0,
		.threshold = pool->priority.threshold,
		.credits = pool->open_max - (int64_t)pool->jobs.open,
		.signal_ns = pool->heard_ns,
		.workers = pool->all.workers,
		.counts = pool->counts,
	};
}

void sl_pressure_pool_signal(struct sl_signal *ret, const struct sl_pressure_pool *pool)
{
	const struct sl_pool_view view = sl_pressure_pool_view(pool);

	*ret = pool->all.sum;
	(void)snprintf(ret->pool, sizeof(ret->pool), "%s", pool->name);
	ret->work = pool->work;
	ret->role = SL_SIGNAL_ROUTER;
	ret->state = view.state;
	ret->pressure = view.pressure;
	ret->capacity_per_s = view.capacity_per_s;
	ret->threshold = view.threshold;
	ret->credits = view.credits < -SL_SIGNAL_CREDITS_MAX  ? -SL_SIGNAL_CREDITS_MAX
		       : view.credits > SL_SIGNAL_CREDITS_MAX ? SL_SIGNAL_CREDITS_MAX
							      : view.credits;
}

bool sl_pressure_pool_is_over(const struct sl_pressure_pool *pool, uint64_t now_ns)
{
	return now_ns > pool->heard_ns && now_ns - pool->heard_ns >= OVER_NS;
}
