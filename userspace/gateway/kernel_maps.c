/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/kernel_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/json.h"

#define FDINFO_BYTES 1024
#define NAME_BYTES   32
#define ENTRIES_MAX  (1u << 24)

struct kind {
	const char *name;
	uint32_t value_bytes;
	bool writable;
};

static const struct kind kinds[SL_KERNEL_MAPS] = {
	[SL_KERNEL_FLOWS4] = { "sl_flows4", sizeof(struct sl_flow4_line), true },
	[SL_KERNEL_FLOWS6] = { "sl_flows6", sizeof(struct sl_flow6_line), true },
	[SL_KERNEL_BUCKETS] = { "sl_buckets", sizeof(struct sl_bucket), true },
	[SL_KERNEL_REFUSALS] = { "sl_refusals", sizeof(struct sl_refusal), true },
	[SL_KERNEL_CTL] = { "sl_ctl", sizeof(struct sl_ctl), false },
	[SL_KERNEL_NAMES] = { "sl_names", sizeof(struct sl_name), false },
	[SL_KERNEL_REQUEST_LIMITS] = { "sl_req_limits", sizeof(struct sl_requests), false },
	[SL_KERNEL_REQUEST_WORDS] = { "sl_req_words", sizeof(struct sl_request_words), true },
};

static bool may_miss(enum sl_kernel_map which)
{
	return which == SL_KERNEL_REQUEST_LIMITS || which == SL_KERNEL_REQUEST_WORDS;
}

__attribute__((format(printf, 3, 4))) static int fail(struct sl_kernel_error *error, int code,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return code;
}

/* ---- one map ------------------------------------------------------------------------ */

/* The number behind "@key:" at the start of a line, in any base. */
static int field_of(uint64_t *ret, const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, length) && line[length] == ':') {
			*ret = strtoull(line + length + 1, NULL, 0);
			return 0;
		}
	}
	return -ENOENT;
}

int sl_kernel_map_read(struct sl_kernel_mapping *ret, enum sl_kernel_map which,
		       struct sl_span fdinfo)
{
	char text[FDINFO_BYTES] = { 0 };
	uint64_t type = 0, value_bytes = 0, entries = 0, flags = 0, id = 0;

	if (fdinfo.length >= sizeof(text))
		return -EPROTO;
	memcpy(text, fdinfo.at, fdinfo.length);
	text[fdinfo.length] = '\0';
	if (field_of(&type, text, "map_type") || field_of(&value_bytes, text, "value_size") ||
	    field_of(&entries, text, "max_entries") || field_of(&flags, text, "map_flags") ||
	    field_of(&id, text, "map_id"))
		return -EPROTO;
	if (type != BPF_MAP_TYPE_ARRAY || !(flags & BPF_F_MMAPABLE) ||
	    value_bytes != kinds[which].value_bytes || !entries || entries > ENTRIES_MAX)
		return -EPROTO;
	*ret = (struct sl_kernel_mapping){
		.fd = -1,
		.bytes = (size_t)(entries * value_bytes),
		.entries = (uint32_t)entries,
		.id = (uint32_t)id,
	};
	return 0;
}

static int read_fdinfo(char *buffer, size_t size, size_t *ret_length, int fd)
{
	char path[64];
	sl_autoclose int file = -1;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	length = read(file, buffer, size);
	if (length < 0)
		return -errno;
	*ret_length = (size_t)length;
	return 0;
}

static int map_one(struct sl_kernel_mapping *ret, enum sl_kernel_map which, int fd,
		   struct sl_kernel_error *error)
{
	const struct kind *kind = &kinds[which];
	struct sl_kernel_mapping mapping;
	char text[FDINFO_BYTES - 1];
	size_t length = 0;
	int r = read_fdinfo(text, sizeof(text), &length, fd);

