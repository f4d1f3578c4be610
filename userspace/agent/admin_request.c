// SPDX-License-Identifier: Apache-2.0
/*
 * A table says which keys a command takes and which it needs; a function for
 * each key reads its value with the parsers of text.h, as the configuration does.
 */
#include "userspace/agent/admin_request.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "userspace/agent/admin_limits.h"
#include "userspace/agent/admin_quota.h"
#include "userspace/base/cleanup.h"
#include "userspace/domain/request_rows.h"
#include "userspace/domain/text_error.h"

enum key {
	KEY_TENANT = 0x1,
	KEY_FOR = 0x2,
	KEY_PREFIX = 0x4,
	KEY_MODE = 0x8,
	KEY_PERMILLE = 0x10,
	KEY_PROTOCOL = 0x20,
	KEY_REMOTE = 0x40,
	KEY_LOCAL = 0x80,
	KEY_REMOTE_PORT = 0x100,
	KEY_LOCAL_PORT = 0x200,
	KEY_SET = 0x400,
	KEY_LIMIT = 0x800,
	KEY_RATE = 0x1000,
	KEY_BY = 0x2000,
	KEY_NODE = 0x4000,
};

#define KEYS_FLOW (KEY_PROTOCOL | KEY_REMOTE | KEY_LOCAL | KEY_REMOTE_PORT | KEY_LOCAL_PORT)

static const struct {
	const char *name;
	unsigned int needs; /* enum key */
	unsigned int may;   /* beside them */
} commands[] = {
	[SL_ADMIN_PING] = { "ping", 0, 0 },
	[SL_ADMIN_STATUS] = { "status", 0, 0 },
	[SL_ADMIN_RELOAD] = { "reload", 0, 0 },
	[SL_ADMIN_LIMIT_SET] = { "limit.set", KEY_TENANT | KEY_SET, KEY_FOR },
	[SL_ADMIN_LIMIT_CLEAR] = { "limit.clear", KEY_TENANT, 0 },
	[SL_ADMIN_LIMIT_LIST] = { "limit.list", 0, 0 },
	[SL_ADMIN_BLOCK_ADD] = { "block.add", KEY_PREFIX, KEY_FOR },
	[SL_ADMIN_BLOCK_DEL] = { "block.del", KEY_PREFIX, 0 },
	[SL_ADMIN_MODE_SET] = { "mode.set", KEY_MODE, KEY_TENANT | KEY_FOR },
	[SL_ADMIN_MODE_CLEAR] = { "mode.clear", 0, KEY_TENANT },
	[SL_ADMIN_SHED_SET] = { "shed.set", KEY_TENANT | KEY_PERMILLE | KEY_FOR, 0 },
	[SL_ADMIN_PRESSURE] = { "pressure", 0, 0 },
	[SL_ADMIN_QUOTA] = { "quota", 0, 0 },
	[SL_ADMIN_QUOTA_SHOW] = { "quota.show", 0, KEY_TENANT },
	[SL_ADMIN_QUOTA_EXPLAIN] = { "quota.explain", KEY_TENANT, 0 },
	[SL_ADMIN_QUOTA_SET] = { "quota.set", KEY_TENANT | KEY_LIMIT | KEY_RATE, KEY_FOR },
	[SL_ADMIN_QUOTA_RAISE] = { "quota.raise", KEY_TENANT | KEY_LIMIT | KEY_BY, KEY_FOR },
	[SL_ADMIN_QUOTA_LOWER] = { "quota.lower", KEY_TENANT | KEY_LIMIT | KEY_BY, KEY_FOR },
	[SL_ADMIN_QUOTA_CLEAR] = { "quota.clear", KEY_TENANT | KEY_LIMIT, 0 },
	[SL_ADMIN_QUOTA_DRAIN] = { "quota.drain", 0, KEY_NODE | KEY_FOR },
	[SL_ADMIN_QUOTA_UNDRAIN] = { "quota.undrain", 0, KEY_NODE },
	[SL_ADMIN_FLOW_BIND] = { "flow.bind", KEYS_FLOW | KEY_TENANT, 0 },
	[SL_ADMIN_FLOW_UNBIND] = { "flow.unbind", KEYS_FLOW, 0 },
	[SL_ADMIN_MAPS_FDS] = { "maps.fds", 0, 0 },
	[SL_ADMIN_EVENTS_FOLLOW] = { "events.follow", 0, 0 },
};

_Static_assert(sizeof(commands) / sizeof(commands[0]) == SL_ADMIN_COMMANDS, "a row for each");

const char *sl_admin_command_name(enum sl_admin_command command)
{
	return command < SL_ADMIN_COMMANDS ? commands[command].name : NULL;
}

