// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/admin_quota.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/domain/text_error.h"

#define PERCENT_MAX 1000u
#define UNIT_MU	    1000u

int sl_admin_read_limit(struct sl_admin_request *ret, const char *text, struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];

	for (int kind = 0; kind < SL_QUOTA_KINDS; kind++) {
		if (strcmp(sl_quota_kind_name((enum sl_quota_kind)kind), text) != 0)
			continue;
		ret->limit = (enum sl_quota_kind)kind;
		return 0;
	}
	return sl_text_refuse(error, -EINVAL,
			      "%s is not one of: packets, bytes, new_connections, requests or cost",
			      sl_text_quote(quoted, text));
}

int sl_admin_read_amount(struct sl_admin_request *ret, const char *text,
			 struct sl_text_error *error)
{
	char quoted[SL_QUOTE_BYTES];

	if (strlen(text) >= sizeof(ret->amount))
		return sl_text_refuse(error, -EINVAL, "%s is not an amount",
				      sl_text_quote(quoted, text));
	(void)snprintf(ret->amount, sizeof(ret->amount), "%s", text);
	return 0;
}

int sl_admin_read_node(struct sl_admin_request *ret, const char *text, struct sl_text_error *error)
{
	const size_t good = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789._-");
	char quoted[SL_QUOTE_BYTES];

	if (!good || text[good] || good >= sizeof(ret->node))
		return sl_text_refuse(error, -EINVAL,
				      "%s is not a node: 1 to 63 letters, digits, \".\", \"_\" "
				      "and \"-\"",
				      sl_text_quote(quoted, text));
	(void)snprintf(ret->node, sizeof(ret->node), "%s", text);
	return 0;
}

static int finish_percent(struct sl_admin_request *ret, size_t digits, struct sl_text_error *error)
{
	uint64_t percent = 0;
	char text[sizeof(ret->amount)] = "";
	int err;

	memcpy(text, ret->amount, digits);
	err = sl_parse_amount(&percent, text, SL_UNIT_COUNT, error);
	if (!err && (percent == 0 || percent > PERCENT_MAX))
		return sl_text_refuse(error, -ERANGE, "by: out of range; allowed: 1%% to %u%%",
				      PERCENT_MAX);
	if (!err)
		ret->amount_percent = (uint32_t)percent;
	return err;
}

int sl_admin_finish_amount(struct sl_admin_request *ret, struct sl_text_error *error)
{
	const enum sl_unit unit = ret->limit == SL_QUOTA_BYTES ? SL_UNIT_BYTES : SL_UNIT_COUNT;
	const uint64_t unit_mu = ret->limit == SL_QUOTA_BYTES ? 1 : UNIT_MU;
	const size_t length = strlen(ret->amount);
	uint64_t amount = 0;
	int err;

	if (ret->command != SL_ADMIN_QUOTA_SET && length && ret->amount[length - 1] == '%')
		return finish_percent(ret, length - 1, error);
	err = sl_parse_amount(&amount, ret->amount, unit, error);
	if (!err && (amount == 0 || amount > SL_QUOTA_RATE_MAX / unit_mu))
		return sl_text_refuse(error, -ERANGE, "%s: out of range; allowed: 1 to %llu %s",
				      ret->command == SL_ADMIN_QUOTA_SET ? "rate" : "by",
				      SL_QUOTA_RATE_MAX / unit_mu, "a second");
	if (!err)
		ret->amount_mu_per_s = (int64_t)(amount * unit_mu);
	return err;
}
