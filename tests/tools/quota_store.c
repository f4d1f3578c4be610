// SPDX-License-Identifier: Apache-2.0
/*
 * quota_store PORT SEED STEPS: the same random calls for the library's functions in a
 * Redis and for their model in C. After each call the replies, and all that is stored, must
 * be the same, number for number. Ends with 1 at the first difference.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/options.h"
#include "tests/harness/quota_before.h"
#include "tests/harness/quota_clock.h"
#include "tests/harness/quota_same.h"
#include "userspace/quota/random.h"
#include "userspace/quota/store.h"
#include "userspace/quota/wire.h"

#define TENANTS		3
#define NODES		6
#define START_US	1700000000000000
#define RATE		1000000
#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

struct node {
	char name[17]; /* 16 hex digits of its number */
	int64_t incarnation;
	int64_t has[TENANTS], seq[TENANTS], safe[TENANTS], charged[TENANTS];
};

static const struct sl_wire_keys keys = { "q", 1 };

struct test {
	struct sl_resp resp;
	struct sl_wire_call call;
	uint64_t random, call_id, step;
	int64_t now_us;
	struct sl_wire_tenant tenants[TENANTS];
	char key[TENANTS][SL_WIRE_KEY_BYTES];
	struct sl_store *store[TENANTS];
	struct sl_store *old[TENANTS]; /* replicas that are behind */
	char dump[TENANTS][1 << 16];
	size_t dump_bytes[TENANTS];
	struct sl_store_lead lead;
	struct node nodes[NODES];
};

static struct test test;

static uint64_t dice(uint64_t sides)
{
	return sl_quota_random(&test.random, sides);
}

static void __attribute__((noreturn, format(printf, 1, 2))) differs(const char *format, ...)
{
	va_list args;

	printf("# step %" PRIu64 " at %" PRId64 " us: ", test.step, test.now_us);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	exit(1);
}

static void same(const char *what, int64_t redis, int64_t model)
{
	if (redis != model)
		differs("%s: Redis %" PRId64 ", model %" PRId64, what, redis, model);
}

static struct sl_span send_call(int r)
{
	struct sl_span reply;

	if (r < 0)
		differs("the call was not made");
	if (!sl_resp_call(&test.resp, &reply, test.call.argv, test.call.lengths, test.call.argc))
		differs("Redis: %.*s", (int)reply.length, reply.at);
	return reply;
}

/* ---- what is stored ------------------------------------------------------------------ */

static const struct sl_store_row *model_row(const struct sl_store *store, uint64_t node, bool ghost)
{
	const struct sl_store_row *row;

	for (size_t i = 0; (row = sl_store_row(store, i)); i++)
		if (row->node == node && row->is_ghost == ghost)
			return row;
	return NULL;
}

static void same_rows(struct sl_wire_show_reader *reader, const struct sl_store *store)
{
	struct sl_wire_shown_row shown;
	size_t count = 0;

	while (sl_wire_next_row(reader, &shown) == 1) {
		char name[17] = "";
		const struct sl_store_row *row;
		struct sl_quota_pair pair;

		memcpy(name, shown.node.at, shown.node.length < 16 ? shown.node.length : 16);
		row = model_row(store, strtoull(name, NULL, 16), shown.row.is_ghost);
		if (!row)
			differs("a row of node %s that the model has not", name);
		if (sl_quota_rows_differ(&pair, &shown.row, row))
			same(pair.name, pair.redis, pair.model);
		count++;
	}
	if (sl_store_row(store, count))
		differs("the model has more rows than %zu", count);
}

static void compare(void)
{
	struct sl_wire_show_reader reader;
	struct sl_wire_shown shown;
	struct sl_span reply;

	reply = send_call(
		sl_wire_show(&test.call, &keys, ++test.call_id, test.tenants, TENANTS, true));
	if (sl_wire_read_show(&reader, TENANTS, test.call_id, reply) < 0)
		differs("quota_show is not understood");
	for (int i = 0; i < TENANTS; i++) {
		struct sl_quota_pair pair;
		struct sl_terms terms;
		struct sl_store_sums sums;

		if (sl_wire_next_shown(&reader, &shown) != 1)
			differs("quota_show ends early");
		same("known", shown.status == SL_QUOTA_OK, sl_store_terms(test.store[i], &terms));
		sl_store_sums(test.store[i], &sums);
		if (shown.status == SL_QUOTA_OK) {
			same("gen", (int64_t)shown.terms.gen, (int64_t)terms.gen);
			same("rate", shown.terms.rate_mu_per_s, terms.rate_mu_per_s);
			same("small", shown.terms.small, terms.small);
		}
		if (sums.last_ms && /* it was called once */
		    sl_quota_sums_differ(&pair, &shown.sums, &sums))
			same(pair.name, pair.redis, pair.model);
		same_rows(&reader, test.store[i]);
	}
	if (sl_wire_next_shown(&reader, &shown) != 0)
		differs("quota_show has no end");
}