static int read_tenant(struct sl_admin_request *ret, const char *text, struct sl_text_error *error)
{
	/* Reserved in the configuration, because it names tenant 0: what is meant here. */
	if (strcmp(text, SL_NAME_UNKNOWN) == 0) {
		(void)snprintf(ret->tenant, sizeof(ret->tenant), "%s", text);
		return 0;
	}
	return sl_request_row_parse(ret->tenant, text, error);
}

static int read_for(struct sl_admin_request *ret, const char *text, struct sl_text_error *error)
{
	int err = sl_parse_duration(&ret->for_ns, text, error);

	if (!err && ret->for_ns == SL_DURATION_NEVER && strcmp(text, "never") != 0)
		return sl_text_refuse(error, -ERANGE, "\"%s\" ends at once", text);
	return err;
}

static int read_prefix(struct sl_admin_request *ret, const char *text, struct sl_text_error *error)
{
	return sl_parse_prefix(&ret->prefix, text, error);
}

static int read_mode(struct sl_admin_request *ret, const char *text, struct sl_text_error *error)
{
	int mode = 0, err = sl_parse_choice(&mode, text, sl_choices_mode, error);

	if (!err)
		ret->mode = (enum sl_mode)mode;
	return err;
}

static int read_number(uint64_t *ret, const char *text, uint64_t min, uint64_t max,
		       struct sl_text_error *error)
{
	uint64_t value = 0;
	int err = sl_parse_amount(&value, text, SL_UNIT_COUNT, error);

	if (err)
		return err;
	if (value < min || value > max)
		return sl_text_refuse(error, -ERANGE, "%llu is out of range; allowed: %llu to %llu",
				      (unsigned long long)value, (unsigned long long)min,
				      (unsigned long long)max);
	*ret = value;
	return 0;
}

static int read_permille(struct sl_admin_request *ret, const char *text,
			 struct sl_text_error *error)
{
	uint64_t value = 0;
	int err = read_number(&value, text, 0, 1000, error);

	if (!err)
		ret->permille = (uint32_t)value;
	return err;
}

static int read_protocol(struct sl_admin_request *ret, const char *text,
			 struct sl_text_error *error)
{
	int protocol = 0, err = sl_parse_choice(&protocol, text, sl_choices_protocol, error);

	if (!err && strcmp(text, "tcp") != 0 && strcmp(text, "udp") != 0)
		return sl_text_refuse(error, -ERANGE, "\"%s\" has no ports; allowed: tcp or udp",
				      text);
	if (!err)
		ret->protocol = (uint8_t)protocol;
	return err;
}

static int read_remote(struct sl_admin_request *ret, const char *text, struct sl_text_error *error)
{
	return sl_parse_address(&ret->remote, text, error);
}

static int read_local(struct sl_admin_request *ret, const char *text, struct sl_text_error *error)
{
	return sl_parse_address(&ret->local, text, error);
}

static int read_port(uint16_t *ret, const char *text, struct sl_text_error *error)
{
	uint64_t value = 0;
	int err = read_number(&value, text, 1, 65535, error);

	if (!err)
		*ret = (uint16_t)value;
	return err;
}

static int read_remote_port(struct sl_admin_request *ret, const char *text,
			    struct sl_text_error *error)
{
	return read_port(&ret->remote_port, text, error);
}

static int read_local_port(struct sl_admin_request *ret, const char *text,
			   struct sl_text_error *error)
{
	return read_port(&ret->local_port, text, error);
}

static const struct {
	const char *name;
	enum key key;
	int (*read)(struct sl_admin_request *ret, const char *text, struct sl_text_error *error);
} keys[] = {
	{ "tenant", KEY_TENANT, read_tenant },
	{ "for", KEY_FOR, read_for },
	{ "prefix", KEY_PREFIX, read_prefix },
	{ "mode", KEY_MODE, read_mode },
	{ "permille", KEY_PERMILLE, read_permille },
	{ "protocol", KEY_PROTOCOL, read_protocol },
	{ "remote", KEY_REMOTE, read_remote },
	{ "local", KEY_LOCAL, read_local },
	{ "remote_port", KEY_REMOTE_PORT, read_remote_port },
	{ "local_port", KEY_LOCAL_PORT, read_local_port },
	{ "limit", KEY_LIMIT, sl_admin_read_limit },
	{ "rate", KEY_RATE, sl_admin_read_amount },
	{ "by", KEY_BY, sl_admin_read_amount },
	{ "node", KEY_NODE, sl_admin_read_node },
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static int prefix_error(struct sl_text_error *error, int code, const char *key)
{
	struct sl_text_error inner;

	if (!error)
		return code;
	inner = *error;
	return sl_text_refuse(error, code, "%s: %.200s", key, inner.message);
}

static int read_key(struct sl_admin_request *ret, unsigned int *seen, const char *name,
		    const json_t *value, struct sl_text_error *error)
{
	char scratch[SL_ADMIN_VALUE_BYTES], quoted[SL_QUOTE_BYTES];
	unsigned int allowed = commands[ret->command].needs | commands[ret->command].may;
	int err = -ENOENT;

	if (strcmp(name, "cmd") == 0)
		return 0;
	if (strcmp(name, "set") == 0 && (allowed & KEY_SET)) {
		*seen |= KEY_SET;
		return sl_admin_read_limits(ret, value, error);
	}
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const char *text;

		if (!(keys[i].key & allowed) || strcmp(keys[i].name, name) != 0)
			continue;
		text = sl_admin_text(scratch, value);
		if (!text)
			return sl_text_refuse(error, -EINVAL, "%s: must be a text", name);
		*seen |= keys[i].key;
		err = keys[i].read(ret, text, error);
		return err ? prefix_error(error, err, name) : 0;
	}
	return sl_text_refuse(error, -EINVAL, "%s: unknown key of \"%s\"",
			      sl_text_quote(quoted, name), commands[ret->command].name);
}

