/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that the router could not take are refused here, before anything is charged
 * (contract 1.5, cause 3; section 3): by what its status map says, and by the share of
 * requests of its class that it accepted lately.
 *
 * What was refused for overload is never tried again by the gateway: a retry is the
 * client's, after Retry-After.
 *
 * Owner:  part of the gateway of one worker.
 * Thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "userspace/bus/bus.h"
#include "userspace/base/loop.h"
#include "userspace/domain/json.h"
#include "userspace/gateway/pressure_board.h"
#include "userspace/pressure/class_throttle.h"

struct sl_exchange;
struct sl_gateway;

struct sl_pressure_gate {
	struct sl_loop_timer timer;
	struct sl_bus_request *request; /* the question that is under way; NULL: none */
	uint64_t asked_ns;
	enum sl_pressure_level level; /* when this worker last looked */
	struct sl_class_throttle throttle;
};

int sl_pressure_start(struct sl_gateway *gateway); /* 0 or -errno */
void sl_pressure_stop(struct sl_gateway *gateway);
/* NATS is reached: asks without waiting for the timer. */
void sl_pressure_connected(struct sl_gateway *gateway);

/* False: it was answered 503. */
bool sl_pressure_admit(struct sl_exchange *exchange);

/* What came of its request to the router, as sl_bus_done has it. */
void sl_pressure_report(const struct sl_exchange *exchange, int status,
			const struct sl_bus_message *reply);

/* error.code of a reply. */
bool sl_reply_is_overload(struct sl_json_value code);
/* Retry-After around @base_s. */
uint32_t sl_pressure_retry_s(struct sl_gateway *gateway, uint32_t base_s);