/* ---- calls --------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	return test.now_us / 1000;
}

static struct sl_renew random_renew(const struct node *node, int tenant)
{
	struct sl_renew renew = { .want_mu_per_s = (int64_t)dice(2 * RATE),
				  .has_mu_per_s = node->has[tenant],
				  .ack = node->seq[tenant],
				  .used_mu_per_s = (int64_t)dice(RATE),
				  .ttl_ms = dice(4) ? 5000 : 10000,
				  .safe_mu_per_s = node->safe[tenant] };

	switch (dice(12)) {
	case 0: /* given back */
		renew.want_mu_per_s = renew.has_mu_per_s = 0;
		break;
	case 1: /* its lease has ended */
		renew.ack = 0;
		renew.has_mu_per_s = (int64_t)dice(RATE / 4);
		break;
	case 2: /* an old question */
		renew.ack = (int64_t)dice((uint64_t)renew.ack + 1);
		break;
	case 3: /* what the store lost */
		renew.ack += (int64_t)dice(3);
		break;
	case 4: /* released before it was reported */
		renew.has_mu_per_s = (int64_t)dice((uint64_t)renew.has_mu_per_s + 1);
		break;
	case 5: /* nonsense within the bounds */
		renew.has_mu_per_s = (int64_t)dice(2 * SL_QUOTA_RATE_MAX);
		renew.want_mu_per_s = (int64_t)dice(SL_QUOTA_RATE_MAX);
		renew.used_mu_per_s = (int64_t)dice(2 * SL_QUOTA_RATE_MAX);
		renew.safe_mu_per_s = (int64_t)dice(SL_QUOTA_RATE_MAX);
		break;
	default:
		break;
	}
	return renew;
}

static void renew(struct node *node)
{
	const size_t first = dice(TENANTS), count = 1 + dice(TENANTS - first);
	struct sl_renewed redis[TENANTS], model;
	struct sl_renew asked[TENANTS];
	struct sl_span reply;
	int r;

	for (size_t i = 0; i < count; i++)
		asked[i] = random_renew(node, (int)(first + i));
	r = sl_wire_renew(&test.call, &keys, ++test.call_id, sl_span_of(node->name),
			  node->incarnation, test.tenants + first, asked, count);
	if (!dice(4))
		sl_quota_call_before(&test.call, 6, 6);
	reply = send_call(r);
	if (sl_wire_read_renewed(redis, count, test.call_id, reply) < 0)
		differs("quota_renew is not understood");
	for (size_t i = 0; i < count; i++) {
		if (sl_store_renew(test.store[first + i], strtoull(node->name, NULL, 16),
				   node->incarnation, &asked[i], now_ms(), &model) < 0)
			sl_die("out of memory");
		same("renew: status", redis[i].status, model.status);
		same("renew: grant", redis[i].grant_mu_per_s, model.grant_mu_per_s);
		same("renew: burst", redis[i].burst_mu, model.burst_mu);
		same("renew: seq", redis[i].seq, model.seq);
		same("renew: lambda", redis[i].lambda_ppm, model.lambda_ppm);
		same("renew: rate", redis[i].rate_mu_per_s, model.rate_mu_per_s);
		same("renew: gen", redis[i].gen, model.gen);
		same("renew: flags", redis[i].flags, model.flags);
		same("renew: live", redis[i].live, model.live);
		same("renew: safe", redis[i].safe_mu_per_s, model.safe_mu_per_s);
		if (model.status != SL_QUOTA_OK || !dice(10)) /* or the reply is lost */
			continue;
		node->has[first + i] = model.grant_mu_per_s;
		node->seq[first + i] = model.seq;
		node->safe[first + i] = model.safe_mu_per_s;
	}
}

