// SPDX-License-Identifier: Apache-2.0
/*
 * What it costs to check a request of 627 bytes and to find its members, in turns with
 * jansson on the same bytes. CPU time of the thread.
 */
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "tests/harness/bench.h"
#include "userspace/domain/decide.h"

#define ROUNDS 15
#define OURS   50000
#define PEER   5000

static const char body[] =
	"{\"version\":\"1\",\"tenant_id\":\"acme\","
	"\"request_id\":\"0f8fad5b-d9cb-469f-a165-70867728950e\","
	"\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
	"\"run_id\":\"0f8fad5b-d9cb-469f-a165-70867728950e\","
	"\"flow_id\":\"0f8fad5b-d9cb-469f-a165-70867728950e\","
	"\"step_id\":\"0f8fad5b-d9cb-469f-a165-70867728950e\",\"idempotency_key\":\"k-0001\","
	"\"policy_id\":\"default\",\"task\":{\"type\":\"chat\",\"payload\":{\"text\":"
	"\"How warm is the sea at the coast today, and how will it be tomorrow? In full degrees.\","
	"\"role\":\"user\"}},\"constraints\":{\"max_cost\":0.25,\"max_latency_ms\":1500},"
	"\"metadata\":{\"source\":\"web\",\"tags\":[\"a\",\"b\"]},\"context\":{\"session\":\"s-1\"},"
	"\"push_assignment\":true,\"a\":1}";

_Static_assert(sizeof(body) - 1 == 627, "the body that the peers were measured with");

static double now_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0)
		sl_bench_die("clock_gettime");
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double ours_ns(void)
{
	struct sl_decide_fault fault;
	struct sl_decide decide;
	double start = now_ns();

	for (int i = 0; i < OURS; i++)
		if (sl_decide_read(&decide, (struct sl_span){ body, sizeof(body) - 1 }, &fault))
			sl_bench_die("refused: %s", fault.message);
	return (now_ns() - start) / OURS;
}

static double peer_ns(void)
{
	double start = now_ns();

	for (int i = 0; i < PEER; i++) {
		json_t *tree = json_loadb(body, sizeof(body) - 1, JSON_REJECT_DUPLICATES, NULL);

		if (!json_object_get(tree, "tenant_id") || !json_object_get(tree, "request_id"))
			sl_bench_die("jansson refused it");
		json_decref(tree);
	}
	return (now_ns() - start) / PEER;
}

int main(void)
{
	struct sl_samples ours = { .count = 0 }, peer = { .count = 0 };

	sl_bench_pin(0);
	for (int i = 0; i < ROUNDS; i++) {
		sl_samples_add(&ours, ours_ns());
		sl_samples_add(&peer, peer_ns());
	}
	sl_bench_print("message.read_ns", NULL, &ours);
	sl_bench_print("message.read_ns", "jansson", &peer);
	return 0;
}
