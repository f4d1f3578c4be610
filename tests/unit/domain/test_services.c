// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/domain/service_reader.h"

#include <errno.h>

static void a_service_is_found_by_all_of_its_key(void **state)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct sl_service_spec services[] = { service(family, 1, TCP, 80, 0, 3) };
		struct sl_service_table t;

		build(&t, family, services, 1);
		assert_int_equal(t.used, 2);
		assert_int_equal(t.shapes_count, 1);
		assert_int_equal(t.shapes, 0);
		assert_found(&t, family, packet(family, 1, TCP, 80, 0), 3);
		assert_not_found(&t, family, packet(family, 2, TCP, 80, 0));
		assert_not_found(&t, family, packet(family, 1, TCP, 81, 0));
		assert_not_found(&t, family, packet(family, 1, UDP, 80, 0));
		assert_not_found(&t, family, packet(family, 1, TCP, 80, 5));
		free(t.lines4);
	}
}

static void flags_say_how_to_go_on(void **state)
{
	struct sl_service_spec services[] = { service(4, 1, TCP, 80, 0, NOBODY),
					      service(4, 2, TCP, 80, 0, 2) };
	const struct packet first = packet(4, 1, TCP, 80, 0), second = packet(4, 2, TCP, 80, 0);
	const struct packet fragment = packet(4, 1, FRAGMENT, 0, 0);
	struct sl_service_table t;

	services[0].bind = true;
	build(&t, 4, services, 2);
	assert_int_equal(find(&t, 4, &first).flags, SL_SERVICE_USED | SL_SERVICE_BIND);
	assert_int_equal(find(&t, 4, &second).flags, SL_SERVICE_USED | SL_SERVICE_TENANT);
	assert_int_equal(find(&t, 4, &fragment).flags, SL_SERVICE_USED);
	free(t.lines4);
}

static void fragments_belong_to_the_tenant_of_all_services_there(void **state)
{
	struct sl_service_spec services[] = {
		service(4, 1, TCP, 80, 0, 1), service(4, 1, UDP, 53, 0, 1),
		service(4, 2, TCP, 80, 0, 1), service(4, 2, TCP, 81, 0, 2),
		service(4, 3, TCP, 80, 0, 1), service(4, 3, TCP, 81, 0, NOBODY),
		service(4, 4, TCP, 80, 0, 1), service(4, 4, TCP, 80, 7, 2),
		service(4, 5, TCP, 1, 0, 1),  service(4, 5, TCP, 2, 0, 2),
		service(4, 5, TCP, 3, 0, 1),
	};
	struct sl_service_table t;

	build(&t, 4, services, COUNT(services));
	assert_int_equal(t.used, COUNT(services) + 6);
	assert_found(&t, 4, packet(4, 1, FRAGMENT, 0, 0), 1);
	assert_found(&t, 4, packet(4, 2, FRAGMENT, 0, 0), NOBODY);
	assert_found(&t, 4, packet(4, 3, FRAGMENT, 0, 0), NOBODY);
	assert_found(&t, 4, packet(4, 4, FRAGMENT, 0, 0), 1);
	assert_found(&t, 4, packet(4, 4, FRAGMENT, 0, 7), 2);
	assert_found(&t, 4, packet(4, 5, FRAGMENT, 0, 0), NOBODY);
	assert_not_found(&t, 4, packet(4, 4, FRAGMENT, 0, 8));
	assert_not_found(&t, 4, packet(4, 9, FRAGMENT, 0, 0));
	free(t.lines4);
}

