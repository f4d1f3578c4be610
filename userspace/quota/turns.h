/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When an agent that shares the platform's capacity out (share.h), or stands by to, begins its
 * next round: once a second, give or take 10 %. After a round in which an answer did not come it
 * does not wait for the next second: 200 ms, twice as long after each further one in a row, at
 * most a period, half of it by chance. After one that Redis refused as of an older leader it waits
 * until its lock has ended: a new lock has a newer token.
 *
 * Source: the waits are those of a lease's questions (lease.h), equal jitter of Brooker,
 *         "Exponential Backoff And Jitter".
 * Owner:  the struct is the caller's; begin with { .random = a seed }, then the first round is
 *         due at once. Thread: one at a time. Time is a parameter.
 */
#pragma once

#include <stdint.h>

#define SL_TURNS_PERIOD_MS 1000u
#define SL_TURNS_RETRY_MS  200u

struct sl_turns {
	uint64_t next_ns;
	uint32_t failures; /* in a row */
	uint64_t random;   /* state of the generator */
};

enum sl_turn_end {
	SL_TURN_DONE = 0, /* it came to its end, also of who does not lead */
	SL_TURN_FAILED,	  /* a call had no answer, or none that can be */
	SL_TURN_REFUSED,  /* a newer leader wrote */
};

/* A round begins at @now_ns: sets when the next one does, if this one is over by then. */
void sl_turns_begin(struct sl_turns *turns, uint64_t now_ns);
void sl_turns_end(struct sl_turns *turns, enum sl_turn_end end, uint64_t now_ns);
