// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/gauge.h"

#include <stdio.h>

#define EARLIEST_NS 100000000ull
#define PRESSED_NS  50000000ull
#define SETTLE_NS   300000000ull
#define WANTED	    1.0
#define PRESSED	    1.5 /* as to enter SHED */

void sl_gauge_init(struct sl_gauge *gauge, const struct sl_gauge_options *options, uint64_t now_ns)
{
	struct sl_signal *last = &gauge->last;

	*gauge = (struct sl_gauge){ .slots = options->slots, .sent_ns = now_ns };
	sl_meter_init(&gauge->meter, sl_work_class_target_ns(options->work), now_ns);
	*last = (struct sl_signal){ .work = options->work,
				    .role = SL_SIGNAL_WORKER,
				    .epoch = options->epoch,
				    .limit = options->slots };
	(void)snprintf(last->pool, sizeof(last->pool), "%s", options->pool);
	(void)snprintf(last->source, sizeof(last->source), "%s", options->source);
}

static double pressure_of(struct sl_gauge *gauge, const struct sl_gauge_now *now, uint64_t now_ns)
{
	struct sl_signal signal;
	struct sl_pressure_inputs inputs;

	sl_meter_read(&signal, &gauge->meter, &now->waiting, now_ns);
	inputs = (struct sl_pressure_inputs){
		.queue_delay_s = signal.queue_delay_p50_ms / 1e3,
		.target_s = (double)sl_work_class_target_ns(gauge->last.work) / 1e9,
		.inflight = now->busy,
		.limit = gauge->slots,
		.queue_depth = (double)(now->waiting.count + now->backlog),
		.drain_per_s = signal.done_per_s,
		.offered_per_s = signal.done_per_s + signal.reject_per_s + signal.expired_per_s,
		.refused_per_s = signal.reject_per_s,
		.unacked = now->unacked,
		.unacked_max = now->unacked_max,
	};
	return sl_pressure_of(&inputs);
}

bool sl_gauge_is_due(struct sl_gauge *gauge, const struct sl_gauge_now *now, uint64_t now_ns)
{
	if (now_ns >= gauge->next_ns || now->drops != gauge->last.drops)
		return true;
	/* Who listens began to count later than we, and has to hear it for as long. */
	if ((gauge->level.state >= SL_PRESSURE_SHED && now_ns - gauge->changed_ns >= SETTLE_NS) ||
	    now_ns - gauge->sent_ns < (gauge->was_over ? PRESSED_NS : EARLIEST_NS))
		return false;
	return pressure_of(gauge, now, now_ns) > (gauge->was_over ? PRESSED : WANTED);
}

/* 0.8 to 1.2 of a period. */
static uint64_t period_ns(uint64_t random)
{
	return SL_PRESSURE_PERIOD_NS * 4 / 5 + random % (SL_PRESSURE_PERIOD_NS * 2 / 5);
}

bool sl_gauge_signal(struct sl_gauge *gauge, const struct sl_gauge_now *now, uint64_t random,
		     uint64_t now_ns)
{
	struct sl_signal *last = &gauge->last;
	const struct sl_level_signal judged = {
		.pressure = pressure_of(gauge, now, now_ns),
		.dropped = now->drops != gauge->drops_judged,
	};
	const bool changed = sl_level_signal(&gauge->level, &judged, now_ns);

	if (changed)
		gauge->changed_ns = now_ns;
	gauge->was_over = judged.pressure > WANTED;
	gauge->drops_judged = now->drops;
	gauge->sent_ns = now_ns;
	gauge->next_ns = now_ns + period_ns(random);
	sl_meter_read(last, &gauge->meter, &now->waiting, now_ns);
	last->seq++;
	last->ts_ms = now->wall_ms;
	last->state = gauge->level.state;
	last->pressure = gauge->level.pressure;
	last->inflight = now->busy;
	last->queue_depth = now->waiting.count;
	last->backlog = now->backlog;
	last->drops = now->drops;
	last->credits = sl_credits_grant(gauge->slots, now->busy, now->waiting.count, now->routers);
	return changed;
}
