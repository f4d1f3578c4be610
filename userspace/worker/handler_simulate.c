// SPDX-License-Identifier: Apache-2.0
/* Pretends: takes its time, costs something, and now and then fails. The same
 * assignment does the same again. */
#include <stdio.h>

#include "userspace/worker/handlers.h"
#include "userspace/worker/run.h"

#define NS_PER_MS 1000000ull

/* splitmix64 */
static uint64_t mix(uint64_t value)
{
	value += 0x9e3779b97f4a7c15ull;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ value >> 27) * 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

/* 0 to 1, without 1. */
static double part_of(uint64_t bits)
{
	return (double)(bits >> 11) / 9007199254740992.0;
}

static uint64_t seed_of(uint64_t seed, const char *id)
{
	for (; *id; id++)
		seed = mix(seed ^ (unsigned char)*id);
	return mix(seed);
}

static void run(void *state, const struct sl_worker_job *job, struct sl_worker_result *result)
{
	const struct sl_handler_config *config = state;
	uint64_t luck = seed_of(config->seed, job->assignment_id);
	double longer_ns = part_of(mix(luck)) * (double)config->jitter_ns;
	uint64_t ms = (config->latency_ns + (uint64_t)longer_ns) / NS_PER_MS;
	char json[96];
	int length;

	if (!sl_run_host.sleep(job, ms))
		return;
	if (part_of(mix(luck ^ 1)) < config->failure_rate) {
		result->status = SL_WORKER_ERROR;
		result->code = SL_WORKER_EXECUTION_FAILED;
		(void)snprintf(result->message, sizeof(result->message), "a simulated failure");
		return;
	}
	result->cost = config->cost;
	length = snprintf(json, sizeof(json), "{\"simulated\":true,\"latency_ms\":%llu}",
			  (unsigned long long)ms);
	(void)sl_run_host.output(result, json, (size_t)length);
}

static int make(void **ret_state, const struct sl_handler_config *config,
		struct sl_handlers_error *error)
{
	(void)error;
	/* Only read; a handler's state is not const for those that change theirs. */
	*ret_state = (void *)(uintptr_t)config;
	return 0;
}

const struct sl_built_in sl_handler_simulate = {
	.handler = { .api = SL_WORKER_API, .name = "simulate", .run = run },
	.make = make,
};
