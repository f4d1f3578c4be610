// SPDX-License-Identifier: Apache-2.0
/*
 * Folders of a migration. The order, and where a crash leaves us:
 *   1. v1_new is filled            v1 is complete, v1_new is dropped by the next start
 *   2. v1 <-> v1_new exchanged     v1 is complete; v1_new (the old maps) holds the links
 *   3. v1_new/links -> v1/links    v1 is complete with its links
 *   4. v1_new removed
 * Without an old v1 the second step is a plain rename.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/dataplane/loader_private.h"

const char *sl_migrate_root(struct sl_pin_path *ret, const char *pin_dir)
{
	(void)snprintf(ret->text, sizeof(ret->text), "%s/v%u_new", pin_dir, SL_ABI_VERSION);
	return ret->text;
}

static bool exists(const char *root, const char *name)
{
	struct sl_pin_path path;

	return !access(*name ? sl_pin_child(&path, root, name) : root, F_OK);
}

static int move_links(const char *to_root, const char *from_root, struct sl_dp_error *error)
{
	struct sl_pin_path to, from;

	if (!exists(from_root, "links") || exists(to_root, "links"))
		return 0;
	(void)sl_pin_child(&to, to_root, "links");
	(void)sl_pin_child(&from, from_root, "links");
	if (rename(from.text, to.text))
		return sl_dp_fail(error, -errno, "cannot move %s: %s", from.text, strerror(errno));
	return 0;
}

int sl_migrate_recover(const char *pin_dir, struct sl_dp_error *error)
{
	struct sl_pin_path made, root;
	int r = 0;

	(void)sl_migrate_root(&made, pin_dir);
	(void)sl_pin_root(&root, pin_dir);
	if (!exists(made.text, ""))
		return 0;
	if (exists(root.text, sl_map_name(SL_MAP_CTL)))
		r = move_links(root.text, made.text, error);
	return r ? r : sl_pin_remove_tree(made.text, error);
}

static void closedir_p(DIR **folder)
{
	if (*folder)
		(void)closedir(*folder);
}

/* "v7" -> 7; 0 when it is not the name of a version's folder. */
static unsigned version_of(const char *name)
{
	unsigned long version;
	char *end;

	if (name[0] != 'v' || !isdigit((unsigned char)name[1]))
		return 0;
	version = strtoul(name + 1, &end, 10);
	return *end || version > 0xffff ? 0 : (unsigned)version;
}

int sl_migrate_find_foreign(struct sl_pin_path *ret_root, unsigned *ret_version,
			    const char *pin_dir)
{
	sl_cleanup(closedir_p) DIR *folder = opendir(pin_dir);
	const struct dirent *entry;
	struct sl_pin_path root;

	if (!folder)
		return -errno;
	while ((entry = readdir(folder))) {
		unsigned version = version_of(entry->d_name);

		(void)sl_pin_child(&root, pin_dir, entry->d_name);
		if (!version || version == SL_ABI_VERSION ||
		    !exists(root.text, sl_map_name(SL_MAP_CTL)))
			continue;
		*ret_root = root;
		*ret_version = version;
		return 0;
	}
	return -ENOENT;
}

static int put_in_place(const char *made, const char *root, struct sl_dp_error *error)
{
	if (!exists(root, "")) {
		if (rename(made, root))
			return sl_dp_fail(error, -errno, "cannot rename %s: %s", made,
					  strerror(errno));
		return 0;
	}
	if (renameat2(AT_FDCWD, made, AT_FDCWD, root, RENAME_EXCHANGE))
		return sl_dp_fail(error, -errno,
				  "cannot exchange %s and %s: %s (a migration needs Linux 5.16)",
				  made, root, strerror(errno));
	return 0;
}

int sl_migrate_publish(const char *pin_dir, const char *old_root, struct sl_dp_error *error)
{
	struct sl_pin_path made, root;
	int r;

	(void)sl_migrate_root(&made, pin_dir);
	(void)sl_pin_root(&root, pin_dir);
	r = put_in_place(made.text, root.text, error);
	if (!r && old_root && !strcmp(old_root, root.text))
		old_root = made.text;
	if (!r && old_root)
		r = move_links(root.text, old_root, error);
	if (!r && old_root)
		r = sl_pin_remove_tree(old_root, error);
	/* An incomplete v1 without maps, of whatever origin, was exchanged to here. */
	return r ? r : sl_pin_remove_tree(made.text, error);
}
