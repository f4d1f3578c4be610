// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/inspect.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/attach_private.h"
#include "userspace/dataplane/maps_private.h"

static int nothing_pinned(struct sl_dp_error *error, const char *pin_dir)
{
	return sl_dp_fail(error, -ENOENT,
			  "nothing of sluice is pinned under %s: is sluiced running?", pin_dir);
}

/* What the kernel charges for a map or program: only fdinfo says so. */
static uint64_t memory_of(int fd)
{
	char path[32], line[128];
	sl_autofclose FILE *file = NULL;
	uint64_t bytes = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "memlock:", 8))
			bytes = strtoull(line + 8, NULL, 10);
	}
	return bytes;
}

static const char *map_type(uint32_t type)
{
	switch (type) {
	case BPF_MAP_TYPE_ARRAY:
		return "array";
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return "percpu_array";
	case BPF_MAP_TYPE_HASH:
		return "hash";
	case BPF_MAP_TYPE_LPM_TRIE:
		return "lpm_trie";
	case BPF_MAP_TYPE_SK_STORAGE:
		return "sk_storage";
	case BPF_MAP_TYPE_RINGBUF:
		return "ringbuf";
	default:
		return "?";
	}
}

static int read_map(struct sl_map_info *ret, const struct sl_maps *maps, enum sl_map_id id)
{
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(maps->fds[id], &info, &size))
		return -errno;
	*ret = (struct sl_map_info){
		.type = map_type(info.type),
		.id = info.id,
		.key_bytes = info.key_size,
		.value_bytes = info.value_size,
		.max_entries = info.max_entries,
		.memory_bytes = memory_of(maps->fds[id]),
		.mmapable = info.map_flags & BPF_F_MMAPABLE,
	};
	memcpy(ret->name, info.name, sizeof(ret->name));
	(void)sl_pin_map(&ret->pin, maps->pin_dir, sl_map_name(id));
	return 0;
}

int sl_inspect_maps(struct sl_map_info **ret, size_t *ret_count, const char *pin_dir,
		    struct sl_dp_error *error)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	sl_autofree struct sl_map_info *found = calloc(SL_MAP_COUNT, sizeof(*found));
	size_t count = 0;
	int r = found ? sl_maps_open(&maps, pin_dir, SL_MAPS_READ, error) : -ENOMEM;

	if (r)
		return r;
	for (enum sl_map_id id = 0; id < SL_MAP_COUNT; id++) {
		if (sl_maps_fd(maps, id) < 0) /* of an agent that had none yet */
			continue;
		r = read_map(&found[count++], maps, id);
		if (r)
			return sl_dp_fail(error, r, "cannot look at the map %s: %s",
					  sl_map_name(id), strerror(-r));
	}
	*ret = SL_TAKE_PTR(found);
	*ret_count = count;
	return 0;
}

/* ---- programs and links: what lies in a folder of pins ---- */

struct list {
	char *at;
	size_t count;
	size_t item_bytes;
	const char *pin_dir;
};

typedef int read_fn(void *ret, const char *pin_dir, const char *path, const char *name);

static void release_list(struct list *list)
{
	free(list->at);
}

static void closedir_p(DIR **folder)
{
	if (*folder)
		(void)closedir(*folder);
}

static int add(struct list *list, read_fn *read, const char *path, const char *name)
{
	char *more = reallocarray(list->at, list->count + 1, list->item_bytes);
	char *item;
	int r;

	if (!more)
		return -ENOMEM;
	list->at = more;
	item = more + list->count * list->item_bytes;
	memset(item, 0, list->item_bytes);
	r = read(item, list->pin_dir, path, name);
	if (!r)
		list->count++;
	/* A pin that went away meanwhile, or that is not one of ours. */
	return r == -ENOENT || r == -EINVAL ? 0 : r;
}

static int read_folder(struct list *list, const char *folder_name, read_fn *read)
{
	struct sl_pin_path root, path, child;
	sl_cleanup(closedir_p) DIR *folder =
		opendir(sl_pin_child(&path, sl_pin_root(&root, list->pin_dir), folder_name));
	const struct dirent *entry;
	int r = 0;

	if (!folder)
		return -errno;
	while (!r && (entry = readdir(folder))) {
		if (entry->d_name[0] != '.')
			r = add(list, read, sl_pin_child(&child, path.text, entry->d_name),
				entry->d_name);
	}
	return r;
}

