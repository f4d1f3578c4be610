/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/conf/backoff.h"

static int parse_backoff(void *at, const char *text, const struct sl_conf_field *field,
			 struct sl_text_error *error)
{
	(void)field;
	if (*text)
		return sl_backoff_parse(at, text, error);
	*(struct sl_backoff *)at = (struct sl_backoff){ 0 };
	return 0;
}

const struct sl_conf_type sl_conf_backoff = { "delays with commas between them", parse_backoff, 0,
					      false };
