// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/process_cpu.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* schedstat: time on a CPU, time waiting, slices. */
static uint64_t threads_ns(long pid)
{
	sl_cleanup(closedirp) DIR *dir = NULL;
	const struct dirent *entry;
	char path[64];
	uint64_t sum = 0;

	(void)snprintf(path, sizeof(path), "/proc/%ld/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		long thread = strtol(entry->d_name, NULL, 10);
		sl_autofclose FILE *file = NULL;
		uint64_t ns;

		(void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/schedstat", pid, thread);
		file = thread > 0 ? fopen(path, "re") : NULL;
		if (file && fscanf(file, "%" SCNu64, &ns) == 1)
			sum += ns;
	}
	return sum;
}

static long parent_of(long pid)
{
	sl_autofclose FILE *file = NULL;
	char path[64];
	long parent = 0;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	file = fopen(path, "re");
	/* Names of ours have no bracket or space in them. */
	if (!file || fscanf(file, "%*d (%*[^)]) %*c %ld", &parent) != 1)
		return 0;
	return parent;
}

uint64_t sl_process_cpu_ns(pid_t pid)
{
	sl_cleanup(closedirp) DIR *dir = opendir("/proc");
	const struct dirent *entry;
	uint64_t sum = threads_ns(pid);

	while (dir && (entry = readdir(dir))) {
		long other = strtol(entry->d_name, NULL, 10);

		if (other > 0 && parent_of(other) == pid)
			sum += threads_ns(other);
	}
	return sum;
}
