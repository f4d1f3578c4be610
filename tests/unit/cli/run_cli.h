/* SPDX-License-Identifier: Apache-2.0 */
/* Runs sluicectl inside a test: what it prints and its exit code. */
#pragma once

#include <stdio.h>
#include <string.h>

#include "userspace/cli/cli.h"

struct ran {
	int code;
	char *out; /* freed by run_done() */
	char *err;
};

#define RUN_WORDS_MAX 16

/* @line: words with single spaces between them, without the program's name. */
static inline struct ran run_cli(const char *line)
{
	char words[512], program[] = "sluicectl";
	char *argv[RUN_WORDS_MAX] = { program };
	struct ran ran = { 0 };
	size_t out_size = 0, err_size = 0;
	FILE *out = open_memstream(&ran.out, &out_size);
	FILE *err = open_memstream(&ran.err, &err_size);
	int argc = 1;
	char *rest = words;

	assert_non_null(out);
	assert_non_null(err);
	assert_true(strlen(line) < sizeof(words));
	memcpy(words, line, strlen(line) + 1);
	for (char *word; *line && (word = strsep(&rest, " "));)
		argv[argc++] = word;
	ran.code = sl_cli_main(argc, argv, out, err);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(fclose(err), 0);
	return ran;
}

static inline void run_done(struct ran *ran)
{
	free(ran->out);
	free(ran->err);
}
