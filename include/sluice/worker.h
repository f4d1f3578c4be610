/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * For authors of handlers: the code that runs the jobs of sluice-worker(8). A
 * handler is a struct of three functions, in a shared object that exports one
 * symbol and is named in the worker's configuration:
 *
 *	static int init(void **ret_state, const struct sl_worker_host *host,
 *			const char *config, char *error, size_t error_size);
 *	static void run(void *state, const struct sl_worker_job *job,
 *			struct sl_worker_result *result);
 *	static void release(void *state);
 *
 *	const struct sl_worker_handler sl_worker_plugin = {
 *		.api = SL_WORKER_API, .name = "mine", .init = init, .run = run, .free = release,
 *	};
 *
 *	cc -shared -fPIC -o mine.so mine.c
 *
 * Needs nothing but this header: what a handler may ask of the worker comes in
 * struct sl_worker_host. An example is docs/examples/reverse_handler.c.
 *
 * Thread:  init() and free() come once, from the worker's main thread. run() comes
 *          from several threads at once, up to the configured concurrency, with the
 *          same state: guard what it changes. Each run() has one job.
 * Owner:   a job, its texts and the result live until run() returns; keep copies.
 *          What init() put into *ret_state is the handler's until free().
 * Limits:  run() ends soon after stopped() says so: the job was cancelled or its
 *          deadline passed. A second later the worker reports it itself and drops what
 *          comes, but the thread is lost to others until run() returns. Of a job that
 *          was stopped only a success with an output counts as done.
 *          An output has at most SL_WORKER_OUTPUT_MAX bytes. A job may come again
 *          after a crash: use assignment_id where an effect must happen once.
 *          A handler must not end the process, change signal handlers or masks,
 *          fork, or print to standard output.
 * Stable:  within one SL_WORKER_API structs only grow at their end and values are
 *          only added; a handler of an older header works with a newer worker.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_WORKER_API	     1u
#define SL_WORKER_OUTPUT_MAX (512u << 10)
#define SL_WORKER_SYMBOL     "sl_worker_plugin"

enum sl_worker_status {
	SL_WORKER_SUCCESS = 0,
	SL_WORKER_ERROR,
	SL_WORKER_TIMEOUT,
	SL_WORKER_CANCELLED,
};

/* The contract's words of the same names. */
enum sl_worker_code {
	SL_WORKER_NO_CODE = 0,
	SL_WORKER_INVALID_INPUT,
	SL_WORKER_MISSING_REQUIRED_FIELD,
	SL_WORKER_INVALID_FORMAT,
	SL_WORKER_EXECUTION_FAILED,
	SL_WORKER_RESOURCE_UNAVAILABLE,
	SL_WORKER_PERMISSION_DENIED,
	SL_WORKER_QUOTA_EXCEEDED,
	SL_WORKER_NETWORK_ERROR,
	SL_WORKER_CONNECTION_TIMEOUT,
	SL_WORKER_HTTP_ERROR,
	SL_WORKER_INTERNAL_ERROR,
	SL_WORKER_SYSTEM_OVERLOAD,
	SL_WORKER_CANCELLED_BY_USER,
	SL_WORKER_CANCELLED_BY_TIMEOUT,
};

/* Texts are never NULL: "" when the assignment has none. JSON was checked. */
struct sl_worker_job {
	const char *assignment_id;
	const char *request_id;
	const char *tenant_id;
	const char *provider_id;
	const char *endpoint; /* of the executor, as the router said */
	const char *type;     /* "chat", ... */
	const char *run_id;
	const char *trace_id;
	const char *traceparent; /* to hand on: this job's span is the parent */
	const char *tracestate;
	const char *payload_ref; /* preferred over the payload when both are there */
	const char *payload;	 /* JSON, NUL-terminated as well; "" when there is none */
	size_t payload_length;
	const char *options; /* a JSON object, or "" */
	size_t options_length;
	uint64_t deadline_ns;  /* CLOCK_MONOTONIC */
	uint32_t deliveries;   /* 1: the first time */
	uint32_t attempts_max; /* tries that the requester allows, 0 counts as 1 */
	uint32_t backoff_ms;   /* between the first two */
	void *internal;	       /* the worker's */
};

/* Comes zeroed: a success that costs nothing and says nothing. */
struct sl_worker_result {
	enum sl_worker_status status;
	enum sl_worker_code code; /* unless success */
	double cost;		  /* in the unit of the platform; negative or NaN counts as 0 */
	char message[512];	  /* for people; no secrets, no payload */
	void *internal;		  /* the worker's */
};

struct sl_worker_host {
	uint32_t api;
	/* True once run() should end: cancelled, or the deadline is over. Cheap. */
	bool (*stopped)(const struct sl_worker_job *job);
	/* Sleeps @ms; false at once when the job is stopped, or before it began. */
	bool (*sleep)(const struct sl_worker_job *job, uint64_t ms);
	/*
	 * The result's payload: copies @length bytes of JSON; the last call counts.
	 * 0, or -EINVAL: not JSON; -EFBIG: over SL_WORKER_OUTPUT_MAX; -ENOMEM.
	 */
	int (*output)(struct sl_worker_result *result, const char *json, size_t length);
	/* The same for text, as a JSON string; what is not UTF-8 becomes U+FFFD. */
	int (*output_text)(struct sl_worker_result *result, const char *text, size_t length);
};

struct sl_worker_handler {
	uint32_t api;	  /* SL_WORKER_API */
	const char *name; /* for messages */
	/*
	 * @config is the text of the handler's `settings`, "" when there is none. 0, or
	 * -errno with @error filled: the worker then does not start. May be NULL.
	 */
	int (*init)(void **ret_state, const struct sl_worker_host *host, const char *config,
		    char *error, size_t error_size);
	void (*run)(void *state, const struct sl_worker_job *job, struct sl_worker_result *result);
	void (*free)(void *state); /* may be NULL */
};
