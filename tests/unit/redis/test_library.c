// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>

#include "tests/unit/redis/replies.h"
#include "userspace/redis/library.h"

#define OURS "#!lua name=quota\n-- version: 12\nreturn 1\n"

static void a_version_is_found(void **state)
{
	uint32_t version = 0;

	assert_int_equal(sl_redis_library_version(&version, SL_SPAN(OURS)), 0);
	assert_int_equal(version, 12);
	assert_int_equal(sl_redis_library_version(&version, SL_SPAN("-- version: 4294967295")), 0);
	assert_int_equal(version, UINT32_MAX);
}

static void a_bad_version_is_none(void **state)
{
	uint32_t version = 7;
	char late[64];

	(void)snprintf(late, sizeof(late), "%s-- version: 1\n", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n");
	assert_int_equal(sl_redis_library_version(&version, SL_SPAN("")), -ENOENT);
	assert_int_equal(sl_redis_library_version(&version, SL_SPAN("--version: 1")), -ENOENT);
	assert_int_equal(sl_redis_library_version(&version, sl_span_of(late)), -ENOENT);
	assert_int_equal(sl_redis_library_version(&version, SL_SPAN("-- version: ")), -EINVAL);
	assert_int_equal(sl_redis_library_version(&version, SL_SPAN("-- version: 0")), -EINVAL);
	assert_int_equal(sl_redis_library_version(&version, SL_SPAN("-- version: 1a")), -EINVAL);
	assert_int_equal(sl_redis_library_version(&version, SL_SPAN("-- version: 4294967296")),
			 -EINVAL);
	assert_int_equal(version, 7);
}

static void a_library_is_checked(void **state)
{
	static char large[SL_REDIS_LIBRARY_BYTES_MAX + 1] = OURS;
	const size_t length = sizeof(OURS) - 1;

	for (size_t i = length; i < sizeof(large); i++)
		large[i] = '\n';
	assert_int_equal(sl_redis_library_valid("quota", SL_SPAN(OURS)), 0);
	assert_int_equal(sl_redis_library_valid("quot", SL_SPAN(OURS)), -EINVAL);
	assert_int_equal(sl_redis_library_valid("quotas", SL_SPAN(OURS)), -EINVAL);
	assert_int_equal(sl_redis_library_valid("", SL_SPAN("#!lua name=\n")), -EINVAL);
	assert_int_equal(sl_redis_library_valid("q*", SL_SPAN("#!lua name=q*\n")), -EINVAL);
	assert_int_equal(sl_redis_library_valid("quota", SL_SPAN("")), -EINVAL);
	assert_int_equal(
		sl_redis_library_valid("quota", (struct sl_span){ large, sizeof(large) - 1 }), 0);
	assert_int_equal(sl_redis_library_valid("quota", (struct sl_span){ large, sizeof(large) }),
			 -EINVAL);
}

static enum sl_redis_library_state compared(const char *code)
{
	const struct sl_redis_reply reply = ARRAY(
		ARRAY(STRING("library_name"), STRING("quota2"), STRING("library_code"),
		      STRING(OURS)),
		ARRAY(STRING("library_name"), STRING("quota"), STRING("engine"), STRING("LUA"),
		      STRING("functions"), ARRAY(NIL), STRING("library_code"), STRING(code)));
	enum sl_redis_library_state state = SL_REDIS_LIBRARY_MISSING;

	assert_int_equal(sl_redis_library_compare(&state, &reply, "quota", SL_SPAN(OURS)), 0);
	return state;
}

static void a_server_has_it_or_not(void **state)
{
	const struct sl_redis_reply other = ARRAY(ARRAY(STRING("library_name"), STRING("quota2"),
							STRING("library_code"), STRING(OURS)));
	const struct sl_redis_reply nothing = { .type = SL_REDIS_ARRAY };
	enum sl_redis_library_state got = SL_REDIS_LIBRARY_SAME;

	assert_int_equal(compared(OURS), SL_REDIS_LIBRARY_SAME);
	assert_int_equal(compared("#!lua name=quota\n-- version: 11\nreturn 1\n"),
			 SL_REDIS_LIBRARY_OLDER);
	assert_int_equal(compared("#!lua name=quota\n-- version: 12\nreturn 2\n"),
			 SL_REDIS_LIBRARY_OLDER);
	assert_int_equal(compared("#!lua name=quota\nreturn 1\n"), SL_REDIS_LIBRARY_OLDER);
	assert_int_equal(compared("#!lua name=quota\n-- version: 13\n"), SL_REDIS_LIBRARY_NEWER);
	assert_int_equal(sl_redis_library_compare(&got, &other, "quota", SL_SPAN(OURS)), 0);
	assert_int_equal(got, SL_REDIS_LIBRARY_MISSING);
	got = SL_REDIS_LIBRARY_SAME;
	assert_int_equal(sl_redis_library_compare(&got, &nothing, "quota", SL_SPAN(OURS)), 0);
	assert_int_equal(got, SL_REDIS_LIBRARY_MISSING);
}

static void odd_lists_are_refused(void **state)
{
	const struct sl_redis_reply replies[] = {
		NIL,
		ERROR("NOPERM"),
		ARRAY(NIL),
		ARRAY(STRING("library_name")),
		ARRAY(ARRAY(STRING("library_name"), STRING("quota"))),
		ARRAY(ARRAY(STRING("library_name"), STRING("quota"), STRING("library_code"))),
		ARRAY(ARRAY(STRING("library_name"), STRING("quota"), STRING("library_code"), NIL)),
	};
	enum sl_redis_library_state got = SL_REDIS_LIBRARY_NEWER;

	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		assert_int_equal(
			sl_redis_library_compare(&got, &replies[i], "quota", SL_SPAN(OURS)),
			-EINVAL);
		assert_int_equal(got, SL_REDIS_LIBRARY_NEWER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_version_is_found),	 cmocka_unit_test(a_bad_version_is_none),
		cmocka_unit_test(a_library_is_checked),	 cmocka_unit_test(a_server_has_it_or_not),
		cmocka_unit_test(odd_lists_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
