// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/services.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/hash.h"
#include "userspace/base/cleanup.h"
#include "userspace/domain/services_place.h"
#include "userspace/domain/text_error.h"

#define SEEDS 16u /* tried before the table is called full */

/* What stands in a slot, for both families. IPv4 in the first 4 bytes. */
struct entry {
	uint8_t address[16];
	uint16_t port_be;
	uint16_t vlan;
	uint8_t protocol;
	uint8_t flags;
	uint16_t tenant;
	unsigned line; /* in the config file */
};

struct entries {
	struct entry *at; /* room for twice the services: each may need one for fragments */
	size_t count;
};

static void entries_release(struct entries *entries)
{
	free(entries->at);
}

uint32_t sl_services_lines(uint32_t services, uint8_t family)
{
	const uint32_t slots = family == 4 ? SL_SERVICE4_SLOTS : SL_SERVICE6_SLOTS;
	uint64_t lines = 1;

	/* Twice the services are entries, and half of the slots stay empty. */
	while (lines * slots < (uint64_t)services * 4)
		lines *= 2;
	return (uint32_t)lines;
}

/* ---- entries -------------------------------------------------------------------- */

static bool is_of_family(const struct sl_service_spec *service, uint8_t family)
{
	if (service->address.family)
		return service->address.family == family;
	return service->protocol != (family == 4 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

static int compare_places(const struct entry *a, const struct entry *b)
{
	int order = memcmp(a->address, b->address, sizeof(a->address));

	return order ? order : (int)a->vlan - (int)b->vlan;
}

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare_places(x, y);

	if (!order)
		order = (int)x->protocol - (int)y->protocol;
	return order ? order : (int)x->port_be - (int)y->port_be;
}

static int add_services(struct entries *entries, uint8_t family, const struct sl_config *config,
			const uint32_t *ids)
{
	for (size_t i = 0; i < config->service_count; i++) {
		const struct sl_service_spec *service = &config->services[i];
		struct entry entry = {
			.port_be = htons(service->port),
			.vlan = service->vlan,
			.protocol = service->protocol,
			.flags = SL_SERVICE_USED,
			.line = service->line,
		};

		if (!is_of_family(service, family))
			continue;
		memcpy(entry.address, service->address.bytes, family == 4 ? 4 : 16);
		if (service->tenant >= 0) {
			if ((size_t)service->tenant >= config->tenant_count)
				return -EINVAL;
			entry.flags |= SL_SERVICE_TENANT;
			entry.tenant = (uint16_t)ids[service->tenant];
		}
		if (service->bind)
			entry.flags |= SL_SERVICE_BIND;
		entries->at[entries->count++] = entry;
	}
	return 0;
}

/* @entries are sorted by place: one entry more for each. */
static void add_fragments(struct entries *entries)
{
	const size_t services = entries->count;
	struct entry *last = NULL;

	for (size_t i = 0; i < services; i++) {
		const struct entry *e = &entries->at[i];

		if (last && compare_places(last, e) == 0) {
			if (e->tenant != last->tenant) { /* 0: none, and no tenant's id */
				last->flags &= (uint8_t)~SL_SERVICE_TENANT;
				last->tenant = 0;
			}
			continue;
		}
		last = &entries->at[entries->count++];
		*last = *e;
		last->protocol = SL_PROTO_FRAGMENT;
		last->port_be = 0;
		last->flags &= (uint8_t)~SL_SERVICE_BIND;
	}
}

static int make_entries(struct entries *entries, uint8_t family, const struct sl_config *config,
			const uint32_t *ids, struct sl_text_error *error)
{
	int err;

	entries->at = calloc(2 * config->service_count + 1, sizeof(*entries->at));
	if (!entries->at)
		return -ENOMEM;
	err = add_services(entries, family, config, ids);
	if (err)
		return sl_text_refuse(error, err, "a service names a tenant that does not exist");
	qsort(entries->at, entries->count, sizeof(*entries->at), compare);
	for (size_t i = 1; i < entries->count; i++)
		if (compare(&entries->at[i - 1], &entries->at[i]) == 0)
			return sl_text_refuse(error, -EEXIST,
					      "the services of lines %u and %u are the same",
					      entries->at[i - 1].line, entries->at[i].line);
	add_fragments(entries);
	return 0;
}

/* ---- shapes ---------------------------------------------------------------------- */

static unsigned shape_of(const struct entry *e)
{
	static const uint8_t zero[sizeof(e->address)];
	unsigned shape = 0;

	if (e->vlan == SL_VLAN_ANY)
		shape |= SL_SHAPE_ANY_VLAN;
	if (e->port_be == 0 && (e->protocol == IPPROTO_TCP || e->protocol == IPPROTO_UDP))
		shape |= SL_SHAPE_ANY_PORT;
	if (memcmp(e->address, zero, sizeof(zero)) == 0)
		shape |= SL_SHAPE_ANY_ADDRESS;
	return shape;
}

static bool has_shape(unsigned set, unsigned shape)
{
	return set >> shape & 1;
}

/*
 * Each shape costs each packet a look-up. An entry without ports has port 0 and
 * is also found where any port is looked up: its own shape @shape can be left
 * out when that one is there and no wider VLAN would be tried in between.
 */
static bool needs_shape(unsigned set, unsigned shape)
{
	if (!has_shape(set, shape | SL_SHAPE_ANY_PORT))
		return true;
	return !(shape & SL_SHAPE_ANY_VLAN) && has_shape(set, shape | SL_SHAPE_ANY_VLAN);
}

/* By number: a known address counts most, then a known port, then a known VLAN. */
static void list_shapes(struct sl_service_table *table, const struct entries *entries)
{
	static const unsigned without_port[] = {
		SL_SHAPE_ANY_ADDRESS | SL_SHAPE_ANY_VLAN,
		SL_SHAPE_ANY_ADDRESS,
		SL_SHAPE_ANY_VLAN,
		0,
	};
	unsigned with_ports = 0, portless = 0;

	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *e = &entries->at[i];
		bool ports = e->protocol == IPPROTO_TCP || e->protocol == IPPROTO_UDP;

		*(ports ? &with_ports : &portless) |= 1u << shape_of(e);
	}
	for (size_t i = 0; i < sizeof(without_port) / sizeof(without_port[0]); i++)
		if (has_shape(portless, without_port[i]) &&
		    needs_shape(with_ports, without_port[i]))
			with_ports |= 1u << without_port[i];

	table->shapes = 0;
	table->shapes_count = 0;
	for (unsigned shape = 0; shape < SL_SHAPES; shape++)
		if (has_shape(with_ports, shape))
			table->shapes |= shape << (4 * table->shapes_count++);
}

