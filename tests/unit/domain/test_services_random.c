// SPDX-License-Identifier: Apache-2.0
/* Random services and packets: the table answers as a plain search does. */
#include "tests/unit/domain/service_reader.h"

static uint64_t random_state = 7;

static uint32_t draw(uint32_t below)
{
	random_state = sl_mix(random_state + 1);
	return (uint32_t)(random_state >> 32) % below;
}

static bool has_ports(uint8_t protocol)
{
	return protocol == TCP || protocol == UDP;
}

/* The best of the services that match: address before port before VLAN. */
static const struct sl_service_spec *search(const struct sl_service_spec *services, size_t count,
					    const struct packet *p)
{
	const struct sl_service_spec *best = NULL;
	int best_rank = -1;

	for (size_t i = 0; i < count; i++) {
		const struct sl_service_spec *s = &services[i];
		int rank = (s->address.family ? 4 : 0) + (s->port ? 2 : 0) + (s->vlan != ANY);

		if (s->protocol != p->protocol || (s->vlan != ANY && s->vlan != p->vlan) ||
		    (s->port && s->port != p->port) ||
		    (s->address.family && memcmp(s->address.bytes, p->address, 16) != 0))
			continue;
		if (rank > best_rank) {
			best = s;
			best_rank = rank;
		}
	}
	return best;
}

static size_t draw_services(struct sl_service_spec *services, size_t most, uint8_t family)
{
	const uint8_t protocols[] = { TCP, UDP, family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6 };
	size_t count = draw((uint32_t)most + 1), kept = 0;

	for (size_t i = 0; i < count; i++) {
		uint8_t protocol = protocols[draw(3)];
		uint16_t port = has_ports(protocol) ? (uint16_t)draw(4) : 0;
		const uint16_t vlans[] = { ANY, 0, 5, 6 };
		struct sl_service_spec made =
			service(draw(4) ? family : 0, (uint8_t)(1 + draw(3)), protocol, port,
				vlans[draw(4)], (int)draw(TENANTS));
		bool twice = false;

		for (size_t j = 0; j < kept; j++)
			twice |= services[j].protocol == made.protocol &&
				 services[j].port == made.port && services[j].vlan == made.vlan &&
				 memcmp(&services[j].address, &made.address,
					sizeof(made.address)) == 0;
		if (!twice)
			services[kept++] = made;
	}
	return kept;
}

static void random_services_are_found_as_by_a_plain_search(void **state)
{
	for (int round = 0; round < 10000; round++) {
		const uint8_t family = round & 1 ? 6 : 4;
		struct sl_service_spec services[12];
		size_t count = draw_services(services, 12, family);
		struct sl_service_table t;

		build(&t, family, services, count);
		for (int i = 0; i < 60; i++) {
			const uint8_t protocols[] = { TCP, UDP, IPPROTO_ICMP, IPPROTO_ICMPV6 };
			const uint8_t protocol = protocols[draw(4)];
			const struct packet p =
				packet(family, (uint8_t)(1 + draw(4)), protocol,
				       has_ports(protocol) ? (uint16_t)(1 + draw(4)) : 0,
				       (uint16_t)(draw(2) ? 0 : 4 + draw(3)));
			const struct sl_service_spec *s = search(services, count, &p);

			if (s)
				assert_found(&t, family, p, s->tenant);
			else
				assert_not_found(&t, family, p);
		}
		free(t.lines4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_services_are_found_as_by_a_plain_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
