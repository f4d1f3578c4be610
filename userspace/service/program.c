// SPDX-License-Identifier: Apache-2.0
#include "userspace/service/program.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"

int sl_program_fail(struct sl_program_error *error, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return err;
}

static int check(const struct sl_program *program, const char *path, FILE *out, FILE *err)
{
	sl_autofree void *config = calloc(1, program->schema->size);
	struct sl_conf_error error = { .message = "out of memory" };

	if (!config || sl_conf_read_file(config, program->schema, path, environ, &error) != 0) {
		(void)fprintf(err, "%s\n", error.message);
		return SL_EXIT_USAGE;
	}
	(void)fprintf(out, "%s is good: ", path);
	program->summary(out, config);
	(void)fputc('\n', out);
	sl_conf_clear(config, program->schema);
	return 0;
}

static int run(const struct sl_program *program, const struct sl_program_options *options)
{
	sl_cleanup(sl_log_freep) struct sl_log *log = NULL;
	int err =
		sl_log_new(&log, STDERR_FILENO, SL_LOG_JSON, (enum sl_log_level)options->log_level);

	if (!err) {
		sl_log_set_component(log, program->schema->program);
		err = program->run(options, log);
	}
	if (!err)
		return 0;
	return err == -EINVAL ? SL_EXIT_USAGE : SL_EXIT_FAILED;
}

int sl_program_main(const struct sl_program *program, int argc, char **argv, FILE *out, FILE *err)
{
	const char *name = program->schema->program;
	struct sl_text_error error = { .message = "" };
	struct sl_program_options options;

	if (sl_program_options_parse(&options, argc, argv, &error) != 0) {
		(void)fprintf(err, "sluice-%s: %s\nTry: sluice-%s --help\n", name, error.message,
			      name);
		return SL_EXIT_USAGE;
	}
	switch (options.task) {
	case SL_PROGRAM_HELP:
		(void)fprintf(out, "%s%s%s", program->purpose, sl_program_options_help,
			      program->notes);
		return 0;
	case SL_PROGRAM_VERSION:
		(void)fprintf(out, "sluice-%s " SL_VERSION "\n", name);
		return 0;
	case SL_PROGRAM_CONFIG_HELP:
		return sl_conf_describe_schema(out, program->schema) == 0 ? 0 : SL_EXIT_FAILED;
	case SL_PROGRAM_CHECK:
		return check(program, options.config_path, out, err);
	case SL_PROGRAM_RUN:
		break;
	}
	return run(program, &options);
}
