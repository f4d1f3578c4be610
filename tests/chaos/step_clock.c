// SPDX-License-Identifier: Apache-2.0
/*
 * step_clock.so: a wall clock that can be stepped, for a program that is started with
 *   LD_PRELOAD=build/bin/step_clock.so STEP_CLOCK=FILE
 * FILE holds 8 bytes, how many nanoseconds it is ahead: written in place, in force at once.
 * CLOCK_MONOTONIC stays what it is. Asks the kernel itself: libfaketime finds the C library's
 * functions by dlsym(), which allocates, and the jemalloc of redis-server asks for the time
 * while it begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000

static const int64_t *ahead_ns; /* NULL: no file, not stepped */

__attribute__((constructor)) static void open_file(void)
{
	const char *path = getenv("STEP_CLOCK");
	const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *mapped = MAP_FAILED;

	if (fd >= 0) {
		mapped = mmap(NULL, sizeof(*ahead_ns), PROT_READ, MAP_SHARED, fd, 0);
		(void)close(fd);
	}
	if (mapped != MAP_FAILED)
		ahead_ns = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int64_t ns;

	if (syscall(SYS_clock_gettime, clock, ret))
		return -1;
	if (ahead_ns && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
		ns = (int64_t)ret->tv_sec * NS_PER_S + ret->tv_nsec +
		     __atomic_load_n(ahead_ns, __ATOMIC_RELAXED);
		ret->tv_sec = ns / NS_PER_S;
		ret->tv_nsec = ns % NS_PER_S;
	}
	return 0;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	struct timespec now;

	(void)zone; /* obsolete; nobody asks */
	if (clock_gettime(CLOCK_REALTIME, &now))
		return -1;
	*ret = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *ret)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}
