// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "userspace/agent/lock.h"

static void one_holds_the_lock(void **state)
{
	char dir[] = "/tmp/sluice-lock-XXXXXX", path[64];
	pid_t holder = 0;
	int first, second;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/lock", dir);
	first = sl_lock_take(dir, &holder);
	assert_true(first >= 0);
	assert_int_equal(sl_lock_take(dir, &holder), -EBUSY);
	assert_int_equal(holder, getpid());
	close(first);
	second = sl_lock_take(dir, &holder);
	assert_true(second >= 0);
	close(second);
	unlink(path);
	rmdir(dir);
	assert_int_equal(sl_lock_take("/nonexistent/folder", &holder), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_holds_the_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
