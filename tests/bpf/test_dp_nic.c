// SPDX-License-Identifier: Apache-2.0
/* What is read of an interface, and what is said about it. */
#include "tests/harness/dataplane.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "userspace/dataplane/nic.h"

static void what_a_nic_is(void **state)
{
	struct sl_nic nic;
	char text[400] = "";

	assert_int_equal(sl_nic_read(&nic, "no-such", NULL), -ENODEV);
	sl_bed_add_veth("ni");
	assert_int_equal(sl_nic_read(&nic, "ni", NULL), 0);
	assert_string_equal(nic.driver, "veth");
	assert_int_equal(nic.mtu, 1500);
	assert_true(nic.up && nic.carrier);
	assert_int_equal(nic.ifindex, if_nametoindex("ni"));

	nic = (struct sl_nic){ .ifname = "eth0",
			       .mtu = 9000,
			       .lro = true,
			       .gro_hw = true,
			       .channels = 8,
			       .channels_max = 8,
			       .up = true };
	sl_nic_explain(&nic, text, sizeof(text));
	assert_non_null(strstr(text, "MTU is 9000"));
	assert_non_null(strstr(text, "ethtool -K eth0 lro off"));
	assert_non_null(strstr(text, "rx-gro-hw off"));
	assert_non_null(strstr(text, "ethtool -L eth0 combined 4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_nic_is),
	};

	sl_bed_enter_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
