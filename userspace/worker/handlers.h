/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers of a configuration, ready to run. A set is shared by the jobs that use
 * it: it lives until the last of them and its owner let go.
 *
 * Thread: the loop's; the handlers' run() in any.
 */
#pragma once

#include "sluice/worker.h"
#include "userspace/worker/config.h"

struct sl_handlers_error {
	char message[320];
};

struct sl_bound_handler {
	const struct sl_handler_config *config;
	const struct sl_worker_handler *handler;
	void *state;
	void *object; /* of dlopen() */
	bool ready;
};

struct sl_handlers;

/* On 0 it owns @config, which is on the heap. -EINVAL, -ENOENT, -ENOMEM, or what an init()
 * said, with @error. */
int sl_handlers_new(struct sl_handlers **ret, struct sl_worker_config *config,
		    struct sl_handlers_error *error);
void sl_handlers_hold(struct sl_handlers *handlers);
void sl_handlers_drop(struct sl_handlers *handlers); /* NULL is fine */

/* NULL: nobody here runs such jobs. */
const struct sl_bound_handler *sl_handlers_find(const struct sl_handlers *handlers,
						const char *provider_id, const char *type);
size_t sl_handlers_index(const struct sl_handlers *handlers, const struct sl_bound_handler *of);

/* ---- those that are built in ------------------------------------------------------------------
 */

struct sl_built_in {
	struct sl_worker_handler handler;
	/* @config outlives the state. */
	int (*make)(void **ret_state, const struct sl_handler_config *config,
		    struct sl_handlers_error *error);
};

extern const struct sl_built_in sl_handler_echo;
extern const struct sl_built_in sl_handler_simulate;
extern const struct sl_built_in sl_handler_http;
