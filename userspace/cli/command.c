// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/command.h"

#include <errno.h>
#include <string.h>

#include "userspace/domain/text_error.h"

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static const struct sl_command *find_noun(const char *noun)
{
	for (const struct sl_command *command = sl_commands; command->noun; command++)
		if (same(command->noun, noun))
			return command;
	return NULL;
}

static const struct sl_command *find_verb(const char *noun, const char *verb)
{
	for (const struct sl_command *command = sl_commands; command->noun; command++)
		if (same(command->noun, noun) && same(command->verb, verb))
			return command;
	return NULL;
}

/* Index of the option called by the first @length bytes of @name, or -1. */
static int find_option(const struct sl_option *options, const char *name, size_t length)
{
	for (int i = 0; options && options[i].name; i++)
		if (strlen(options[i].name) == length && memcmp(options[i].name, name, length) == 0)
			return i;
	return -1;
}

static void verbs_of(char *buffer, size_t size, const char *noun)
{
	size_t at = 0;

	buffer[0] = '\0';
	for (const struct sl_command *command = sl_commands; command->noun; command++) {
		if (!same(command->noun, noun) || !command->verb)
			continue;
		if (at)
			at = sl_text_append(buffer, size, at, ", ");
		at = sl_text_append(buffer, size, at, command->verb);
	}
}

static int unknown_verb(struct sl_text_error *error, const char *noun, const char *word)
{
	char quoted[SL_QUOTE_BYTES], verbs[128];

	verbs_of(verbs, sizeof(verbs), noun);
	return sl_text_refuse(error, -EINVAL, "%s has no %s; it has: %s", noun,
			      sl_text_quote(quoted, word), verbs);
}

/* The first words name the command; the rest are its arguments. */
static int take_word(struct sl_args *args, const char *word, struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];
	const struct sl_command *first;

	if (!args->noun) {
		first = find_noun(word);
		if (!first)
			return sl_text_refuse(error, -EINVAL, "no command %s; see: sluicectl help",
					      sl_text_quote(quoted, word));
		args->noun = first->noun;
		if (!first->verb)
			args->command = first;
		return 0;
	}
	if (!args->command) {
		args->command = find_verb(args->noun, word);
		return args->command ? 0 : unknown_verb(error, args->noun, word);
	}
	if (args->count == args->command->arguments_max || args->count == SL_POSITIONALS_MAX)
		return sl_text_refuse(error, -EINVAL, "unexpected argument %s",
				      sl_text_quote(quoted, word));
	args->positionals[args->count++] = word;
	return 0;
}

/* An option before its verb: `sluicectl tenants --csv` means tenants list --csv. */
static void default_verb(struct sl_args *args)
{
	if (args->noun && !args->command)
		args->command = find_noun(args->noun);
}

static int set_option(const struct sl_option *option, const char **slot, const char *inline_value,
		      char **argv, int *at, int argc, struct sl_text_error *error)
{
	if (*slot)
		return sl_text_refuse(error, -EINVAL, "--%s is given twice", option->name);
	if (!option->argument) {
		if (inline_value)
			return sl_text_refuse(error, -EINVAL, "--%s takes no value", option->name);
		*slot = "";
		return 0;
	}
	if (!inline_value) {
		if (*at + 1 >= argc)
			return sl_text_refuse(error, -EINVAL, "--%s wants a value: %s",
					      option->name, option->argument);
		inline_value = argv[++*at];
	}
	*slot = inline_value;
	return 0;
}

