/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/gateway/settings_tables.h"

void sl_settings_free(struct sl_settings *settings)
{
	if (!settings)
		return;
	sl_conf_clear(settings, &sl_settings_schema);
	explicit_bzero(&settings->distributed, sizeof(settings->distributed));
	free(settings);
}

void sl_settings_freep(struct sl_settings **settings)
{
	sl_settings_free(*settings);
}

const struct sl_plan *sl_settings_plan(const struct sl_settings *settings, struct sl_span name)
{
	if (!name.length)
		return &settings->limits.plan;
	for (size_t i = 0; i < settings->limits.plan_count; i++)
		if (sl_span_is(name, settings->limits.plans[i].name))
			return &settings->limits.plans[i];
	return NULL;
}

static const char *find(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; environment && *environment; environment++)
		if (!strncmp(*environment, name, length) && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

/* "a,b,c" in place of a list; blanks around the commas are skipped. */
static int take_list(struct sl_settings_name **names, size_t *count, const char *variable,
		     char *const *environment, struct sl_settings_error *error)
{
	const char *text = find(environment, variable);
	struct sl_settings_name *taken;

	if (!text || !*text)
		return 0;
	taken = calloc(SL_SETTINGS_NAMES_MAX, sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	free(*names);
	*names = taken;
	for (*count = 0; *(text += strspn(text, ", "));) {
		size_t length = strcspn(text, ", ");

		if (*count == SL_SETTINGS_NAMES_MAX || length >= SL_SETTINGS_NAME_BYTES) {
			snprintf(error->message, sizeof(error->message),
				 "environment: %s: at most %d names of at most %d bytes", variable,
				 SL_SETTINGS_NAMES_MAX, SL_SETTINGS_NAME_BYTES - 1);
			return -EINVAL;
		}
		memcpy(taken[(*count)++].text, text, length);
		text += length;
	}
	return 0;
}

/* Lists have no place in the engine's environment; and one has a default. */
static int complete(struct sl_settings *settings, char *const *environment,
		    struct sl_settings_error *error)
{
	int r = take_list(&settings->router.subjects, &settings->router.subject_count,
			  "NATS_SUBJECT_ALLOWLIST", environment, error);

	if (!r)
		r = take_list(&settings->metrics.tenants, &settings->metrics.tenant_count,
			      "METRICS_TENANT_LABEL_ALLOWLIST", environment, error);
	if (r || settings->router.subject_count)
		return r;
	settings->router.subjects = calloc(1, sizeof(*settings->router.subjects));
	if (!settings->router.subjects)
		return -ENOMEM;
	snprintf(settings->router.subjects[0].text, SL_SETTINGS_NAME_BYTES, "%s",
		 SL_SUBJECT_ASSIGN);
	settings->router.subject_count = 1;
	return 0;
}

static int finish(struct sl_settings **ret, struct sl_settings *settings, int r,
		  const struct sl_conf_error *why, char *const *environment,
		  struct sl_settings_error *error)
{
	if (r) {
		snprintf(error->message, sizeof(error->message), "%s", why->message);
		return r;
	}
	r = complete(settings, environment, error);
	if (!r)
		*ret = settings;
	return r;
}

int sl_settings_load(struct sl_settings **ret, const char *path, char *const *environment,
		     struct sl_settings_error *error)
{
	sl_cleanup(sl_settings_freep) struct sl_settings *settings = calloc(1, sizeof(*settings));
	struct sl_conf_error why = { "" };
	int r;

	if (!settings)
		return -ENOMEM;
	r = sl_conf_read_file(settings, &sl_settings_schema, path, environment, &why);
	r = finish(ret, settings, r, &why, environment, error);
	if (!r)
		SL_TAKE_PTR(settings);
	return r;
}

int sl_settings_parse(struct sl_settings **ret, const char *name, struct sl_span text,
		      char *const *environment, struct sl_settings_error *error)
{
	sl_cleanup(sl_settings_freep) struct sl_settings *settings = calloc(1, sizeof(*settings));
	struct sl_conf_error why = { "" };
	int r;

	if (!settings)
		return -ENOMEM;
	r = sl_conf_read_text(settings, &sl_settings_schema, name, text.at, text.length,
			      environment, &why);
	r = finish(ret, settings, r, &why, environment, error);
	if (!r)
		SL_TAKE_PTR(settings);
	return r;
}

int sl_settings_describe(FILE *out)
{
	return sl_conf_describe_schema(out, &sl_settings_schema);
}
