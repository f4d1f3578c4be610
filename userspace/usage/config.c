// SPDX-License-Identifier: Apache-2.0
#include "userspace/usage/config.h"

#include <stddef.h>

#include "userspace/domain/dead_letter.h"
#include "userspace/ledger/ledger.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MS_NS  1000000ull
#define S_NS   1000000000ull
#define DAY_NS (86400 * S_NS)

#define USAGE(member) SL_CONF_MEMBER(sl_usage_config, member)

static const struct sl_choice bodies[] = {
	{ "none", SL_DEAD_BODY_NONE },
	{ "masked", SL_DEAD_BODY_MASKED },
	{ "whole", SL_DEAD_BODY_WHOLE },
	{ NULL, 0 },
};

static const struct sl_conf_field metrics_fields[] = {
	{ "address", &sl_conf_ip_text, .fallback = "127.0.0.1", USAGE(metrics_address),
	  .help = "Where /metrics, /livez and /readyz are served." },
	{ "port", &sl_conf_integer, .fallback = "9479", USAGE(metrics_port), .max = UINT16_MAX,
	  .help = "0: not at all." },
};
static const struct sl_conf_table metrics_table = { "Pages for scrapers and probes.",
						    SL_CONF_TABLE(metrics_fields), 0 };

static const struct sl_conf_field root_fields[] = {
	{ "version", &sl_conf_integer, USAGE(version), .min = 1, .max = 1,
	  .flags = SL_CONF_REQUIRED, .help = "Of the file's format." },
	{ "nats", .table = &sl_conf_nats_table, USAGE(nats) },
	{ "ledger", &sl_conf_file, .fallback = SL_LEDGER_PATH_DEFAULT, USAGE(ledger),
	  .help = "The SQLite file; made when there is none." },
	{ "batch", &sl_conf_integer, .fallback = "500", USAGE(batch), .min = 1,
	  .max = SL_USAGE_BATCH_MAX, .help = "Events of one transaction at most." },
	{ "batch_wait", &sl_conf_duration, .fallback = "50ms", USAGE(batch_wait_ns), .min = MS_NS,
	  .max = 10 * S_NS, .help = "How long an event waits for others at most." },
	{ "ack_wait", &sl_conf_duration, .fallback = "30s", USAGE(ack_wait_ns), .min = S_NS,
	  .max = 3600 * S_NS, .help = "After how long an event that was not acked comes again." },
	{ "retention", &sl_conf_duration, .fallback = "never", USAGE(retention_ns), .min = DAY_NS,
	  .max = 3650 * DAY_NS, .flags = SL_CONF_NEVER, .help = "How long events are kept." },
	{ "run_quiet", &sl_conf_duration, .fallback = "1m", USAGE(run_quiet_ns), .min = 10 * MS_NS,
	  .max = DAY_NS,
	  .help = "A run that nothing came for so long is over: its cost then goes into the "
		  "histogram." },
	{ "runs_open", &sl_conf_integer, .fallback = "65536", USAGE(runs_open), .min = 16,
	  .max = 1000000, .help = "Runs that are summed at once; one more ends the quietest." },
	{ "dead_letter_body", &sl_conf_choice, .fallback = "none", USAGE(dead_letter_body),
	  .choices = bodies, .help = "What of an event goes into its dead letter." },
	{ "metrics", .table = &metrics_table },
};
static const struct sl_conf_table root = { NULL, SL_CONF_TABLE(root_fields), 0 };

static const struct sl_conf_variable variables[] = {
	{ "NATS_URL", "nats.servers", NULL },
	{ "NATS_ACK_WAIT_MS", "ack_wait", "ms" },
};

static const char intro[] =
	"# Configuration of sluice-usage\n"
	"\n"
	"YAML, strict: a key that is unknown, doubled or out of range is refused with its line.\n"
	"`sluice-usage --check --config FILE` says whether a file is good. This page is what\n"
	"`sluice-usage --config-help` prints.\n"
	"\n";

const struct sl_conf_schema sl_usage_schema = {
	.program = "usage",
	.intro = intro,
	.root = &root,
	.size = sizeof(struct sl_usage_config),
	.variables = variables,
	.variable_count = COUNT(variables),
};

int sl_usage_config_load(struct sl_usage_config *ret, const char *path, char *const *environment,
			 struct sl_conf_error *error)
{
	return sl_conf_read_file(ret, &sl_usage_schema, path, environment, error);
}
