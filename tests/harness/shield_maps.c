// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include "tests/harness/suite.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <string.h>

#include "sluice/hash.h"

/* ---- services ------------------------------------------------------------------------ */

static unsigned wildcards(unsigned shape)
{
	return (unsigned)__builtin_popcount(shape);
}

/* Into the list of shapes, most specific first, unless it is there. */
static void add_shape(uint32_t *shapes, uint32_t *count, unsigned shape)
{
	uint32_t list[SL_SHAPES + 1];
	uint32_t n = 0;

	for (uint32_t i = 0; i < *count; i++) {
		list[i] = *shapes >> (4 * i) & 0xf;
		if (list[i] == shape)
			return;
	}
	n = (*count)++;
	for (; n > 0 && wildcards(list[n - 1]) > wildcards(shape); n--)
		list[n] = list[n - 1];
	list[n] = shape;
	*shapes = 0;
	for (uint32_t i = 0; i < *count; i++)
		*shapes |= list[i] << (4 * i);
}

static void add_service4(struct sl_shield *s, unsigned half, const struct sl_service4 *entry)
{
	const uint64_t word = sl_service4_word(entry->address, entry->port, entry->vlan);
	const uint64_t hash =
		sl_service4_hash(word, entry->protocol, s->ctl->half[half].services4_seed);

	for (unsigned i = 0; i < 2 * SL_SERVICE4_SLOTS; i++) {
		const uint32_t line = (uint32_t)(hash >> (i % 2 * 32)) & (SL_SHIELD_LINES - 1);
		struct sl_service4 *slot = &s->services4[half * SL_SHIELD_LINES + line].slot[i / 2];

		if (!slot->flags) {
			*slot = *entry;
			return;
		}
	}
	fail_msg("no room for the service");
}

static void add_service6(struct sl_shield *s, unsigned half, const struct sl_service6 *entry)
{
	uint64_t address[2], hash;

	memcpy(address, entry->address, sizeof(address));
	hash = sl_service6_hash(address[0], address[1], entry->port, entry->vlan, entry->protocol,
				s->ctl->half[half].services6_seed);
	for (unsigned i = 0; i < 2 * SL_SERVICE6_SLOTS; i++) {
		const uint32_t line = (uint32_t)(hash >> (i % 2 * 32)) & (SL_SHIELD_LINES - 1);
		struct sl_service6 *slot = &s->services6[half * SL_SHIELD_LINES + line].slot[i / 2];

		if (!slot->flags) {
			*slot = *entry;
			return;
		}
	}
	fail_msg("no room for the service");
}

static bool is_six(const char *address)
{
	return strchr(address, ':') != NULL;
}

static void address_of(void *ret, const char *text)
{
	assert_int_equal(inet_pton(is_six(text) ? AF_INET6 : AF_INET, text, ret), 1);
}

void sl_shield_service(struct sl_shield *s, unsigned half, const struct sl_service_set *service)
{
	const uint8_t flags = (uint8_t)(SL_SERVICE_USED | service->flags);
	struct sl_ctl_half *ctl = &s->ctl->half[half];
	unsigned shape = service->vlan == SL_VLAN_ANY ? SL_SHAPE_ANY_VLAN : 0;

	/* A fragment has no port to be a wildcard of. */
	if (!service->port && service->protocol != SL_PROTO_FRAGMENT)
		shape |= SL_SHAPE_ANY_PORT;
	if (!service->address)
		shape |= SL_SHAPE_ANY_ADDRESS;
	if (service->address ? is_six(service->address) : service->family == 6) {
		struct sl_service6 entry = { .port = htons(service->port),
					     .vlan = service->vlan,
					     .protocol = service->protocol,
					     .flags = flags,
					     .tenant = service->tenant };

		if (service->address)
			address_of(entry.address, service->address);
		add_service6(s, half, &entry);
		add_shape(&ctl->shapes6, &ctl->shapes6_count, shape);
	} else {
		struct sl_service4 entry = { .port = htons(service->port),
					     .vlan = service->vlan,
					     .protocol = service->protocol,
					     .flags = flags,
					     .tenant = service->tenant };

		if (service->address)
			address_of(&entry.address, service->address);
		add_service4(s, half, &entry);
		add_shape(&ctl->shapes4, &ctl->shapes4_count, shape);
	}
}

