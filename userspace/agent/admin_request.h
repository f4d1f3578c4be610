/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of the admin socket as a request. The protocol: docs/ops/admin-protocol.md.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "userspace/domain/config.h"
#include "userspace/domain/overrides.h"
#include "userspace/quota/terms.h"

#define SL_ADMIN_LINE_BYTES_MAX 65536u
#define SL_ADMIN_DEPTH_MAX	8u

enum sl_admin_command {
	SL_ADMIN_PING,
	SL_ADMIN_STATUS,
	SL_ADMIN_RELOAD,
	SL_ADMIN_LIMIT_SET,
	SL_ADMIN_LIMIT_CLEAR,
	SL_ADMIN_LIMIT_LIST,
	SL_ADMIN_BLOCK_ADD,
	SL_ADMIN_BLOCK_DEL,
	SL_ADMIN_MODE_SET,
	SL_ADMIN_MODE_CLEAR,
	SL_ADMIN_SHED_SET,
	SL_ADMIN_PRESSURE,
	SL_ADMIN_QUOTA,
	SL_ADMIN_QUOTA_SHOW,
	SL_ADMIN_QUOTA_EXPLAIN,
	SL_ADMIN_QUOTA_SET,
	SL_ADMIN_QUOTA_RAISE,
	SL_ADMIN_QUOTA_LOWER,
	SL_ADMIN_QUOTA_CLEAR,
	SL_ADMIN_QUOTA_DRAIN,
	SL_ADMIN_QUOTA_UNDRAIN,
	SL_ADMIN_FLOW_BIND,
	SL_ADMIN_FLOW_UNBIND,
	SL_ADMIN_MAPS_FDS,
	SL_ADMIN_EVENTS_FOLLOW,
	SL_ADMIN_COMMANDS,
};

/* What a command does not use is 0. */
struct sl_admin_request {
	enum sl_admin_command command;
	char tenant[SL_TENANT_NAME_BYTES]; /* "" = none given; SL_NAME_UNKNOWN is tenant 0 */
	uint64_t for_ns;		   /* 0 = for good */
	struct sl_prefix_spec prefix;
	enum sl_mode mode;
	uint32_t permille;
	uint8_t protocol;
	struct sl_address remote;
	struct sl_address local;
	uint16_t remote_port;
	uint16_t local_port;
	/* limit.set: each without its end. */
	struct sl_override set[SL_OVERRIDE_FIELDS_];
	size_t set_count;
	/* quota.*: */
	char node[64]; /* "": this one */
	enum sl_quota_kind limit;
	char amount[24];	 /* "rate" or "by" as it was written */
	int64_t amount_mu_per_s; /* the same; 0: it is a percentage */
	uint32_t amount_percent; /* of "by" */
};

/*
 * Reads @length bytes, without the newline. -EINVAL: not JSON, not an object, a
 * key twice, unknown, missing or wrong for the command; -ERANGE: a value that is
 * not allowed; -E2BIG: line too long or nested too deeply; -ENOMEM. On failure
 * @ret is untouched and @error says why.
 */
int sl_admin_parse(struct sl_admin_request *ret, const char *line, size_t length,
		   struct sl_text_error *error);

/* "limit.set"; NULL for SL_ADMIN_COMMANDS and above. */
const char *sl_admin_command_name(enum sl_admin_command command);