static int take_option(struct sl_args *args, char **argv, int *at, int argc,
		       struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];
	const char *name = argv[*at] + 2;
	const char *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	const char *value = equals ? equals + 1 : NULL;
	int i = find_option(sl_program_options, name, length);

	if (i >= 0)
		return set_option(&sl_program_options[i], &args->program[i], value, argv, at, argc,
				  error);
	default_verb(args);
	i = args->command ? find_option(args->command->options, name, length) : -1;
	if (i >= 0)
		return set_option(&args->command->options[i], &args->values[i], value, argv, at,
				  argc, error);
	(void)sl_text_quote(quoted, argv[*at]);
	if (!args->command)
		return sl_text_refuse(error, -EINVAL, "no option %s before the command", quoted);
	return sl_text_refuse(error, -EINVAL, "%s%s%s has no option %s", args->command->noun,
			      args->command->verb ? " " : "",
			      args->command->verb ? args->command->verb : "", quoted);
}

static int check_complete(const struct sl_args *args, struct sl_text_error *error)
{
	const struct sl_command *command = args->command;

	if (sl_args_program(args, "help") || sl_args_program(args, "version"))
		return 0;
	if (!command)
		return sl_text_refuse(error, -EINVAL, "which command? see: sluicectl help");
	if (args->count < command->arguments_min)
		return sl_text_refuse(error, -EINVAL, "%s%s%s wants: %s", command->noun,
				      command->verb ? " " : "", command->verb ? command->verb : "",
				      command->arguments);
	return 0;
}

int sl_args_parse(struct sl_args *ret, int argc, char **argv, struct sl_text_error *error)
{
	struct sl_args args = { 0 };
	bool options = true;
	int err = 0;

	for (int i = 1; i < argc && !err; i++) {
		if (options && same(argv[i], "--"))
			options = false;
		else if (options && same(argv[i], "-h"))
			args.program[find_option(sl_program_options, "help", 4)] = "";
		else if (options && strncmp(argv[i], "--", 2) == 0)
			err = take_option(&args, argv, &i, argc, error);
		else
			err = take_word(&args, argv[i], error);
	}
	if (err)
		return err;
	if (!sl_args_program(&args, "help"))
		default_verb(&args);
	err = check_complete(&args, error);
	if (err)
		return err;
	*ret = args;
	return 0;
}

const char *sl_args_option(const struct sl_args *args, const char *name)
{
	int i = find_option(args->command ? args->command->options : NULL, name, strlen(name));

	return i >= 0 ? args->values[i] : NULL;
}

const char *sl_args_program(const struct sl_args *args, const char *name)
{
	int i = find_option(sl_program_options, name, strlen(name));

	return i >= 0 ? args->program[i] : NULL;
}

static int bad_option(struct sl_cli *cli, const char *name, const struct sl_text_error *error)
{
	return sl_cli_fail(cli, SL_EXIT_USAGE, "--%s: %s", name, error->message);
}

int sl_args_duration(uint64_t *ret_ns, struct sl_cli *cli, const struct sl_args *args,
		     const char *name)
{
	const char *text = sl_args_option(args, name);
	struct sl_text_error error;

	if (text && sl_parse_duration(ret_ns, text, &error))
		return bad_option(cli, name, &error);
	return 0;
}

int sl_args_number(uint64_t *ret, struct sl_cli *cli, const struct sl_args *args, const char *name,
		   uint64_t min, uint64_t max)
{
	const char *text = sl_args_option(args, name);
	struct sl_text_error error;
	uint64_t value;

	if (!text)
		return 0;
	if (sl_parse_amount(&value, text, SL_UNIT_COUNT, &error))
		return bad_option(cli, name, &error);
	if (value < min || value > max)
		return sl_cli_fail(cli, SL_EXIT_USAGE, "--%s: allowed are %llu to %llu", name,
				   (unsigned long long)min, (unsigned long long)max);
	*ret = value;
	return 0;
}

int sl_args_choice(int *ret, struct sl_cli *cli, const struct sl_args *args, const char *name,
		   const struct sl_choice *choices)
{
	const char *text = sl_args_option(args, name);
	struct sl_text_error error;

	if (text && sl_parse_choice(ret, text, choices, &error))
		return bad_option(cli, name, &error);
	return 0;
}