static void charge(struct node *node)
{
	const size_t tenant = dice(TENANTS);
	const int64_t passed = (int64_t)(dice(2) ? dice(20000) : 0);
	/* Now and then one that was charged before. */
	/* Some are read in time, some late. */
	const struct sl_charge asked = { passed,
					 (int64_t)(dice(5) ? dice(20000) : dice(2 * RATE)),
					 (int64_t)dice(2 * RATE),
					 node->charged[tenant] + (dice(8) ? passed : 0),
					 dice(2) ? 0 : (int64_t)dice(20000),
					 dice(2) ? 0
						 : test.now_us + 1000000 - (int64_t)dice(9000000) };
	struct sl_charged redis, model;
	struct sl_span reply;
	int r;

	r = sl_wire_central(&test.call, &keys, ++test.call_id, sl_span_of(node->name),
			    node->incarnation, &test.tenants[tenant], &asked, 1);
	if (!asked.void_us && !asked.since_ms && dice(2))
		sl_quota_call_before(&test.call, 6, 4);
	else if (!asked.void_us && dice(2))
		sl_quota_call_cut(&test.call, 6, 5);
	reply = send_call(r);
	if (sl_wire_read_charged(&redis, 1, test.call_id, reply) < 0)
		differs("quota_central is not understood");
	if (sl_store_charge(test.store[tenant], strtoull(node->name, NULL, 16), node->incarnation,
			    &asked, test.now_us, &model) < 0)
		sl_die("out of memory");
	node->charged[tenant] += dice(4) ? passed : 0;
	same("central: status", redis.status, model.status);
	same("central: paid", redis.paid_mu, model.paid_mu);
	same("central: wait", redis.wait_ms, model.wait_ms);
	same("central: left", redis.left_mu, model.left_mu);
	same("central: rate", redis.rate_mu_per_s, model.rate_mu_per_s);
	same("central: gen", redis.gen, model.gen);
	same("central: live", redis.live, model.live);
	same("central: time", redis.store_us, model.store_us);
}

static struct sl_terms random_terms(void)
{
	const uint32_t over[] = { 1000000, 1250000, 2000000 };
	struct sl_terms terms = sl_terms_of(1 + dice(1 + test.step / 20), RATE / 2, RATE / 4);

	if (dice(2))
		terms.rate_mu_per_s += (int64_t)dice(RATE);
	terms.guarantee_mu_per_s = (int64_t)dice((uint64_t)terms.rate_mu_per_s);
	terms.ceiling_mu_per_s = terms.rate_mu_per_s + (int64_t)(dice(2) ? dice(RATE) : 0);
	terms.overbook_max_ppm = over[dice(COUNT_OF(over))];
	terms.small = !dice(3);
	if (terms.small && dice(2)) {
		terms.rate_mu_per_s = 1 + (int64_t)dice(30000);
		terms.guarantee_mu_per_s = 0;
	}
	return terms;
}

static void set_terms(void)
{
	const size_t tenant = dice(TENANTS);
	const struct sl_terms terms = random_terms();
	enum sl_quota_status status;
	struct sl_span reply;

	reply = send_call(
		sl_wire_terms(&test.call, &keys, ++test.call_id, &test.tenants[tenant], &terms));
	if (sl_wire_read_statuses(&status, 1, test.call_id, reply) < 0)
		differs("quota_terms is not understood");
	same("terms", status, sl_store_set_terms(test.store[tenant], &terms, now_ms()));
}

static void share(void)
{
	const size_t tenant = dice(TENANTS);
	const int64_t rate = (int64_t)dice(2 * RATE), token = (int64_t)dice(1 + test.step);
	enum sl_quota_status status;
	struct sl_span reply;

	reply = send_call(sl_wire_share(&test.call, &keys, ++test.call_id, token,
					&test.tenants[tenant], &rate, 1));
	if (sl_wire_read_statuses(&status, 1, test.call_id, reply) < 0)
		differs("quota_share is not understood");
	same("share", status, sl_store_set_rate(test.store[tenant], rate, token, now_ms()));
}

static void release_node(const struct node *node)
{
	enum sl_quota_status statuses[TENANTS];
	struct sl_span reply;

	reply = send_call(sl_wire_release(&test.call, &keys, ++test.call_id, sl_span_of(node->name),
					  test.tenants, TENANTS));
	if (sl_wire_read_statuses(statuses, TENANTS, test.call_id, reply) < 0)
		differs("quota_release is not understood");
	for (int i = 0; i < TENANTS; i++)
		(void)sl_store_release(test.store[i], strtoull(node->name, NULL, 16), now_ms());
}

static void lead(const struct node *node)
{
	struct sl_span reply;
	int64_t token;

	reply = send_call(sl_wire_lead(&test.call, &keys, ++test.call_id, sl_span_of(node->name)));
	if (sl_wire_read_lead(&token, test.call_id, reply) < 0)
		differs("quota_lead is not understood");
	same("lead", token, sl_store_lead(&test.lead, strtoull(node->name, NULL, 16), now_ms()));
}

/* ---- what befalls a store -------------------------------------------------------------- */

static void restart(struct node *node)
{
	node->incarnation += dice(3) ? 1 : -1; /* -1: a former instance that still lives */
	if (node->incarnation < 1)
		node->incarnation = 1;
	memset(node->has, 0, sizeof(node->has));
	memset(node->seq, 0, sizeof(node->seq));
	memset(node->safe, 0, sizeof(node->safe));
	memset(node->charged, 0, sizeof(node->charged));
}

