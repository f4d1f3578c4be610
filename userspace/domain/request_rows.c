/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/domain/request_rows.h"

#include <errno.h>
#include <string.h>

#include "userspace/domain/text_error.h"

int sl_request_row_name(char ret[SL_TENANT_NAME_BYTES], struct sl_span tenant,
			struct sl_span policy)
{
	struct sl_span owner = tenant.length ? tenant : SL_SPAN(SL_ROW_ALL);
	size_t length = owner.length;

	if (owner.length >= SL_TENANT_NAME_BYTES ||
	    (policy.length && policy.length >= SL_TENANT_NAME_BYTES - owner.length - 1))
		return -ENAMETOOLONG;
	memcpy(ret, owner.at, owner.length);
	if (policy.length) {
		ret[length++] = '/';
		memcpy(ret + length, policy.at, policy.length);
		length += policy.length;
	}
	ret[length] = '\0';
	return 0;
}

bool sl_request_row_is(struct sl_span name)
{
	return name.length && (name.at[0] == SL_ROW_ALL[0] || memchr(name.at, '/', name.length));
}

static int refuse(const char *text, struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];

	return sl_text_refuse(error, -EINVAL,
			      "%s is neither a tenant nor limits of requests like acme/premium, "
			      "*/premium or *",
			      sl_text_quote(quoted, text));
}

int sl_request_row_parse(char ret[SL_TENANT_NAME_BYTES], const char *text,
			 struct sl_text_error *error)
{
	const char *slash = strchr(text, '/');
	const struct sl_span tenant = { text, slash ? (size_t)(slash - text) : strlen(text) };
	char name[SL_TENANT_NAME_BYTES], part[SL_TENANT_NAME_BYTES];
	int err;

	if (!sl_request_row_is(sl_span_of(text)))
		return sl_parse_name(ret, text, error);
	if (!tenant.length || sl_request_row_name(name, tenant, (struct sl_span){ 0 }) ||
	    (slash && !slash[1]) || strlen(text) >= SL_TENANT_NAME_BYTES)
		return refuse(text, error);
	if (strcmp(name, SL_ROW_ALL) != 0) {
		err = sl_parse_name(part, name, error);
		if (err)
			return err;
	}
	if (slash) {
		err = sl_parse_name(part, slash + 1, error);
		if (err)
			return err;
	}
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}
