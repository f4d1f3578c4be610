// SPDX-License-Identifier: Apache-2.0
/*
 * The filter of privileges.h. Names, not numbers: libseccomp knows which of them
 * an architecture has, and one that is missing there is not needed either.
 */
#include "userspace/agent/privileges.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "userspace/base/cleanup.h"

static const char *const allowed[] = {
	/* the event loop and time */
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"poll",
	"ppoll",
	"pselect6",
	"select",
	"timerfd_create",
	"timerfd_settime",
	"eventfd2",
	"signalfd4",
	"pipe2",
	"clock_gettime",
	"clock_getres",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"time",
	/* descriptors and files: configuration, state, pins */
	"read",
	"readv",
	"pread64",
	"preadv",
	"write",
	"writev",
	"pwrite64",
	"pwritev",
	"close",
	"close_range",
	"dup",
	"dup2",
	"dup3",
	"fcntl",
	"lseek",
	"open",
	"openat",
	"fstat",
	"stat",
	"lstat",
	"newfstatat",
	"statx",
	"statfs",
	"fstatfs",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getcwd",
	"getdents64",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"mkdir",
	"mkdirat",
	"rmdir",
	"fsync",
	"fdatasync",
	"ftruncate",
	"fallocate",
	"flock",
	"umask",
	"chmod",
	"fchmod",
	"fchmodat",
	"inotify_init1",
	"inotify_add_watch",
	"inotify_rm_watch",
	/* sockets; which families: below */
	"bind",
	"listen",
	"accept",
	"accept4",
	"connect",
	"shutdown",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	/* the maps */
	"bpf",
	"membarrier",
	"sched_yield",
	"sched_getaffinity",
	"getcpu",
	/* memory; never executable: below */
	"brk",
	"munmap",
	"mremap",
	"madvise",
	"mlock",
	"munlock",
	"msync",
	/* the process itself */
	"getpid",
	"gettid",
	"getppid",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getgroups",
	"capget",
	"uname",
	"sysinfo",
	"getrandom",
	"getrlimit",
	"prlimit64",
	"setrlimit",
	"getrusage",
	"futex",
	"rseq",
	"set_robust_list",
	"sched_setaffinity",
	"set_tid_address",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"sigaltstack",
	"restart_syscall",
	"exit",
	"exit_group",
	"tgkill",
};

/* An agent that asks for one of these is no longer ours. */
static const char *const fatal[] = {
	"execve",
	"execveat",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"open_by_handle_at",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"mount",
	"move_mount",
	"fsopen",
	"pivot_root",
	"chroot",
	"setns",
	"unshare",
	"keyctl",
	"add_key",
	"userfaultfd",
	"process_madvise",
	"pidfd_getfd",
	"reboot",
};

static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

/* What libbpf and libxdp ask of an interface, libevent of a descriptor, and libc of an
 * answer to a name. */
static const unsigned long requests[] = { SIOCGIFINDEX, SIOCGIFNAME, SIOCGIFFLAGS, SIOCGIFMTU,
					  SIOCETHTOOL,	FIONBIO,     FIONREAD };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void free_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

static int add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names,
		     size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);
		int err;

		if (number == __NR_SCMP_ERROR)
			continue;
		err = seccomp_rule_add(filter, action, number, 0);
		if (err != 0)
			return err;
	}
	return 0;
}

static int add_conditions(scmp_filter_ctx filter)
{
	static const char *const mappers[] = { "mmap", "mprotect" };
	int err = 0;

	for (size_t i = 0; !err && i < COUNT(families); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				       SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
	for (size_t i = 0; !err && i < COUNT(requests); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)requests[i], 0));
	for (size_t i = 0; !err && i < COUNT(mappers); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
				       seccomp_syscall_resolve_name(mappers[i]), 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return err;
}

/*
 * Threads, which NATS is spoken with, but no processes. What clone3 is asked for lies in
 * memory, where a filter does not see it; told that there is none, libc takes clone.
 */
static int add_threads(scmp_filter_ctx filter)
{
	const int clone3 = seccomp_syscall_resolve_name("clone3");
	int err = seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_VM | CLONE_THREAD, CLONE_VM | CLONE_THREAD));

	if (!err && clone3 != __NR_SCMP_ERROR)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), clone3, 0);
	return err;
}

int sl_privileges_filter(struct sl_privileges_error *error)
{
	sl_cleanup(free_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int err = filter ? 0 : -ENOMEM;

	if (!err)
		err = add_names(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
	if (!err)
		err = add_names(filter, SCMP_ACT_KILL_PROCESS, fatal, COUNT(fatal));
	if (!err)
		err = add_conditions(filter);
	if (!err)
		err = add_threads(filter);
	if (!err)
		err = seccomp_load(filter);
	if (err)
		(void)snprintf(error->message, sizeof(error->message),
			       "cannot filter my system calls: %s", strerror(-err));
	return err;
}
