// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "userspace/domain/text.h"

enum {
	OPTION_CHECK = 256,
	OPTION_CONFIG_HELP,
	OPTION_MIGRATE,
	OPTION_FOREGROUND,
	OPTION_LOG_FORMAT,
	OPTION_LOG_LEVEL,
	OPTION_PIN_DIR,
	OPTION_SOCKET,
	OPTION_SOCKET_GROUP,
	OPTION_GATEWAY_SOCKET,
	OPTION_GATEWAY_GROUP,
	OPTION_STATE_DIR,
	OPTION_NO_SANDBOX,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "config-help", no_argument, NULL, OPTION_CONFIG_HELP },
	{ "migrate", no_argument, NULL, OPTION_MIGRATE },
	{ "foreground", no_argument, NULL, OPTION_FOREGROUND },
	{ "log-format", required_argument, NULL, OPTION_LOG_FORMAT },
	{ "log-level", required_argument, NULL, OPTION_LOG_LEVEL },
	{ "pin-dir", required_argument, NULL, OPTION_PIN_DIR },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "socket-group", required_argument, NULL, OPTION_SOCKET_GROUP },
	{ "gateway-socket", required_argument, NULL, OPTION_GATEWAY_SOCKET },
	{ "gateway-group", required_argument, NULL, OPTION_GATEWAY_GROUP },
	{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	{ "no-sandbox", no_argument, NULL, OPTION_NO_SANDBOX },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"usage: sluiced --config FILE [OPTION]...\n"
	"\n"
	"Protects interfaces by per-tenant limits in the kernel. Stays in the foreground,\n"
	"logs to standard error. The limits stay in force when it ends.\n"
	"\n"
	"  -c, --config FILE     the configuration; read again on SIGHUP and when it changes\n"
	"      --check           only say whether the configuration is good\n"
	"      --config-help     print every key of the configuration\n"
	"      --migrate         take over maps of other sizes or of an older version\n"
	"      --log-format F    text (default) or json\n"
	"      --log-level L     error, warn, info (default) or debug\n"
	"      --socket-group G  group that may use the admin socket; default: root only\n"
	"      --gateway-group G group that may use the gateway's socket; default: root only\n"
	"      --pin-dir DIR     instead of paths.pin_dir\n"
	"      --socket PATH     instead of paths.socket\n"
	"      --gateway-socket PATH  instead of paths.gateway_socket\n"
	"      --state-dir DIR   instead of paths.state_dir\n"
	"      --no-sandbox      keep all capabilities and system calls (to debug the agent)\n"
	"  -V, --version\n"
	"  -h, --help\n"
	"\n"
	"Signals: SIGHUP reads the configuration again; SIGTERM and SIGINT end the agent.\n"
	"Exit codes: 0 ended as asked, 1 failed, 2 wrong use or a bad configuration.\n"
	"See what it does: sluicectl status\n";

void sl_options_help(FILE *out)
{
	(void)fputs(help, out);
}

__attribute__((format(printf, 2, 3))) static int refuse(struct sl_options_error *error,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return -EINVAL;
}

static int read_choice(int *ret, const char *option, const char *text,
		       const struct sl_choice *choices, struct sl_options_error *error)
{
	struct sl_text_error why;

	if (sl_parse_choice(ret, text, choices, &why) == 0)
		return 0;
	return refuse(error, "--%s: %.200s", option, why.message);
}

static int read_format(struct sl_agent_options *options, const char *text,
		       struct sl_options_error *error)
{
	static const struct sl_choice formats[] = { { "text", SL_LOG_TEXT },
						    { "json", SL_LOG_JSON },
						    { NULL, 0 } };
	int value = 0, err = read_choice(&value, "log-format", text, formats, error);

	options->log_format = (enum sl_log_format)value;
	return err;
}

static int read_level(struct sl_agent_options *options, const char *text,
		      struct sl_options_error *error)
{
	static const struct sl_choice levels[] = {
		{ "error", SL_LOG_ERROR },
		{ "warn", SL_LOG_WARN },
		{ "info", SL_LOG_INFO },
		{ "debug", SL_LOG_DEBUG },
		{ NULL, 0 },
	};
	int value = 0, err = read_choice(&value, "log-level", text, levels, error);

	options->log_level = (enum sl_log_level)value;
	return err;
}

static int take(struct sl_agent_options *options, int option, const char *argument,
		struct sl_options_error *error)
{
	switch (option) {
	case 'c':
		options->config_path = argument;
		return 0;
	case 'V':
		options->task = SL_TASK_VERSION;
		return 0;
	case 'h':
		options->task = SL_TASK_HELP;
		return 0;
	case OPTION_CHECK:
		options->task = SL_TASK_CHECK;
		return 0;
	case OPTION_CONFIG_HELP:
		options->task = SL_TASK_CONFIG_HELP;
		return 0;
	case OPTION_MIGRATE:
		options->migrate = true;
		return 0;
	case OPTION_FOREGROUND: /* as it is anyway; service files like to say so */
		return 0;
	case OPTION_LOG_FORMAT:
		return read_format(options, argument, error);
	case OPTION_LOG_LEVEL:
		return read_level(options, argument, error);
	case OPTION_PIN_DIR:
		options->pin_dir = argument;
		return 0;
	case OPTION_SOCKET:
		options->socket_path = argument;
		return 0;
	case OPTION_SOCKET_GROUP:
		options->socket_group = argument;
		return 0;
	case OPTION_GATEWAY_SOCKET:
		options->gateway_socket_path = argument;
		return 0;
	case OPTION_GATEWAY_GROUP:
		options->gateway_group = argument;
		return 0;
	case OPTION_STATE_DIR:
		options->state_dir = argument;
		return 0;
	case OPTION_NO_SANDBOX:
		options->no_sandbox = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int check(const struct sl_agent_options *options, struct sl_options_error *error)
{
	const char *const paths[] = { options->pin_dir, options->socket_path,
				      options->gateway_socket_path, options->state_dir };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (paths[i] && (paths[i][0] != '/' || strlen(paths[i]) >= SL_CONFIG_PATH_BYTES))
			return refuse(error,
				      "\"%.100s\" is not an absolute path of at most %d bytes",
				      paths[i], SL_CONFIG_PATH_BYTES - 1);
	if (!options->config_path &&
	    (options->task == SL_TASK_RUN || options->task == SL_TASK_CHECK))
		return refuse(error, "needs --config FILE; start from docs/examples/");
	return 0;
}

int sl_options_parse(struct sl_agent_options *ret, int argc, char **argv,
		     struct sl_options_error *error)
{
	struct sl_agent_options options = { .task = SL_TASK_RUN, .log_level = SL_LOG_INFO };
	int option, err;

	optind = 0; /* glibc: begin anew, also when a test calls twice */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:Vh", long_options, NULL)) != -1) {
		if (option == ':')
			return refuse(error, "%.100s needs a value", argv[optind - 1]);
		if (option == '?')
			return refuse(error, "%.100s is not an option", argv[optind - 1]);
		err = take(&options, option, optarg, error);
		if (err)
			return err;
	}
	if (optind < argc)
		return refuse(error, "\"%.100s\": no argument is expected here", argv[optind]);
	err = check(&options, error);
	if (!err)
		*ret = options;
	return err;
}

static int put(char *at, size_t size, const char *path)
{
	if (!path)
		return 0;
	if (strlen(path) >= size)
		return -ENAMETOOLONG;
	memcpy(at, path, strlen(path) + 1);
	return 0;
}

int sl_options_apply(const struct sl_agent_options *options, struct sl_config *config)
{
	int err = put(config->pin_dir, sizeof(config->pin_dir), options->pin_dir);

	if (!err)
		err = put(config->socket_path, sizeof(config->socket_path), options->socket_path);
	if (!err)
		err = put(config->gateway_socket_path, sizeof(config->gateway_socket_path),
			  options->gateway_socket_path);
	if (!err)
		err = put(config->state_dir, sizeof(config->state_dir), options->state_dir);
	return err;
}
