// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "userspace/dataplane/maps_private.h"

static int no_memory(struct sl_dp_error *error)
{
	(void)sl_dp_fail(error, -ENOMEM, "out of memory");
	return -ENOMEM;
}

static struct sl_maps *new_maps(const char *pin_dir, enum sl_maps_access access)
{
	struct sl_maps *maps = calloc(1, sizeof(*maps));

	if (!maps)
		return NULL;
	(void)snprintf(maps->pin_dir, sizeof(maps->pin_dir), "%s", pin_dir);
	maps->view.access = access;
	for (int id = 0; id < SL_MAP_COUNT; id++)
		maps->fds[id] = -1;
	return maps;
}

static int check_shape(struct sl_maps *maps, enum sl_map_id id, struct sl_dp_error *error)
{
	const struct sl_map_shape *want = sl_map_shape(id);
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(maps->fds[id], &info, &size))
		return sl_dp_fail(error, -errno, "cannot look at the map %s: %s", want->name,
				  strerror(errno));
	if (info.type != want->type)
		return sl_dp_fail(error, -EPROTO, "the map %s is of type %u; this program knows %u",
				  want->name, info.type, want->type);
	if (info.key_size != want->key_bytes)
		return sl_dp_fail(error, -EPROTO,
				  "the map %s has keys of %u bytes; this program knows %u",
				  want->name, info.key_size, want->key_bytes);
	if (info.value_size != want->value_bytes)
		return sl_dp_fail(error, -EPROTO,
				  "the map %s has values of %u bytes; this program knows %u",
				  want->name, info.value_size, want->value_bytes);
	maps->max_entries[id] = info.max_entries;
	return 0;
}

/* The kernel maps a descriptor only when it may write; the mapping itself need not. */
static int map_array(struct sl_maps *maps, enum sl_map_id id, int writable_fd,
		     struct sl_dp_error *error)
{
	size_t bytes = (size_t)maps->max_entries[id] * sl_map_shape(id)->value_bytes;
	int protection = maps->view.access == SL_MAPS_WRITE ? PROT_READ | PROT_WRITE : PROT_READ;
	void *at = mmap(NULL, bytes, protection, MAP_SHARED, writable_fd, 0);

	if (at == MAP_FAILED)
		return sl_dp_fail(error, -errno, "cannot map %s into memory: %s", sl_map_name(id),
				  strerror(errno));
	maps->mapped[id] = at;
	maps->mapped_bytes[id] = bytes;
	return 0;
}

static void fill_view(struct sl_maps *maps)
{
	struct sl_maps_view *view = &maps->view;

	view->ctl = maps->mapped[SL_MAP_CTL];
	view->limits = maps->mapped[SL_MAP_LIMITS];
	view->names = maps->mapped[SL_MAP_NAMES];
	view->services4 = maps->mapped[SL_MAP_SERVICES4];
	view->services6 = maps->mapped[SL_MAP_SERVICES6];
	view->flows4 = maps->mapped[SL_MAP_FLOWS4];
	view->flows6 = maps->mapped[SL_MAP_FLOWS6];
	view->buckets = maps->mapped[SL_MAP_BUCKETS];
	view->cells = maps->mapped[SL_MAP_CELLS];
	view->conns = maps->mapped[SL_MAP_CONNS];
	view->requests = maps->mapped[SL_MAP_REQUEST_LIMITS];
	view->request_words = maps->mapped[SL_MAP_REQUEST_WORDS];
	view->tenants = maps->max_entries[SL_MAP_NAMES];
	view->services4_lines = maps->max_entries[SL_MAP_SERVICES4] / 2;
	view->services6_lines = maps->max_entries[SL_MAP_SERVICES6] / 2;
	view->flows4_lines = maps->max_entries[SL_MAP_FLOWS4];
	view->flows6_lines = maps->max_entries[SL_MAP_FLOWS6];
	view->cells_mask = maps->max_entries[SL_MAP_CELLS] / 2 - 1;
}

static bool is_missing(const struct sl_maps *maps, enum sl_map_id id)
{
	return maps->fds[id] < 0 && sl_map_is_added(id);
}

