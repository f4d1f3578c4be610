// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/agent/admin.h"

struct fixture {
	struct event_base *base;
	struct sl_admin *admin;
	char path[64];
	int shared;		      /* sent by maps.fds */
	struct sl_admin_later *later; /* of the last quota.show */
	char text[1 << 20];
};

static void on_request(struct sl_admin_reply *reply, const struct sl_admin_request *request,
		       const char *line, void *context)
{
	struct fixture *f = context;

	assert_non_null(strstr(line, sl_admin_command_name(request->command)));
	reply->body = json_pack("{ss}", "cmd", sl_admin_command_name(request->command));
	if (request->command == SL_ADMIN_RELOAD) {
		reply->refused = true;
		(void)snprintf(reply->error, sizeof(reply->error), "line 3: \"x\"");
	}
	if (request->command == SL_ADMIN_QUOTA_SHOW) {
		json_decref(reply->body);
		reply->body = NULL;
		f->later = sl_admin_later(reply);
	}
	if (request->command == SL_ADMIN_MAPS_FDS)
		reply->fds[reply->fd_count++] = dup(f->shared);
	reply->follow = request->command == SL_ADMIN_EVENTS_FOLLOW;
}

static struct sl_admin_options options(struct fixture *f)
{
	return (struct sl_admin_options){
		.path = f->path, .group = 0, .function = on_request, .context = f
	};
}

static int begin_admin(struct fixture *f)
{
	const struct sl_admin_options opts = options(f);

	return sl_admin_new(&f->admin, f->base, &opts);
}

static int begin(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "/tmp/sluice-admin-%d/s", (int)getpid());
	f->base = event_base_new();
	f->shared = open("/dev/null", O_RDONLY);
	*state = f;
	return begin_admin(f);
}

static int end(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	sl_admin_free(f->admin);
	assert_int_equal(stat(f->path, &st), -1);
	*strrchr(f->path, '/') = '\0';
	rmdir(f->path);
	event_base_free(f->base);
	close(f->shared);
	free(f);
	return 0;
}

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void turn(struct fixture *f)
{
	for (int i = 0; i < 50; i++)
		(void)event_base_loop(f->base, EVLOOP_NONBLOCK);
}

/* Everything that came; "EOF" at its end when the server closed. */
static const char *hear(struct fixture *f, int fd)
{
	size_t used = 0;
	ssize_t got;

	turn(f);
	while ((got = read(fd, f->text + used, sizeof(f->text) - 8 - used)) > 0) {
		used += (size_t)got;
		turn(f);
	}
	(void)snprintf(f->text + used, 8, "%s", got == 0 ? "EOF" : "");
	return f->text;
}

static const char *ask(struct fixture *f, int fd, const char *line)
{
	assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
	return hear(f, fd);
}

static void lines_are_answered_in_order(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f->path);

	assert_string_equal(ask(f, fd, "{\"cmd\":\"ping\"}\n"), "{\"ok\":true,\"cmd\":\"ping\"}\n");
	assert_string_equal(
		ask(f, fd, "{\"cmd\":\"status\"}\n{\"cmd\":\"reload\"}\nxx\n{\"cmd\""),
		"{\"ok\":true,\"cmd\":\"status\"}\n"
		"{\"ok\":false,\"error\":\"line 3: \\\"x\\\"\"}\n"
		"{\"ok\":false,\"error\":\"not JSON: '[' or '{' expected near 'xx'\"}\n");
	assert_string_equal(ask(f, fd, ":\"ping\"}\n"), "{\"ok\":true,\"cmd\":\"ping\"}\n");
	assert_int_equal(sl_admin_stats(f->admin).requests_total, 5);
	assert_int_equal(sl_admin_stats(f->admin).failed_total, 2);
	close(fd);
	turn(f);
	assert_int_equal(sl_admin_stats(f->admin).clients, 0);
}

/* `echo ... | nc -U` shuts its side before the answer is there. */
static void an_answer_outlives_a_half_closed_client(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f->path);
	const char *line = "{\"cmd\":\"ping\"}\n";

	assert_int_equal(send(fd, line, strlen(line), 0), strlen(line));
	shutdown(fd, SHUT_WR);
	assert_string_equal(hear(f, fd), "{\"ok\":true,\"cmd\":\"ping\"}\nEOF");
	close(fd);
}

static void answer_later(struct fixture *f)
{
	struct sl_admin_reply reply = { .body = json_pack("{ss}", "late", "yes") };

	assert_non_null(f->later);
	sl_admin_answer(f->later, &reply);
	f->later = NULL;
}