/* ---- table ------------------------------------------------------------------------ */

static uint64_t hash4(const struct entry *e, uint64_t seed)
{
	uint32_t address;

	memcpy(&address, e->address, sizeof(address));
	return sl_service4_hash(sl_service4_word(address, e->port_be, e->vlan), e->protocol, seed);
}

static uint64_t hash6(const struct entry *e, uint64_t seed)
{
	uint64_t word[2];

	memcpy(word, e->address, sizeof(word));
	return sl_service6_hash(word[0], word[1], e->port_be, e->vlan, e->protocol, seed);
}

static void store4(struct sl_service4 *slot, const struct entry *e)
{
	memcpy(&slot->address, e->address, sizeof(slot->address));
	slot->port = e->port_be;
	slot->vlan = e->vlan;
	slot->protocol = e->protocol;
	slot->flags = e->flags;
	slot->tenant = e->tenant;
}

static void store6(struct sl_service6 *slot, const struct entry *e)
{
	memcpy(slot->address, e->address, sizeof(slot->address));
	slot->port = e->port_be;
	slot->vlan = e->vlan;
	slot->protocol = e->protocol;
	slot->flags = e->flags;
	slot->tenant = e->tenant;
}

static void store(struct sl_service_table *table, uint8_t family, const struct entries *entries,
		  const struct sl_placement *placement)
{
	const size_t slots = (size_t)placement->lines * placement->slots_per_line;

	for (size_t i = 0; i < slots; i++) {
		const struct entry *e;

		if (!placement->slots[i])
			continue;
		e = &entries->at[placement->slots[i] - 1];
		if (family == 4)
			store4(&table->lines4[i / SL_SERVICE4_SLOTS].slot[i % SL_SERVICE4_SLOTS],
			       e);
		else
			store6(&table->lines6[i / SL_SERVICE6_SLOTS].slot[i % SL_SERVICE6_SLOTS],
			       e);
	}
	table->used = (uint32_t)entries->count;
}

static int place(struct sl_service_table *table, uint8_t family, const struct entries *entries,
		 uint64_t seed)
{
	sl_cleanup(sl_placement_release) struct sl_placement placement = { 0 };
	int err = sl_placement_init(&placement, table->line_count,
				    family == 4 ? SL_SERVICE4_SLOTS : SL_SERVICE6_SLOTS,
				    entries->count);

	if (err)
		return err;
	for (unsigned i = 0; i < SEEDS; i++) {
		for (size_t j = 0; j < entries->count; j++)
			placement.hashes[j] = family == 4 ? hash4(&entries->at[j], seed)
							  : hash6(&entries->at[j], seed);
		if (sl_placement_try(&placement)) {
			table->seed = seed;
			store(table, family, entries, &placement);
			return 0;
		}
		seed = sl_mix(seed + 1);
	}
	return -ENOSPC;
}

int sl_services_fill(struct sl_service_table *table, uint8_t family, const struct sl_config *config,
		     const uint32_t *ids, uint64_t seed, struct sl_text_error *error)
{
	sl_cleanup(entries_release) struct entries entries = { 0 };
	int err;

	if (table->line_count == 0 || (table->line_count & (table->line_count - 1)))
		return sl_text_refuse(error, -EINVAL, "%u lines of services: not a power of two",
				      table->line_count);
	err = make_entries(&entries, family, config, ids, error);
	if (err)
		return err;
	list_shapes(table, &entries);
	err = place(table, family, &entries, seed);
	if (err == -ENOSPC)
		return sl_text_refuse(
			error, err,
			"%zu entries of IPv%u services, those for fragments included, "
			"do not fit the table: raise sizes.services and create the "
			"maps anew",
			entries.count, family);
	return err;
}
