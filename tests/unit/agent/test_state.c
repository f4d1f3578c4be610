// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/agent/state.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
	char dir[64];
	char file[96];
};

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/sluice-state-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	(void)snprintf(f->file, sizeof(f->file), "%s/" SL_STATE_FILE, f->dir);
	*state = f;
	return 0;
}

static int end(void **state)
{
	static const char *const suffixes[] = { "", ".bad", ".new" };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(suffixes); i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s%s", f->file, suffixes[i]);
		unlink(path);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void add(struct sl_overrides *overrides, const struct sl_override *item)
{
	assert_int_equal(sl_overrides_set(overrides, item, NULL), 0);
}

static void what_is_saved_is_loaded(void **state)
{
	const struct sl_override items[] = {
		{ .field = SL_OVERRIDE_INGRESS_PACKETS,
		  .tenant = "noisy",
		  .rate = { .per_s = 10000, .burst = 77 },
		  .until_unix_ns = 1790000000123456789ull },
		{ .field = SL_OVERRIDE_EGRESS_BYTES,
		  .tenant = "unknown",
		  .rate = { .unlimited = true } },
		{ .field = SL_OVERRIDE_FRAGMENTS, .tenant = "noisy" },
		{ .field = SL_OVERRIDE_CONNECTIONS, .tenant = "a", .value = 4294967295 },
		{ .field = SL_OVERRIDE_BLOCKED, .tenant = "a", .value = 1 },
		{ .field = SL_OVERRIDE_TENANT_MODE, .tenant = "a", .value = SL_MODE_SHADOW },
		{ .field = SL_OVERRIDE_MODE, .value = SL_MODE_OFF },
		{ .field = SL_OVERRIDE_PREFIX,
		  .prefix = { .address = { .family = 4, .bytes = { 10 } }, .bits = 8 },
		  .value = 1 },
	};
	struct sl_overrides before = { .count = 0 }, after = { .count = 0 };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(items); i++)
		add(&before, &items[i]);
	assert_int_equal(sl_state_save(f->dir, &before, NULL), 0);
	assert_int_equal(sl_state_load(&after, f->dir, NULL), 0);
	assert_int_equal(after.count, COUNT(items));
	for (size_t i = 0; i < COUNT(items); i++)
		assert_memory_equal(&after.at[i], &before.at[i], sizeof(before.at[i]));
	sl_overrides_release(&before);
	sl_overrides_release(&after);
}

static void no_file_is_no_override(void **state)
{
	struct sl_overrides overrides = { .count = 0 };
	struct fixture *f = *state;

	assert_int_equal(sl_state_load(&overrides, f->dir, NULL), 0);
	assert_int_equal(overrides.count, 0);
	assert_int_equal(sl_state_load(&overrides, "/nonexistent-folder", NULL), 0);
}

static void a_folder_is_made(void **state)
{
	const struct sl_overrides none = { .count = 0 };
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(rmdir(f->dir), 0);
	assert_int_equal(sl_state_save(f->dir, &none, NULL), 0);
	assert_int_equal(stat(f->dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_failed_save_keeps_the_old_file(void **state)
{
	const struct sl_overrides none = { .count = 0 };
	struct sl_text_error error = { .message = "" };
	struct fixture *f = *state;
	char fresh[128];
	struct stat st;

	put(f->file, "old");
	(void)snprintf(fresh, sizeof(fresh), "%s.new", f->file);
	assert_int_equal(mkdir(fresh, 0700), 0);
	assert_int_equal(sl_state_save(f->dir, &none, &error), -EISDIR);
	assert_non_null(strstr(error.message, "Is a directory"));
	assert_int_equal(stat(f->file, &st), 0);
	assert_int_equal(st.st_size, 3);
	rmdir(fresh);
}

static const struct {
	const char *text;
	const char *message;
} bad[] = {
	{ "", "not JSON" },
	{ "{", "not JSON" },
	{ "[]", "its version is not 1" },
	{ "{\"version\":2,\"overrides\":[]}", "its version is not 1" },
	{ "{\"version\":1}", "needs \"overrides\", a list" },
	{ "{\"version\":1,\"overrides\":[7]}", "overrides[0]: needs \"field\", a text" },
	{ "{\"version\":1,\"overrides\":[{\"field\":\"x\"}]}", "overrides[0]: \"x\"" },
	{ "{\"version\":1,\"overrides\":[{\"field\":\"mode\",\"value\":9}]}",
	  "overrides[0]: mode" },
	{ "{\"version\":1,\"overrides\":[{\"field\":\"mode\",\"value\":-1}]}",
	  "overrides[0]: needs \"value\"" },
	{ "{\"version\":1,\"overrides\":[{\"field\":\"blocked\",\"value\":1}]}",
	  "overrides[0]: needs \"tenant\"" },
	{ "{\"version\":1,\"overrides\":[{\"field\":\"prefix\",\"prefix\":\"10.0.0.1/8\",\"value\":"
	  "1}]}",
	  "overrides[0]: \"10.0.0.1/8\"" },
	{ "{\"version\":1,\"overrides\":[{\"field\":\"ingress_packets\",\"tenant\":\"a\",\"per_s\":"
	  "\"fast\"}]}",
	  "overrides[0]: \"fast\"" },
};

static void nonsense_is_moved_aside(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct sl_overrides overrides = { .count = 0 };
		struct sl_text_error error = { .message = "" };
		char moved[128];
		struct stat st;

		put(f->file, bad[i].text);
		assert_int_equal(sl_state_load(&overrides, f->dir, &error), -EINVAL);
		assert_int_equal(overrides.count, 0);
		if (!strstr(error.message, bad[i].message) || !strstr(error.message, ".bad"))
			fail_msg("%s: %s", bad[i].text, error.message);
		assert_int_equal(stat(f->file, &st), -1);
		(void)snprintf(moved, sizeof(moved), "%s.bad", f->file);
		assert_int_equal(stat(moved, &st), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_saved_is_loaded, begin, end),
		cmocka_unit_test_setup_teardown(no_file_is_no_override, begin, end),
		cmocka_unit_test_setup_teardown(a_folder_is_made, begin, end),
		cmocka_unit_test_setup_teardown(a_failed_save_keeps_the_old_file, begin, end),
		cmocka_unit_test_setup_teardown(nonsense_is_moved_aside, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
