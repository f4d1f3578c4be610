// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/command.h"

#include <string.h>

static bool is_hidden(const struct sl_command *command)
{
	return !command->help;
}

static int call_width(const struct sl_command *command)
{
	size_t width = strlen(command->noun);

	width += command->verb ? 1 + strlen(command->verb) : 0;
	width += *command->arguments ? 1 + strlen(command->arguments) : 0;
	return (int)width;
}

static void print_call(FILE *out, const struct sl_command *command)
{
	(void)fprintf(out, "%s", command->noun);
	if (command->verb)
		(void)fprintf(out, " %s", command->verb);
	if (*command->arguments)
		(void)fprintf(out, " %s", command->arguments);
}

static void print_line(FILE *out, const struct sl_command *command, int width)
{
	(void)fputs("  ", out);
	print_call(out, command);
	if (call_width(command) > width)
		(void)fprintf(out, "\n%*s", width + 4, "");
	else
		(void)fprintf(out, "%*s", width - call_width(command) + 2, "");
	(void)fprintf(out, "%s\n", command->help);
}

static void print_options(FILE *out, const struct sl_option *options)
{
	char call[64];

	for (; options && options->name; options++) {
		(void)snprintf(call, sizeof(call), "--%s%s%s", options->name,
			       options->argument ? " " : "",
			       options->argument ? options->argument : "");
		if (strlen(call) > 24)
			(void)fprintf(out, "  %s\n  %-24s  %s\n", call, "", options->help);
		else
			(void)fprintf(out, "  %-24s  %s\n", call, options->help);
	}
}

static void print_all(FILE *out)
{
	(void)fputs("See and steer the per-tenant limits of this node.\n\n"
		    "Usage: sluicectl [OPTIONS] COMMAND [ARGUMENTS] [OPTIONS]\n\nCommands:\n",
		    out);
	for (const struct sl_command *command = sl_commands; command->noun; command++)
		if (!is_hidden(command))
			print_line(out, command, 30);
	(void)fputs("\nOptions:\n", out);
	print_options(out, sl_program_options);
	(void)fputs("\nMore about a command: sluicectl COMMAND --help. All of it: man sluicectl.\n",
		    out);
}

/* The keys of KEY=VALUE, which the completion knows: one a line. */
static void print_keys(FILE *out, const struct sl_command *command)
{
	const char *words = command->words ? strchr(command->words, '|') : NULL;

	if (!words || !strstr(command->arguments, "KEY="))
		return;
	(void)fputs("\nKEY is one of:\n", out);
	for (words++; *words; words += strspn(words, " ")) {
		size_t length = strcspn(words, " ");
		size_t shown = length && words[length - 1] == '=' ? length - 1 : length;

		(void)fprintf(out, "  %.*s\n", (int)shown, words);
		words += length;
	}
}

static void print_one(FILE *out, const struct sl_command *command)
{
	(void)fputs("Usage: sluicectl ", out);
	print_call(out, command);
	(void)fprintf(out, "%s\n\n%s.\n", command->options ? " [OPTIONS]" : "", command->help);
	if (command->options) {
		(void)fputs("\nOptions:\n", out);
		print_options(out, command->options);
	}
	print_keys(out, command);
}

static bool matches(const struct sl_command *command, const char *noun, const char *verb)
{
	if (is_hidden(command) || strcmp(command->noun, noun) != 0)
		return false;
	return !verb || (command->verb && strcmp(command->verb, verb) == 0);
}

void sl_help_print(FILE *out, const char *noun, const char *verb)
{
	bool again = false;

	if (!noun) {
		print_all(out);
		return;
	}
	for (const struct sl_command *command = sl_commands; command->noun; command++) {
		if (!matches(command, noun, verb))
			continue;
		if (again)
			(void)fputc('\n', out);
		print_one(out, command);
		again = true;
	}
	if (!again)
		print_all(out);
}
