// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/cli.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/command.h"
#include "userspace/cli/safe.h"
#include "userspace/conf/conf.h"

static void say(const struct sl_cli *cli, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void say(const struct sl_cli *cli, const char *format, va_list args)
{
	char message[1024];

	(void)vsnprintf(message, sizeof(message), format, args);
	(void)fflush(cli->out);
	(void)fputs("sluicectl: ", cli->err);
	sl_safe_print(cli->err, message);
	(void)fputc('\n', cli->err);
}

int sl_cli_fail(const struct sl_cli *cli, enum sl_exit code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(cli, format, args);
	va_end(args);
	return (int)code;
}

void sl_cli_note(const struct sl_cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(cli, format, args);
	va_end(args);
}

static bool wants_colour(const struct sl_args *args, FILE *out)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (sl_args_program(args, "no-color") || (no_colour && *no_colour))
		return false;
	return isatty(fileno(out)) && term && strcmp(term, "dumb") != 0;
}

static void config_freep(struct sl_config **config)
{
	sl_config_free(*config);
}

/* Where the agent of that configuration keeps things, unless it was said here. */
static int read_config(struct sl_config **ret, struct sl_cli *cli, const struct sl_args *args)
{
	const char *path = sl_args_program(args, "config");
	struct sl_conf_error error = { "" };

	if (!path)
		return 0;
	if (sl_conf_load(ret, path, &error))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", error.message);
	cli->config = *ret;
	cli->pin_dir = (*ret)->pin_dir;
	cli->socket_path = (*ret)->socket_path;
	return 0;
}

static void set_up(struct sl_cli *cli, const struct sl_args *args)
{
	const char *pin_dir = sl_args_program(args, "pin-dir");
	const char *socket_path = sl_args_program(args, "socket");

	if (pin_dir)
		cli->pin_dir = pin_dir;
	if (socket_path)
		cli->socket_path = socket_path;
	if (sl_args_option(args, "csv"))
		cli->format = SL_FORMAT_CSV;
	if (sl_args_program(args, "json"))
		cli->format = SL_FORMAT_JSON;
	cli->colour = cli->format == SL_FORMAT_TEXT && wants_colour(args, cli->out);
	cli->unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static int print_version(const struct sl_cli *cli)
{
	(void)fprintf(cli->out, "sluicectl %s\n", SL_VERSION);
	return SL_EXIT_OK;
}

int sl_cli_main(int argc, char **argv, FILE *out, FILE *err)
{
	struct sl_cli cli = { .out = out,
			      .err = err,
			      .pin_dir = SL_PIN_DIR_DEFAULT,
			      .socket_path = SL_SOCKET_DEFAULT };
	sl_cleanup(config_freep) struct sl_config *config = NULL;
	struct sl_args args = { 0 };
	struct sl_text_error error = { "" };
	int code;

	if (argc < 2) {
		sl_help_print(err, NULL, NULL);
		return SL_EXIT_USAGE;
	}
	if (sl_args_parse(&args, argc, argv, &error))
		return sl_cli_fail(&cli, SL_EXIT_USAGE, "%s", error.message);
	code = read_config(&config, &cli, &args);
	if (code)
		return code;
	set_up(&cli, &args);
	if (sl_args_program(&args, "version"))
		return print_version(&cli);
	if (sl_args_program(&args, "help")) {
		sl_help_print(out, args.noun, args.command ? args.command->verb : NULL);
		return SL_EXIT_OK;
	}
	if (sl_args_option(&args, "csv") && sl_args_program(&args, "json"))
		return sl_cli_fail(&cli, SL_EXIT_USAGE, "--json and --csv exclude each other");
	return args.command->run(&cli, &args);
}
