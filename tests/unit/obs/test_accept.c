// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "userspace/obs/accept.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OPEN	     "application/openmetrics-text"

static void takes_who_names_it(void **state)
{
	static const char *const headers[] = {
		OPEN,
		" " OPEN "; version=1.0.0",
		"Application/OpenMetrics-Text;VERSION=1.0.0;Q=0.2",
		OPEN ";version=1.0.0;q=0.5," OPEN
		     ";version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,"
		     "*/*;q=0.1",
		"text/plain;q=0.5, " OPEN ";q=0.5",
		"text/plain;q=0.499," OPEN ";q=0.5",
		"text/html,*/*," OPEN,
		OPEN ";q=1.000",
		OPEN ";q=0.001",
		OPEN ";q=", /* no quality */
		",,;," OPEN,
	};

	for (size_t i = 0; i < COUNT(headers); i++)
		if (!sl_accepts_openmetrics(sl_span_of(headers[i])))
			fail_msg("refused: %s", headers[i]);
}

static void leaves_the_others_with_text(void **state)
{
	static const char *const headers[] = {
		"",
		"*/*",
		"text/plain",
		"text/plain," OPEN ";q=0.9",
		OPEN ";q=0",
		OPEN ";q=0.000",
		OPEN "s",
		"x" OPEN,
		"application/*",
		";" OPEN,
		"q=1;" OPEN,
		"text/plain;q=0.6," OPEN ";q=0.59",
	};

	for (size_t i = 0; i < COUNT(headers); i++)
		if (sl_accepts_openmetrics(sl_span_of(headers[i])))
			fail_msg("accepted: %s", headers[i]);
	assert_false(sl_accepts_openmetrics((struct sl_span){ NULL, 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_who_names_it),
		cmocka_unit_test(leaves_the_others_with_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
