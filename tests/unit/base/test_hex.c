// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <stdio.h>

#include "userspace/base/hex.h"

static void every_byte_in_every_place(void **state)
{
	for (size_t place = 0; place < 8; place++) {
		for (unsigned int byte = 0; byte < 0x100; byte++) {
			uint8_t bytes[8] = { 0x01, 0x9a, 0xbf, 0x70, 0x0e, 0xff, 0x00, 0xa9 };
			char got[17] = "", want[17];

			bytes[place] = (uint8_t)byte;
			for (size_t i = 0; i < sizeof(bytes); i++)
				(void)snprintf(want + 2 * i, sizeof(want) - 2 * i, "%02x",
					       bytes[i]);
			sl_hex(got, bytes, sizeof(bytes));
			assert_string_equal(got, want);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_in_every_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
