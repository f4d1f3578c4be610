// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/pins.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sluice/abi.h"
#include "userspace/base/cleanup.h"

#define TREE_DEPTH_MAX 4

static const char *const hook_names[] = {
	[SL_PIN_XDP] = "xdp",
	[SL_PIN_TC_INGRESS] = "tc_ingress",
	[SL_PIN_TC_EGRESS] = "tc_egress",
	[SL_PIN_DISPATCHER] = "dispatcher",
	[SL_PIN_CLSACT_INGRESS] = "clsact_ingress",
	[SL_PIN_CLSACT_EGRESS] = "clsact_egress",
	[SL_PIN_SOCK_OPS] = "sock_ops",
};

const char *sl_pin_hook_name(enum sl_pin_hook hook)
{
	return hook_names[hook];
}

const char *sl_pin_root(struct sl_pin_path *ret, const char *pin_dir)
{
	(void)snprintf(ret->text, sizeof(ret->text), "%s/v%u", pin_dir, SL_ABI_VERSION);
	return ret->text;
}

const char *sl_pin_map(struct sl_pin_path *ret, const char *pin_dir, const char *name)
{
	(void)snprintf(ret->text, sizeof(ret->text), "%s/v%u/%s", pin_dir, SL_ABI_VERSION, name);
	return ret->text;
}

const char *sl_pin_prog(struct sl_pin_path *ret, const char *pin_dir, const char *name)
{
	(void)snprintf(ret->text, sizeof(ret->text), "%s/v%u/progs/%s", pin_dir, SL_ABI_VERSION,
		       name);
	return ret->text;
}

const char *sl_pin_link(struct sl_pin_path *ret, const char *pin_dir, enum sl_pin_hook hook,
			int ifindex)
{
	const char *name = hook_names[hook];

	if (hook == SL_PIN_SOCK_OPS)
		(void)snprintf(ret->text, sizeof(ret->text), "%s/v%u/links/%s", pin_dir,
			       SL_ABI_VERSION, name);
	else
		(void)snprintf(ret->text, sizeof(ret->text), "%s/v%u/links/%s_%d", pin_dir,
			       SL_ABI_VERSION, name, ifindex);
	return ret->text;
}

const char *sl_pin_child(struct sl_pin_path *ret, const char *folder, const char *name)
{
	int length = snprintf(ret->text, sizeof(ret->text), "%s/%s", folder, name);

	/* What was cut names nothing of ours. */
	if (length >= (int)sizeof(ret->text))
		ret->text[0] = '\0';
	return ret->text;
}

static int parse_ifindex(int *ret, const char *digits)
{
	char *end;
	long value;

	if (*digits < '1' || *digits > '9')
		return -EINVAL;
	errno = 0;
	value = strtol(digits, &end, 10);
	if (errno || *end || value > 0x7fffffff)
		return -EINVAL;
	*ret = (int)value;
	return 0;
}

int sl_pin_parse_link(enum sl_pin_hook *ret_hook, int *ret_ifindex, const char *name)
{
	int ifindex = 0;

	if (!strcmp(name, hook_names[SL_PIN_SOCK_OPS])) {
		*ret_hook = SL_PIN_SOCK_OPS;
		*ret_ifindex = 0;
		return 0;
	}
	for (enum sl_pin_hook hook = 0; hook < SL_PIN_HOOKS; hook++) {
		size_t length = strlen(hook_names[hook]);

		if (strncmp(name, hook_names[hook], length) != 0 || name[length] != '_' ||
		    parse_ifindex(&ifindex, name + length + 1))
			continue;
		*ret_hook = hook;
		*ret_ifindex = ifindex;
		return 0;
	}
	return -EINVAL;
}

static int make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int failed;

		*slash = '\0';
		failed = mkdir(path, 0700) && errno != EEXIST;
		*slash = '/';
		if (failed)
			return -errno;
	}
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

/* A look before mkdir: else the folders would be made on whatever is mounted there. */
static int check_bpffs(const char *path)
{
	char parent[SL_PIN_PATH_BYTES];
	struct statfs fs;

	(void)snprintf(parent, sizeof(parent), "%s", path);
	while (statfs(parent, &fs)) {
		char *slash = strrchr(parent, '/');

		if (errno != ENOENT)
			return -errno;
		if (!slash || slash == parent)
			return -ENOTSUP;
		*slash = '\0';
	}
	return (unsigned long)fs.f_type == BPF_FS_MAGIC ? 0 : -ENOTSUP;
}

int sl_pin_make_dir(const char *path, struct sl_dp_error *error)
{
	char copy[SL_PIN_PATH_BYTES];
	int r = check_bpffs(path);

	if (r == -ENOTSUP)
		return sl_dp_fail(error, r,
				  "%s is not on a bpf file system: mount one there "
				  "(mount -t bpf bpf /sys/fs/bpf)",
				  path);
	(void)snprintf(copy, sizeof(copy), "%s", path);
	if (!r)
		r = make_parents(copy);
	if (r)
		return sl_dp_fail(error, r, "cannot make the folder %s: %s", path, strerror(-r));
	return 0;
}

int sl_pin_replace(int fd, const char *path, struct sl_dp_error *error)
{
	struct sl_pin_path aside;
	int r;

	if (snprintf(aside.text, sizeof(aside.text), "%s_new", path) >= (int)sizeof(aside.text))
		return sl_dp_fail(error, -ENAMETOOLONG, "the pin path %.100s... is too long", path);
	(void)unlink(aside.text);
	r = bpf_obj_pin(fd, aside.text);
	if (!r && rename(aside.text, path)) {
		r = -errno;
		(void)unlink(aside.text);
	}
	if (r)
		return sl_dp_fail(error, r, "cannot pin %s: %s", path, strerror(-r));
	return 0;
}

static void closedir_p(DIR **folder)
{
	if (*folder)
		(void)closedir(*folder);
}

static int remove_tree(const char *path, int depth);

static int remove_entry(const char *path, int folder_fd, const char *name, int depth)
{
	struct stat st;

	if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return depth < TREE_DEPTH_MAX ? remove_tree(path, depth + 1) : -ELOOP;
	return unlink(path) ? -errno : 0;
}

static int remove_tree(const char *path, int depth)
{
	sl_cleanup(closedir_p) DIR *folder = opendir(path);
	const struct dirent *entry;
	int first = 0;

	if (!folder)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(folder))) {
		struct sl_pin_path at;
		int r;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		r = remove_entry(sl_pin_child(&at, path, entry->d_name), dirfd(folder),
				 entry->d_name, depth);
		if (r && !first)
			first = r;
	}
	if (rmdir(path) && !first)
		first = -errno;
	return first;
}

int sl_pin_remove_tree(const char *path, struct sl_dp_error *error)
{
	int r = remove_tree(path, 0);

	if (r)
		return sl_dp_fail(error, r, "cannot remove the pins in %s: %s", path, strerror(-r));
	return 0;
}