/* Both of them are there, or none. */
static int check_requests(const struct sl_maps *maps, uint32_t tenants, struct sl_dp_error *error)
{
	uint32_t limits = maps->max_entries[SL_MAP_REQUEST_LIMITS];
	uint32_t words = maps->max_entries[SL_MAP_REQUEST_WORDS];

	if ((limits == 2 * tenants && words == tenants) || (!limits && !words))
		return 0;
	return sl_dp_fail(error, -EPROTO,
			  "the pinned maps contradict each other: sl_names is for %u tenants, "
			  "sl_req_limits has %u entries, sl_req_words %u",
			  tenants, limits, words);
}

/* Sizes that belong together; another order of creation than ours cannot be trusted. */
static int check_counts(const struct sl_maps *maps, struct sl_dp_error *error)
{
	uint32_t tenants = maps->max_entries[SL_MAP_NAMES];

	if (maps->max_entries[SL_MAP_LIMITS] != 2 * tenants ||
	    maps->max_entries[SL_MAP_BUCKETS] != tenants ||
	    maps->max_entries[SL_MAP_CONNS] != tenants ||
	    maps->max_entries[SL_MAP_COUNTERS] != tenants ||
	    maps->max_entries[SL_MAP_SHADOW] != tenants)
		return sl_dp_fail(
			error, -EPROTO,
			"the pinned maps contradict each other: sl_names is for %u "
			"tenants, sl_limits has %u entries, sl_buckets %u, sl_counters %u",
			tenants, maps->max_entries[SL_MAP_LIMITS],
			maps->max_entries[SL_MAP_BUCKETS], maps->max_entries[SL_MAP_COUNTERS]);
	return check_requests(maps, tenants, error);
}

/* Closes maps that this program does not know. */
static void forget_strangers(struct sl_maps *maps)
{
	for (enum sl_map_id id = 0; id < SL_MAP_COUNT; id++) {
		if (maps->fds[id] < 0 || !check_shape(maps, id, NULL))
			continue;
		sl_closep(&maps->fds[id]);
		maps->fds[id] = -1;
		maps->max_entries[id] = 0;
	}
}

static int check_all(struct sl_maps *maps, struct sl_dp_error *error)
{
	for (enum sl_map_id id = 0; id < SL_MAP_COUNT; id++) {
		int r = is_missing(maps, id) ? 0 : check_shape(maps, id, error);

		if (r)
			return r;
	}
	return check_counts(maps, error);
}

static int open_pin(int *ret, const char *path, enum sl_maps_access access)
{
	struct bpf_obj_get_opts options = { .sz = sizeof(options) };
	int fd;

	if (access == SL_MAPS_READ)
		options.file_flags = BPF_F_RDONLY;
	fd = bpf_obj_get_opts(path, &options);
	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

static int map_pinned(struct sl_maps *maps, enum sl_map_id id, const char *root,
		      struct sl_dp_error *error)
{
	sl_autoclose int fd = -1;
	struct sl_pin_path path;
	int r = open_pin(&fd, sl_pin_child(&path, root, sl_map_name(id)), SL_MAPS_WRITE);

	if (r)
		return sl_dp_fail(error, r, "cannot open the map %s: %s", path.text, strerror(-r));
	return map_array(maps, id, fd, error);
}

/* @root: where the maps are pinned; NULL when the descriptors may write. */
static int map_arrays(struct sl_maps *maps, const char *root, struct sl_dp_error *error)
{
	for (enum sl_map_id id = 0; id < SL_MAP_COUNT; id++) {
		int r;

		if (maps->fds[id] < 0 || !(sl_map_shape(id)->flags & BPF_F_MMAPABLE))
			continue;
		r = root ? map_pinned(maps, id, root, error)
			 : map_array(maps, id, maps->fds[id], error);
		if (r)
			return r;
	}
	fill_view(maps);
	return 0;
}

static int open_all(struct sl_maps *maps, const char *root, bool lenient, struct sl_dp_error *error)
{
	for (enum sl_map_id id = 0; id < SL_MAP_COUNT; id++) {
		struct sl_pin_path path;
		int r = open_pin(&maps->fds[id], sl_pin_child(&path, root, sl_map_name(id)),
				 maps->view.access);

		if (r == -ENOENT && id == SL_MAP_CTL)
			return sl_dp_fail(error, r, "no sluice maps under %s: is sluiced running?",
					  maps->pin_dir);
		if (r == -ENOENT && (lenient || sl_map_is_added(id)))
			continue;
		if (r == -ENOENT)
			return sl_dp_fail(error, -EPROTO, "the map %s is not pinned in %s",
					  sl_map_name(id), root);
		if (r)
			return sl_dp_fail(error, r, "cannot open the map %s: %s", path.text,
					  strerror(-r));
	}
	return 0;
}

static int check_version(const struct sl_maps *maps, struct sl_dp_error *error)
{
	if (maps->view.ctl->abi_version == SL_ABI_VERSION)
		return 0;
	return sl_dp_fail(error, -EPROTO,
			  "the maps under %s have ABI version %u; this program knows %u",
			  maps->pin_dir, maps->view.ctl->abi_version, SL_ABI_VERSION);
}

int sl_maps_open_root(struct sl_maps **ret, const char *root, const char *pin_dir,
		      enum sl_maps_access access, bool lenient, struct sl_dp_error *error)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = new_maps(pin_dir, access);
	int r;

	if (!maps)
		return no_memory(error);
	r = open_all(maps, root, lenient, error);
	if (!r && lenient)
		forget_strangers(maps);
	else if (!r)
		r = check_all(maps, error);
	if (!r && maps->fds[SL_MAP_NAMES] < 0)
		r = sl_dp_fail(error, -EPROTO, "the names in %s are of another shape", root);
	if (!r)
		r = map_arrays(maps, root, error);
	if (!r)
		*ret = SL_TAKE_PTR(maps);
	return r;
}

