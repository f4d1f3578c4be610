/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a handler: what sluice/worker.h promises its author, and how the loop
 * stops it.
 *
 * Owner:  the job that has it; it must outlive the thread's use.
 * Thread: sl_run_stop() from any; the rest from the thread that runs it, or from the
 *         loop while no thread has it.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "sluice/worker.h"

enum sl_stop {
	SL_STOP_NONE = 0,
	SL_STOP_USER,	  /* cancelled */
	SL_STOP_DEADLINE, /* by the clock, or a router said that it is over */
	SL_STOP_SHUTDOWN, /* the worker ends: the job goes to another */
};

struct sl_run {
	struct sl_run *next; /* in a list of the pool */
	const struct sl_worker_handler *handler;
	void *state;
	struct sl_worker_job job;
	struct sl_worker_result result;
	char *output; /* JSON, on the heap */
	size_t output_length;
	uint64_t started_ns, ended_ns;
	atomic_int stop;
	pthread_mutex_t mutex;
	pthread_cond_t stopped;
};

extern const struct sl_worker_host sl_run_host;

/* run->handler, state and job are filled. -errno. */
int sl_run_init(struct sl_run *run);
void sl_run_release(struct sl_run *run);
/* In its thread: calls the handler unless it was stopped before. */
void sl_run_execute(struct sl_run *run);
/* The first cause stays. */
void sl_run_stop(struct sl_run *run, enum sl_stop cause);
/* Why it should end by now; SL_STOP_NONE: it may go on. */
enum sl_stop sl_run_cause(struct sl_run *run);
