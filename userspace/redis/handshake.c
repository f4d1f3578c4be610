// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/redis/redis_private.h"
#include "userspace/redis/wire.h"

#define ARGUMENTS_MAX 6

/* Sends a command of the client's own; its answer goes to the step. */
static int send_own(struct sl_redis_node *node, size_t argc, const char *const *argv,
		    size_t last_length)
{
	sl_autofree char *wire = NULL;
	size_t lens[ARGUMENTS_MAX];
	size_t length;
	int err;

	for (size_t i = 0; i < argc; i++)
		lens[i] = i + 1 == argc && last_length ? last_length : strlen(argv[i]);
	length = sl_redis_wire_length(argc, lens);
	wire = calloc(1, length + 1);
	if (!wire)
		return -ENOMEM;
	sl_redis_wire_write(wire, argc, argv, lens);
	err = sl_redis_link_send(node->link, wire, length, NULL);
	explicit_bzero(wire, length);
	return err;
}

/* ---- who we are -------------------------------------------------------------------------------
 */

static const char *user_of(const struct sl_redis_node *node)
{
	const struct sl_redis_settings *settings = &node->redis->settings;

	return node->is_sentinel ? settings->sentinel_user : settings->user;
}

static const char *password_file_of(const struct sl_redis_node *node)
{
	const struct sl_redis_settings *settings = &node->redis->settings;

	return node->is_sentinel ? settings->sentinel_password_file : settings->password_file;
}

static int read_password(char ret[SL_REDIS_PASSWORD_BYTES], const char *path)
{
	sl_autofclose FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	(void)setvbuf(file, NULL, _IONBF, 0); /* no copy stays behind */
	if (!fgets(ret, SL_REDIS_PASSWORD_BYTES, file))
		return -ENODATA;
	ret[strcspn(ret, "\r\n")] = '\0';
	return ret[0] ? 0 : -ENODATA;
}

/* Of servers it may be in memory; of sentinels it is in a file. */
static const char *password_of(const struct sl_redis_node *node)
{
	return node->is_sentinel ? NULL : node->redis->settings.password;
}

static int find_password(char ret[SL_REDIS_PASSWORD_BYTES], const struct sl_redis_node *node)
{
	if (!password_of(node))
		return read_password(ret, password_file_of(node));
	(void)snprintf(ret, SL_REDIS_PASSWORD_BYTES, "%s", password_of(node));
	return 0;
}

static int send_auth(struct sl_redis_node *node)
{
	char password[SL_REDIS_PASSWORD_BYTES] = "";
	const char *argv[3] = { "AUTH" };
	size_t argc = 1;
	int err = find_password(password, node);

	if (!err) {
		if (user_of(node))
			argv[argc++] = user_of(node);
		argv[argc++] = password;
		err = send_own(node, argc, argv, 0);
	}
	explicit_bzero(password, sizeof(password));
	return err;
}

/* ---- the steps
 * ----------------------------------------------------------------------------------- */

/* Of several servers one is the master, and sentinels may be the last to know. */
static bool role_matters(const struct sl_redis_node *node)
{
	const struct sl_redis_settings *settings = &node->redis->settings;

	return !node->is_sentinel &&
	       (settings->mode == SL_REDIS_SENTINEL ||
		(settings->mode == SL_REDIS_STANDALONE && settings->address_count > 1));
}

static bool is_needed(const struct sl_redis_node *node, enum sl_redis_step step)
{
	switch (step) {
	case SL_REDIS_STEP_AUTH:
		return password_file_of(node) || password_of(node);
	case SL_REDIS_STEP_SELECT:
		return !node->is_sentinel && node->redis->settings.database;
	case SL_REDIS_STEP_ROLE:
		return true;
	case SL_REDIS_STEP_LIBRARY:
		return !node->is_sentinel && node->redis->library.code;
	case SL_REDIS_STEP_READY:
		return true;
	case SL_REDIS_STEP_IDLE:
	case SL_REDIS_STEP_CONNECT:
	case SL_REDIS_STEP_LOAD:
	case SL_REDIS_STEP_LEAVE:
		break;
	}
	return false;
}

static int send_step(struct sl_redis_node *node)
{
	const struct sl_redis_library *library = &node->redis->library;
	char number[16];

	switch (node->step) {
	case SL_REDIS_STEP_AUTH:
		return send_auth(node);
	case SL_REDIS_STEP_SELECT:
		(void)snprintf(number, sizeof(number), "%u", node->redis->settings.database);
		return send_own(node, 2, (const char *const[]){ "SELECT", number }, 0);
	case SL_REDIS_STEP_ROLE:
		return send_own(node, 1,
				(const char *const[]){ role_matters(node) ? "ROLE" : "PING" }, 0);
	case SL_REDIS_STEP_LIBRARY:
		return send_own(node, 5,
				(const char *const[]){ "FUNCTION", "LIST", "LIBRARYNAME",
						       library->name, "WITHCODE" },
				0);
	case SL_REDIS_STEP_LOAD:
		return send_own(
			node, 4,
			(const char *const[]){ "FUNCTION", "LOAD", "REPLACE", library->code },
			library->length);
	case SL_REDIS_STEP_IDLE:
	case SL_REDIS_STEP_CONNECT:
	case SL_REDIS_STEP_READY:
	case SL_REDIS_STEP_LEAVE:
		break;
	}
	return -EINVAL;
}

