// SPDX-License-Identifier: Apache-2.0
/* With an agent of the test's own at the other end, that answers wrongly in every way. The
 * right answer needs maps of the kernel: tests/integration/test_binding.sh. */
#include "tests/harness/test.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "userspace/bus/loop_event.h"
#include "userspace/gateway/kernel_link.h"

#define SIX "\"sl_flows4\",\"sl_flows6\",\"sl_buckets\",\"sl_refusals\",\"sl_ctl\",\"sl_names\""

struct world {
	struct event_base *base;
	struct sl_loop *loop;
	struct sl_kernel_link *link;
	char path[64];
	int listener;
	int came, went, wrong;
	char reason[200];
};

static void came(void *context, struct sl_kernel_maps *maps)
{
	((struct world *)context)->came++;
	sl_kernel_maps_free(maps);
}

static void went(void *context, const char *reason)
{
	struct world *w = context;

	w->went++;
	snprintf(w->reason, sizeof(w->reason), "%s", reason);
}

static void wrong(void *context, const char *reason)
{
	(void)reason;
	((struct world *)context)->wrong++;
}

static const struct sl_kernel_link_calls calls = { came, went, wrong };

static void run(const struct world *w, int turns)
{
	for (int i = 0; i < turns; i++) {
		assert_true(event_base_loop(w->base, EVLOOP_NONBLOCK) >= 0);
		usleep(1000);
	}
}

static int count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	(void)closedir(folder);
	return count;
}

static void listen_at(struct world *w)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, w->path, strlen(w->path) + 1);
	w->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(w->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(w->listener, 4), 0);
}

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	snprintf(w->path, sizeof(w->path), "/tmp/sl-link-%d.sock", (int)getpid());
	w->base = event_base_new();
	assert_int_equal(sl_loop_event_new(&w->loop, w->base), 0);
	listen_at(w);
	assert_int_equal(sl_kernel_link_new(&w->link, w->loop, w->path, &calls, w), 0);
	*state = w;
	return 0;
}

static int end(void **state)
{
	struct world *w = *state;

	sl_kernel_link_free(w->link);
	sl_loop_event_free(w->loop);
	event_base_free(w->base);
	(void)close(w->listener);
	(void)unlink(w->path);
	free(w);
	return 0;
}

/* The gateway's connection, once it has asked. */
static int accept_and_read(const struct world *w)
{
	struct pollfd ready = { .fd = w->listener, .events = POLLIN };
	char line[64] = "";
	int fd;

	for (int i = 0; i < 500 && poll(&ready, 1, 0) == 0; i++)
		run(w, 2);
	fd = accept(w->listener, NULL, NULL);
	assert_true(fd >= 0);
	run(w, 5);
	assert_int_equal(recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT), 19);
	assert_string_equal(line, "{\"cmd\":\"maps.fds\"}\n");
	return fd;
}

static void send_with(int to, const char *text, size_t length, int fd, size_t count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(64 * sizeof(int))];
	} control = { .room = { 0 } };
	char copy[8192];
	struct iovec data = { .iov_base = copy, .iov_len = length };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	memcpy(copy, text, length);
	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		for (size_t i = 0; i < count; i++)
			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &fd, sizeof(int));
	}
	assert_int_equal(sendmsg(to, &message, MSG_NOSIGNAL), length);
}

struct answer {
	const char *text;
	size_t fds;
};

static const struct answer answers[] = {
	{ "{}\n", 0 },
	{ "{}\n", 3 },
	{ "{\"ok\":false,\"error\":\"no\"}\n", 0 },
	{ "{\"ok\":true,\"abi\":1,\"maps\":[" SIX "]}\n", 0 },
	{ "{\"ok\":true,\"abi\":1,\"maps\":[" SIX "]}\n", 5 },
	{ "{\"ok\":true,\"abi\":1,\"maps\":[" SIX "]}\n", 6 }, /* files */
	{ "{\"ok\":true,\"abi\":1,\"maps\":[" SIX "]}\n", 40 },
	{ "{\"ok\":true}\n{\"ok\":true}\n", 0 },
	{ "\n", 6 },
};

static void each_wrong_answer_is_counted_and_nothing_of_it_kept(void **state)
{
	struct world *w = *state;
	int file = memfd_create("file", MFD_CLOEXEC), before;

	assert_int_equal(ftruncate(file, 1 << 20), 0);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		int fd;

		sl_kernel_link_free(w->link); /* begins without the wait */
		assert_int_equal(sl_kernel_link_new(&w->link, w->loop, w->path, &calls, w), 0);
		before = count_fds();
		fd = accept_and_read(w);
		send_with(fd, answers[i].text, strlen(answers[i].text), file, answers[i].fds);
		run(w, 5);
		assert_int_equal(w->wrong, i + 1);
		assert_int_equal(w->went, i + 1);
		assert_int_equal(w->came, 0);
		(void)close(fd);
		assert_int_equal(count_fds(), before);
	}
	(void)close(file);
}

static void an_endless_line_is_cut(void **state)
{
	struct world *w = *state;
	int fd = accept_and_read(w);
	char text[5000];

	memset(text, 'x', sizeof(text));
	send_with(fd, text, sizeof(text), -1, 0);
	run(w, 5);
	assert_int_equal(w->wrong, 1);
	(void)close(fd);
}

static void an_agent_that_leaves_is_looked_for_again(void **state)
{
	struct world *w = *state;
	int fd = accept_and_read(w);

	(void)close(fd);
	run(w, 5);
	assert_int_equal(w->went, 1);
	assert_string_equal(w->reason, "it hung up");
	(void)close(w->listener);
	(void)unlink(w->path);
	run(w, 300); /* tries, and says nothing new */
	assert_int_equal(w->went, 1);
	assert_int_equal(w->wrong, 0);
	listen_at(w);
	(void)close(accept_and_read(w));
}

static void without_an_agent_it_says_so_once(void **state)
{
	struct world *w = *state;

	(void)close(w->listener);
	(void)unlink(w->path);
	run(w, 250);
	assert_int_equal(w->went, 1);
	assert_int_equal(w->wrong, 0);
	w->listener = -1;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_wrong_answer_is_counted_and_nothing_of_it_kept),
		TEST(an_endless_line_is_cut),
		TEST(an_agent_that_leaves_is_looked_for_again),
		TEST(without_an_agent_it_says_so_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
