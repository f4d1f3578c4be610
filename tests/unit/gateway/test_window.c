// SPDX-License-Identifier: Apache-2.0
/* What Redis is asked about windows, and what its answers mean. */
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/redis/replies.h"
#include "userspace/gateway/window.h"
#include "userspace/gateway/window_library.h"
#include "userspace/redis/library.h"
#include "userspace/redis/slots.h"

static struct sl_window_owner owner(const char *tenant)
{
	return (struct sl_window_owner){ .prefix = "ratelimit",
					 .tenant = sl_span_of(tenant),
					 .window_s = 60 };
}

/* Documented, and so not to be changed: docs/ops/gateway.md. */
static void keys_are_as_documented(void **state)
{
	static const struct {
		const char *tenant;
		enum sl_rate_class rate_class;
		const char *key;
	} rows[] = {
		{ "acme", SL_CLASS_ROUTES_DECIDE, "ratelimit:{acme}:routes_decide:60" },
		{ "acme", SL_CLASS_MESSAGES, "ratelimit:{acme}:messages:60" },
		{ "acme", SL_CLASS_REGISTRY_BLOCKS, "ratelimit:{acme}:registry_blocks:60" },
		{ "A-z_0.9~", SL_CLASS_GLOBAL, "ratelimit:{A-z_0.9~}:global:60" },
		{ "}a:b{", SL_CLASS_GLOBAL, "ratelimit:{%7Da%3Ab%7B}:global:60" },
		{ "a b%\xc3\xa9", SL_CLASS_GLOBAL, "ratelimit:{a%20b%25%C3%A9}:global:60" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct sl_window_owner whose = owner(rows[i].tenant);
		char key[SL_WINDOW_KEY_BYTES];

		assert_int_equal(sl_window_key(key, &whose, rows[i].rate_class),
				 strlen(rows[i].key));
		assert_string_equal(key, rows[i].key);
	}
}

static void the_longest_key_fits(void **state)
{
	char tenant[SL_IDENTIFIER_MAX + 1] = "", key[SL_WINDOW_KEY_BYTES];
	struct sl_window_owner whose;

	memset(tenant, '}', SL_IDENTIFIER_MAX);
	whose = owner(tenant);
	whose.prefix = "0123456789abcdef0123456789abcdef";
	whose.window_s = UINT64_MAX;
	assert_int_equal(sl_window_key(key, &whose, SL_CLASS_REGISTRY_BLOCKS),
			 32 + 2 + 3 * SL_IDENTIFIER_MAX + strlen("}:registry_blocks:") + 20);
	assert_int_equal(strlen(key), 32 + 2 + 3 * SL_IDENTIFIER_MAX + 18 + 20);
}

static void is_word(const struct sl_window_question *question, size_t at, const char *word)
{
	assert_true(at < question->argc);
	assert_int_equal(question->lens[at], strlen(word));
	assert_memory_equal(question->argv[at], word, strlen(word));
}

static void one_question_counts_in_all_levels(void **state)
{
	static const struct sl_window_level levels[] = { { SL_CLASS_MESSAGES, 100 },
							 { SL_CLASS_GLOBAL, 1000000000 } };
	const struct sl_window_owner whose = owner("acme");
	struct sl_window_question question;

	sl_window_ask(&question, &whose, levels, 2);
	assert_int_equal(question.argc, 8);
	is_word(&question, 0, "FCALL");
	is_word(&question, 1, "sluice_window_take");
	is_word(&question, 2, "2");
	is_word(&question, 3, "ratelimit:{acme}:messages:60");
	is_word(&question, 4, "ratelimit:{acme}:global:60");
	is_word(&question, 5, "60000");
	is_word(&question, 6, "100");
	is_word(&question, 7, "1000000000");
	assert_int_equal(question.slot, sl_redis_slot(SL_SPAN("acme")));
	sl_window_ask_look(&question, &whose, levels + 1, 1);
	assert_int_equal(question.argc, 5);
	is_word(&question, 1, "sluice_window_look");
	is_word(&question, 2, "1");
	is_word(&question, 4, "60000");
}

/* Whatever a tenant is called, its keys are in one slot. */
static void keys_of_a_tenant_share_a_slot(void **state)
{
	static const char *const tenants[] = { "}", "{", "{}", "}{", "a}b", ":", "a" };

	for (size_t i = 0; i < sizeof(tenants) / sizeof(*tenants); i++) {
		const struct sl_window_owner whose = owner(tenants[i]);
		char key[SL_WINDOW_KEY_BYTES];
		size_t length = sl_window_key(key, &whose, SL_CLASS_GLOBAL);
		const uint16_t slot = sl_redis_slot((struct sl_span){ key, length });

		length = sl_window_key(key, &whose, SL_CLASS_MESSAGES);
		assert_int_equal(sl_redis_slot((struct sl_span){ key, length }), slot);
	}
}

static void answers_are_read(void **state)
{
	const struct sl_redis_reply admitted =
		ARRAY(INTEGER(1), INTEGER(0), INTEGER(60000), INTEGER(1), INTEGER(7));
	const struct sl_redis_reply refused =
		ARRAY(INTEGER(0), INTEGER(2), INTEGER(1), INTEGER(1), INTEGER(7));
	const struct sl_redis_reply look = ARRAY(INTEGER(5), INTEGER(0), INTEGER(9));
	struct sl_window_verdict verdict;

	assert_int_equal(sl_window_read(&verdict, &admitted, 2, 60), 0);
	assert_true(verdict.admitted);
	assert_int_equal(verdict.reset_ms, 60000);
	assert_int_equal(verdict.counts[0], 1);
	assert_int_equal(verdict.counts[1], 7);
	assert_int_equal(sl_window_read(&verdict, &refused, 2, 60), 0);
	assert_false(verdict.admitted);
	assert_int_equal(verdict.level, 1);
	assert_int_equal(verdict.reset_ms, 1);
	assert_int_equal(sl_window_read_look(&verdict, &look, 2, 60), 0);
	assert_int_equal(verdict.reset_ms, 5);
	assert_int_equal(verdict.counts[1], 9);
}

static void answers_that_cannot_be_are_refused(void **state)
{
	const struct sl_redis_reply rows[] = {
		NIL,
		INTEGER(1),
		ERROR("ERR"),
		ARRAY(INTEGER(1)),
		ARRAY(INTEGER(1), INTEGER(0), INTEGER(9)),
		ARRAY(INTEGER(1), INTEGER(0), INTEGER(9), INTEGER(1), INTEGER(1)),
		ARRAY(INTEGER(2), INTEGER(0), INTEGER(9), INTEGER(1)),
		ARRAY(INTEGER(-1), INTEGER(0), INTEGER(9), INTEGER(1)),
		ARRAY(INTEGER(1), INTEGER(1), INTEGER(9), INTEGER(1)),
		ARRAY(INTEGER(0), INTEGER(0), INTEGER(9), INTEGER(1)),
		ARRAY(INTEGER(0), INTEGER(2), INTEGER(9), INTEGER(1)),
		ARRAY(INTEGER(1), INTEGER(0), INTEGER(0), INTEGER(1)),
		ARRAY(INTEGER(1), INTEGER(0), INTEGER(60001), INTEGER(1)),
		ARRAY(INTEGER(1), INTEGER(0), INTEGER(9), INTEGER(-1)),
		ARRAY(INTEGER(1), INTEGER(0), INTEGER(9), INTEGER((1ll << 53) + 1)),
		ARRAY(INTEGER(1), INTEGER(0), STRING("9"), INTEGER(1)),
		ARRAY(INTEGER(1), INTEGER(0), INTEGER(9), NIL),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sl_window_verdict verdict = { .reset_ms = 77 };

		if (sl_window_read(&verdict, &rows[i], 1, 60) != -EPROTO)
			fail_msg("row %zu", i);
		assert_int_equal(verdict.reset_ms, 77);
	}
}

static void every_end_has_a_name(void **state)
{
	static const struct {
		int status;
		const char *name;
	} rows[] = {
		{ -ETIMEDOUT, "timeout" },
		{ -ECONNRESET, "lost" },
		{ -EHOSTUNREACH, "breaker_open" },
		{ -EBUSY, "busy" },
		{ -EPROTO, "invalid" },
		{ -EREMOTEIO, "error" },
		{ -EACCES, "error" },
		{ -EROFS, "error" },
		{ -ENOTCONN, "error" },
		{ -ENOMEM, "error" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(sl_window_outcome_name(sl_window_outcome_of(rows[i].status)),
				    rows[i].name);
	assert_string_equal(sl_window_outcome_name(SL_WINDOW_ADMITTED), "admitted");
	assert_string_equal(sl_window_outcome_name(SL_WINDOW_REFUSED), "refused");
}

static void the_library_can_be_loaded(void **state)
{
	uint32_t version = 0;

	assert_int_equal(sl_redis_library_valid(SL_WINDOW_LIBRARY_NAME, sl_window_library()), 0);
	assert_int_equal(sl_redis_library_version(&version, sl_window_library()), 0);
	assert_true(version >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_as_documented),
		cmocka_unit_test(the_longest_key_fits),
		cmocka_unit_test(one_question_counts_in_all_levels),
		cmocka_unit_test(keys_of_a_tenant_share_a_slot),
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(answers_that_cannot_be_are_refused),
		cmocka_unit_test(every_end_has_a_name),
		cmocka_unit_test(the_library_can_be_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
