// SPDX-License-Identifier: Apache-2.0
#include "userspace/conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/conf/read.h"

_Static_assert(offsetof(struct sl_conf_draft, config) == 0,
	       "conf: sl_config_free() of the config frees the draft");

static void draft_freep(struct sl_conf_draft **draft)
{
	if (*draft)
		sl_config_free(&(*draft)->config);
}

static void tree_freep(struct sl_tree **tree)
{
	sl_tree_free(*tree);
}

int sl_conf_parse(struct sl_config **ret, const char *name, const void *text, size_t length,
		  struct sl_conf_error *error)
{
	sl_cleanup(draft_freep) struct sl_conf_draft *draft = NULL;
	sl_cleanup(tree_freep) struct sl_tree *tree = NULL;
	struct sl_conf_context ctx = { .name = name, .error = error };
	struct sl_tree_error where = { 0 };
	int err;

	err = sl_tree_parse(&tree, text, length, &where);
	if (err && err != -ENOMEM)
		(void)snprintf(error->message, sizeof(error->message), "%.128s:%u:%u: %s", name,
			       where.line, where.column, where.message);
	if (!err) {
		draft = calloc(1, sizeof(*draft));
		ctx.draft = draft;
		err = draft ? sl_conf_read(&ctx, sl_tree_root(tree)) : -ENOMEM;
	}
	if (!err)
		err = sl_conf_check(&ctx, sl_tree_root(tree));
	if (err == -ENOMEM)
		(void)snprintf(error->message, sizeof(error->message), "%.128s: out of memory",
			       name);
	if (err)
		return err;
	*ret = &SL_TAKE_PTR(draft)->config;
	return 0;
}

static int fail_file(struct sl_conf_error *error, const char *path, int code, const char *why)
{
	(void)snprintf(error->message, sizeof(error->message), "%.256s: cannot be read: %s", path,
		       why);
	return code;
}

/* All of @fd, up to one byte more than is allowed. */
static int read_all(char **ret_text, size_t *ret_length, int fd)
{
	const size_t room = SL_TREE_BYTES_MAX + 1;
	sl_autofree char *text = malloc(room);
	size_t length = 0;

	if (!text)
		return -ENOMEM;
	while (length < room) {
		ssize_t got = read(fd, text + length, room - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	*ret_text = SL_TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

int sl_conf_load(struct sl_config **ret, const char *path, struct sl_conf_error *error)
{
	/* A pipe or a device must not hang the agent. */
	sl_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	sl_autofree char *text = NULL;
	struct stat st;
	size_t length = 0;
	int err;

	if (fd < 0 || fstat(fd, &st)) {
		err = -errno;
		return fail_file(error, path, err, strerrordesc_np(-err));
	}
	if (!S_ISREG(st.st_mode))
		return fail_file(error, path, -EINVAL, "it is not a regular file");
	err = read_all(&text, &length, fd);
	if (err)
		return fail_file(error, path, err, strerrordesc_np(-err));
	return sl_conf_parse(ret, path, text, length, error);
}