static void an_answer_that_comes_later_keeps_the_order(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f->path), other = dial(f->path);
	const char *lines = "{\"cmd\":\"quota.show\"}\n{\"cmd\":\"ping\"}\n";

	assert_string_equal(ask(f, fd, lines), "");
	assert_string_equal(ask(f, other, "{\"cmd\":\"ping\"}\n"),
			    "{\"ok\":true,\"cmd\":\"ping\"}\n");
	answer_later(f);
	assert_string_equal(hear(f, fd), "{\"ok\":true,\"late\":\"yes\"}\n"
					 "{\"ok\":true,\"cmd\":\"ping\"}\n");
	close(other);
	/* It shuts its side, as `nc` does: both answers are still wanted. */
	assert_int_equal(send(fd, lines, strlen(lines), 0), strlen(lines));
	shutdown(fd, SHUT_WR);
	turn(f);
	assert_int_equal(sl_admin_stats(f->admin).clients, 1);
	answer_later(f);
	assert_string_equal(hear(f, fd), "{\"ok\":true,\"late\":\"yes\"}\n"
					 "{\"ok\":true,\"cmd\":\"ping\"}\nEOF");
	close(fd);
}

static void an_answer_for_nobody_is_let_go(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f->path);

	(void)ask(f, fd, "{\"cmd\":\"quota.show\"}\n");
	sl_admin_free(f->admin);
	f->admin = NULL;
	answer_later(f);
	close(fd);
	assert_int_equal(begin_admin(f), 0);
}

static void a_line_without_end_is_the_end(void **state)
{
	static char flood[SL_ADMIN_LINE_BYTES_MAX + 1];
	struct fixture *f = *state;
	int fd = dial(f->path);
	size_t sent = 0;

	memset(flood, 'x', sizeof(flood));
	while (sent < sizeof(flood)) {
		ssize_t put = send(fd, flood + sent, sizeof(flood) - sent, MSG_NOSIGNAL);

		turn(f);
		if (put < 0)
			break;
		sent += (size_t)put;
	}
	assert_string_equal(hear(f, fd),
			    "{\"ok\":false,\"error\":\"a request has at most 65536 bytes\"}\nEOF");
	close(fd);
}

static void descriptors_travel(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f->path), got = -1;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char text[128] = "";
	struct iovec data = { text, sizeof(text) - 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	const char *line = "{\"cmd\":\"maps.fds\"}\n";
	struct stat st, want;

	assert_int_equal(send(fd, line, strlen(line), 0), strlen(line));
	turn(f);
	assert_true(recvmsg(fd, &message, 0) > 0);
	assert_string_equal(text, "{\"ok\":true,\"cmd\":\"maps.fds\"}\n");
	assert_int_equal(control.header.cmsg_type, SCM_RIGHTS);
	memcpy(&got, CMSG_DATA(&control.header), sizeof(got));
	assert_int_equal(fstat(got, &st), 0);
	assert_int_equal(fstat(f->shared, &want), 0);
	assert_int_equal(st.st_rdev, want.st_rdev);
	close(got);
	close(fd);
}

static void a_gateway_may_ask_for_the_maps_only(void **state)
{
	struct fixture *f = *state;
	struct sl_admin_options opts = options(f);
	struct sl_admin *gateways = NULL;
	char path[96];
	int fd;

	(void)snprintf(path, sizeof(path), "%s.gateway", f->path);
	opts.path = path;
	opts.gateway = true;
	assert_int_equal(sl_admin_new(&gateways, f->base, &opts), 0);
	fd = dial(path);
	assert_string_equal(ask(f, fd, "{\"cmd\":\"ping\"}\n"), "{\"ok\":true,\"cmd\":\"ping\"}\n");
	assert_string_equal(ask(f, fd, "{\"cmd\":\"status\"}\n"),
			    "{\"ok\":false,\"error\":\"a gateway may not ask for \\\"status\\\": "
			    "use the admin socket\"}\n");
	assert_string_equal(ask(f, fd, "{\"cmd\":\"limit.clear\",\"tenant\":\"a\"}\n"),
			    "{\"ok\":false,\"error\":\"a gateway may not ask for "
			    "\\\"limit.clear\\\": use the admin socket\"}\n");
	assert_string_equal(ask(f, fd, "{\"cmd\":\"maps.fds\"}\n"),
			    "{\"ok\":true,\"cmd\":\"maps.fds\"}\n");
	assert_int_equal(sl_admin_stats(gateways).failed_total, 2);
	assert_int_equal(sl_admin_stats(f->admin).requests_total, 0);
	close(fd);
	sl_admin_free(gateways);
}

