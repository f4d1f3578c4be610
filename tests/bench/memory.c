// SPDX-License-Identifier: Apache-2.0
/*
 * Memory for one tenant more, one bound flow more, ...: the kernel's own account of each
 * map (memlock in fdinfo) for two sizes, as a difference.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/bench.h"
#include "tests/harness/bench_node.h"
#include "userspace/dataplane/map_table.h"

#define SMALL 4096u
#define LARGE 65536u

struct memory {
	double shared;	/* bytes */
	double per_cpu; /* on one CPU */
};

static double map_bytes(int fd)
{
	unsigned long long bytes = 0;
	char path[64], line[128];
	bool found = false;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		sl_bench_die("cannot read %s", path);
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "memlock: %llu", &bytes) == 1;
	(void)fclose(file);
	if (!found)
		sl_bench_die("%s does not tell the memory of a map", path);
	return (double)bytes;
}

/* The maps as the loader makes them; no program is needed to weigh them. */
static struct memory measure(const char *sizes)
{
	struct memory sum = { 0 };
	struct sl_config *config;
	char yaml[160];
	int length = snprintf(yaml, sizeof(yaml), "version: 1\nsizes: {%s}\n", sizes);

	config = sl_bench_config(yaml, (size_t)length);
	for (enum sl_map_id id = 0; id < SL_MAP_COUNT; id++) {
		const struct sl_map_shape *shape = sl_map_shape(id);
		LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = shape->flags);
		double bytes;
		int fd;

		if (id == SL_MAP_SOCKETS)
			continue; /* lives with the sockets */
		fd = bpf_map_create(shape->type, shape->name, shape->key_bytes, shape->value_bytes,
				    sl_map_entries(id, &config->sizes), &options);
		if (fd < 0)
			sl_bench_die("map %s: %s", shape->name, strerror(errno));
		bytes = map_bytes(fd);
		(void)close(fd);
		if (sl_map_is_per_cpu(id))
			sum.per_cpu += bytes / libbpf_num_possible_cpus();
		else
			sum.shared += bytes;
	}
	sl_config_free(config);
	return sum;
}

static void print(const char *name, double bytes)
{
	struct sl_samples one = { 0 };

	sl_samples_add(&one, bytes);
	sl_bench_print(name, NULL, &one);
}

/* @what: a key of `sizes`; @families: tables of that size. */
static void measure_size(const char *what, unsigned families, const char *name,
			 const char *per_cpu_name)
{
	char small_sizes[64], large_sizes[64];
	struct memory small, large;

	(void)snprintf(small_sizes, sizeof(small_sizes), "%s: %u", what, SMALL);
	(void)snprintf(large_sizes, sizeof(large_sizes), "%s: %u", what, LARGE);
	small = measure(small_sizes);
	large = measure(large_sizes);
	print(name, (large.shared - small.shared) / (LARGE - SMALL) / families);
	if (per_cpu_name)
		print(per_cpu_name, (large.per_cpu - small.per_cpu) / (LARGE - SMALL));
}

int main(void)
{
	struct memory all =
		measure("tenants: 65536, flows: 1048576, services: 65536, prefixes: 100000, "
			"cells: 1048576");

	measure_size("tenants", 1, "memory.tenant_bytes", "memory.tenant_bytes_per_cpu");
	measure_size("flows", 2, "memory.flow_bytes", NULL);
	measure_size("services", 2, "memory.service_bytes", NULL);
	measure_size("cells", 1, "memory.cell_bytes", NULL);
	print("memory.largest_mib", all.shared / (1 << 20));
	print("memory.largest_mib_per_cpu", all.per_cpu / (1 << 20));
	return EXIT_SUCCESS;
}
