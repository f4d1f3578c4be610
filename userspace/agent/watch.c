// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/watch.h"

#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_ONLYDIR)

struct sl_watch {
	int fd;
	int number; /* of the folder's watch, -1: none */
	struct event *readable;
	struct event *quiet;
	char path[PATH_MAX];
	char folder[PATH_MAX];
	const char *name; /* in path */
	void (*function)(void *context);
	void *context;
};

static void later(struct sl_watch *watch)
{
	const struct timeval quiet = { .tv_usec = SL_WATCH_QUIET_MS * 1000 };

	(void)event_add(watch->quiet, &quiet);
}

/* A new link is complete at once; a new file is not until it is closed. */
static bool is_link(const struct sl_watch *watch)
{
	struct stat st;

	return lstat(watch->path, &st) == 0 && S_ISLNK(st.st_mode);
}

static void look_at(struct sl_watch *watch, const struct inotify_event *event)
{
	bool ours = event->len && strcmp(event->name, watch->name) == 0;
	bool swapped = event->len && strcmp(event->name, "..data") == 0;

	if (event->mask & IN_IGNORED) {
		if (event->wd == watch->number)
			watch->number = -1;
		return;
	}
	if (ours && (event->mask & IN_CREATE) && !is_link(watch))
		return;
	if (ours || swapped || (event->mask & IN_Q_OVERFLOW))
		later(watch);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char bytes[16384];
	struct sl_watch *watch = arg;
	ssize_t got = read(fd, bytes, sizeof(bytes));
	size_t at = 0;

	(void)what;
	/* The kernel writes whole events only. */
	while (got > 0 && at + sizeof(struct inotify_event) <= (size_t)got) {
		struct inotify_event event;

		memcpy(&event, bytes + at, sizeof(event));
		look_at(watch, (const struct inotify_event *)(const void *)(bytes + at));
		at += sizeof(event) + event.len;
	}
}

static void on_quiet(evutil_socket_t fd, short what, void *arg)
{
	struct sl_watch *watch = arg;

	(void)fd;
	(void)what;
	watch->function(watch->context);
}

/* @path is shorter than PATH_MAX. */
static void split_path(struct sl_watch *watch, const char *path)
{
	const char *slash = strrchr(path, '/');

	memcpy(watch->path, path, strlen(path) + 1);
	watch->name = slash ? watch->path + (slash - path) + 1 : watch->path;
	if (slash == path)
		watch->folder[0] = '/';
	else if (slash)
		memcpy(watch->folder, path, (size_t)(slash - path));
	else
		watch->folder[0] = '.';
}

int sl_watch_new(struct sl_watch **ret, struct event_base *base, const char *path,
		 void (*function)(void *context), void *context)
{
	struct sl_watch *watch;
	int err;

	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	split_path(watch, path);
	watch->function = function;
	watch->context = context;
	watch->number = -1;
	watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	err = watch->fd < 0 ? -errno : 0;
	if (!err) {
		watch->number = inotify_add_watch(watch->fd, watch->folder, EVENTS);
		err = watch->number < 0 ? -errno : 0;
	}
	if (!err) {
		watch->readable =
			event_new(base, watch->fd, EV_READ | EV_PERSIST, on_readable, watch);
		watch->quiet = event_new(base, -1, 0, on_quiet, watch);
		if (!watch->readable || !watch->quiet || event_add(watch->readable, NULL) != 0)
			err = -ENOMEM;
	}
	if (err) {
		sl_watch_free(watch);
		return err;
	}
	*ret = watch;
	return 0;
}

void sl_watch_free(struct sl_watch *watch)
{
	if (!watch)
		return;
	if (watch->readable)
		event_free(watch->readable);
	if (watch->quiet)
		event_free(watch->quiet);
	if (watch->fd >= 0)
		(void)close(watch->fd);
	free(watch);
}

void sl_watch_renew(struct sl_watch *watch)
{
	if (watch->number >= 0)
		return;
	watch->number = inotify_add_watch(watch->fd, watch->folder, EVENTS);
	if (watch->number >= 0)
		later(watch); /* it came with a file that nobody saw being written */
}