static int check_needed(const struct sl_admin_request *request, unsigned int seen,
			struct sl_text_error *error)
{
	unsigned int missing = commands[request->command].needs & ~seen;

	if (missing & KEY_SET)
		return sl_text_refuse(error, -EINVAL, "\"%s\" needs \"set\"",
				      commands[request->command].name);
	for (size_t i = 0; i < KEY_COUNT; i++)
		if (missing & keys[i].key)
			return sl_text_refuse(error, -EINVAL, "\"%s\" needs \"%s\"",
					      commands[request->command].name, keys[i].name);
	if ((seen & KEY_REMOTE) && request->remote.family != request->local.family)
		return sl_text_refuse(error, -EINVAL, "remote and local are of different families");
	if (request->command == SL_ADMIN_SHED_SET && request->permille && request->for_ns == 0)
		return sl_text_refuse(error, -ERANGE, "for: a shed level must end, not \"never\"");
	return 0;
}

static int read_command(enum sl_admin_command *ret, const json_t *root, struct sl_text_error *error)
{
	const char *name = json_string_value(json_object_get(root, "cmd"));
	char quoted[SL_QUOTE_BYTES];

	if (!name)
		return sl_text_refuse(error, -EINVAL, "needs a \"cmd\", such as \"status\"");
	for (size_t i = 0; i < SL_ADMIN_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		*ret = (enum sl_admin_command)i;
		return 0;
	}
	return sl_text_refuse(error, -EINVAL, "%s is not a command", sl_text_quote(quoted, name));
}

static int read_object(struct sl_admin_request *ret, json_t *root, struct sl_text_error *error)
{
	struct sl_admin_request request = { .command = SL_ADMIN_PING };
	unsigned int seen = 0;
	const char *name;
	json_t *value;
	int err;

	if (!json_is_object(root))
		return sl_text_refuse(error, -EINVAL, "a request is a JSON object");
	err = read_command(&request.command, root, error);
	if (err)
		return err;
	json_object_foreach(root, name, value)
	{
		err = read_key(&request, &seen, name, value, error);
		if (err)
			return err;
	}
	err = check_needed(&request, seen, error);
	if (!err && (seen & (KEY_RATE | KEY_BY)))
		err = sl_admin_finish_amount(&request, error);
	if (err)
		return err;
	*ret = request;
	return 0;
}

/* jansson recurses; how deep is decided here, before it does. */
static bool is_shallow(const char *line, size_t length)
{
	unsigned int depth = 0;
	bool in_text = false;

	for (size_t i = 0; i < length; i++) {
		if (in_text) {
			if (line[i] == '\\')
				i++;
			else if (line[i] == '"')
				in_text = false;
			continue;
		}
		if (line[i] == '"')
			in_text = true;
		else if ((line[i] == '{' || line[i] == '[') && ++depth > SL_ADMIN_DEPTH_MAX)
			return false;
		else if ((line[i] == '}' || line[i] == ']') && depth > 0)
			depth--;
	}
	return true;
}

int sl_admin_parse(struct sl_admin_request *ret, const char *line, size_t length,
		   struct sl_text_error *error)
{
	json_error_t json_error;
	json_t *root;
	int err;

	if (length > SL_ADMIN_LINE_BYTES_MAX)
		return sl_text_refuse(error, -E2BIG, "a request has at most %u bytes",
				      SL_ADMIN_LINE_BYTES_MAX);
	if (!is_shallow(line, length))
		return sl_text_refuse(error, -E2BIG, "nested too deeply");
	root = json_loadb(line, length, JSON_REJECT_DUPLICATES, &json_error);
	if (!root)
		return sl_text_refuse(error, -EINVAL, "not JSON: %.159s", json_error.text);
	err = read_object(ret, root, error);
	json_decref(root);
	return err;
}
