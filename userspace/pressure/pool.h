/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a router knows of one pool of workers, and what it lets through to it: signals of
 * the workers together (signal.h) -> pressure and state (level.h) -> capacity
 * (capacity_control.h) -> threshold (priority.h), and the workers' credits (credits.h).
 *
 * A pool that nobody has spoken for lets everything through: workers that send no signals
 * work as well.
 *
 * Owner:  sl_pressure_pool_free(). Workers are kept in a bounded table; one that is silent
 *         for 3 s is forgotten with its credits.
 * Thread: one at a time; time and randomness are the caller's.
 */
#pragma once

#include "userspace/base/table.h"
#include "userspace/pressure/capacity_control.h"
#include "userspace/pressure/credits.h"
#include "userspace/pressure/meter.h"

#define SL_PRESSURE_SOURCES_MAX 1024u

struct sl_pressure_pool;

struct sl_pressure_pool_options {
	const char *name;
	enum sl_work_class work;
	bool fail_closed; /* silent for a minute: nothing passes, instead of everything */
	uint64_t secret[2];
};

int sl_pressure_pool_new(struct sl_pressure_pool **ret,
			 const struct sl_pressure_pool_options *options, uint64_t now_ns);
void sl_pressure_pool_free(struct sl_pressure_pool *pool); /* NULL is fine */

/* 1: the state changed; 0; -ESTALE: not newer than what that sender said before. A worker that
 * leaves before any was heard says nothing of the others: the pool stays unlimited. */
int sl_pressure_pool_hear(struct sl_pressure_pool *pool, const struct sl_signal *signal,
			  uint64_t now_ns);
/* Four times a second or more, and when credits are short; with a random number. True: the
 * state changed. */
bool sl_pressure_pool_tick(struct sl_pressure_pool *pool, uint64_t random, uint64_t now_ns);

/* The router itself lost messages: the next judgement sheds. */
void sl_pressure_pool_dropped(struct sl_pressure_pool *pool);

enum sl_pool_verdict {
	SL_POOL_ADMIT = 0,
	SL_POOL_SHED,	   /* its level is below the threshold */
	SL_POOL_NO_CREDIT, /* no worker takes it now */
};
struct sl_pool_request {
	enum sl_criticality criticality;
	unsigned int level; /* sl_priority_level() */
	bool needs_credit;  /* it becomes a job */
};
enum sl_pool_verdict sl_pressure_pool_admit(struct sl_pressure_pool *pool,
					    const struct sl_pool_request *request, uint64_t now_ns);
/* Our jobs, to be said before each of the calls above. */
struct sl_pool_jobs {
	uint64_t open;	     /* sent, without a result */
	uint64_t sheddable;  /* of these, below SL_CRITICAL: they take no credit from who is not */
	uint64_t unaccepted; /* of those open, that no worker has accepted yet */
};
void sl_pressure_pool_jobs(struct sl_pressure_pool *pool, const struct sl_pool_jobs *jobs);

struct sl_pool_counts {
	uint64_t admitted_total, shed_total, no_credit_total;
	uint64_t signals_total, old_signals_total, transitions_total;
};
struct sl_pool_view {
	const char *name;
	enum sl_work_class work;
	enum sl_pressure_state state;
	double pressure, capacity_per_s; /* 0: not limited */
	unsigned int threshold;
	int64_t credits;    /* jobs that may be sent now */
	uint64_t signal_ns; /* of the last signal */
	uint32_t workers;   /* heard within 3 s */
	struct sl_pool_counts counts;
};
struct sl_pool_view sl_pressure_pool_view(const struct sl_pressure_pool *pool);
/* What a router tells of it; source, epoch, seq, ts_ms and retry_after_s are the caller's. */
void sl_pressure_pool_signal(struct sl_signal *ret, const struct sl_pressure_pool *pool);
/* Nobody spoke for so long that it can be forgotten. */
bool sl_pressure_pool_is_over(const struct sl_pressure_pool *pool, uint64_t now_ns);
