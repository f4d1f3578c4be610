// SPDX-License-Identifier: Apache-2.0
/*
 * The verifier gives up after a million instructions looked at, and a kernel or compiler
 * other than ours looks at more or fewer: every program keeps well away from it.
 */
#include "tests/harness/test.h"

#include <bpf/bpf.h>

#include "tests/harness/suite.h"

#define VERIFIED_MAX 600000u

static void every_program_is_far_from_the_limit(void **state)
{
	struct sl_shield *s = sl_shield_open(SL_SHIELD_XDP | SL_SHIELD_TC | SL_SHIELD_CONNS);
	struct bpf_program *program;

	bpf_object__for_each_program (program, s->skel->obj) {
		struct bpf_prog_info info = { 0 };
		uint32_t length = sizeof(info);

		assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length),
				 0);
		print_message("%s: %u of 1,000,000 instructions\n", bpf_program__name(program),
			      info.verified_insns);
		assert_in_range(info.verified_insns, 1, VERIFIED_MAX);
	}
	sl_shield_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_program_is_far_from_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
