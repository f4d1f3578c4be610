// SPDX-License-Identifier: Apache-2.0
#include "userspace/conf/conf.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"
#include "userspace/conf/schema.h"

static const char intro[] =
	"# Configuration\n"
	"\n"
	"`sluiced --config-help` prints this page; a test keeps it true. Examples:\n"
	"[protect-one-interface.yaml](../examples/protect-one-interface.yaml) and\n"
	"[full.yaml](../examples/full.yaml), which has every key.\n"
	"\n"
	"One YAML document, UTF-8, at most 16 MiB. Unknown keys, keys twice, anchors, aliases\n"
	"and tags are refused, and so is what contradicts itself; messages name file, line,\n"
	"column and key. `sluiced --check --config FILE` only looks.\n"
	"\n"
	"| Written as | Means |\n"
	"|---|---|\n"
	"| an amount | `100`, `10k`, `2.5M`, `1G`; decimal |\n"
	"| an amount of bytes | `1500`, `10kB`, `2.5MB`, `1GB`, `64KiB`, `1MiB`, `800Mbit` (bits / 8) |\n"
	"| a rate | an amount per second (1 to 100M), `unlimited`, or `0`: blocked |\n"
	"| a rate in bytes | an amount of bytes per second (1kB to 50GB = 400Gbit), `unlimited`, or `0`: blocked |\n"
	"| a burst | an amount; at most what its rate admits in a day |\n"
	"| a duration | `250ms`, `30s`, `5m`, `1h`, `1d`; where allowed `never` |\n"
	"| a prefix | `10.0.0.0/8`, `2001:db8::/32`; no host bits; a bare address is a prefix of one |\n"
	"| a name | 1 to 55 of `A-Z a-z 0-9 . _ -`, the first a letter or digit; not `unknown` |\n"
	"\n## The node\n\n";

static const struct sl_conf_schema agent_schema = {
	.program = "agent",
	.intro = intro,
	.root = &sl_conf_root,
	.size = sizeof(struct sl_conf_draft),
	.check = sl_conf_check,
};

_Static_assert(offsetof(struct sl_conf_draft, config) == 0,
	       "conf: sl_config_free() of the config frees the draft");

static int no_memory(struct sl_conf_error *error, const char *name)
{
	(void)snprintf(error->message, sizeof(error->message), "%.128s: out of memory", name);
	return -ENOMEM;
}

int sl_conf_parse(struct sl_config **ret, const char *name, const void *text, size_t length,
		  struct sl_conf_error *error)
{
	sl_autofree struct sl_conf_draft *draft = calloc(1, sizeof(*draft));
	int err = draft ? sl_conf_read_text(draft, &agent_schema, name, text, length, NULL, error)
			: no_memory(error, name);

	if (err)
		return err;
	*ret = &SL_TAKE_PTR(draft)->config;
	return 0;
}

int sl_conf_load(struct sl_config **ret, const char *path, struct sl_conf_error *error)
{
	sl_autofree struct sl_conf_draft *draft = calloc(1, sizeof(*draft));
	int err = draft ? sl_conf_read_file(draft, &agent_schema, path, NULL, error)
			: no_memory(error, path);

	if (err)
		return err;
	*ret = &SL_TAKE_PTR(draft)->config;
	return 0;
}

int sl_conf_describe(FILE *out)
{
	return sl_conf_describe_schema(out, &agent_schema);
}