void sl_shield_protect(struct sl_shield *s, unsigned half, uint32_t tenant)
{
	static const uint8_t protocols[] = { IPPROTO_TCP,    IPPROTO_UDP, IPPROTO_ICMP,
					     IPPROTO_ICMPV6, IPPROTO_GRE, SL_PROTO_FRAGMENT };
	static const char *const addresses[] = { SL_LOCAL4, SL_LOCAL6 };

	for (size_t i = 0; i < SL_ROWS(addresses); i++) {
		for (size_t j = 0; j < SL_ROWS(protocols); j++) {
			const uint8_t p = protocols[j];
			const bool ports = p == IPPROTO_TCP || p == IPPROTO_UDP;
			const bool owned = tenant != SL_TENANT_NONE;

			sl_shield_service(
				s, half,
				&(struct sl_service_set){ .address = addresses[i],
							  .protocol = p,
							  .port = ports ? 443 : 0,
							  .vlan = SL_VLAN_ANY,
							  .flags = owned ? SL_SERVICE_TENANT : 0,
							  .tenant = owned ? (uint16_t)tenant : 0 });
		}
	}
}

/* ---- keyed maps ------------------------------------------------------------------------ */

static void put(const struct bpf_map *map, const void *key, const void *value)
{
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY), 0);
}

static void raise_feature(struct sl_shield *s, uint32_t feature)
{
	s->ctl->half[0].features |= feature;
	s->ctl->half[1].features |= feature;
}

struct sl_flow_table sl_shield_flows(const struct sl_shield *s, uint8_t family)
{
	return (struct sl_flow_table){ .lines = family == 4 ? (void *)s->flows4 : (void *)s->flows6,
				       .line_count = SL_SHIELD_FLOW_LINES,
				       .family = family,
				       .seed = s->ctl->hash_seed };
}

void sl_shield_flow(struct sl_shield *s, const struct sl_flow_set *flow)
{
	const uint8_t family = is_six(flow->local) ? 6 : 4;
	const struct sl_flow_table table = sl_shield_flows(s, family);
	struct sl_flow_spec spec = { .remote = { .family = family },
				     .local = { .family = family },
				     .remote_port = flow->remote_port,
				     .local_port = flow->local_port,
				     .protocol = flow->protocol,
				     .tenant = flow->tenant };

	address_of(spec.remote.bytes, flow->remote);
	address_of(spec.local.bytes, flow->local);
	assert_int_equal(sl_flow_table_bind(&table, &spec), 0);
	raise_feature(s, SL_FEATURE_FLOWS);
	s->ctl->flows_in_use = 1;
}

/* "address/bits" as the key of the trie of its family. */
static bool prefix_of(struct sl_prefix6 *ret, const char *text)
{
	char address[64];
	const char *slash = strchr(text, '/');

	assert_non_null(slash);
	assert_true((size_t)(slash - text) < sizeof(address));
	memset(ret, 0, sizeof(*ret));
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	address_of(ret->address, address);
	ret->prefix_bits = (uint32_t)strtoul(slash + 1, NULL, 10);
	return is_six(text);
}

void sl_shield_source(struct sl_shield *s, const char *prefix, uint32_t tenant0, uint32_t tenant1)
{
	const struct sl_source value = { .tenant = { tenant0, tenant1 } };
	struct sl_prefix6 key;
	const bool six = prefix_of(&key, prefix);

	put(six ? s->skel->maps.sl_sources6 : s->skel->maps.sl_sources4, &key, &value);
	raise_feature(s, six ? SL_FEATURE_SOURCES6 : SL_FEATURE_SOURCES4);
}

void sl_shield_block(struct sl_shield *s, const char *prefix, uint64_t until_ns)
{
	const struct sl_block value = { .until_ns = until_ns };
	struct sl_prefix6 key;
	const bool six = prefix_of(&key, prefix);

	put(six ? s->skel->maps.sl_blocks6 : s->skel->maps.sl_blocks4, &key, &value);
	if (six)
		s->ctl->block_count6++;
	else
		s->ctl->block_count4++;
}

void sl_shield_mark(struct sl_shield *s, uint32_t mark, uint32_t tenant)
{
	put(s->skel->maps.sl_marks, &mark, &tenant);
	raise_feature(s, SL_FEATURE_MARKS);
}

void sl_shield_cgroup(struct sl_shield *s, uint64_t cgroup, uint32_t tenant)
{
	put(s->skel->maps.sl_cgroups, &cgroup, &tenant);
	raise_feature(s, SL_FEATURE_CGROUPS);
}
