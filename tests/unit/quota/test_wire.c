// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/test.h"
#include "userspace/quota/library.h"

static const struct sl_wire_keys keys = { "q", 256 };
static const struct sl_wire_keys one = { "q", 1 };

/* Big-endian words, as the store packs them. */
struct reply {
	char bytes[8 * 64];
	size_t used;
};

static void put(struct reply *reply, int64_t number)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		reply->bytes[reply->used++] = (char)((uint64_t)number >> shift);
}

static struct reply reply_of(uint64_t id, int64_t count, const int64_t *words, size_t length)
{
	struct reply reply = { .used = 0 };

	put(&reply, SL_WIRE_VERSION);
	put(&reply, (int64_t)id);
	put(&reply, 1700000000000000);
	put(&reply, count);
	for (size_t i = 0; i < length; i++)
		put(&reply, words[i]);
	return reply;
}

static struct sl_span span_of(const struct reply *reply)
{
	return (struct sl_span){ reply->bytes, reply->used };
}

static void keys_of_a_tenant_share_a_slot(void **state)
{
	struct sl_wire_tenant tenant = { SL_SPAN("acme"), SL_QUOTA_PACKETS };
	char packets[SL_WIRE_KEY_BYTES], cost[SL_WIRE_KEY_BYTES];

	assert_int_equal(sl_wire_key(&keys, &tenant, packets), 0);
	tenant.kind = SL_QUOTA_COST;
	assert_int_equal(sl_wire_key(&keys, &tenant, cost), 0);
	assert_memory_equal(packets, "q:{b", 4);
	assert_memory_equal(packets, cost, strlen("q:{b000}:acme:"));
	assert_string_equal(packets + strlen("q:{b000}:"), "acme:p");
	assert_string_equal(cost + strlen("q:{b000}:"), "acme:c");
}

static void names_that_would_break_a_key_are_refused(void **state)
{
	static const char *const bad[] = { "", "a b", "a{b}", "a}", "\n", "caf\xc3\xa9" };
	char key[SL_WIRE_KEY_BYTES], longest[SL_WIRE_TENANT_BYTES + 2];
	struct sl_wire_tenant tenant = { .kind = SL_QUOTA_PACKETS };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		tenant.name = sl_span_of(bad[i]);
		assert_int_equal(sl_wire_key(&keys, &tenant, key), -EINVAL);
	}
	memset(longest, 'x', sizeof(longest));
	tenant.name = (struct sl_span){ longest, SL_WIRE_TENANT_BYTES };
	assert_int_equal(
		sl_wire_key(&(struct sl_wire_keys){ "prefix0123456789", 1024 }, &tenant, key), 0);
	tenant.name.length++;
	assert_int_equal(sl_wire_key(&keys, &tenant, key), -EINVAL);
}

static void buckets_are_spread(void **state)
{
	uint32_t counts[256] = { 0 };
	char name[16];

	for (int i = 0; i < 25600; i++) {
		int length = snprintf(name, sizeof(name), "tenant%d", i);

		counts[sl_wire_bucket(&keys, (struct sl_span){ name, (size_t)length })]++;
	}
	for (int i = 0; i < 256; i++)
		assert_in_range(counts[i], 50, 150);
}

static void a_renewal_is_an_fcall(void **state)
{
	static struct sl_wire_call call;
	const struct sl_wire_tenant tenants[] = { { SL_SPAN("a"), SL_QUOTA_BYTES },
						  { SL_SPAN("b"), SL_QUOTA_COST } };
	const struct sl_renew renewals[] = { { 1, 2, 3, 4, 5, 11 }, { 6, 7, 8, 9, 10, 12 } };
	static const char *const want[] = { "FCALL",	    "quota_renew", "2",	 "q:{b000}:a:b",
					    "q:{b000}:b:c", "77",	   "n1", "12" };
	static const char numbers[] = "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2"
				      "\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\4"
				      "\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\x0b"
				      "\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\7"
				      "\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\x09"
				      "\0\0\0\0\0\0\0\x0a\0\0\0\0\0\0\0\x0c";

	assert_int_equal(sl_wire_renew(&call, &one, 77, SL_SPAN("n1"), 12, tenants, renewals, 2),
			 0);
	assert_int_equal(call.argc, sizeof(want) / sizeof(*want) + 1);
	for (size_t i = 0; i + 1 < call.argc; i++) {
		assert_string_equal(call.argv[i], want[i]);
		assert_int_equal(call.lengths[i], strlen(want[i]));
	}
	assert_int_equal(call.lengths[8], sizeof(numbers) - 1);
	assert_memory_equal(call.argv[8], numbers, sizeof(numbers) - 1);
}

