/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs of the pipeline do alike: the command line, the configuration that
 * is checked or explained, the log, the exit code.
 *
 * Thread: main()'s.
 */
#pragma once

#include <stdio.h>

#include "userspace/conf/program.h"
#include "userspace/obs/log.h"

#define SL_EXIT_FAILED 1
#define SL_EXIT_USAGE  2 /* wrong use or a bad configuration */

struct sl_program {
	const struct sl_conf_schema *schema; /* its .program "x": the file is sluice-x */
	const char *purpose;		     /* of --help: before the options */
	const char *notes;		     /* after them */
	/* Says of a configuration that is good what is in it, without an end of line. */
	void (*summary)(FILE *out, const void *config);
	/* Until it was told to end: 0. -EINVAL: the configuration. What failed was logged. */
	int (*run)(const struct sl_program_options *options, struct sl_log *log);
};

/* What main() returns. The log goes to standard error. */
int sl_program_main(const struct sl_program *program, int argc, char **argv, FILE *out, FILE *err);

/* Why a step of the start failed. */
struct sl_program_error {
	char message[400];
};

/* Writes the message and returns @err. */
int sl_program_fail(struct sl_program_error *error, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
