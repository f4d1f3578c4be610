// SPDX-License-Identifier: Apache-2.0
#include "userspace/dataplane/uninstall.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/dataplane/attach.h"
#include "userspace/dataplane/pins.h"
#include "userspace/dataplane/sync.h"

struct work {
	const char *pin_dir;
	struct sl_dp_error *error;
	int first; /* the first failure; its message is kept */
	size_t detached;
};

static void note(struct work *work, int r)
{
	if (r && !work->first)
		work->first = r;
}

static struct sl_dp_error *error_of(const struct work *work)
{
	return work->first ? NULL : work->error;
}

static size_t hooks_of(const struct sl_attach_report *report)
{
	return (size_t)(report->xdp.how != SL_ATTACHED_NOT) +
	       (report->tc_ingress.how != SL_ATTACHED_NOT) +
	       (report->tc_egress.how != SL_ATTACHED_NOT);
}

static void detach_all(struct work *work)
{
	sl_autofree struct sl_attach_report *reports = NULL;
	struct sl_attachment sockets = { 0 };
	size_t count = 0;
	int r = sl_attach_list(&reports, &count, &sockets, work->pin_dir, error_of(work));

	note(work, r);
	for (size_t i = 0; !r && i < count; i++) {
		int failed = sl_detach_interface(work->pin_dir, reports[i].ifindex, error_of(work));

		note(work, failed);
		if (!failed)
			work->detached += hooks_of(&reports[i]);
	}
	if (!r && sockets.how != SL_ATTACHED_NOT) {
		int failed = sl_detach_sockets(work->pin_dir, error_of(work));

		note(work, failed);
		work->detached += !failed;
	}
}

static void closedir_p(DIR **folder)
{
	if (*folder)
		(void)closedir(*folder);
}

/* v1, v1_new, v2: folders of versions, and of migrations that did not end. */
static void remove_versions(struct work *work)
{
	sl_cleanup(closedir_p) DIR *folder = opendir(work->pin_dir);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		struct sl_pin_path path;

		if (entry->d_name[0] != 'v' || entry->d_name[1] < '0' || entry->d_name[1] > '9')
			continue;
		note(work, sl_pin_remove_tree(sl_pin_child(&path, work->pin_dir, entry->d_name),
					      error_of(work)));
	}
}

int sl_uninstall(size_t *ret_detached, const char *pin_dir, struct sl_dp_error *error)
{
	struct work work = { .pin_dir = pin_dir, .error = error };
	sl_autoclose int lock = -1;
	int r;

	if (access(pin_dir, F_OK)) {
		if (ret_detached)
			*ret_detached = 0;
		return 0;
	}
	r = sl_sync_lock(&lock, pin_dir, error);
	if (r)
		return r;
	detach_all(&work);
	/* With a program still attached, its pins are the way to find it. */
	if (!work.first)
		remove_versions(&work);
	if (!work.first)
		(void)rmdir(pin_dir);
	if (!work.first && ret_detached)
		*ret_detached = work.detached;
	return work.first;
}