static void followers_hear_and_slow_ones_lose(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f->path), other = dial(f->path);
	static char large[4096];

	memset(large, 'x', sizeof(large) - 1);
	assert_string_equal(ask(f, fd, "{\"cmd\":\"events.follow\"}\n"),
			    "{\"ok\":true,\"cmd\":\"events.follow\"}\n");
	assert_string_equal(ask(f, other, "{\"cmd\":\"ping\"}\n"),
			    "{\"ok\":true,\"cmd\":\"ping\"}\n");
	sl_admin_broadcast(f->admin, json_pack("{si}", "n", 1));
	assert_string_equal(hear(f, fd), "{\"n\":1}\n");
	assert_string_equal(hear(f, other), "");

	for (int i = 0; i < 1000; i++)
		sl_admin_broadcast(f->admin, json_pack("{ss}", "n", large));
	assert_in_range(sl_admin_stats(f->admin).events_lost_total, 900, 940);
	(void)hear(f, fd);
	sl_admin_broadcast(f->admin, json_pack("{si}", "n", 2));
	assert_memory_equal(hear(f, fd), "{\"lost\":9", 9);
	assert_non_null(strstr(f->text, "}\n{\"n\":2}\n"));
	close(fd);
	close(other);
}

static void clients_have_a_cap(void **state)
{
	struct fixture *f = *state;
	int fds[SL_ADMIN_CLIENTS_MAX], one_more;

	for (size_t i = 0; i < SL_ADMIN_CLIENTS_MAX; i++) {
		fds[i] = dial(f->path);
		turn(f);
	}
	one_more = dial(f->path);
	assert_string_equal(hear(f, one_more),
			    "{\"ok\":false,\"error\":\"too many clients\"}\nEOF");
	close(one_more);
	assert_int_equal(sl_admin_stats(f->admin).refused_total, 1);
	for (size_t i = 0; i < SL_ADMIN_CLIENTS_MAX; i++)
		close(fds[i]);
}

/* What a child with these ids is told; it must reach the socket, so its mode is opened. */
static void told_as(struct fixture *f, uid_t uid, gid_t gid, gid_t extra, const char *want)
{
	char folder[64];
	int status = 0, ready[2];
	pid_t pid;

	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(f->path, '/') - f->path),
		       f->path);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chmod(f->path, 0666), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		char text[256] = "";
		int fd;

		if (setgroups(1, &extra) || setgid(gid) || setuid(uid))
			_exit(2);
		fd = dial(f->path);
		if (fd < 0 || send(fd, "{\"cmd\":\"ping\"}\n", 15, MSG_NOSIGNAL) != 15)
			_exit(3);
		(void)fcntl(fd, F_SETFL, 0);
		close(ready[1]);
		if (read(fd, text, sizeof(text) - 1) <= 0)
			_exit(4);
		_exit(strncmp(text, want, strlen(want)) == 0 ? 0 : 5);
	}
	close(ready[1]);
	(void)!read(ready[0], &status, 1);
	close(ready[0]);
	turn(f);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void only_root_and_the_group_are_heard(void **state)
{
	struct fixture *f = *state;
	struct sl_admin_options opts = options(f);

	told_as(f, 1234, 1234, 1234, "{\"ok\":false,\"error\":\"not allowed");
	assert_int_equal(sl_admin_stats(f->admin).refused_total, 1);
	sl_admin_free(f->admin);
	opts.group = 4321;
	assert_int_equal(sl_admin_new(&f->admin, f->base, &opts), 0);
	told_as(f, 1234, 4321, 1234, "{\"ok\":true");
	told_as(f, 1234, 1234, 4321, "{\"ok\":true");
	told_as(f, 1234, 1234, 1234, "{\"ok\":false");
	told_as(f, 0, 0, 0, "{\"ok\":true");
}

static void the_socket_is_private_and_not_shared(void **state)
{
	struct fixture *f = *state;
	struct sl_admin_options opts = options(f);
	struct sl_admin *second = NULL;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(sl_admin_new(&second, f->base, &opts), -EADDRINUSE);
	assert_null(second);
}

/* What an agent that was killed leaves behind does not keep the next one out. */
static void a_dead_socket_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct sl_admin_options opts = options(f);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	sl_admin_free(f->admin);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(sl_admin_new(&f->admin, f->base, &opts), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_are_answered_in_order, begin, end),
		cmocka_unit_test_setup_teardown(an_answer_outlives_a_half_closed_client, begin,
						end),
		cmocka_unit_test_setup_teardown(an_answer_that_comes_later_keeps_the_order, begin,
						end),
		cmocka_unit_test_setup_teardown(an_answer_for_nobody_is_let_go, begin, end),
		cmocka_unit_test_setup_teardown(a_line_without_end_is_the_end, begin, end),
		cmocka_unit_test_setup_teardown(descriptors_travel, begin, end),
		cmocka_unit_test_setup_teardown(a_gateway_may_ask_for_the_maps_only, begin, end),
		cmocka_unit_test_setup_teardown(followers_hear_and_slow_ones_lose, begin, end),
		cmocka_unit_test_setup_teardown(clients_have_a_cap, begin, end),
		cmocka_unit_test_setup_teardown(only_root_and_the_group_are_heard, begin, end),
		cmocka_unit_test_setup_teardown(the_socket_is_private_and_not_shared, begin, end),
		cmocka_unit_test_setup_teardown(a_dead_socket_is_replaced, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
