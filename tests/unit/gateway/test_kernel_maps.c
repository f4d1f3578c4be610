// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/gateway/kernel_world.h"

#include <fcntl.h>
#include <unistd.h>

#define FLOWS4                                                                                     \
	"pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1067\nmap_type:\t2\nkey_size:\t4\n"         \
	"value_size:\t64\nmax_entries:\t32768\nmap_flags:\t0x400\nmap_extra:\t0x0\n"               \
	"memlock:\t2097480\nmap_id:\t77\nfrozen:\t0\n"

static int read_as(struct sl_kernel_mapping *ret, enum sl_kernel_map which, const char *text)
{
	return sl_kernel_map_read(ret, which, sl_span_of(text));
}

static void the_kernel_says_what_a_map_is(void **state)
{
	struct sl_kernel_mapping map;

	assert_int_equal(read_as(&map, SL_KERNEL_FLOWS4, FLOWS4), 0);
	assert_int_equal(map.entries, 32768);
	assert_int_equal(map.bytes, 32768 * 64);
	assert_int_equal(map.id, 77);
	assert_int_equal(read_as(&map, SL_KERNEL_FLOWS6, FLOWS4), -EPROTO);
	assert_int_equal(read_as(&map, SL_KERNEL_NAMES, FLOWS4), 0); /* 64 bytes as well */
}

static void what_is_no_such_map_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"pos:\t0\nflags:\t0100002\nmnt_id:\t15\nino:\t1067\n", /* a file */
		"map_type:\t1\nvalue_size:\t64\nmax_entries:\t8\nmap_flags:\t0x400\nmap_id:\t7\n",
		"map_type:\t2\nvalue_size:\t64\nmax_entries:\t8\nmap_flags:\t0x0\nmap_id:\t7\n",
		"map_type:\t2\nvalue_size:\t64\nmax_entries:\t0\nmap_flags:\t0x400\nmap_id:\t7\n",
		"map_type:\t2\nvalue_size:\t64\nmax_entries:\t99999999\nmap_flags:\t0x400\n"
		"map_id:\t7\n",
		"map_type:\t2\nvalue_size:\t64\nmax_entries:\t8\nmap_flags:\t0x400\n",
		"xmap_type:\t2\nvalue_size:\t64\nmax_entries:\t8\nmap_flags:\t0x400\nmap_id:\t7\n",
	};
	char longer[2000];
	struct sl_kernel_mapping map;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_as(&map, SL_KERNEL_FLOWS4, bad[i]), -EPROTO);
	memset(longer, '\n', sizeof(longer));
	assert_int_equal(sl_kernel_map_read(&map, SL_KERNEL_FLOWS4,
					    (struct sl_span){ longer, sizeof(longer) }),
			 -EPROTO);
}

#define SIX "\"sl_flows4\",\"sl_flows6\",\"sl_buckets\",\"sl_refusals\",\"sl_ctl\",\"sl_names\""

struct answer {
	const char *text;
	int status;
	const char *words; /* in the error */
};

static const struct answer answers[] = {
	{ "", -EINVAL, "cannot be read" },
	{ "[]", -EINVAL, "cannot be read" },
	{ "{\"ok\":true}", -EINVAL, "cannot be read" },
	{ "{\"ok\":false,\"error\":\"not yours\"}", -EACCES, "not yours" },
	{ "{\"ok\":false,\"error\":7}", -EACCES, "refuses" },
	{ "{\"ok\":true,\"abi\":99,\"maps\":[" SIX "]}", -EPROTO, "ABI 99" },
	{ "{\"ok\":true,\"abi\":1,\"maps\":[]}", -EPROTO, "descriptors came" },
	{ "{\"ok\":true,\"abi\":1,\"maps\":[1,2,3,4,5,6]}", -EPROTO, "descriptors came" },
	{ "{\"ok\":true,\"abi\":1,\"maps\":[" SIX ",\"sl_more\"]}", -EPROTO, "descriptors came" },
	{ "{\"ok\":true,\"abi\":1,\"maps\":[\"sl_ctl\",\"sl_ctl\",\"a\",\"b\",\"c\",\"d\"]}",
	  -EPROTO, "twice" },
	{ "{\"ok\":true,\"abi\":1,\"maps\":[\"x\",\"sl_ctl\",\"a\",\"b\",\"c\",\"d\"]}", -EPROTO,
	  "did not hand over" },
	/* The names are right, and what came is a file: it is never mapped. */
	{ "{\"ok\":true,\"abi\":1,\"maps\":[" SIX "]}", -EPROTO, "another map, or none" },
};

static void wrong_answers_are_refused(void **state)
{
	int file = memfd_create("map", MFD_CLOEXEC);
	const int fds[6] = { file, file, file, file, file, file };

	assert_true(file >= 0);
	assert_int_equal(ftruncate(file, 1 << 20), 0);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct sl_kernel_error error = { "" };
		struct sl_kernel_maps *maps = NULL;

		assert_int_equal(
			sl_kernel_maps_new(&maps, sl_span_of(answers[i].text), fds, 6, &error),
			answers[i].status);
		assert_null(maps);
		assert_non_null(strstr(error.message, answers[i].words));
	}
	assert_true(fcntl(file, F_GETFD) >= 0); /* the caller's still */
	assert_int_equal(close(file), 0);
}

static void sizes_must_fit_together(void **state)
{
	struct sl_kernel_maps *maps = world_maps(1);
	struct sl_kernel_error error;

	world_ctl(maps)->abi_version++;
	assert_int_equal(sl_kernel_maps_view(maps, &error), -EPROTO);
	world_ctl(maps)->abi_version--;
	maps->map[SL_KERNEL_BUCKETS].entries--;
	assert_int_equal(sl_kernel_maps_view(maps, &error), -EPROTO);
	maps->map[SL_KERNEL_BUCKETS].entries++;
	maps->map[SL_KERNEL_REFUSALS].entries--;
	assert_int_equal(sl_kernel_maps_view(maps, &error), -EPROTO);
	maps->map[SL_KERNEL_REFUSALS].entries++;
	maps->map[SL_KERNEL_REQUEST_LIMITS].entries--;
	assert_int_equal(sl_kernel_maps_view(maps, &error), -EPROTO);
	maps->map[SL_KERNEL_REQUEST_LIMITS].entries = 0;
	assert_int_equal(sl_kernel_maps_view(maps, &error), -EPROTO);
	maps->map[SL_KERNEL_REQUEST_LIMITS].entries = 2 * TENANTS;
	maps->map[SL_KERNEL_FLOWS6].entries = 1;
	assert_int_equal(sl_kernel_maps_view(maps, &error), -EPROTO);
	sl_kernel_maps_free(maps);
}

static void maps_are_told_apart_by_the_kernels_ids(void **state)
{
	struct sl_kernel_maps *a = world_maps(1), *b = world_maps(1);

	assert_true(sl_kernel_maps_equal(a, b));
	b->map[SL_KERNEL_NAMES].id++;
	assert_false(sl_kernel_maps_equal(a, b));
	sl_kernel_maps_free(a);
	sl_kernel_maps_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_says_what_a_map_is),
		cmocka_unit_test(what_is_no_such_map_is_refused),
		cmocka_unit_test(wrong_answers_are_refused),
		cmocka_unit_test(sizes_must_fit_together),
		cmocka_unit_test(maps_are_told_apart_by_the_kernels_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
