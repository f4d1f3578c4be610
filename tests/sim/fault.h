/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to a run: a list of faults, each at a time and for a while, drawn from the
 * seed or named by a scenario. The shrinker leaves out some of them, and nothing else
 * about the run changes.
 *
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SL_FAULTS_MAX 64

enum sl_fault_kind {
	SL_FAULT_CRASH,	    /* a node loses all it had, its bucket too, and comes back */
	SL_FAULT_RESTART,   /* only the agent; the bucket in the kernel goes on */
	SL_FAULT_ZOMBIE,    /* a node stands still, another takes its name, then it wakes up */
	SL_FAULT_PARTITION, /* nodes [node, node + count) reach no store */
	SL_FAULT_OUTAGE,    /* nobody does */
	SL_FAULT_FREEZE,    /* the store holds what it gets, and answers all of it later */
	SL_FAULT_FAILOVER,  /* a replica takes over; what it had not yet got is lost */
	SL_FAULT_WIPE,	    /* the store has forgotten all rows */
	SL_FAULT_TIME,	    /* the store's clock jumps by .amount seconds, and stays there */
	SL_FAULT_LOSS,	    /* .amount of the messages are lost */
	SL_FAULT_DOUBLE,    /* .amount of the messages come twice, the second much later */
	SL_FAULT_DELAY,	    /* messages take up to .amount seconds longer: they overtake */
	SL_FAULT_LIMIT,	    /* the tenant's limit is multiplied by .amount, for good */
	SL_FAULT_SHIFT,	    /* demand moves to other nodes */
	SL_FAULT_KINDS,
};

struct sl_fault {
	enum sl_fault_kind kind;
	uint32_t node;
	uint32_t count; /* nodes */
	uint32_t tenant;
	uint64_t at_ns;
	uint64_t for_ns;
	double amount;
};

struct sl_faults {
	struct sl_fault fault[SL_FAULTS_MAX];
	bool is_left_out[SL_FAULTS_MAX];
	size_t count;
};

/* A script drawn from @seed, for a run of @end_ns. The last third is left in peace: what
 * was broken has to heal. */
void sl_faults_draw(struct sl_faults *faults, uint64_t seed, uint32_t nodes, uint32_t tenants,
		    uint64_t end_ns);

/* Ends the program when there is no room: scripts are ours. */
void sl_faults_add(struct sl_faults *faults, struct sl_fault fault);

size_t sl_faults_kept(const struct sl_faults *faults);

/* One line a fault, with its number. */
void sl_faults_print(const struct sl_faults *faults, FILE *out);

const char *sl_fault_name(enum sl_fault_kind kind);
