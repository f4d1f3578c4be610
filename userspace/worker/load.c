// SPDX-License-Identifier: Apache-2.0
#include "userspace/worker/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"

#define NS_PER_S 1e9

static int read_line(char *ret, size_t size, const char *path)
{
	sl_autofclose FILE *file = fopen(path, "re");

	return file && fgets(ret, (int)size, file) ? 0 : -EIO;
}

int sl_load_parse_stat(uint64_t *ret_ticks, const char *text)
{
	const char *after = strrchr(text, ')');
	unsigned long long user, system;

	/* state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime */
	if (!after || /* NOLINTNEXTLINE(cert-err34-c): the kernel wrote it */
	    sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
		   &system) != 2)
		return -EINVAL;
	*ret_ticks = user + system;
	return 0;
}

static int look_at_cpu(struct sl_load *load, uint64_t now_ns)
{
	long hz = sysconf(_SC_CLK_TCK), processors = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t ticks = 0;
	char line[1024];

	if (hz <= 0 || processors <= 0 || read_line(line, sizeof(line), "/proc/self/stat") != 0 ||
	    sl_load_parse_stat(&ticks, line) != 0)
		return -EIO;
	if (load->at_ns && now_ns > load->at_ns) {
		double seconds = (double)(now_ns - load->at_ns) / NS_PER_S;

		load->cpu = (double)(ticks - load->cpu_ticks) / (double)hz / seconds /
			    (double)processors;
		if (load->cpu > 1)
			load->cpu = 1;
	}
	load->cpu_ticks = ticks;
	load->at_ns = now_ns;
	return 0;
}

int sl_load_look(struct sl_load *load, uint64_t now_ns)
{
	unsigned long long pages = 0;
	long page = sysconf(_SC_PAGESIZE);
	int err = look_at_cpu(load, now_ns);
	char line[256];

	/* NOLINTNEXTLINE(cert-err34-c): the kernel wrote it */
	if (page > 0 && read_line(line, sizeof(line), "/proc/self/statm") == 0 &&
	    sscanf(line, "%*u %llu", &pages) == 1)
		load->mem_bytes = pages * (uint64_t)page;
	else
		err = -EIO;
	/* NOLINTNEXTLINE(cert-err34-c): the kernel wrote it */
	if (read_line(line, sizeof(line), "/proc/loadavg") != 0 ||
	    sscanf(line, "%lf", &load->load1) != 1)
		err = -EIO;
	return err;
}