static void the_largest_call_fits(void **state)
{
	static struct sl_wire_call call;
	static char name[SL_WIRE_TENANT_BYTES], node[SL_WIRE_NODE_BYTES];
	static struct sl_wire_tenant tenants[SL_WIRE_TENANTS_MAX];
	static struct sl_renew renewals[SL_WIRE_TENANTS_MAX];
	const struct sl_wire_keys longest = { "prefix0123456789", 1024 };

	memset(name, 'x', sizeof(name));
	memset(node, 'y', sizeof(node));
	for (int i = 0; i < SL_WIRE_TENANTS_MAX; i++) {
		tenants[i] = (struct sl_wire_tenant){ { name, sizeof(name) }, SL_QUOTA_COST };
		renewals[i] = (struct sl_renew){ 2 * SL_QUOTA_RATE_MAX,
						 2 * SL_QUOTA_RATE_MAX,
						 SL_QUOTA_NUMBER_MAX - 1,
						 2 * SL_QUOTA_RATE_MAX,
						 120000,
						 SL_QUOTA_RATE_MAX };
	}
	assert_int_equal(sl_wire_renew(&call, &longest, SL_QUOTA_NUMBER_MAX,
				       (struct sl_span){ node, sizeof(node) }, SL_QUOTA_NUMBER_MAX,
				       tenants, renewals, SL_WIRE_TENANTS_MAX),
			 0);
	assert_int_equal(call.argc, 7 + SL_WIRE_TENANTS_MAX);
	assert_int_equal(call.lengths[call.argc - 1], SL_WIRE_TENANTS_MAX * 6 * 8);
}

static void what_the_store_would_refuse_is_not_sent(void **state)
{
	static struct sl_wire_call call;
	const struct sl_wire_tenant tenants[] = { { SL_SPAN("a"), SL_QUOTA_BYTES },
						  { SL_SPAN("b"), SL_QUOTA_COST } };
	struct sl_renew renewals[2] = { { .ttl_ms = 5 }, { .ttl_ms = 5 } };
	struct sl_terms terms = sl_terms_of(1, 0, 1);

	/* Of two buckets. */
	assert_int_equal(sl_wire_renew(&call, &keys, 1, SL_SPAN("n"), 1, tenants, renewals, 2),
			 -EINVAL);
	assert_int_equal(call.argc, 0);
	assert_int_equal(sl_wire_renew(&call, &one, 1, SL_SPAN("n"), 1, tenants, renewals, 0),
			 -EINVAL);
	assert_int_equal(sl_wire_renew(&call, &one, 0, SL_SPAN("n"), 1, tenants, renewals, 2),
			 -EINVAL);
	assert_int_equal(sl_wire_renew(&call, &one, 1, SL_SPAN("a b"), 1, tenants, renewals, 2),
			 -EINVAL);
	renewals[1].has_mu_per_s = -1;
	assert_int_equal(sl_wire_renew(&call, &one, 1, SL_SPAN("n"), 1, tenants, renewals, 2),
			 -EINVAL);
	assert_int_equal(sl_wire_terms(&call, &one, 1, tenants, &terms), -EINVAL);
}

static void a_reply_is_taken_whole(void **state)
{
	static const int64_t words[] = { 0, 500, 250, 9, 1000000, 1000, 3, 1, 2, 300 };
	struct reply reply = reply_of(77, 1, words, 10);
	struct sl_renewed renewed = { .seq = 1 };
	struct sl_span span = span_of(&reply);

	assert_int_equal(sl_wire_read_renewed(&renewed, 1, 77, span), 0);
	assert_int_equal(renewed.grant_mu_per_s, 500);
	assert_int_equal(renewed.burst_mu, 250);
	assert_int_equal(renewed.seq, 9);
	assert_int_equal(renewed.lambda_ppm, 1000000);
	assert_int_equal(renewed.rate_mu_per_s, 1000);
	assert_int_equal(renewed.gen, 3);
	assert_int_equal(renewed.flags, SL_RENEWED_CONTENDED);
	assert_int_equal(renewed.live, 2);
	assert_int_equal(renewed.safe_mu_per_s, 300);

	renewed.seq = 1;
	assert_int_equal(sl_wire_read_renewed(&renewed, 1, 78, span), -EPROTO);
	for (size_t cut = 0; cut < reply.used; cut++) {
		span.length = cut;
		assert_int_equal(sl_wire_read_renewed(&renewed, 1, 77, span), -EPROTO);
	}
	assert_int_equal(renewed.seq, 1);
}

