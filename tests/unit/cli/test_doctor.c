// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "userspace/cli/doctor.h"

static struct sl_finding findings[SL_FINDINGS_MAX];

static struct sl_doctor_facts healthy(void)
{
	struct sl_doctor_facts facts = { .release = "6.18.1",
					 .has_btf = true,
					 .has_bpffs = true,
					 .bpffs = "/sys/fs/bpf",
					 .cap_bpf = true,
					 .cap_net_admin = true,
					 .cap_perfmon = true,
					 .bpf_errno = EINVAL,
					 .jit = 1,
					 .cgroup2 = "/sys/fs/cgroup",
					 .nic_count = 1 };

	facts.nics[0] = (struct sl_nic){ .ifname = "eth0",
					 .driver = "ice",
					 .mtu = 1500,
					 .channels = 4,
					 .channels_max = 8,
					 .up = true,
					 .carrier = true };
	return facts;
}

/* The finding of @check at @level, or NULL. */
static const struct sl_finding *find(const struct sl_doctor_facts *facts, const char *check,
				     enum sl_finding_level level)
{
	size_t count = sl_doctor_judge(findings, facts);

	for (size_t i = 0; i < count; i++)
		if (strcmp(findings[i].check, check) == 0 && findings[i].level == level)
			return &findings[i];
	return NULL;
}

static void a_good_machine_has_nothing_to_do(void **state)
{
	struct sl_doctor_facts facts = healthy();
	size_t count = sl_doctor_judge(findings, &facts);

	assert_true(count > 8);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(findings[i].level, SL_FINDING_OK);
		assert_string_equal(findings[i].advice, "");
	}
}

static void old_kernels_are_told_by_number(void **state)
{
	static const struct {
		const char *release;
		bool too_old;
		bool tcx;
	} cases[] = {
		{ "5.10.0-8-amd64", true, false }, { "5.17.15", true, false },
		{ "5.18.0", false, false },	   { "6.1.0-13-amd64", false, false },
		{ "6.5.9", false, false },	   { "6.6.0", false, true },
		{ "10.0", false, true },	   { "", true, false },
		{ "linux", true, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_doctor_facts facts = healthy();

		(void)snprintf(facts.release, sizeof(facts.release), "%s", cases[i].release);
		assert_int_equal(find(&facts, "kernel", SL_FINDING_FAIL) != NULL, cases[i].too_old);
		assert_int_equal(find(&facts, "tcx", SL_FINDING_WARN) == NULL, cases[i].tcx);
	}
}

static void each_thing_that_is_missing_is_found(void **state)
{
	struct sl_doctor_facts facts = healthy();

	facts.has_btf = false;
	assert_non_null(find(&facts, "btf", SL_FINDING_FAIL));
	facts.has_bpffs = false;
	assert_string_equal(find(&facts, "bpffs", SL_FINDING_FAIL)->advice,
			    "mount -t bpf bpf /sys/fs/bpf");
	facts.cap_net_admin = false;
	assert_string_equal(find(&facts, "capabilities", SL_FINDING_FAIL)->found,
			    "missing: CAP_NET_ADMIN");
	facts.cap_perfmon = false;
	assert_string_equal(find(&facts, "capabilities", SL_FINDING_FAIL)->found,
			    "missing: CAP_NET_ADMIN CAP_PERFMON");
	facts.jit = 0;
	assert_non_null(find(&facts, "jit", SL_FINDING_WARN));
	facts.cgroup2[0] = '\0';
	assert_non_null(find(&facts, "cgroup2", SL_FINDING_WARN));
	facts.has_maps = true;
	assert_non_null(find(&facts, "agent", SL_FINDING_WARN));
	(void)snprintf(facts.maps_error, sizeof(facts.maps_error), "abi 7, want 1");
	assert_string_equal(find(&facts, "maps", SL_FINDING_FAIL)->found, "abi 7, want 1");
}

static void a_refused_bpf_call_is_seccomp_or_rights(void **state)
{
	struct sl_doctor_facts facts = healthy();

	facts.bpf_errno = EPERM;
	assert_non_null(strstr(find(&facts, "bpf(2)", SL_FINDING_FAIL)->advice, "seccomp"));
	facts.cap_bpf = false;
	assert_non_null(strstr(find(&facts, "bpf(2)", SL_FINDING_FAIL)->advice, "CAP_BPF"));
	facts.bpf_errno = ENOSYS;
	assert_non_null(strstr(find(&facts, "bpf(2)", SL_FINDING_FAIL)->advice, "kernel"));
}

static void interfaces_have_their_own_troubles(void **state)
{
	struct sl_doctor_facts facts = healthy();
	struct sl_nic *nic = &facts.nics[0];

	nic->mtu = 9000;
	assert_string_equal(find(&facts, "eth0", SL_FINDING_WARN)->found, "mtu 9000");
	nic->mtu = 1500;
	nic->lro = nic->gro_hw = true;
	assert_string_equal(find(&facts, "eth0", SL_FINDING_WARN)->found, "LRO and GRO_HW on");
	assert_string_equal(find(&facts, "eth0", SL_FINDING_WARN)->advice,
			    "many drivers refuse XDP then: ethtool -K eth0 lro off rx-gro-hw off");
	nic->lro = nic->gro_hw = false;
	(void)snprintf(nic->driver, sizeof(nic->driver), "ena");
	assert_null(find(&facts, "eth0", SL_FINDING_WARN));
	nic->channels = 5;
	assert_string_equal(find(&facts, "eth0", SL_FINDING_WARN)->advice,
			    "ena wants half of them free for XDP: ethtool -L eth0 combined 4");
	(void)snprintf(nic->driver, sizeof(nic->driver), "e1000");
	assert_non_null(strstr(find(&facts, "eth0", SL_FINDING_WARN)->advice, "tc-only"));
}

static void a_full_machine_fits(void **state)
{
	struct sl_doctor_facts facts = healthy();

	facts.nic_count = SL_DOCTOR_NICS_MAX;
	for (size_t i = 0; i < SL_DOCTOR_NICS_MAX; i++)
		facts.nics[i] = (struct sl_nic){ .ifname = "x",
						 .driver = "ena",
						 .mtu = 9000,
						 .lro = true,
						 .channels = 8,
						 .channels_max = 8 };
	assert_true(sl_doctor_judge(findings, &facts) <= SL_FINDINGS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_machine_has_nothing_to_do),
		cmocka_unit_test(old_kernels_are_told_by_number),
		cmocka_unit_test(each_thing_that_is_missing_is_found),
		cmocka_unit_test(a_refused_bpf_call_is_seccomp_or_rights),
		cmocka_unit_test(interfaces_have_their_own_troubles),
		cmocka_unit_test(a_full_machine_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
