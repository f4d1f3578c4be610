/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data plane of a test: the BPF programs, loaded with small maps into a network
 * namespace of the test's own, and typed setters for what the maps hold. The agent
 * and its code have no part in it: what the programs read is written here, by abi.h.
 *
 * One per process. Everything asserts; nothing returns an error.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sluice/abi.h"
#include "sluice.skel.h"

#include "userspace/domain/flow_table.h"

#define SL_SHIELD_TENANTS     16u
#define SL_SHIELD_LINES	      64u    /* of services, each family and half */
#define SL_SHIELD_FLOW_LINES  100u   /* each family */
#define SL_SHIELD_CELLS	      65536u /* of one half */
#define SL_SHIELD_SOCKETS_MAX 4096u

#define SL_NS_S	  1000000000ull
#define SL_NS_MS  1000000ull
#define SL_CU_S	  (SL_NS_S << SL_CREDIT_SHIFT)
#define SL_HOUR_S 3600ull

struct sl_shield {
	struct sluice_bpf *skel;
	/* The maps that the agent maps too. */
	struct sl_ctl *ctl;
	struct sl_limit *limits; /* [2 * SL_SHIELD_TENANTS] */
	struct sl_bucket *buckets;
	struct sl_cell *cells; /* [2 * SL_SHIELD_CELLS] */
	struct sl_conns *conns;
	struct sl_refusal *refusals;
	struct sl_service4_line *services4; /* [2 * SL_SHIELD_LINES] */
	struct sl_service6_line *services6;
	struct sl_flow4_line *flows4; /* [SL_SHIELD_FLOW_LINES] */
	struct sl_flow6_line *flows6;
	uint64_t tick_ns;
	unsigned cpus; /* possible ones: values of a per-CPU map */
};

/* The programs a suite needs: the verifier takes most of a second over each. */
enum sl_shield_programs {
	SL_SHIELD_XDP = 0x1, /* and its explain program */
	SL_SHIELD_TC = 0x2,  /* and theirs */
	SL_SHIELD_CONNS = 0x4,
};

/*
 * In a new network namespace with an idle pair of veth; the XDP programs are attached
 * to it, because a test run of an attached program is cheap.
 */
struct sl_shield *sl_shield_open(unsigned programs);
void sl_shield_close(struct sl_shield *s);

/* Every map as after loading, every tenant unlimited with gen 1, shadowing and events off. */
void sl_shield_reset(struct sl_shield *s);

/* The live half. */
unsigned sl_shield_half(const struct sl_shield *s);
struct sl_ctl_half *sl_shield_live(struct sl_shield *s);
struct sl_limit *sl_shield_limit(struct sl_shield *s, uint32_t tenant);

/* A service; zero fields are wildcards, but for the VLAN: SL_VLAN_ANY is one. */
struct sl_service_set {
	const char *address; /* NULL: any of the family */
	uint8_t family;	     /* needed without an address: 4 or 6 */
	uint8_t protocol;
	uint16_t port;
	uint16_t vlan;
	uint8_t flags; /* beside SL_SERVICE_USED */
	uint16_t tenant;
};

/* Into half @half of the tables, and its shape into that half of ctl. */
void sl_shield_service(struct sl_shield *s, unsigned half, const struct sl_service_set *service);

/*
 * The addresses of suite.h in half @half: port 443 of TCP and UDP, ICMP, GRE and what
 * has no ports, in any VLAN, are @tenant's, or nobody's when it is SL_TENANT_NONE.
 */
void sl_shield_protect(struct sl_shield *s, unsigned half, uint32_t tenant);

struct sl_flow_set {
	const char *remote, *local;
	uint16_t remote_port, local_port;
	uint8_t protocol;
	uint32_t tenant;
};

/* As a gateway writes it. Raises SL_FEATURE_FLOWS in both halves. */
void sl_shield_flow(struct sl_shield *s, const struct sl_flow_set *flow);

struct sl_flow_table sl_shield_flows(const struct sl_shield *s, uint8_t family);

/* "10.0.0.0/8" is @tenant0's in half 0, @tenant1's in half 1. Raises the feature in both. */
void sl_shield_source(struct sl_shield *s, const char *prefix, uint32_t tenant0, uint32_t tenant1);

void sl_shield_block(struct sl_shield *s, const char *prefix, uint64_t until_ns);
void sl_shield_mark(struct sl_shield *s, uint32_t mark, uint32_t tenant);
void sl_shield_cgroup(struct sl_shield *s, uint64_t cgroup, uint32_t tenant);

/* @per_s 0: one an hour, so slow that a test sees only the burst. */
struct sl_rate sl_shield_rate(uint64_t per_s, uint64_t burst);
struct sl_rate sl_shield_bytes_rate(uint64_t per_s, uint64_t burst_bytes);

/* Of CLOCK_MONOTONIC, which the programs' deadlines are in. */
uint64_t sl_shield_now_ns(void);
