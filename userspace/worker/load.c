// SPDX-License-Identifier: Apache-2.0
#include "userspace/worker/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"

#define NS_PER_S 1e9

#define STAT_UTIME     11 /* after the name: state, ppid, ... (proc(5)); then stime */
#define STATM_RESIDENT 1

static int read_line(char *ret, size_t size, const char *path)
{
	sl_autofclose FILE *file = fopen(path, "re");

	return file && fgets(ret, (int)size, file) ? 0 : -EIO;
}

/* The number in field @at of @text, counted from 0, blanks between them. -EINVAL. */
static int read_field(uint64_t *ret, const char *text, unsigned int at)
{
	char *end = NULL;

	for (; at; at--) {
		text += strspn(text, " ");
		text += strcspn(text, " ");
	}
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return end == text || errno ? -EINVAL : 0;
}

int sl_load_parse_stat(uint64_t *ret_ticks, const char *text)
{
	const char *after = strrchr(text, ')');
	uint64_t user, system;

	if (!after || read_field(&user, after + 1, STAT_UTIME) != 0 ||
	    read_field(&system, after + 1, STAT_UTIME + 1) != 0)
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
	long page = sysconf(_SC_PAGESIZE);
	int err = look_at_cpu(load, now_ns);
	uint64_t pages = 0;
	char line[256], *end = line;

	if (page > 0 && read_line(line, sizeof(line), "/proc/self/statm") == 0 &&
	    read_field(&pages, line, STATM_RESIDENT) == 0)
		load->mem_bytes = pages * (uint64_t)page;
	else
		err = -EIO;
	if (read_line(line, sizeof(line), "/proc/loadavg") == 0)
		load->load1 = strtod(line, &end);
	return end == line ? -EIO : err;
}