static void enter(struct sl_redis_node *node, enum sl_redis_step step)
{
	int err;

	/* Only what the library's answer was decides about loading it. */
	if (step != SL_REDIS_STEP_LOAD)
		while (!is_needed(node, step))
			step++;
	if (step == SL_REDIS_STEP_READY) {
		sl_redis_node_ready(node);
		return;
	}
	node->step = step;
	err = send_step(node);
	/* Its timer, which runs, ends it; from here hiredis may not be freed. */
	if (err) {
		node->refused = step == SL_REDIS_STEP_AUTH;
		sl_redis_set_error(node->redis, "%s: %s",
				   node->refused ? password_file_of(node) : "send", strerror(-err));
		sl_redis_node_set_timer(node, 0);
	}
}

void sl_redis_handshake_begin(struct sl_redis_node *node)
{
	enter(node, SL_REDIS_STEP_AUTH);
}

void sl_redis_handshake_library(struct sl_redis_node *node)
{
	if (node->step != SL_REDIS_STEP_READY || !node->redis->library.code)
		return;
	sl_redis_node_set_timer(node, node->redis->settings.connect_timeout_ns);
	enter(node, SL_REDIS_STEP_LIBRARY);
	sl_redis_update_state(node->redis);
}

/* ---- the answers
 * ------------------------------------------------------------------------------------ */

static void fail(struct sl_redis_node *node, const struct sl_redis_reply *reply)
{
	const enum sl_redis_error error = reply->type == SL_REDIS_ERROR
						  ? sl_redis_error_of(reply->text)
						  : SL_REDIS_ERROR_OTHER;
	char reason[128] = "not what was asked";

	if (reply->type == SL_REDIS_ERROR)
		(void)snprintf(reason, sizeof(reason), "%.*s",
			       (int)(reply->text.length < 120 ? reply->text.length : 120),
			       reply->text.at);
	node->redis->stats.loading_total += error == SL_REDIS_ERROR_LOADING;
	node->redis->stats.denied_total += error == SL_REDIS_ERROR_DENIED;
	node->refused = error == SL_REDIS_ERROR_DENIED;
	sl_redis_node_fail(node, reason);
}

/* Calls go there all the same: somebody else may have loaded what they need. */
static void give_up_library(struct sl_redis_node *node, const struct sl_redis_reply *reply)
{
	const struct sl_span text =
		reply->type == SL_REDIS_ERROR ? reply->text : SL_SPAN("not what was asked");

	node->redis->stats.library_load_failures_total++;
	sl_redis_set_error(node->redis, "library %s: %.*s", node->redis->library.name,
			   (int)(text.length < 150 ? text.length : 150), text.at);
	enter(node, SL_REDIS_STEP_READY);
}

static void role_known(struct sl_redis_node *node, const struct sl_redis_reply *reply)
{
	if (role_matters(node) && !sl_span_is(sl_redis_item(reply, 0)->text, "master"))
		sl_redis_node_fail(node, "it is no master");
	else
		enter(node, SL_REDIS_STEP_LIBRARY);
}

static void library_known(struct sl_redis_node *node, const struct sl_redis_reply *reply)
{
	const struct sl_redis_library *library = &node->redis->library;
	enum sl_redis_library_state state = SL_REDIS_LIBRARY_MISSING;

	if (sl_redis_library_compare(&state, reply, library->name,
				     (struct sl_span){ library->code, library->length })) {
		give_up_library(node, reply);
		return;
	}
	node->redis->stats.library_newer_total += state == SL_REDIS_LIBRARY_NEWER;
	enter(node, state < SL_REDIS_LIBRARY_SAME ? SL_REDIS_STEP_LOAD : SL_REDIS_STEP_READY);
}

void sl_redis_handshake_answered(struct sl_redis_node *node, const struct sl_redis_reply *reply)
{
	const bool is_error = reply->type == SL_REDIS_ERROR;

	switch (node->step) {
	case SL_REDIS_STEP_AUTH:
	case SL_REDIS_STEP_SELECT:
		if (is_error)
			fail(node, reply);
		else
			enter(node, node->step + 1);
		return;
	case SL_REDIS_STEP_ROLE:
		if (is_error)
			fail(node, reply);
		else
			role_known(node, reply);
		return;
	case SL_REDIS_STEP_LIBRARY:
		library_known(node, reply);
		return;
	case SL_REDIS_STEP_LOAD:
		if (is_error) {
			give_up_library(node, reply);
			return;
		}
		node->redis->stats.library_loads_total++;
		enter(node, SL_REDIS_STEP_READY);
		return;
	case SL_REDIS_STEP_IDLE:
	case SL_REDIS_STEP_CONNECT:
	case SL_REDIS_STEP_READY:
	case SL_REDIS_STEP_LEAVE:
		return;
	}
}
