/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line that the pipeline's programs share: a file, and what to do with
 * it. Nothing is printed here: main() does.
 *
 * Owner:  texts are borrowed from argv.
 * Thread: none: getopt has state of its own.
 */
#pragma once

#include "userspace/conf/table.h"

enum sl_program_task {
	SL_PROGRAM_RUN,
	SL_PROGRAM_CHECK,	/* read the configuration, and say whether it is good */
	SL_PROGRAM_CONFIG_HELP, /* every key of it */
	SL_PROGRAM_VERSION,
	SL_PROGRAM_HELP,
};

struct sl_program_options {
	enum sl_program_task task;
	const char *config_path; /* NULL: defaults and environment only */
	int log_level;		 /* enum sl_log_level: 0 error .. 3 debug */
};

/* -EINVAL with a message that names the option. */
int sl_program_options_parse(struct sl_program_options *ret, int argc, char **argv,
			     struct sl_text_error *error);

/* What --help says of the options, after the program's own words. */
extern const char sl_program_options_help[];