static void wipe(size_t tenant)
{
	struct sl_span reply;

	(void)sl_resp_words(&test.resp, &reply, "DEL", test.key[tenant], NULL);
	sl_store_wipe(test.store[tenant]);
}

static void keep_replica(size_t tenant)
{
	struct sl_span dump;

	if (!sl_resp_words(&test.resp, &dump, "DUMP", test.key[tenant], NULL) ||
	    dump.length > sizeof(test.dump[tenant]))
		return;
	memcpy(test.dump[tenant], dump.at, dump.length);
	test.dump_bytes[tenant] = dump.length;
	sl_store_free(test.old[tenant]);
	if (sl_store_clone(&test.old[tenant], test.store[tenant]) < 0)
		sl_die("out of memory");
}

/* The replica takes over: all since then is lost. */
static void fail_over(size_t tenant)
{
	const char *argv[] = { "RESTORE", test.key[tenant], "0", test.dump[tenant], "REPLACE" };
	const size_t lengths[] = { 7, strlen(test.key[tenant]), 1, test.dump_bytes[tenant], 7 };
	struct sl_span reply;

	if (!test.old[tenant])
		return;
	if (!sl_resp_call(&test.resp, &reply, argv, lengths, COUNT_OF(argv)))
		differs("RESTORE: %.*s", (int)reply.length, reply.at);
	sl_store_free(test.store[tenant]);
	if (sl_store_clone(&test.store[tenant], test.old[tenant]) < 0)
		sl_die("out of memory");
}

static void pass_time(void)
{
	switch (dice(200)) {
	case 0:
		test.now_us -= 20000000;
		break;
	case 1:
		test.now_us -= 900000;
		break;
	case 2:
		test.now_us += 15000000;
		break;
	case 3:
		test.now_us += 50000000;
		break;
	default:
		test.now_us += (int64_t)dice(400000);
		break;
	}
	sl_quota_clock_set(&test.resp, test.now_us);
}

static void step(void)
{
	/* Mostly the same few, so that what befalls one befalls it again soon. */
	struct node *node = &test.nodes[dice(3) ? dice(2) : dice(NODES)];
	const uint64_t what = dice(100);

	pass_time();
	if (what < 60)
		renew(node);
	else if (what < 80)
		charge(node);
	else if (what < 86)
		set_terms();
	else if (what < 89)
		share();
	else if (what < 91)
		lead(node);
	else if (what < 92)
		keep_replica(dice(TENANTS));
	else if (what < 93)
		fail_over(dice(TENANTS));
	else if (what < 97)
		restart(node);
	else if (what < 98)
		release_node(node);
	else if (!dice(4))
		wipe(dice(TENANTS));
}

/* ---- begin and end ------------------------------------------------------------------- */

static void begin(uint64_t seed)
{
	static const char *const names[TENANTS] = { "acme", "globex", "a:b" };

	test.random = seed;
	test.now_us = START_US;
	for (int i = 0; i < TENANTS; i++) {
		test.tenants[i] =
			(struct sl_wire_tenant){ sl_span_of(names[i]), (enum sl_quota_kind)i };
		if (sl_wire_key(&keys, &test.tenants[i], test.key[i]) < 0 ||
		    sl_store_new(&test.store[i]) < 0)
			sl_die("tenant %s", names[i]);
	}
	for (int i = 0; i < NODES; i++) {
		(void)snprintf(test.nodes[i].name, sizeof(test.nodes[i].name), "%016x",
			       (unsigned int)i + 1);
		test.nodes[i].incarnation = 5;
	}
}

int main(int argc, char **argv)
{
	uint64_t steps;

	if (argc != 4)
		sl_die("usage: quota_store PORT SEED STEPS");
	steps = sl_option_amount("STEPS", argv[3], 1, 100000000);
	begin(sl_option_amount("SEED", argv[2], 0, UINT32_MAX));
	sl_resp_open(&test.resp, (uint16_t)sl_option_amount("PORT", argv[1], 1, UINT16_MAX));
	sl_quota_clock_load(&test.resp);
	sl_quota_clock_set(&test.resp, test.now_us);
	for (test.step = 0; test.step < steps; test.step++) {
		step();
		compare();
	}
	printf("# %" PRIu64 " steps of seed %s: the same\n", steps, argv[2]);
	for (int i = 0; i < TENANTS; i++) {
		sl_store_free(test.store[i]);
		sl_store_free(test.old[i]);
	}
	sl_resp_close(&test.resp);
	return 0;
}
