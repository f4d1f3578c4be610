/* SPDX-License-Identifier: Apache-2.0 */
/* The table of flows, read as bpf/lib/flows.h reads it. */
#pragma once

#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "sluice/flow.h"
#include "userspace/domain/flow_table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TCP	     IPPROTO_TCP
#define UDP	     IPPROTO_UDP
#define NOBODY	     SL_TENANT_NONE

static inline size_t table_bytes(const struct sl_flow_table *t)
{
	return t->line_count *
	       (t->family == 4 ? sizeof(struct sl_flow4_line) : sizeof(struct sl_flow6_line));
}

/* free() its lines. */
static inline struct sl_flow_table new_table(uint8_t family, uint32_t line_count)
{
	struct sl_flow_table t = { .line_count = line_count, .family = family, .seed = 4711 };

	t.lines = aligned_alloc(128, (table_bytes(&t) + 127) / 128 * 128);
	assert_non_null(t.lines);
	memset(t.lines, 0, table_bytes(&t));
	return t;
}

/* TCP from port 40000 of the host with this number to port 443. */
static inline struct sl_flow_spec flow(uint8_t family, uint32_t number, uint32_t tenant)
{
	struct sl_flow_spec f = { .remote = { .family = family },
				  .local = { .family = family, .bytes = { 10, 0, 0, 1 } },
				  .remote_port = 40000,
				  .local_port = 443,
				  .protocol = TCP,
				  .tenant = tenant };

	memcpy(f.remote.bytes + (family == 4 ? 0 : 12), &number, sizeof(number));
	return f;
}

static inline uint32_t find4(const struct sl_flow_table *t, const struct sl_flow_spec *f,
			     uint32_t line[2])
{
	const uint64_t key = sl_flow_key(htons(f->remote_port), htons(f->local_port), f->protocol);
	const struct sl_flow4_line *lines = t->lines;
	uint32_t remote, local, tenant;
	uint64_t addresses, hash;

	memcpy(&remote, f->remote.bytes, sizeof(remote));
	memcpy(&local, f->local.bytes, sizeof(local));
	addresses = remote | (uint64_t)local << 32;
	hash = sl_flow4_hash(addresses, key, t->seed);
	line[0] = sl_flow_first_line(hash, t->line_count);
	line[1] = sl_flow_second_line(hash, line[0], t->line_count);
	tenant = sl_flow4_in_line(&lines[line[0]], addresses, key);
	return tenant == NOBODY ? sl_flow4_in_line(&lines[line[1]], addresses, key) : tenant;
}

static inline uint32_t find6(const struct sl_flow_table *t, const struct sl_flow_spec *f,
			     uint32_t line[2])
{
	const uint64_t key = sl_flow_key(htons(f->remote_port), htons(f->local_port), f->protocol);
	const struct sl_flow6_line *lines = t->lines;
	__u64 address[4];
	uint64_t hash;
	uint32_t tenant;

	memcpy(address, f->remote.bytes, 16);
	memcpy(address + 2, f->local.bytes, 16);
	hash = sl_flow6_hash(address, key, t->seed);
	line[0] = sl_flow_first_line(hash, t->line_count);
	line[1] = sl_flow_second_line(hash, line[0], t->line_count);
	tenant = sl_flow6_in_line(&lines[line[0]], address, key);
	return tenant == NOBODY ? sl_flow6_in_line(&lines[line[1]], address, key) : tenant;
}

/* The tenant, or NOBODY. */
static inline uint32_t find(const struct sl_flow_table *t, const struct sl_flow_spec *f)
{
	uint32_t line[2];

	return t->family == 4 ? find4(t, f, line) : find6(t, f, line);
}

/* The line of the first (0) or second choice. */
static inline uint32_t line_of(const struct sl_flow_table *t, const struct sl_flow_spec *f,
			       unsigned choice)
{
	uint32_t line[2];

	(void)(t->family == 4 ? find4(t, f, line) : find6(t, f, line));
	return line[choice];
}