static const char *prog_type(uint32_t type)
{
	switch (type) {
	case BPF_PROG_TYPE_XDP:
		return "xdp";
	case BPF_PROG_TYPE_SCHED_CLS:
		return "tc";
	case BPF_PROG_TYPE_SOCK_OPS:
		return "sock_ops";
	case BPF_PROG_TYPE_EXT:
		return "ext";
	default:
		return "?";
	}
}

static int read_prog(void *ret, const char *pin_dir, const char *path, const char *name)
{
	sl_autoclose int fd = bpf_obj_get(path);
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	struct sl_prog_info *prog = ret;

	(void)pin_dir;
	(void)name;
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	prog->type = prog_type(info.type);
	prog->id = info.id;
	prog->jited_bytes = info.jited_prog_len;
	prog->memory_bytes = memory_of(fd);
	prog->run_count = info.run_cnt;
	prog->run_ns = info.run_time_ns;
	memcpy(prog->name, info.name, sizeof(prog->name));
	memcpy(prog->tag, info.tag, sizeof(prog->tag));
	(void)snprintf(prog->pin.text, sizeof(prog->pin.text), "%s", path);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct sl_prog_info *x = a, *y = b;

	return strcmp(x->pin.text, y->pin.text);
}

int sl_inspect_progs(struct sl_prog_info **ret, size_t *ret_count, const char *pin_dir,
		     struct sl_dp_error *error)
{
	sl_cleanup(release_list) struct list list = { .item_bytes = sizeof(struct sl_prog_info),
						      .pin_dir = pin_dir };
	int r = read_folder(&list, "progs", read_prog);

	if (r == -ENOENT)
		return nothing_pinned(error, pin_dir);
	if (r)
		return sl_dp_fail(error, r, "cannot read the programs under %s: %s", pin_dir,
				  strerror(-r));
	if (list.count)
		qsort(list.at, list.count, list.item_bytes, by_name);
	*ret_count = list.count;
	*ret = (struct sl_prog_info *)(void *)SL_TAKE_PTR(list.at);
	return 0;
}

static int read_link(void *ret, const char *pin_dir, const char *path, const char *name)
{
	struct sl_link_info *link = ret;
	struct sl_attachment *at = &link->attachment;
	int r = sl_pin_parse_link(&link->hook, &link->ifindex, name);

	if (r)
		return r;
	(void)snprintf(link->pin.text, sizeof(link->pin.text), "%s", path);
	if (link->ifindex)
		(void)if_indextoname((unsigned)link->ifindex, link->ifname);
	switch (link->hook) {
	case SL_PIN_XDP:
	case SL_PIN_DISPATCHER:
		return sl_xdp_read(at, pin_dir, link->ifindex);
	case SL_PIN_TC_INGRESS:
	case SL_PIN_CLSACT_INGRESS:
		return sl_tc_read(at, pin_dir, false, link->ifindex);
	case SL_PIN_TC_EGRESS:
	case SL_PIN_CLSACT_EGRESS:
		return sl_tc_read(at, pin_dir, true, link->ifindex);
	case SL_PIN_SOCK_OPS:
		break;
	}
	at->how = SL_ATTACHED_CGROUP;
	return sl_link_read(at, pin_dir, SL_PIN_SOCK_OPS, 0);
}

static int by_place(const void *a, const void *b)
{
	const struct sl_link_info *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
	return (x->hook > y->hook) - (x->hook < y->hook);
}

int sl_inspect_links(struct sl_link_info **ret, size_t *ret_count, const char *pin_dir,
		     struct sl_dp_error *error)
{
	sl_cleanup(release_list) struct list list = { .item_bytes = sizeof(struct sl_link_info),
						      .pin_dir = pin_dir };
	struct sl_pin_path root;
	int r = read_folder(&list, "links", read_link);

	if (r == -ENOENT && access(sl_pin_root(&root, pin_dir), F_OK))
		return nothing_pinned(error, pin_dir);
	if (r && r != -ENOENT)
		return sl_dp_fail(error, r, "cannot read the links under %s: %s", pin_dir,
				  strerror(-r));
	if (list.count)
		qsort(list.at, list.count, list.item_bytes, by_place);
	*ret_count = list.count;
	*ret = (struct sl_link_info *)(void *)SL_TAKE_PTR(list.at);
	return 0;
}
