// SPDX-License-Identifier: Apache-2.0
/* The object from its bytes in this program to just before the load, and its pins. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/dataplane/libbpf_log.h"
#include "userspace/dataplane/loader_private.h"

static void set_read_only_data(struct sluice_bpf *skel, const struct sl_sizes *sizes,
			       const struct sl_clock *clock)
{
	skel->rodata->sl_load = (struct sl_load_config){
		.tick_ns = clock->tick_ns,
		.clock_offset_ns = clock->offset_ns,
		.tenants = sizes->tenants,
		.services4_mask = sl_map_entries(SL_MAP_SERVICES4, sizes) / 2 - 1,
		.services6_mask = sl_map_entries(SL_MAP_SERVICES6, sizes) / 2 - 1,
		.cells_mask = sizes->cells - 1,
		.sockets_max = sizes->sockets,
		.flows4_lines = sl_map_entries(SL_MAP_FLOWS4, sizes),
		.flows6_lines = sl_map_entries(SL_MAP_FLOWS6, sizes),
	};
}

static int set_map(struct bpf_map *map, enum sl_map_id id, const struct sl_sizes *sizes,
		   int existing_fd)
{
	uint32_t entries = sl_map_entries(id, sizes);

	if (existing_fd >= 0)
		return bpf_map__reuse_fd(map, existing_fd);
	return bpf_map__set_max_entries(map, entries);
}

int sl_loader_open(struct sluice_bpf **ret, const struct sl_sizes *sizes,
		   const struct sl_clock *clock, const struct sl_maps *maps,
		   struct sl_dp_error *error)
{
	sl_cleanup(sl_skeletonp) struct sluice_bpf *skel = NULL;

	sl_libbpf_log_begin();
	skel = sluice_bpf__open();
	if (!skel)
		return sl_libbpf_fail(error, -errno, "cannot open the BPF object: %s",
				      strerror(errno));
	set_read_only_data(skel, sizes, clock);
	for (enum sl_map_id id = 0; id < SL_MAP_COUNT; id++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, sl_map_name(id));
		int r = map ? set_map(map, id, sizes, maps ? maps->fds[id] : -1) : -ENOENT;

		if (r)
			return sl_libbpf_fail(error, r, "cannot set up the map %s: %s",
					      sl_map_name(id), strerror(-r));
	}
	*ret = SL_TAKE_PTR(skel);
	return 0;
}

int sl_loader_pin_progs(const struct sluice_bpf *skel, const char *root, struct sl_dp_error *error)
{
	struct sl_pin_path folder, path;
	struct bpf_program *prog;
	int r = sl_pin_make_dir(sl_pin_child(&folder, root, "progs"), error);

	bpf_object__for_each_program (prog, skel->obj) {
		if (r)
			break;
		(void)sl_pin_child(&path, folder.text, bpf_program__name(prog));
		r = sl_pin_replace(bpf_program__fd(prog), path.text, error);
	}
	return r;
}
