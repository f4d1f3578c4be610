// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/state.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/agent/override_json.h"
#include "userspace/base/cleanup.h"
#include "userspace/domain/text_error.h"

#define STATE_VERSION 1

struct path {
	char text[PATH_MAX];
};

static const char *in_folder(struct path *path, const char *folder, const char *suffix)
{
	(void)snprintf(path->text, sizeof(path->text), "%s/" SL_STATE_FILE "%s", folder, suffix);
	return path->text;
}

static int parse_items(struct sl_overrides *ret, const json_t *list, struct sl_text_error *error)
{
	const size_t count = json_array_size(list);

	for (size_t i = 0; i < count; i++) {
		struct sl_text_error inner = { .message = "" };
		struct sl_override item;
		int err = sl_override_from_json(&item, json_array_get(list, i), &inner);

		if (!err)
			err = sl_overrides_set(ret, &item, &inner);
		if (err == -ENOMEM)
			return err;
		if (err)
			return sl_text_refuse(error, -EINVAL, "overrides[%zu]: %.200s", i,
					      inner.message);
	}
	return 0;
}

static int parse_root(struct sl_overrides *ret, const json_t *root, struct sl_text_error *error)
{
	const json_t *list = json_object_get(root, "overrides");

	if (json_integer_value(json_object_get(root, "version")) != STATE_VERSION)
		return sl_text_refuse(error, -EINVAL, "its version is not %d", STATE_VERSION);
	if (!json_is_array(list))
		return sl_text_refuse(error, -EINVAL, "needs \"overrides\", a list");
	return parse_items(ret, list, error);
}

int sl_state_parse(struct sl_overrides *ret, const char *bytes, size_t length,
		   struct sl_text_error *error)
{
	struct sl_overrides overrides = { .count = 0 };
	json_error_t json_error;
	json_t *root;
	int err;

	if (length > SL_STATE_BYTES_MAX)
		return sl_text_refuse(error, -EINVAL, "larger than %u bytes", SL_STATE_BYTES_MAX);
	root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &json_error);
	if (!root)
		return sl_text_refuse(error, -EINVAL, "not JSON: %.159s", json_error.text);
	err = parse_root(&overrides, root, error);
	json_decref(root);
	if (err)
		sl_overrides_release(&overrides);
	else
		*ret = overrides;
	return err;
}

/* The whole file; the caller frees *ret. One byte too many says that it is too large. */
static int read_file(char **ret, size_t *ret_length, const char *path)
{
	sl_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	sl_autofree char *bytes = NULL;
	size_t length = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	bytes = malloc(SL_STATE_BYTES_MAX + 1);
	if (!bytes)
		return -ENOMEM;
	while (length <= SL_STATE_BYTES_MAX) {
		got = read(fd, bytes + length, SL_STATE_BYTES_MAX + 1 - length);
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	*ret = SL_TAKE_PTR(bytes);
	*ret_length = length;
	return 0;
}

int sl_state_load(struct sl_overrides *ret, const char *state_dir, struct sl_text_error *error)
{
	struct sl_text_error inner = { .message = "" };
	sl_autofree char *bytes = NULL;
	struct path file = { .text = "" }, bad = { .text = "" };
	size_t length = 0;
	int err = read_file(&bytes, &length, in_folder(&file, state_dir, ""));

	if (err == -ENOENT)
		return 0;
	if (err)
		return sl_text_refuse(error, err, "%.120s: %s", file.text, strerror(-err));
	err = sl_state_parse(ret, bytes, length, &inner);
	if (err != -EINVAL)
		return err;
	if (rename(file.text, in_folder(&bad, state_dir, ".bad")) != 0)
		return sl_text_refuse(error, err,
				      "%.80s makes no sense and cannot be moved: %.120s", file.text,
				      inner.message);
	return sl_text_refuse(error, err, "%.80s makes no sense, moved to .bad: %.120s", file.text,
			      inner.message);
}

static char *format(const struct sl_overrides *overrides)
{
	json_t *root = json_object(), *list = json_array();
	char *text = NULL;
	int err = json_object_set_new(root, "version", json_integer(STATE_VERSION));

	for (size_t i = 0; i < overrides->count; i++)
		err |= json_array_append_new(list, sl_override_to_json(&overrides->at[i]));
	err |= json_object_set_new(root, "overrides", list);
	if (!err)
		text = json_dumps(root, JSON_INDENT(1));
	json_decref(root);
	return text;
}

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t put = write(fd, bytes, length);

		if (put < 0)
			return -errno;
		bytes += put;
		length -= (size_t)put;
	}
	return 0;
}

static int write_file(const char *path, const char *text)
{
	sl_autoclose int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, text, strlen(text));
	if (!err)
		err = write_all(fd, "\n", 1);
	if (!err && fsync(fd) != 0)
		err = -errno;
	return err;
}

/* The rename itself must reach the disk, too. */
static int sync_folder(const char *path)
{
	sl_autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) != 0 ? -errno : 0;
}

int sl_state_save(const char *state_dir, const struct sl_overrides *overrides,
		  struct sl_text_error *error)
{
	sl_autofree char *text = format(overrides);
	struct path fresh = { .text = "" }, file = { .text = "" };
	int err;

	if (!text)
		return sl_text_refuse(error, -ENOMEM, "out of memory");
	if (mkdir(state_dir, 0700) != 0 && errno != EEXIST)
		return sl_text_refuse(error, -errno, "%.120s: %s", state_dir, strerror(errno));
	err = write_file(in_folder(&fresh, state_dir, ".new"), text);
	if (!err && rename(fresh.text, in_folder(&file, state_dir, "")) != 0)
		err = -errno;
	if (!err)
		err = sync_folder(state_dir);
	return err ? sl_text_refuse(error, err, "%.120s: %s", fresh.text, strerror(-err)) : 0;
}
