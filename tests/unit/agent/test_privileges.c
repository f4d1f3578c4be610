// SPDX-License-Identifier: Apache-2.0
/* Each case in a child: what is given up does not come back. */
#include "tests/harness/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/agent/privileges.h"

#define MUST(truth)                                                                                \
	do {                                                                                       \
		if (!(truth))                                                                      \
			_exit(__LINE__ % 200 + 1);                                                 \
	} while (0)

/* Runs @body in a child: its exit code, or minus the signal that ended it. */
static int child(void (*body)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static bool has(cap_value_t cap, cap_flag_t flag)
{
	cap_flag_value_t on = CAP_CLEAR;
	cap_t caps = cap_get_proc();
	bool set = caps && cap_get_flag(caps, cap, flag, &on) == 0 && on == CAP_SET;

	cap_free(caps);
	return set;
}

static void drop_body(void)
{
	struct sl_privileges_error error;

	MUST(sl_privileges_check(&error) == 0);
	MUST(sl_privileges_drop(&error) == 0);
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++) {
		bool want = cap == CAP_BPF || cap == CAP_NET_ADMIN;

		MUST(has(cap, CAP_PERMITTED) == want);
		MUST(has(cap, CAP_EFFECTIVE) == want);
		MUST(!has(cap, CAP_INHERITABLE));
		MUST(want || cap_get_bound(cap) == 0 || errno == EINVAL);
	}
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	MUST(sl_privileges_check(&error) == 0);
	MUST(setuid(1000) != 0);
}

static void without_bpf_body(void)
{
	const cap_value_t bpf = CAP_BPF;
	struct sl_privileges_error error;
	cap_t caps = cap_get_proc();

	MUST(cap_set_flag(caps, CAP_PERMITTED, 1, &bpf, CAP_CLEAR) == 0);
	MUST(cap_set_flag(caps, CAP_EFFECTIVE, 1, &bpf, CAP_CLEAR) == 0);
	MUST(cap_set_proc(caps) == 0);
	MUST(sl_privileges_check(&error) == -EPERM);
	MUST(strstr(error.message, "needs CAP_BPF"));
	MUST(sl_privileges_drop(&error) == -EPERM);
}

static void filtered(void)
{
	struct sl_privileges_error error;

	MUST(sl_privileges_drop(&error) == 0);
	MUST(sl_privileges_filter(&error) == 0);
}

static void allowed_body(void)
{
	char byte = 0;
	int fd;

	filtered();
	fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0 && read(fd, &byte, 1) == 1 && close(fd) == 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	MUST(fd >= 0 && close(fd) == 0);
	fd = socket(AF_NETLINK, SOCK_RAW, 0);
	MUST(fd >= 0 && close(fd) == 0);
	MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	     MAP_FAILED);
	MUST(syscall(SYS_membarrier, 0, 0, 0) >= 0);
	/* The kernel itself answers bpf(2), not the filter. */
	MUST(syscall(SYS_bpf, -1, NULL, 0) == -1 && errno != EPERM);
}

static void *in_thread(void *arg)
{
	*(int *)arg = socket(AF_PACKET, SOCK_RAW, 0) == -1 ? errno : 0;
	return NULL;
}

/* As a client of NATS does: threads, and names to addresses. */
static void threads_body(void)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	pthread_t thread;
	int seen = 0;

	filtered();
	MUST(pthread_create(&thread, NULL, in_thread, &seen) == 0);
	MUST(pthread_join(thread, NULL) == 0);
	MUST(seen == EPERM); /* the filter is the thread's as well */
	MUST(getaddrinfo("localhost", "4222", &hints, &found) == 0 && found);
	freeaddrinfo(found);
}

static void refused_body(void)
{
	filtered();
	MUST(socket(AF_PACKET, SOCK_RAW, 0) == -1 && errno == EPERM);
	MUST(fork() == -1 && errno == EPERM);
	MUST(vfork() == -1 && errno == EPERM);
	MUST(syscall(SYS_clone, SIGCHLD | CLONE_VM, NULL, NULL, NULL, NULL) == -1 &&
	     errno == EPERM);
	MUST(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS);
	MUST(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		     MAP_FAILED &&
	     errno == EPERM);
	MUST(syscall(SYS_kill, getppid(), 0) == -1 && errno == EPERM);
	MUST(symlink("a", "b") == -1 && errno == EPERM);
}

static void execve_body(void)
{
	char *const argv[] = { NULL };

	filtered();
	(void)execve("/bin/true", argv, argv);
}

static void ptrace_body(void)
{
	filtered();
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void handle_body(void)
{
	filtered();
	(void)syscall(SYS_open_by_handle_at, -1, NULL, 0);
}

static void unshare_body(void)
{
	filtered();
	(void)syscall(SYS_unshare, 0);
}

static void two_capabilities_are_kept(void **state)
{
	assert_int_equal(child(drop_body), 0);
}

static void missing_capabilities_are_named(void **state)
{
	assert_int_equal(child(without_bpf_body), 0);
}

static void an_agent_can_work(void **state)
{
	assert_int_equal(child(allowed_body), 0);
}

static void it_may_have_threads(void **state)
{
	assert_int_equal(child(threads_body), 0);
}

static void the_rest_is_refused(void **state)
{
	assert_int_equal(child(refused_body), 0);
}

static void what_no_agent_does_is_its_end(void **state)
{
	assert_int_equal(child(execve_body), -SIGSYS);
	assert_int_equal(child(ptrace_body), -SIGSYS);
	assert_int_equal(child(handle_body), -SIGSYS);
	assert_int_equal(child(unshare_body), -SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_capabilities_are_kept),
		cmocka_unit_test(missing_capabilities_are_named),
		cmocka_unit_test(an_agent_can_work),
		cmocka_unit_test(it_may_have_threads),
		cmocka_unit_test(the_rest_is_refused),
		cmocka_unit_test(what_no_agent_does_is_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