	if (r)
		return fail(error, r, "/proc/self/fdinfo: %s", strerror(-r));
	r = sl_kernel_map_read(&mapping, which, (struct sl_span){ text, length });
	if (r)
		return fail(error, r, "what the agent calls %s is another map, or none",
			    kind->name);
	if (!kind->writable) {
		mapping.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (mapping.fd < 0)
			return fail(error, -errno, "%s: %s", kind->name, strerror(errno));
		*ret = mapping;
		return 0;
	}
	mapping.at = mmap(NULL, mapping.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapping.at == MAP_FAILED)
		return fail(error, -errno, "cannot map %s: %s", kind->name, strerror(errno));
	*ret = mapping;
	return 0;
}

int sl_kernel_maps_get(void *ret, const struct sl_kernel_maps *maps, enum sl_kernel_map which,
		       uint32_t index)
{
	const struct sl_kernel_mapping *map = &maps->map[which];
	union bpf_attr attr;

	if (index >= map->entries)
		return -ENOENT;
	if (map->at) {
		memcpy(ret, (const char *)map->at + (size_t)index * kinds[which].value_bytes,
		       kinds[which].value_bytes);
		return 0;
	}
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)map->fd;
	attr.key = (uintptr_t)&index;
	attr.value = (uintptr_t)ret;
	return syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) ? -errno : 0;
}

/* ---- the agent's line ------------------------------------------------------------------- */

/* fds by what they are called: -1 where a map did not come. */
static int sort_fds(int ret[SL_KERNEL_MAPS], struct sl_json_value names, const int *fds,
		    size_t count, struct sl_kernel_error *error)
{
	struct sl_json_value item;
	char name[NAME_BYTES];
	size_t state = 0, length, at = 0;
	int r;

	for (size_t i = 0; i < SL_KERNEL_MAPS; i++)
		ret[i] = -1;
	for (; (r = sl_json_next(NULL, &item, &state, names)) > 0; at++) {
		if (at == count || sl_json_text(name, sizeof(name), &length, item))
			break;
		for (size_t i = 0; i < SL_KERNEL_MAPS; i++) {
			if (strcmp(name, kinds[i].name) != 0)
				continue;
			if (ret[i] >= 0)
				return fail(error, -EPROTO, "%s came twice", name);
			ret[i] = fds[at];
		}
	}
	if (r || at != count)
		return fail(error, -EPROTO, "%zu descriptors came, and other names for them",
			    count);
	for (size_t i = 0; i < SL_KERNEL_MAPS; i++)
		if (ret[i] < 0 && !may_miss((enum sl_kernel_map)i))
			return fail(error, -EPROTO, "the agent did not hand over %s",
				    kinds[i].name);
	return 0;
}

static int read_answer(int ret[SL_KERNEL_MAPS], struct sl_span answer, const int *fds, size_t count,
		       struct sl_kernel_error *error)
{
	enum {
		OK,
		WHY,
		ABI,
		NAMES,
		WANTED
	};
	static const char *const wanted[WANTED] = { "ok", "error", "abi", "maps" };
	struct sl_json_value found[WANTED];
	int64_t abi;
	bool ok;

	if (sl_json_pick(found, wanted, WANTED, answer, NULL) || sl_json_bool(&ok, found[OK]))
		return fail(error, -EINVAL, "the agent's answer cannot be read");
	if (!ok)
		return fail(error, -EACCES, "the agent refuses: %.*s",
			    (int)(found[WHY].raw.length > 100 ? 100 : found[WHY].raw.length),
			    found[WHY].type == SL_JSON_STRING ? found[WHY].raw.at : "\"\"");
	if (found[NAMES].type != SL_JSON_ARRAY || sl_json_integer(&abi, found[ABI]))
		return fail(error, -EINVAL, "the agent's answer cannot be read");
	if (abi != SL_ABI_VERSION)
		return fail(error, -EPROTO, "the agent speaks ABI %lld, this gateway %u",
			    (long long)abi, SL_ABI_VERSION);
	return sort_fds(ret, found[NAMES], fds, count, error);
}