static void wildcards_come_after_what_is_said_exactly(void **state)
{
	struct sl_service_spec services[] = {
		service(4, 1, TCP, 80, 5, 0), service(4, 1, TCP, 80, ANY, 1),
		service(4, 1, TCP, 0, 5, 2),  service(4, 1, TCP, 0, ANY, 3),
		service(0, 0, TCP, 80, 5, 4), service(0, 0, TCP, 80, ANY, 5),
		service(0, 0, TCP, 0, 5, 6),  service(0, 0, TCP, 0, ANY, 7),
	};
	struct sl_service_table t;

	build(&t, 4, services, COUNT(services));
	assert_int_equal(t.shapes_count, 8);
	assert_int_equal(t.shapes, 0x76543210);
	assert_found(&t, 4, packet(4, 1, TCP, 80, 5), 0);
	assert_found(&t, 4, packet(4, 1, TCP, 80, 6), 1);
	assert_found(&t, 4, packet(4, 1, TCP, 81, 5), 2);
	assert_found(&t, 4, packet(4, 1, TCP, 81, 6), 3);
	assert_found(&t, 4, packet(4, 2, TCP, 80, 5), 4);
	assert_found(&t, 4, packet(4, 2, TCP, 80, 6), 5);
	assert_found(&t, 4, packet(4, 2, TCP, 81, 5), 6);
	assert_found(&t, 4, packet(4, 2, TCP, 81, 6), 7);
	assert_not_found(&t, 4, packet(4, 1, UDP, 80, 5));
	assert_found(&t, 4, packet(4, 1, FRAGMENT, 0, 5), NOBODY);
	free(t.lines4);
}

static void any_address_is_of_both_families(void **state)
{
	struct sl_service_spec services[] = { service(0, 0, TCP, 22, 0, 1),
					      service(0, 0, IPPROTO_ICMP, 0, 0, 2),
					      service(0, 0, IPPROTO_ICMPV6, 0, 0, 3) };
	struct sl_service_table t;

	build(&t, 4, services, COUNT(services));
	assert_int_equal(t.used, 3);
	assert_found(&t, 4, packet(4, 9, TCP, 22, 0), 1);
	assert_found(&t, 4, packet(4, 9, IPPROTO_ICMP, 0, 0), 2);
	assert_not_found(&t, 4, packet(4, 9, IPPROTO_ICMPV6, 0, 0));
	free(t.lines4);

	build(&t, 6, services, COUNT(services));
	assert_int_equal(t.used, 3);
	assert_found(&t, 6, packet(6, 9, TCP, 22, 0), 1);
	assert_not_found(&t, 6, packet(6, 9, IPPROTO_ICMP, 0, 0));
	assert_found(&t, 6, packet(6, 9, IPPROTO_ICMPV6, 0, 0), 3);
	free(t.lines6);
}

static void the_other_family_is_left_out(void **state)
{
	struct sl_service_spec services[] = { service(6, 1, TCP, 80, 0, 1) };
	struct sl_service_table t;

	build(&t, 4, services, 1);
	assert_int_equal(t.used, 0);
	assert_int_equal(t.shapes_count, 0);
	free(t.lines4);
}

/* A look-up costs each packet; ICMP and fragments have port 0 and need none of their own. */
static void what_has_no_port_needs_no_shape_of_its_own(void **state)
{
	static const struct {
		struct sl_service_spec services[3];
		size_t count;
		uint32_t shapes, shapes_count;
	} cases[] = {
#define AT(...) service_at(__VA_ARGS__)
#define service_at(last_, protocol_, port_, vlan_)                                                 \
	{ .address = { 4, { 192, 0, 2, last_ } },                                                  \
	  .port = (port_),                                                                         \
	  .protocol = (protocol_),                                                                 \
	  .vlan = (vlan_),                                                                         \
	  .tenant = NOBODY }
		{ { AT(1, IPPROTO_ICMP, 0, 0) }, 1, 0x0, 1 },
		{ { AT(1, IPPROTO_ICMP, 0, ANY) }, 1, 0x1, 1 },
		{ { AT(1, TCP, 0, 0) }, 1, 0x2, 1 },
		{ { AT(1, TCP, 0, ANY) }, 1, 0x3, 1 },
		{ { AT(1, TCP, 0, ANY), AT(2, IPPROTO_ICMP, 0, ANY) }, 2, 0x3, 1 },
		{ { AT(1, TCP, 0, 0), AT(2, TCP, 0, ANY) }, 2, 0x32, 2 },
		/* ICMP of VLAN 5 is to be looked for before ICMP of any VLAN. */
		{ { AT(1, TCP, 0, 5), AT(2, UDP, 53, ANY) }, 2, 0x210, 3 },
#undef service_at
#undef AT
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sl_service_spec services[3];
		struct sl_service_table t;

		memcpy(services, cases[i].services, sizeof(services));
		build(&t, 4, services, cases[i].count);
		assert_int_equal(t.shapes, cases[i].shapes);
		assert_int_equal(t.shapes_count, cases[i].shapes_count);
		free(t.lines4);
	}
}