static void each_word_has_its_bounds(void **state)
{
	static const int64_t good[] = { 0, 500, 250, 9, 1000000, 1000, 3, 1, 2, 300 };
	static const int64_t over[] = { 8,
					2 * SL_QUOTA_RATE_MAX + 1,
					2 * SL_QUOTA_BURST_MAX + 1,
					SL_QUOTA_NUMBER_MAX + 1,
					2000001,
					SL_QUOTA_RATE_MAX + 1,
					SL_QUOTA_NUMBER_MAX + 1,
					4,
					SL_QUOTA_NODES_MAX + 1,
					SL_QUOTA_RATE_MAX + 1 };
	struct sl_renewed renewed;

	for (int i = 0; i < 10; i++) {
		int64_t words[10];
		struct reply reply;

		memcpy(words, good, sizeof(words));
		words[i] = over[i];
		reply = reply_of(1, 1, words, 10);
		assert_int_equal(sl_wire_read_renewed(&renewed, 1, 1, span_of(&reply)), -EPROTO);
		words[i] = -1;
		reply = reply_of(1, 1, words, 10);
		assert_int_equal(sl_wire_read_renewed(&renewed, 1, 1, span_of(&reply)), -EPROTO);
	}
}

static void the_other_replies_are_read(void **state)
{
	static const int64_t words[] = { 0, 5, 100, 7, 1000, 3, 2 };
	struct sl_charged charged;
	enum sl_quota_status statuses[2];
	int64_t token;
	struct reply reply = reply_of(1, 1, words, 7);

	assert_int_equal(sl_wire_read_charged(&charged, 1, 1, span_of(&reply)), 0);
	assert_int_equal(charged.paid_mu, 5);
	assert_int_equal(charged.wait_ms, 100);
	assert_int_equal(charged.left_mu, 7);
	assert_int_equal(charged.live, 2);
	assert_int_equal(charged.store_us, 1700000000000000);
	reply = reply_of(1, 2, (const int64_t[]){ 6, 7 }, 2);
	assert_int_equal(sl_wire_read_statuses(statuses, 2, 1, span_of(&reply)), 0);
	assert_int_equal(statuses[1], SL_QUOTA_CONFLICT);
	assert_int_equal(sl_wire_read_statuses(statuses, 1, 1, span_of(&reply)), -EPROTO);
	reply = reply_of(1, 1, (const int64_t[]){ 12 }, 1);
	assert_int_equal(sl_wire_read_lead(&token, 1, span_of(&reply)), 0);
	assert_int_equal(token, 12);
}

static void the_library_is_built_in_with_name_and_version(void **state)
{
	static const char head[] = "#!lua name=" SL_QUOTA_LIBRARY_NAME "\n"
				   "-- SPDX-License-Identifier: Apache-2.0\n"
				   "-- version: ";
	const struct sl_span library = sl_quota_library();
	char hash[SL_QUOTA_HASH_BYTES];

	assert_true(library.length > 10000);
	assert_memory_equal(library.at, head, strlen(head));
	assert_int_equal(library.at[library.length - 1], '\n');
	sl_quota_library_hash(hash);
	assert_int_equal(strspn(hash, "0123456789abcdef"), SL_QUOTA_HASH_BYTES - 1);
}

static void errors_are_told_apart(void **state)
{
	assert_int_equal(sl_wire_error(SL_SPAN("ERR Function not found")),
			 SL_WIRE_ERROR_NO_LIBRARY);
	assert_int_equal(sl_wire_error(SL_SPAN("QUOTA not a node script: ...")),
			 SL_WIRE_ERROR_REFUSED);
	assert_int_equal(sl_wire_error(SL_SPAN("READONLY You can't write")), SL_WIRE_ERROR_AWAY);
	assert_int_equal(sl_wire_error(SL_SPAN("")), SL_WIRE_ERROR_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_a_tenant_share_a_slot),
		cmocka_unit_test(names_that_would_break_a_key_are_refused),
		cmocka_unit_test(buckets_are_spread),
		cmocka_unit_test(a_renewal_is_an_fcall),
		cmocka_unit_test(the_largest_call_fits),
		cmocka_unit_test(what_the_store_would_refuse_is_not_sent),
		cmocka_unit_test(a_reply_is_taken_whole),
		cmocka_unit_test(each_word_has_its_bounds),
		cmocka_unit_test(the_other_replies_are_read),
		cmocka_unit_test(the_library_is_built_in_with_name_and_version),
		cmocka_unit_test(errors_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
