/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of sluiced. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "userspace/domain/config.h"
#include "userspace/obs/log.h"

enum sl_agent_task {
	SL_TASK_RUN,
	SL_TASK_CHECK,	     /* read the configuration, and say whether it is good */
	SL_TASK_CONFIG_HELP, /* every key of it */
	SL_TASK_VERSION,
	SL_TASK_HELP,
};

struct sl_agent_options {
	enum sl_agent_task task;
	const char *config_path; /* borrowed from argv, like the rest */
	const char *pin_dir;	 /* NULL: as configured */
	const char *socket_path;
	const char *state_dir;
	const char *socket_group; /* a name or a number; NULL: root only */
	const char *gateway_socket_path;
	const char *gateway_group; /* as socket_group, of the gateway's socket */
	bool migrate;
	bool no_sandbox;
	enum sl_log_format log_format;
	enum sl_log_level log_level;
};

struct sl_options_error {
	char message[256];
};

/* -EINVAL with a message that names the option. */
int sl_options_parse(struct sl_agent_options *ret, int argc, char **argv,
		     struct sl_options_error *error);

void sl_options_help(FILE *out);

/* Puts the paths of the command line into @config. -ENAMETOOLONG. */
int sl_options_apply(const struct sl_agent_options *options, struct sl_config *config);
