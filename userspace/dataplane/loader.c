// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "userspace/dataplane/libbpf_log.h"
#include "userspace/dataplane/loader_private.h"
#include "userspace/dataplane/pins.h"

static bool has_perfmon(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, data) ||
	       (data[CAP_TO_INDEX(CAP_PERFMON)].effective & CAP_TO_MASK(CAP_PERFMON));
}

static int refuse_load(struct sl_dp_error *error, int r)
{
	if (!has_perfmon())
		return sl_dp_fail(
			error, -EPERM,
			"cannot load the BPF programs: %s. Loading needs CAP_PERFMON beside "
			"CAP_BPF and CAP_NET_ADMIN",
			strerror(-r));
	return sl_libbpf_fail(error, r, "cannot load the BPF programs: %s", strerror(-r));
}

static int load(struct sl_dataplane *dp, const struct sl_maps *use, struct sl_dp_error *error)
{
	int fds[SL_MAP_COUNT];
	int r = sl_loader_open(&dp->skel, &dp->sizes, &dp->clock, use, error);

	if (r)
		return r;
	sl_libbpf_log_begin();
	r = sluice_bpf__load(dp->skel);
	if (r)
		return refuse_load(error, r);
	for (enum sl_map_id id = 0; id < SL_MAP_COUNT; id++) {
		const struct bpf_map *map =
			bpf_object__find_map_by_name(dp->skel->obj, sl_map_name(id));

		fds[id] = bpf_map__fd(map);
	}
	return sl_maps_from_fds(&dp->maps, fds, dp->pin_dir, error);
}

static int start_ctl(struct sl_dataplane *dp, const struct sl_dataplane_options *options,
		     struct sl_dp_error *error)
{
	struct sl_ctl *ctl = dp->maps->view.ctl;
	uint64_t seed = options->hash_seed;

	if (dp->before && dp->before->view.ctl)
		seed = dp->before->view.ctl->hash_seed;
	if (!seed && getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return sl_dp_fail(error, -EIO, "no random numbers: %s", strerror(errno));
	ctl->hash_seed = seed;
	ctl->started_ns = options->now_ns;
	ctl->clock_tick_ns = dp->clock.tick_ns;
	ctl->clock_offset_ns = dp->clock.offset_ns;
	ctl->abi_version = SL_ABI_VERSION;
	return 0;
}

static int pin_maps(const struct sl_maps *maps, const char *root, struct sl_dp_error *error)
{
	for (enum sl_map_id id = 0; id < SL_MAP_COUNT; id++) {
		struct sl_pin_path path;
		int r = sl_pin_replace(maps->fds[id], sl_pin_child(&path, root, sl_map_name(id)),
				       error);

		if (r)
			return r;
	}
	return 0;
}

/* Bucket words are times of the coarse clock: it may not jump under them. */
static void keep_clock(struct sl_dataplane *dp, const struct sl_maps *maps)
{
	if (maps && maps->view.ctl) {
		const struct sl_clock kept = { .tick_ns = maps->view.ctl->clock_tick_ns,
					       .offset_ns = maps->view.ctl->clock_offset_ns };

		dp->clock = sl_clock_choose(&kept, &dp->clock);
	}
}

/* A set of maps of the wanted sizes: new ones, and those of @before that it can keep. */
static int build(struct sl_dataplane *dp, const struct sl_dataplane_options *options,
		 const char *old_root, struct sl_dp_error *error)
{
	struct sl_maps *before = dp->before;
	struct sl_maps use;
	struct sl_pin_path root;
	int r;

	for (enum sl_map_id id = 0; id < SL_MAP_COUNT; id++)
		use.fds[id] =
			before && sl_migrate_shares(before, id, &dp->sizes) ? before->fds[id] : -1;
	r = load(dp, &use, error);
	if (!r)
		r = start_ctl(dp, options, error);
	if (!r && before)
		r = sl_migrate_copy(dp->maps, before, SL_MIGRATE_ALL, error);
	if (!r)
		r = sl_pin_make_dir(sl_migrate_root(&root, dp->pin_dir), error);
	if (!r)
		r = pin_maps(dp->maps, root.text, error);
	if (!r)
		r = sl_loader_pin_progs(dp->skel, root.text, error);
	if (!r)
		r = sl_migrate_publish(dp->pin_dir, old_root, error);
	dp->origin = before ? SL_DATAPLANE_MIGRATED : SL_DATAPLANE_CREATED;
	return r;
}

/* What these maps did not have yet was made when the programs were loaded. */
static int pin_added(const struct sl_maps *made, const struct sl_maps *found, const char *root,
		     struct sl_dp_error *error)
{
	struct sl_pin_path path;
	int r = 0;

	for (enum sl_map_id id = 0; !r && id < SL_MAP_COUNT; id++)
		if (found->fds[id] < 0)
			r = sl_pin_replace(made->fds[id],
					   sl_pin_child(&path, root, sl_map_name(id)), error);
	return r;
}

static int adopt(struct sl_dataplane *dp, struct sl_maps *maps, struct sl_dp_error *error)
{
	struct sl_ctl *ctl = maps->view.ctl;
	struct sl_pin_path root;
	int r;

	keep_clock(dp, maps);
	r = load(dp, maps, error);
	if (r)
		return r;
	ctl->clock_tick_ns = dp->clock.tick_ns;
	ctl->clock_offset_ns = dp->clock.offset_ns;
	dp->origin = SL_DATAPLANE_ADOPTED;
	r = pin_added(dp->maps, maps, sl_pin_root(&root, dp->pin_dir), error);
	return r ? r : sl_loader_pin_progs(dp->skel, root.text, error);
}

/* The first map that is not as the sizes want it; SL_MAP_COUNT when all are. */
static enum sl_map_id find_other_size(const struct sl_maps *maps, const struct sl_sizes *sizes)
{
	enum sl_map_id id = 0;

