/* SPDX-License-Identifier: Apache-2.0 */
/* The table of services, read as bpf/lib/classify.h reads it. */
#pragma once

#include "tests/harness/test.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "sluice/hash.h"
#include "userspace/domain/services.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TENANTS	     8
#define ANY	     SL_VLAN_ANY
#define FRAGMENT     SL_PROTO_FRAGMENT
#define TCP	     IPPROTO_TCP
#define UDP	     IPPROTO_UDP
#define NOBODY	     (-1)

/* Tenant i of the configuration has id 100 + i. */
static const uint32_t ids[TENANTS] = { 100, 101, 102, 103, 104, 105, 106, 107 };

struct packet {
	uint8_t address[16];
	uint16_t port, vlan;
	uint8_t protocol;
};

struct hit {
	uint8_t flags;
	uint16_t tenant;
};

/* ---- as the packet path does it ---------------------------------------------------------- */

static inline struct hit find4(const struct sl_service_table *t, uint32_t address, uint16_t port_be,
			       uint16_t vlan, uint8_t protocol)
{
	const uint64_t word = sl_service4_word(address, port_be, vlan);
	const uint64_t hash = sl_service4_hash(word, protocol, t->seed);

	for (int choice = 0; choice < 2; choice++) {
		uint32_t at = (uint32_t)(hash >> (choice * 32)) & (t->line_count - 1);

		for (int i = 0; i < SL_SERVICE4_SLOTS; i++) {
			const struct sl_service4 *s = &t->lines4[at].slot[i];
			uint64_t key;

			memcpy(&key, s, sizeof(key));
			if (key == word && s->protocol == protocol && s->flags)
				return (struct hit){ s->flags, s->tenant };
		}
	}
	return (struct hit){ 0 };
}

static inline struct hit find6(const struct sl_service_table *t, const uint8_t address[16],
			       uint16_t port_be, uint16_t vlan, uint8_t protocol)
{
	uint64_t word[2], hash;

	memcpy(word, address, sizeof(word));
	hash = sl_service6_hash(word[0], word[1], port_be, vlan, protocol, t->seed);
	for (int choice = 0; choice < 2; choice++) {
		uint32_t at = (uint32_t)(hash >> (choice * 32)) & (t->line_count - 1);

		for (int i = 0; i < SL_SERVICE6_SLOTS; i++) {
			const struct sl_service6 *s = &t->lines6[at].slot[i];

			if (memcmp(s->address, address, 16) == 0 && s->port == port_be &&
			    s->vlan == vlan && s->protocol == protocol && s->flags)
				return (struct hit){ s->flags, s->tenant };
		}
	}
	return (struct hit){ 0 };
}

static inline struct hit find(const struct sl_service_table *t, uint8_t family,
			      const struct packet *p)
{
	static const uint8_t any_address[16];
	uint32_t shapes = t->shapes;
	struct hit hit = { 0 };

	for (uint32_t i = 0; i < t->shapes_count && !hit.flags; i++, shapes >>= 4) {
		const uint8_t *address = shapes & SL_SHAPE_ANY_ADDRESS ? any_address : p->address;
		uint16_t port = shapes & SL_SHAPE_ANY_PORT ? 0 : htons(p->port);
		uint16_t vlan = shapes & SL_SHAPE_ANY_VLAN ? ANY : p->vlan;
		uint32_t address4;

		memcpy(&address4, address, sizeof(address4));
		hit = family == 4 ? find4(t, address4, port, vlan, p->protocol)
				  : find6(t, address, port, vlan, p->protocol);
	}
	return hit;
}

/* ---- building -------------------------------------------------------------------------------- */

static inline struct sl_service_spec service(uint8_t family, uint8_t last, uint8_t protocol,
					     uint16_t port, uint16_t vlan, int tenant)
{
	struct sl_service_spec made = { .address.family = family,
					.port = port,
					.protocol = protocol,
					.vlan = vlan,
					.tenant = tenant };

	if (family == 4)
		memcpy(made.address.bytes, (const uint8_t[]){ 192, 0, 2, last }, 4);
	else if (family == 6)
		made.address.bytes[15] = last;
	return made;
}

static inline struct packet packet(uint8_t family, uint8_t last, uint8_t protocol, uint16_t port,
				   uint16_t vlan)
{
	const struct sl_service_spec s = service(family, last, protocol, port, vlan, NOBODY);
	struct packet made = { .port = port, .vlan = vlan, .protocol = protocol };

	memcpy(made.address, s.address.bytes, sizeof(made.address));
	return made;
}

static inline int fill(struct sl_service_table *table, uint8_t family,
		       struct sl_service_spec *services, size_t count, uint32_t lines,
		       struct sl_text_error *error)
{
	const struct sl_config config = { .services = services,
					  .service_count = count,
					  .tenant_count = TENANTS };
	int err;

	*table = (struct sl_service_table){ .line_count = lines };
	if (family == 4)
		table->lines4 = calloc(lines + 1, sizeof(*table->lines4));
	else
		table->lines6 = calloc(lines + 1, sizeof(*table->lines6));
	assert_non_null(table->lines4);
	err = sl_services_fill(table, family, &config, ids, 42, error);
	if (err)
		free(table->lines4);
	return err;
}

static inline void build(struct sl_service_table *table, uint8_t family,
			 struct sl_service_spec *services, size_t count)
{
	struct sl_text_error error;

	assert_int_equal(fill(table, family, services, count,
			      sl_services_lines((uint32_t)count, family), &error),
			 0);
}

static inline void assert_found(const struct sl_service_table *t, uint8_t family, struct packet p,
				int tenant)
{
	const struct hit hit = find(t, family, &p);

	assert_int_equal(hit.flags & SL_SERVICE_USED, SL_SERVICE_USED);
	assert_int_equal(!!(hit.flags & SL_SERVICE_TENANT), tenant != NOBODY);
	assert_int_equal(hit.tenant, tenant == NOBODY ? 0 : 100 + tenant);
}

static inline void assert_not_found(const struct sl_service_table *t, uint8_t family,
				    struct packet p)
{
	assert_int_equal(find(t, family, &p).flags, 0);
}