static bool requests_fit(const struct sl_kernel_maps *maps)
{
	uint32_t limits = maps->map[SL_KERNEL_REQUEST_LIMITS].entries;
	uint32_t words = maps->map[SL_KERNEL_REQUEST_WORDS].entries;

	return (!limits && !words) || (limits == 2 * maps->tenants && words == maps->tenants);
}

int sl_kernel_maps_view(struct sl_kernel_maps *maps, struct sl_kernel_error *error)
{
	const struct sl_kernel_mapping *map = maps->map;
	struct sl_ctl ctl;
	int r = sl_kernel_maps_get(&ctl, maps, SL_KERNEL_CTL, 0);

	if (r)
		return fail(error, r, "cannot read sl_ctl: %s", strerror(-r));
	maps->buckets = map[SL_KERNEL_BUCKETS].at;
	maps->request_words = map[SL_KERNEL_REQUEST_WORDS].at;
	maps->tenants = map[SL_KERNEL_NAMES].entries;
	if (ctl.abi_version != SL_ABI_VERSION)
		return fail(error, -EPROTO, "the maps are of ABI %u, this gateway is of %u",
			    ctl.abi_version, SL_ABI_VERSION);
	if (maps->tenants > SL_TENANTS_MAX || map[SL_KERNEL_BUCKETS].entries != maps->tenants ||
	    map[SL_KERNEL_REFUSALS].entries != SL_REFUSALS || map[SL_KERNEL_FLOWS4].entries < 2 ||
	    map[SL_KERNEL_FLOWS6].entries < 2 || !requests_fit(maps))
		return fail(error, -EPROTO, "the sizes of the maps do not fit together");
	maps->flows4 = (struct sl_flow_table){
		.lines = map[SL_KERNEL_FLOWS4].at,
		.line_count = map[SL_KERNEL_FLOWS4].entries,
		.family = 4,
		.seed = ctl.hash_seed,
	};
	maps->flows6 = (struct sl_flow_table){
		.lines = map[SL_KERNEL_FLOWS6].at,
		.line_count = map[SL_KERNEL_FLOWS6].entries,
		.family = 6,
		.seed = ctl.hash_seed,
	};
	maps->refusals = (struct sl_refusals){
		.cells = map[SL_KERNEL_REFUSALS].at,
		.seed = ctl.hash_seed,
	};
	return 0;
}

int sl_kernel_maps_new(struct sl_kernel_maps **ret, struct sl_span answer, const int *fds,
		       size_t count, struct sl_kernel_error *error)
{
	sl_cleanup(sl_kernel_maps_freep) struct sl_kernel_maps *maps = calloc(1, sizeof(*maps));
	int sorted[SL_KERNEL_MAPS], r;

	if (!maps)
		return fail(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < SL_KERNEL_MAPS; i++)
		maps->map[i].fd = -1;
	r = read_answer(sorted, answer, fds, count, error);
	for (size_t i = 0; !r && i < SL_KERNEL_MAPS; i++)
		r = sorted[i] < 0 ? 0
				  : map_one(&maps->map[i], (enum sl_kernel_map)i, sorted[i], error);
	if (!r)
		r = sl_kernel_maps_view(maps, error);
	if (r)
		return r;
	*ret = SL_TAKE_PTR(maps);
	return 0;
}

void sl_kernel_maps_free(struct sl_kernel_maps *maps)
{
	if (!maps)
		return;
	for (size_t i = 0; i < SL_KERNEL_MAPS; i++) {
		if (maps->map[i].at)
			(void)munmap(maps->map[i].at, maps->map[i].bytes);
		sl_closep(&maps->map[i].fd);
	}
	free(maps);
}

void sl_kernel_maps_freep(struct sl_kernel_maps **maps)
{
	sl_kernel_maps_free(*maps);
}

bool sl_kernel_maps_equal(const struct sl_kernel_maps *a, const struct sl_kernel_maps *b)
{
	for (size_t i = 0; i < SL_KERNEL_MAPS; i++)
		if (a->map[i].id != b->map[i].id)
			return false;
	return true;
}
