// SPDX-License-Identifier: Apache-2.0
/*
 * quota_split PORT: three nodes, the real lease code, share one limit by the functions of
 * the library in a Redis, under a clock of the test's. Says "ok" or "not ok" for each of: the
 * split follows demand; all state lost; a former instance comes back.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/options.h"
#include "tests/harness/quota_clock.h"
#include "userspace/quota/lease.h"
#include "userspace/quota/wire.h"

#define R	1000000
#define NODES	4 /* the last one comes late */
#define STEP_MS 20
#define MS_NS	1000000ull
#define WALL_US 1700000000000000
#define COLD	(R / 100) /* all nodes together, beside what they hold */

static const struct sl_wire_keys keys = { "q", 256 };
static const struct sl_wire_tenant tenant = { SL_SPAN("acme"), SL_QUOTA_REQUESTS };

struct node {
	struct sl_lease lease;
	char name[8];
	int64_t incarnation, demand; /* mu/s; 0: it is not there */
};

static struct {
	struct sl_resp resp;
	struct sl_wire_call call;
	uint64_t call_id, ms;
	struct sl_terms terms;
	struct node nodes[NODES];
	int64_t most; /* of the sum of applied rates since the last look */
	int failed;
} test;

static uint64_t now_ns(void)
{
	return (test.ms + 1000) * MS_NS;
}

static struct sl_span send_call(int r)
{
	struct sl_span reply;

	if (r < 0 ||
	    !sl_resp_call(&test.resp, &reply, test.call.argv, test.call.lengths, test.call.argc))
		sl_die("a call failed");
	return reply;
}

static void send_terms(void)
{
	enum sl_quota_status status;
	struct sl_span reply =
		send_call(sl_wire_terms(&test.call, &keys, ++test.call_id, &tenant, &test.terms));

	if (sl_wire_read_statuses(&status, 1, test.call_id, reply) < 0 || status != SL_QUOTA_OK)
		sl_die("the terms were not taken");
}

static struct sl_renewed renew(struct node *node)
{
	struct sl_renewed renewed;
	struct sl_renew question;
	struct sl_span reply;
	uint64_t id;

	(void)sl_lease_ask(&node->lease, &question, &id, now_ns());
	reply = send_call(sl_wire_renew(&test.call, &keys, ++test.call_id, sl_span_of(node->name),
					node->incarnation, &tenant, &question, 1));
	if (sl_wire_read_renewed(&renewed, 1, test.call_id, reply) < 0)
		sl_die("the reply is not understood");
	(void)sl_lease_answer(&node->lease, id, &renewed, now_ns());
	if (node->lease.wants_terms) {
		send_terms();
		sl_lease_sent_terms(&node->lease, now_ns());
	}
	return renewed;
}

static int64_t applied(const struct node *node)
{
	struct sl_quota_state state;

	sl_lease_state(&node->lease, &state, now_ns());
	return state.mode == SL_QUOTA_MODE_COLD ? 0 : state.rate_mu_per_s;
}

static void spend(struct node *node)
{
	const int64_t arrived = node->demand * STEP_MS / 1000, rate = applied(node);
	const int64_t can = rate * STEP_MS / 1000;

	sl_lease_observe(&node->lease, arrived, arrived < can ? arrived : can, now_ns());
	if (sl_lease_due_ns(&node->lease, now_ns()) <= now_ns())
		(void)renew(node);
}

static int64_t sum(void)
{
	int64_t all = 0;

	for (int i = 0; i < NODES; i++)
		all += applied(&test.nodes[i]);
	return all;
}

static void run(uint64_t ms)
{
	for (uint64_t end = test.ms + ms; test.ms < end; test.ms += STEP_MS) {
		sl_quota_clock_set(&test.resp, WALL_US + (int64_t)test.ms * 1000);
		for (int i = 0; i < NODES; i++) {
			if (test.nodes[i].demand)
				spend(&test.nodes[i]);
			test.most = sum() > test.most ? sum() : test.most;
		}
	}
}

static void check(const char *name, bool good)
{
	printf("%s - %s\n", good ? "ok" : "not ok", name);
	if (good)
		return;
	test.failed = 1;
	for (int i = 0; i < NODES; i++)
		printf("# node %d: %" PRId64 " of a demand of %" PRId64 "\n", i,
		       applied(&test.nodes[i]), test.nodes[i].demand);
	printf("# at most %" PRId64 " together\n", test.most);
}

static bool is_about(int64_t got, int64_t want)
{
	return got > want - R / 25 && got < want + R / 25;
}

static void begin_node(int i, int64_t demand)
{
	struct node *node = &test.nodes[i];

	sl_lease_begin(&node->lease, &test.terms, NODES, (uint64_t)i + test.ms, now_ns());
	(void)snprintf(node->name, sizeof(node->name), "n%d", i);
	node->incarnation = 1;
	node->demand = demand;
}

static void split(void)
{
	begin_node(0, R);
	begin_node(1, R / 2);
	begin_node(2, R / 2);
	begin_node(3, 0);
	run(20000);
	check("three nodes share by demand",
	      is_about(applied(&test.nodes[0]), R / 2) && is_about(applied(&test.nodes[1]), R / 4));
	check("together they have the limit", sum() > R / 100 * 97);
	check("and never more", test.most <= R);
}

static void lose_all(void)
{
	struct sl_span reply;

	(void)sl_resp_words(&test.resp, &reply, "FLUSHALL", NULL);
	test.most = 0;
	test.nodes[3].demand = R;
	run(4000);
	check("after all state was lost a newcomer is granted nothing", !applied(&test.nodes[3]));
	check("those who held a part go on with it", sum() > R / 10 * 4);
	check("and never over the limit", test.most <= R);
	run(12000);
	check("then it has its part", is_about(applied(&test.nodes[3]), R / 3));
	check("and never over the limit meanwhile", test.most <= R);
}

static void come_back(void)
{
	struct node zombie = test.nodes[0];

	begin_node(0, R);
	test.nodes[0].incarnation = 2;
	test.most = 0;
	run(1000);
	/* What rounding left over is a few milli-units. */
	check("a new instance is granted nothing while the former may still spend",
	      applied(&test.nodes[0]) < R / 10000);
	(void)renew(&zombie);
	check("the former instance is fenced", zombie.lease.fenced && !applied(&zombie));
	run(15000);
	check("the new instance has its part", is_about(applied(&test.nodes[0]), R / 3));
	check("and never over the limit", test.most <= R);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		sl_die("usage: quota_split PORT");
	test.terms = sl_terms_of(1, R, R / 2);
	sl_resp_open(&test.resp, (uint16_t)sl_option_amount("PORT", argv[1], 1, UINT16_MAX));
	sl_quota_clock_load(&test.resp);
	sl_quota_clock_set(&test.resp, WALL_US);
	split();
	lose_all();
	come_back();
	sl_resp_close(&test.resp);
	return test.failed;
}