int sl_maps_open(struct sl_maps **ret, const char *pin_dir, enum sl_maps_access access,
		 struct sl_dp_error *error)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	struct sl_pin_path root;
	int r = sl_maps_open_root(&maps, sl_pin_root(&root, pin_dir), pin_dir, access, false,
				  error);

	if (!r)
		r = check_version(maps, error);
	if (!r)
		*ret = SL_TAKE_PTR(maps);
	return r;
}

int sl_maps_from_fds(struct sl_maps **ret, const int fds[SL_MAP_COUNT], const char *pin_dir,
		     struct sl_dp_error *error)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = new_maps(pin_dir, SL_MAPS_WRITE);
	int r;

	if (!maps)
		return no_memory(error);
	for (int id = 0; id < SL_MAP_COUNT; id++) {
		maps->fds[id] = fcntl(fds[id], F_DUPFD_CLOEXEC, 3);
		if (maps->fds[id] < 0)
			return sl_dp_fail(error, -errno, "cannot duplicate a descriptor: %s",
					  strerror(errno));
	}
	r = check_all(maps, error);
	if (!r)
		r = map_arrays(maps, NULL, error);
	if (!r)
		*ret = SL_TAKE_PTR(maps);
	return r;
}

void sl_maps_close(struct sl_maps *maps)
{
	if (!maps)
		return;
	for (int id = 0; id < SL_MAP_COUNT; id++) {
		if (maps->mapped[id])
			(void)munmap(maps->mapped[id], maps->mapped_bytes[id]);
		sl_closep(&maps->fds[id]);
	}
	free(maps);
}

const struct sl_maps_view *sl_maps_view(const struct sl_maps *maps)
{
	return &maps->view;
}

int sl_maps_fd(const struct sl_maps *maps, enum sl_map_id id)
{
	return maps->fds[id];
}

int sl_maps_fd_by_name(const struct sl_maps *maps, const char *name)
{
	enum sl_map_id id;
	int r = sl_map_by_name(&id, name);

	return r ? r : maps->fds[id];
}

uint32_t sl_maps_max_entries(const struct sl_maps *maps, enum sl_map_id id)
{
	return maps->max_entries[id];
}

const char *sl_maps_pin_dir(const struct sl_maps *maps)
{
	return maps->pin_dir;
}

size_t sl_maps_value_bytes(enum sl_map_id id)
{
	size_t bytes = sl_map_shape(id)->value_bytes;
	int cpus;

	if (!sl_map_is_per_cpu(id))
		return bytes;
	cpus = libbpf_num_possible_cpus();
	return cpus > 0 ? (bytes + 7) / 8 * 8 * (size_t)cpus : 0;
}
