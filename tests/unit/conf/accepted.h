/* SPDX-License-Identifier: Apache-2.0 */
/* Files that must be good, and what their rates must be. */
#pragma once

#include "tests/harness/test.h"

#include <string.h>

#include "userspace/conf/conf.h"
#include "userspace/domain/text.h"

static inline struct sl_config *parse(const char *text)
{
	struct sl_conf_error error = { "" };
	struct sl_config *config = NULL;

	if (sl_conf_parse(&config, "t.yaml", text, strlen(text), &error))
		fail_msg("refused: %s", error.message);
	return config;
}

static inline struct sl_config *load(const char *path)
{
	struct sl_conf_error error = { "" };
	struct sl_config *config = NULL;

	if (sl_conf_load(&config, path, &error))
		fail_msg("refused: %s", error.message);
	return config;
}

#define assert_rate(rate, wanted_per_s, wanted_burst)                                              \
	do {                                                                                       \
		assert_false((rate).unlimited);                                                    \
		assert_int_equal((rate).per_s, wanted_per_s);                                      \
		assert_int_equal((rate).burst, wanted_burst);                                      \
	} while (0)

#define assert_unlimited(rate)                                                                     \
	do {                                                                                       \
		assert_true((rate).unlimited);                                                     \
		assert_int_equal((rate).per_s, 0);                                                 \
		assert_int_equal((rate).burst, 0);                                                 \
	} while (0)

static inline void assert_prefix(const struct sl_prefix_spec *prefix, const char *wanted)
{
	char text[SL_PREFIX_BYTES];

	assert_string_equal(sl_format_prefix(text, sizeof(text), prefix), wanted);
}
