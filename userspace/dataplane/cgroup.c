// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/cgroup.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/pins.h"

/* mountinfo writes space, tab, newline and backslash as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 +
				       (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* The mount point of a line of mountinfo, when its type is cgroup2; else NULL. */
static char *cgroup2_mount_point(char *line)
{
	char *rest = strstr(line, " - ");
	char *field = NULL;

	if (!rest || strncmp(rest + 3, "cgroup2 ", 8) != 0)
		return NULL;
	*rest = '\0';
	for (int i = 0; i < 5; i++) {
		field = strsep(&line, " ");
		if (!field)
			return NULL;
	}
	unescape(field);
	return field;
}

static int find_mount(char *ret, size_t size)
{
	sl_autofclose FILE *file = fopen("/proc/self/mountinfo", "re");
	sl_autofree char *line = NULL;
	size_t room = 0;

	if (!file)
		return -errno;
	while (getline(&line, &room, file) > 0) {
		const char *point = cgroup2_mount_point(line);

		if (!point)
			continue;
		return snprintf(ret, size, "%s", point) < (int)size ? 0 : -ENAMETOOLONG;
	}
	return -ENOENT;
}

int sl_cgroup_mount(char *ret, size_t size, const char *wanted, struct sl_dp_error *error)
{
	struct statfs fs;
	int r;

	if (!*wanted) {
		r = find_mount(ret, size);
		if (r)
			return sl_dp_fail(error, r, "no cgroup2 is mounted here");
		return 0;
	}
	if (statfs(wanted, &fs))
		return sl_dp_fail(error, -errno, "cannot look at %s: %s", wanted, strerror(errno));
	if ((unsigned long)fs.f_type != CGROUP2_SUPER_MAGIC)
		return sl_dp_fail(error, -ENOTSUP, "%s is not on a cgroup2 file system", wanted);
	return snprintf(ret, size, "%s", wanted) < (int)size ? 0 : -ENAMETOOLONG;
}

int sl_cgroup_id(uint64_t *ret, const char *mount, const char *path)
{
	struct sl_pin_path at;
	struct stat st;

	if (!*sl_pin_child(&at, mount, path))
		return -ENAMETOOLONG;
	if (stat(at.text, &st))
		return -errno;
	/* On a 64-bit kernel the inode number is the id that bpf_skb_cgroup_id() gives. */
	*ret = st.st_ino;
	return 0;
}