	while (id < SL_MAP_COUNT &&
	       (maps->fds[id] < 0 || maps->max_entries[id] == sl_map_entries(id, sizes)))
		id++;
	return id;
}

static int refuse_sizes(const struct sl_maps *maps, enum sl_map_id id, const struct sl_sizes *sizes,
			struct sl_dp_error *error)
{
	return sl_dp_fail(error, -ESTALE,
			  "the pinned map %s has %u entries and the configuration's sizes want %u; "
			  "start `sluiced --migrate` once to copy the state into maps of the new "
			  "sizes, or give the old sizes",
			  sl_map_name(id), maps->max_entries[id], sl_map_entries(id, sizes));
}

static int refuse_version(const char *pin_dir, unsigned version, struct sl_dp_error *error)
{
	return sl_dp_fail(error, -EPROTO,
			  "the maps under %s have ABI version %u; this program knows %u; start "
			  "`sluiced --migrate` once to copy what is the same in both",
			  pin_dir, version, SL_ABI_VERSION);
}

static int migrate_foreign(struct sl_dataplane *dp, const struct sl_dataplane_options *options,
			   const char *root, unsigned version, struct sl_dp_error *error)
{
	int r;

	if (!options->migrate)
		return refuse_version(dp->pin_dir, version, error);
	r = sl_maps_open_root(&dp->before, root, dp->pin_dir, SL_MAPS_WRITE, true, error);
	return r ? r : build(dp, options, root, error);
}

/* Maps in our folder: use them, migrate them, or say why not. */
static int take_over(struct sl_dataplane *dp, const struct sl_dataplane_options *options,
		     struct sl_maps **maps, struct sl_dp_error *error)
{
	struct sl_pin_path root;
	enum sl_map_id other;

	(void)sl_pin_root(&root, dp->pin_dir);
	if ((*maps)->view.ctl->abi_version != SL_ABI_VERSION)
		return migrate_foreign(dp, options, root.text, (*maps)->view.ctl->abi_version,
				       error);
	other = find_other_size(*maps, &dp->sizes);
	if (other == SL_MAP_COUNT)
		return adopt(dp, *maps, error);
	if (!options->migrate)
		return refuse_sizes(*maps, other, &dp->sizes, error);
	dp->before = SL_TAKE_PTR(*maps);
	return build(dp, options, root.text, error);
}

static int find_or_build(struct sl_dataplane *dp, const struct sl_dataplane_options *options,
			 struct sl_dp_error *error)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	struct sl_pin_path root;
	unsigned version;
	struct sl_dp_error why;
	int r = sl_maps_open_root(&maps, sl_pin_root(&root, dp->pin_dir), dp->pin_dir,
				  SL_MAPS_WRITE, false, &why);

	if (!r)
		return take_over(dp, options, &maps, error);
	if (r == -EPROTO && options->migrate)
		return migrate_foreign(dp, options, root.text, SL_ABI_VERSION, error);
	if (r != -ENOENT)
		return sl_dp_fail(error, r, "%s", why.message);
	if (!sl_migrate_find_foreign(&root, &version, dp->pin_dir))
		return migrate_foreign(dp, options, root.text, version, error);
	return build(dp, options, NULL, error);
}

int sl_dataplane_open(struct sl_dataplane **ret, const struct sl_dataplane_options *options,
		      struct sl_dp_error *error)
{
	sl_cleanup(sl_dataplane_closep) struct sl_dataplane *dp = calloc(1, sizeof(*dp));
	int r;

	if (!dp)
		return sl_dp_fail(error, -ENOMEM, "out of memory");
	if (strlen(options->pin_dir) >= sizeof(dp->pin_dir))
		return sl_dp_fail(error, -ENAMETOOLONG, "the path of the pin folder is too long");
	memcpy(dp->pin_dir, options->pin_dir, strlen(options->pin_dir));
	dp->sizes = options->sizes;
	r = sl_pin_make_dir(dp->pin_dir, error);
	if (!r)
		r = sl_migrate_recover(dp->pin_dir, error);
	if (!r)
		r = sl_clock_measure(&dp->clock, error);
	if (!r)
		r = find_or_build(dp, options, error);
	if (!r)
		*ret = SL_TAKE_PTR(dp);
	return r;
}

void sl_dataplane_close(struct sl_dataplane *dp)
{
	if (!dp)
		return;
	sl_maps_close(dp->before);
	sl_maps_close(dp->maps);
	sluice_bpf__destroy(dp->skel);
	free(dp);
}

struct sl_maps *sl_dataplane_maps(const struct sl_dataplane *dp)
{
	return dp->maps;
}

enum sl_dataplane_origin sl_dataplane_origin(const struct sl_dataplane *dp)
{
	return dp->origin;
}

uint64_t sl_dataplane_tick_ns(const struct sl_dataplane *dp)
{
	return dp->clock.tick_ns;
}

int sl_dataplane_prog_fd(const struct sl_dataplane *dp, const char *name)
{
	const struct bpf_program *prog = bpf_object__find_program_by_name(dp->skel->obj, name);

	return prog ? bpf_program__fd(prog) : -ENOENT;
}

int sl_dataplane_carry(struct sl_dataplane *dp, struct sl_dp_error *error)
{
	return dp->before ? sl_migrate_copy(dp->maps, dp->before, SL_MIGRATE_AGAIN, error) : 0;
}
