/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of sluicectl as one table: the parser, the help and the words of
 * the completion are all made from it.
 *
 * A command is a noun and, mostly, a verb; a noun alone means its first verb.
 * Options are long ("--name value" or "--name=value"); those of the program may
 * stand anywhere. "--" ends them.
 *
 * Thread: the tables are constant; struct sl_args belongs to its caller and
 * points into argv.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "userspace/cli/cli.h"
#include "userspace/domain/text.h"

#define SL_OPTIONS_MAX	   20
#define SL_POSITIONALS_MAX 32

struct sl_option {
	const char *name;     /* without the dashes */
	const char *argument; /* what the help calls it; NULL: a flag */
	const char *help;
	const char *words; /* completion: "a b c", "@tenants", "@files", "@interfaces"; or NULL */
};

struct sl_args;

struct sl_command {
	const char *noun;
	const char *verb;      /* NULL: the noun is the command */
	const char *arguments; /* what the help calls them; "" for none */
	const char *help;      /* one line */
	const char *words;     /* completion of the arguments, as in sl_option */
	size_t arguments_min;
	size_t arguments_max;
	const struct sl_option *options; /* ends with a NULL name; NULL: none */
	int (*run)(struct sl_cli *cli, const struct sl_args *args);
};

struct sl_args {
	const struct sl_command *command;
	const char *values[SL_OPTIONS_MAX];  /* beside command->options; "" = a flag was given */
	const char *program[SL_OPTIONS_MAX]; /* beside sl_program_options */
	const char *positionals[SL_POSITIONALS_MAX];
	size_t count;
	const char *noun; /* as far as the words went, for --help without a command */
};

extern const struct sl_command sl_commands[]; /* ends with a NULL noun */
extern const struct sl_option sl_program_options[];

/*
 * Reads argv[1..]. 0, or -EINVAL with @error. With --help or --version given,
 * a missing command or argument is no error: look at sl_args_program() first.
 */
int sl_args_parse(struct sl_args *ret, int argc, char **argv, struct sl_text_error *error);

/* The value of an option, "" for a flag that was given, NULL when it was not. */
const char *sl_args_option(const struct sl_args *args, const char *name);
const char *sl_args_program(const struct sl_args *args, const char *name);

/*
 * Typed options; *ret keeps its value when the option was not given. 0, or
 * SL_EXIT_USAGE after saying why.
 */
int sl_args_duration(uint64_t *ret_ns, struct sl_cli *cli, const struct sl_args *args,
		     const char *name);
int sl_args_number(uint64_t *ret, struct sl_cli *cli, const struct sl_args *args, const char *name,
		   uint64_t min, uint64_t max);
int sl_args_choice(int *ret, struct sl_cli *cli, const struct sl_args *args, const char *name,
		   const struct sl_choice *choices);

/* All commands; those of a noun; or one command, when @verb is not NULL. */
void sl_help_print(FILE *out, const char *noun, const char *verb);

/*
 * Prints the words that may stand where the last of @words is, one a line.
 * "@files" and the like are printed as they are: the shell knows those.
 * @tenants is called to print the names of the tenants; may be NULL.
 */
void sl_complete_print(FILE *out, size_t count, const char *const *words,
		       void (*tenants)(void *context, FILE *out), void *context);
