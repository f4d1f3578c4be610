/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pressure signal: what one sender says of one pool, every 250 ms +-20 % and at once
 * when its state changes, by core NATS on beamline.backpressure.v1.{class}.{pool}. It
 * may be lost, doubled and out of order: (epoch, seq) tells which is the newer. The
 * epoch is the sender's start, so that a sender that starts again is newer than before.
 *
 * Workers tell what they measure. Routers tell what they make of it, for gateways and
 * agents: state, pressure, capacity and threshold. Roles keep the two apart.
 *
 * Thread: pure functions.
 */
#pragma once

#include "userspace/domain/fields.h"
#include "userspace/pressure/level.h"

#define SL_SUBJECT_PRESSURE_PREFIX "beamline.backpressure.v1."
#define SL_SUBJECT_PRESSURE_ALL	   SL_SUBJECT_PRESSURE_PREFIX ">"
#define SL_SIGNAL_NAME_BYTES	   65 /* of a pool or a sender, with a final NUL */
#define SL_SIGNAL_SUBJECT_BYTES	   (sizeof(SL_SUBJECT_PRESSURE_PREFIX) + 2 * SL_SIGNAL_NAME_BYTES)
#define SL_SIGNAL_BYTES_MAX	   4096u
#define SL_SIGNAL_CREDITS_MAX	   1000000

/* How long work may wait in a queue: AI work is long, its queues are. */
enum sl_work_class {
	SL_WORK_INTERACTIVE = 0,   /* 100 ms */
	SL_WORK_BATCH_INTERACTIVE, /* 1 s */
	SL_WORK_BATCH,		   /* 30 s */
};
#define SL_WORK_CLASSES 3u

const char *sl_work_class_name(enum sl_work_class work);
uint64_t sl_work_class_target_ns(enum sl_work_class work);

enum sl_signal_role {
	SL_SIGNAL_WORKER = 0,
	SL_SIGNAL_ROUTER
};

struct sl_signal {
	char pool[SL_SIGNAL_NAME_BYTES];
	char source[SL_SIGNAL_NAME_BYTES]; /* who says it */
	enum sl_work_class work;
	enum sl_signal_role role;
	enum sl_pressure_state state;
	bool leaving; /* its last: it takes no more work */
	uint64_t epoch, seq;
	uint64_t ts_ms; /* wall clock, for people: freshness is (epoch, seq) and arrival */
	uint64_t inflight, limit, queue_depth;
	uint64_t backlog; /* in the stream behind it, the same for all of a pool */
	uint64_t drops;	  /* slow consumer and the like, since it started */
	double queue_delay_p50_ms, queue_delay_p99_ms;
	double done_per_s, reject_per_s, expired_per_s;
	double pressure;
	double capacity_per_s;	/* routers: what they admit; 0: all */
	uint64_t threshold;	/* routers: the lowest level (priority.h) that passes */
	uint64_t retry_after_s; /* routers */
	int64_t credits;	/* below 0: taken back */
};

/* The share of its slots that has work, for capacity_control.h; above 0 where it has slots. */
double sl_signal_busy(const struct sl_signal *signal);

/* A name is one token of a subject: 1..64 of A-Z a-z 0-9 _ -. */
bool sl_signal_is_name(const char *name);

/* -EINVAL with @error (may be NULL): not such a message, or a figure out of bounds. */
int sl_signal_read(struct sl_signal *ret, struct sl_span text, struct sl_fields_error *error);
void sl_signal_write(struct sl_json_out *out, const struct sl_signal *signal);
const char *sl_signal_subject(char ret[SL_SIGNAL_SUBJECT_BYTES], enum sl_work_class work,
			      const char *pool);

/* Is (epoch, seq) newer than what was heard of the same sender? */
bool sl_signal_is_newer(uint64_t epoch, uint64_t seq, uint64_t heard_epoch, uint64_t heard_seq);
