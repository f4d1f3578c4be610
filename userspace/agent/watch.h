/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says when the configuration file was written. It watches the folder, since
 * editors, package managers and Kubernetes replace files rather than write them:
 * by a rename over the file, or by a rename of the "..data" link beside it. A file
 * that is only being written is left alone until its writer closes it.
 *
 * Owner:  sl_watch_free().
 * Thread: the one that runs the event base.
 */
#pragma once

struct event_base;
struct sl_watch;

#define SL_WATCH_QUIET_MS 100 /* this long after the last change */

/* -errno of inotify; the folder of @path must exist. */
int sl_watch_new(struct sl_watch **ret, struct event_base *base, const char *path,
		 void (*function)(void *context), void *context);
void sl_watch_free(struct sl_watch *watch);

/* Watches again when the folder had been removed and is back; cheap when it is not. */
void sl_watch_renew(struct sl_watch *watch);
