/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of files that are refused, each with its whole message. */
#pragma once

#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/conf/conf.h"

#define V "version: 1\n"

struct refused {
	const char *text; /* of a file called t.yaml */
	const char *message;
};

static inline void assert_refused(const struct refused *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct sl_conf_error error = { "" };
		struct sl_config *config = NULL;
		int err = sl_conf_parse(&config, "t.yaml", cases[i].text, strlen(cases[i].text),
					&error);

		assert_string_equal(error.message, cases[i].message);
		assert_int_equal(err, -EINVAL);
		assert_null(config);
	}
}
