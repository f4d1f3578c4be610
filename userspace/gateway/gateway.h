/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway of one worker: its connection to NATS, its streams, its view of the
 * shared memory. What an exchange needs is reached from here.
 *
 * Owner:  sl_gateway_free() after every exchange was answered or cancelled.
 * Thread: the loop's.
 */
#pragma once

#include "userspace/bus/bus.h"
#include "userspace/gateway/settings.h"
#include "userspace/gateway/shared.h"

struct sl_gateway;
struct sl_log;
struct sl_keyring;

struct sl_gateway_options {
	struct sl_loop *loop;
	const struct sl_settings *settings;
	struct sl_shared *shared;
	unsigned int worker;   /* below SL_WORKERS_MAX */
	struct sl_log *log;    /* may be NULL */
	const uint16_t *ports; /* of the listeners, in host order */
	size_t port_count;
};

struct sl_gateway_error {
	char message[512];
};

/* 0, -ENOMEM, or -EINVAL and why the settings cannot be used. */
int sl_gateway_new(struct sl_gateway **ret, const struct sl_gateway_options *options,
		   struct sl_gateway_error *error);
void sl_gateway_free(struct sl_gateway *gateway);
void sl_gateway_freep(struct sl_gateway **gateway);

/* The worker is about to end: streams are told, nothing new is begun. */
void sl_gateway_drain(struct sl_gateway *gateway);
