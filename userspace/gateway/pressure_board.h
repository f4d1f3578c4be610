/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the router said last, on a board in memory that all workers share: who finds
 * that it is time asks for all of them, so that a gateway asks once an interval,
 * whatever worker dies. What is older than a few intervals says nothing.
 *
 * Owner:  the memory is the caller's, zeroed at first.
 * Thread: any number of processes.
 * Time:   CLOCK_MONOTONIC, a parameter.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sluice/requests.h"
#include "userspace/gateway/pressure_status.h"

struct sl_pressure_board {
	uint64_t asked_ns; /* when somebody asked last */
	uint64_t said;	   /* one word, so that it is read whole; 0: nothing yet */
};

/* True: the caller is to ask now. */
bool sl_pressure_claim(struct sl_pressure_board *board, uint64_t interval_ns, uint64_t now_ns);

/* The answer to what was asked at @asked_ns. One that a later answer overtook is dropped. */
void sl_pressure_note(struct sl_pressure_board *board, const struct sl_pressure_status *status,
		      uint64_t asked_ns);

struct sl_pressure_view {
	enum sl_pressure_level level; /* SL_PRESSURE_UNKNOWN when it is stale, too */
	bool stale;		      /* nothing was said in @stale_ns */
	uint32_t retry_after_s;	      /* as the router says; 0: it does not */
};
struct sl_pressure_view sl_pressure_look(const struct sl_pressure_board *board, uint64_t stale_ns,
					 uint64_t now_ns);

/*
 * A limit times @factor (0..1), but of no fewer requests than @floor, nor more than it
 * had. Unlimited and blocked stay what they are.
 */
struct sl_request_limit sl_pressure_tighten(struct sl_request_limit limit, double factor,
					    uint64_t floor);
