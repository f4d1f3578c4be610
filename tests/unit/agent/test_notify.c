// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "userspace/agent/notify.h"

static void heard(const struct sockaddr_un *address, socklen_t length, const char *name)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char text[64] = "";

	assert_int_equal(bind(fd, (const struct sockaddr *)address, length), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	assert_int_equal(sl_notify("READY=1"), 0);
	assert_int_equal(recv(fd, text, sizeof(text) - 1, 0), 7);
	assert_string_equal(text, "READY=1");
	close(fd);
}

static void the_service_manager_is_told(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[sizeof(address.sun_path)];

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/sluice-notify-%d",
		       (int)getpid());
	(void)snprintf(name, sizeof(name), "%s", address.sun_path);
	heard(&address, sizeof(address), name);
	unlink(name);

	/* The abstract namespace: @ on the outside, a zero byte on the inside. */
	(void)snprintf(name, sizeof(name), "@sluice-notify-%d", (int)getpid());
	memset(address.sun_path, 0, sizeof(address.sun_path));
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	heard(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name)), name);
}

static void nobody_asked_or_nobody_there(void **state)
{
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(sl_notify("READY=1"), 0);
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(sl_notify("READY=1"), -EINVAL);
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	assert_int_equal(sl_notify("READY=1"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_service_manager_is_told),
		cmocka_unit_test(nobody_asked_or_nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
