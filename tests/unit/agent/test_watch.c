// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "userspace/agent/watch.h"

struct fixture {
	struct event_base *base;
	struct sl_watch *watch;
	char dir[64];
	char file[96];
	char other[96];
	char data[96];
	unsigned int told;
};

static void on_change(void *context)
{
	((struct fixture *)context)->told++;
}

static void put(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

/* How often it was told, some time later than it waits for quiet. */
static unsigned int told(struct fixture *f)
{
	const struct timeval wait = { .tv_usec = (SL_WATCH_QUIET_MS + 60) * 1000 };
	unsigned int count;

	(void)event_base_loopexit(f->base, &wait);
	(void)event_base_dispatch(f->base);
	count = f->told;
	f->told = 0;
	return count;
}

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/sluice-watch-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	(void)snprintf(f->file, sizeof(f->file), "%s/c.yaml", f->dir);
	(void)snprintf(f->other, sizeof(f->other), "%s/other", f->dir);
	(void)snprintf(f->data, sizeof(f->data), "%s/..data", f->dir);
	put(f->file);
	f->base = event_base_new();
	*state = f;
	return sl_watch_new(&f->watch, f->base, f->file, on_change, f);
}

static int end(void **state)
{
	struct fixture *f = *state;

	sl_watch_free(f->watch);
	event_base_free(f->base);
	unlink(f->file);
	unlink(f->other);
	unlink(f->data);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void a_written_file_is_told_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(told(f), 0);
	put(f->file);
	put(f->file);
	assert_int_equal(told(f), 1);
	assert_int_equal(told(f), 0);
	put(f->other);
	assert_int_equal(told(f), 0);
	assert_int_equal(rename(f->other, f->file), 0);
	assert_int_equal(told(f), 1);
}

static void an_open_file_waits(void **state)
{
	struct fixture *f = *state;
	int fd;

	assert_int_equal(unlink(f->file), 0);
	fd = open(f->file, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(told(f), 0);
	close(fd);
	assert_int_equal(told(f), 1);
}

static void links_are_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(symlink("nowhere", f->data), 0);
	assert_int_equal(told(f), 1);
	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(told(f), 0);
	assert_int_equal(symlink("..data/c.yaml", f->file), 0);
	assert_int_equal(told(f), 1);
	assert_int_equal(symlink("elsewhere", f->other), 0);
	assert_int_equal(told(f), 0);
	assert_int_equal(rename(f->other, f->data), 0);
	assert_int_equal(told(f), 1);
}

static void a_folder_may_come_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(rmdir(f->dir), 0);
	assert_int_equal(told(f), 0);
	sl_watch_renew(f->watch);
	assert_int_equal(mkdir(f->dir, 0700), 0);
	put(f->file);
	assert_int_equal(told(f), 0);
	sl_watch_renew(f->watch);
	assert_int_equal(told(f), 1);
	put(f->file);
	assert_int_equal(told(f), 1);
}

static void a_folder_must_exist(void **state)
{
	struct fixture *f = *state;
	struct sl_watch *watch = NULL;

	assert_int_equal(sl_watch_new(&watch, f->base, "/nonexistent/c", on_change, f), -ENOENT);
	assert_null(watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_written_file_is_told_once, begin, end),
		cmocka_unit_test_setup_teardown(an_open_file_waits, begin, end),
		cmocka_unit_test_setup_teardown(links_are_told, begin, end),
		cmocka_unit_test_setup_teardown(a_folder_may_come_back, begin, end),
		cmocka_unit_test_setup_teardown(a_folder_must_exist, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