static void what_does_not_fit_is_refused(void **state)
{
	struct sl_service_spec services[9];
	struct sl_service_table t;
	struct sl_text_error error;

	for (uint8_t i = 0; i < 9; i++)
		services[i] = service(4, i, TCP, 80, 0, 1);
	assert_int_equal(fill(&t, 4, services, 9, 4, &error), -ENOSPC);
	assert_string_equal(error.message,
			    "18 entries of IPv4 services, those for fragments included, do not "
			    "fit the table: raise sizes.services and create the maps anew");
	assert_int_equal(fill(&t, 4, services, 1, 3, &error), -EINVAL);
	assert_string_equal(error.message, "3 lines of services: not a power of two");
	assert_int_equal(fill(&t, 4, services, 1, 0, &error), -EINVAL);
	services[4] = services[2];
	services[2].line = 12;
	services[4].line = 14;
	assert_int_equal(fill(&t, 4, services, 9, 16, &error), -EEXIST);
	assert_non_null(strstr(error.message, "are the same"));
	services[0].tenant = TENANTS;
	assert_int_equal(fill(&t, 4, services, 1, 16, &error), -EINVAL);
}

static void a_table_may_be_nearly_full(void **state)
{
	struct sl_service_spec services[SL_SERVICE4_SLOTS * 64];
	struct sl_service_table t;
	struct sl_text_error error;
	size_t count = 0;

	for (uint8_t address = 0; address < 112; address++) { /* 224 of 256 slots: 87 % */
		services[count++] = service(4, (uint8_t)(address + 1), TCP, 80, 0, 1);
	}
	assert_int_equal(fill(&t, 4, services, count, 64, &error), 0);
	for (uint8_t address = 0; address < 112; address++)
		assert_found(&t, 4, packet(4, (uint8_t)(address + 1), TCP, 80, 0), 1);
	free(t.lines4);
}

static void lines_keep_the_load_at_half_or_below(void **state)
{
	assert_int_equal(sl_services_lines(0, 4), 1);
	assert_int_equal(sl_services_lines(1, 4), 1);
	assert_int_equal(sl_services_lines(2, 4), 2);
	assert_int_equal(sl_services_lines(1000, 4), 1024);
	assert_int_equal(sl_services_lines(SL_SERVICES_MAX, 4), 65536);
	assert_int_equal(sl_services_lines(1, 6), 2);
	assert_int_equal(sl_services_lines(1000, 6), 2048);
	assert_int_equal(sl_services_lines(SL_SERVICES_MAX, 6), 131072);
}

/* As many services as there may be, each with an address, and so with fragments, of its own. */
static void the_largest_table_takes_all(void **state)
{
	struct sl_service_spec *services = calloc(SL_SERVICES_MAX, sizeof(*services));

	assert_non_null(services);
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct sl_service_table t;

		for (uint32_t i = 0; i < SL_SERVICES_MAX; i++) {
			services[i] = service(family, 1, TCP, 80, 0, (int)(i % TENANTS));
			memcpy(services[i].address.bytes + 1, &i, 2);
		}
		build(&t, family, services, SL_SERVICES_MAX);
		assert_int_equal(t.used, 2 * SL_SERVICES_MAX);
		for (uint32_t i = 0; i < SL_SERVICES_MAX; i++) {
			struct packet p = packet(family, 1, TCP, 80, 0);

			memcpy(p.address + 1, &i, 2);
			assert_found(&t, family, p, (int)(i % TENANTS));
		}
		free(t.lines4);
	}
	free(services);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_found_by_all_of_its_key),
		cmocka_unit_test(flags_say_how_to_go_on),
		cmocka_unit_test(fragments_belong_to_the_tenant_of_all_services_there),
		cmocka_unit_test(wildcards_come_after_what_is_said_exactly),
		cmocka_unit_test(any_address_is_of_both_families),
		cmocka_unit_test(the_other_family_is_left_out),
		cmocka_unit_test(what_has_no_port_needs_no_shape_of_its_own),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(a_table_may_be_nearly_full),
		cmocka_unit_test(lines_keep_the_load_at_half_or_below),
		cmocka_unit_test(the_largest_table_takes_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
