// SPDX-License-Identifier: Apache-2.0
/*
 * bench-redis PORT: the CPU time of a Redis server for one renewal of one tenant, in calls of
 * ten tenants of one node. Sixteen nodes renew once a second: the server's clock is the
 * bench's, and each second's sweep of the rows is in it. Their calls are there together, as at
 * a server with much to do; "call_by_call" is one that sleeps and wakes for each of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/bench.h"
#include "tests/harness/options.h"
#include "tests/harness/quota_clock.h"
#include "userspace/quota/wire.h"

#define ROUNDS	15
#define SECONDS 40
#define NODES	16
#define TENANTS 10
#define R	1000000
#define WALL_US 1700000000000000

static const struct sl_wire_keys keys = { "q", 1 };

static struct {
	struct sl_resp resp;
	struct sl_wire_call call;
	struct sl_wire_tenant tenants[TENANTS];
	char names[TENANTS][16];
	int64_t has[NODES][TENANTS], seq[NODES][TENANTS];
	int64_t now_us;
} bench;

static double field(struct sl_span info, const char *name)
{
	const char *at = memmem(info.at, info.length, name, strlen(name));

	if (!at)
		sl_bench_die("INFO has no %s", name);
	return strtod(at + strlen(name), NULL);
}

static double cpu_us(void)
{
	struct sl_span info;

	if (!sl_resp_words(&bench.resp, &info, "INFO", "cpu", NULL))
		sl_bench_die("no INFO");
	return (field(info, "used_cpu_user_main_thread:") +
		field(info, "used_cpu_sys_main_thread:")) *
	       1e6;
}

static void send_terms(const struct sl_wire_tenant *tenant)
{
	const struct sl_terms terms = sl_terms_of(1, R, R / 2);
	struct sl_span reply;

	if (sl_wire_terms(&bench.call, &keys, 1, tenant, &terms) < 0 ||
	    !sl_resp_call(&bench.resp, &reply, bench.call.argv, bench.call.lengths,
			  bench.call.argc))
		sl_bench_die("the terms were not taken");
}

/* Contended: each wants all of it. */
static void ask(int node)
{
	struct sl_renew asked[TENANTS];
	char name[17];

	(void)snprintf(name, sizeof(name), "%016x", (unsigned int)node);
	for (int i = 0; i < TENANTS; i++)
		asked[i] = (struct sl_renew){
			R - node, bench.has[node][i], bench.seq[node][i], bench.has[node][i], 5000,
			0
		};
	if (sl_wire_renew(&bench.call, &keys, (uint64_t)node + 1, sl_span_of(name), 1,
			  bench.tenants, asked, TENANTS) < 0)
		sl_bench_die("the call was not made");
	sl_resp_send(&bench.resp, bench.call.argv, bench.call.lengths, bench.call.argc);
}

static void hear(int node)
{
	struct sl_renewed renewed[TENANTS];
	struct sl_span reply;

	if (!sl_resp_read(&bench.resp, &reply) ||
	    sl_wire_read_renewed(renewed, TENANTS, (uint64_t)node + 1, reply) < 0)
		sl_bench_die("a reply is not understood");
	for (int i = 0; i < TENANTS; i++) {
		if (renewed[i].status != SL_QUOTA_OK)
			sl_bench_die("a renewal was refused");
		bench.has[node][i] = renewed[i].grant_mu_per_s;
		bench.seq[node][i] = renewed[i].seq;
	}
}

/* @together: so many calls are sent before the first reply is read. */
static double round_us(int together)
{
	const double before = cpu_us();

	for (int second = 0; second < SECONDS; second++) {
		bench.now_us += 1000000;
		sl_quota_clock_set(&bench.resp, bench.now_us);
		for (int node = 0; node < NODES; node += together) {
			for (int i = node; i < node + together; i++)
				ask(i);
			for (int i = node; i < node + together; i++)
				hear(i);
		}
	}
	return (cpu_us() - before) / (SECONDS * NODES * TENANTS);
}

int main(int argc, char **argv)
{
	struct sl_samples samples = { .count = 0 }, single = { .count = 0 };

	if (argc != 2)
		sl_bench_die("usage: bench-redis PORT");
	sl_resp_open(&bench.resp, (uint16_t)sl_option_amount("PORT", argv[1], 1, UINT16_MAX));
	sl_quota_clock_load(&bench.resp);
	bench.now_us = WALL_US;
	sl_quota_clock_set(&bench.resp, bench.now_us);
	for (int i = 0; i < TENANTS; i++) {
		(void)snprintf(bench.names[i], sizeof(bench.names[i]), "tenant%d", i);
		bench.tenants[i] =
			(struct sl_wire_tenant){ sl_span_of(bench.names[i]), SL_QUOTA_REQUESTS };
		send_terms(&bench.tenants[i]);
	}
	for (int i = 0; i <= ROUNDS; i++) {
		const double us = round_us(NODES), single_us = round_us(1);

		if (!i) /* the first one learns */
			continue;
		sl_samples_add(&samples, us);
		sl_samples_add(&single, single_us);
	}
	sl_bench_print("redis.cpu_us_per_renewal", NULL, &samples);
	sl_bench_print("redis.cpu_us_per_renewal", "call_by_call", &single);
	sl_resp_close(&bench.resp);
	return 0;
}
