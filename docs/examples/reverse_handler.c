// SPDX-License-Identifier: Apache-2.0
/*
 * A handler of one's own for sluice-worker (include/sluice/worker.h): gives the
 * payload back in reverse, as text, and takes as long as its settings say.
 *
 *	cc -shared -fPIC -I include -o reverse.so docs/examples/reverse_handler.c
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sluice/worker.h"

struct reverse {
	const struct sl_worker_host *host;
	uint64_t pause_ms;
};

static int init(void **ret_state, const struct sl_worker_host *host, const char *config,
		char *error, size_t error_size)
{
	struct reverse *reverse;
	char *end = NULL;
	unsigned long pause_ms = strtoul(config, &end, 10);

	if (*end || pause_ms > 60000) {
		(void)snprintf(error, error_size, "settings: a pause of at most 60000 ms");
		return -EINVAL;
	}
	reverse = calloc(1, sizeof(*reverse));
	if (!reverse)
		return -ENOMEM;
	reverse->host = host;
	reverse->pause_ms = pause_ms;
	*ret_state = reverse;
	return 0;
}

/* Called from several threads at once: the state is only read. */
static void run(void *state, const struct sl_worker_job *job, struct sl_worker_result *result)
{
	const struct reverse *reverse = state;
	char *text;

	if (!reverse->host->sleep(job, reverse->pause_ms))
		return; /* stopped: the worker says so in the result */
	text = malloc(job->payload_length + 1);
	if (!text) {
		result->status = SL_WORKER_ERROR;
		result->code = SL_WORKER_RESOURCE_UNAVAILABLE;
		return;
	}
	for (size_t i = 0; i < job->payload_length; i++)
		text[i] = job->payload[job->payload_length - 1 - i];
	(void)reverse->host->output_text(result, text, job->payload_length);
	result->cost = (double)job->payload_length / 1000;
	free(text);
}

static void release(void *state)
{
	free(state);
}

const struct sl_worker_handler sl_worker_plugin = {
	.api = SL_WORKER_API,
	.name = "reverse",
	.init = init,
	.run = run,
	.free = release,
};
