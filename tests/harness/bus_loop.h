/* SPDX-License-Identifier: Apache-2.0 */
/* A libevent loop with buses in it, run until something is so. All functions assert. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <event2/event.h>

#include "userspace/bus/bus.h"

struct sl_bus_loop {
	struct event_base *base;
	struct sl_loop *loop;
};

void sl_bus_loop_open(struct sl_bus_loop *ret);
/* Its buses are freed; ends nats.c's threads too. */
void sl_bus_loop_close(struct sl_bus_loop *loop);

/* True as soon as @is_so says so; false after @timeout_ms. */
bool sl_bus_loop_until(const struct sl_bus_loop *loop, bool (*is_so)(void *context), void *context,
		       uint32_t timeout_ms);
/* As soon as *@counter >= @least. */
bool sl_bus_loop_count(const struct sl_bus_loop *loop, const int *counter, int least,
		       uint32_t timeout_ms);
void sl_bus_loop_for(const struct sl_bus_loop *loop, uint32_t ms);

/* A bus with these options; @options->servers must be set. */
struct sl_bus *sl_bus_loop_bus(const struct sl_bus_loop *loop,
			       const struct sl_bus_options *options);
/* Waits for the state. */
bool sl_bus_loop_state(const struct sl_bus_loop *loop, const struct sl_bus *bus,
		       enum sl_bus_state state, uint32_t timeout_ms);
/* Connected to @url. */
struct sl_bus *sl_bus_loop_connect(const struct sl_bus_loop *loop, const char *url);

/* The bytes of @span that fit, and a NUL. */
void sl_bus_loop_copy(char *to, size_t size, struct sl_span span);

/* A subscription's handler that counts: @counter is an int. */
void sl_bus_loop_count_message(void *counter, const struct sl_bus_message *message);
