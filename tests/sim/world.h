/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes, a network, a store and the demand on them, in virtual time. The lease code of
 * userspace/quota is the real one, on both sides; what is made up here is what it stands
 * on: clocks, messages, the kernel's bucket, and what goes wrong.
 *
 * Owner:  sl_world_free(). Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/agenda.h"
#include "tests/sim/bucket.h"
#include "tests/sim/demand.h"
#include "tests/sim/fault.h"
#include "tests/sim/late.h"
#include "tests/sim/record.h"
#include "tests/sim/rng.h"
#include "userspace/quota/central.h"
#include "userspace/quota/lease.h"
#include "userspace/quota/store.h"

#define SL_SIM_S_NS  1000000000ull
#define SL_SIM_MS_NS 1000000ull
#define SL_SIM_MU    1000 /* milli-units of a unit */
/* After a change of terms: a second to all nodes, and an old lease's end. */
#define SL_SIM_TERMS_KNOWN_NS (7 * SL_SIM_S_NS)

/* How old the demand is, at the most, that a lease was made for: a period of at most 1.1 s, more by
 * what .7 of the new and .3 of the old estimate make of it, and the way there and back. */
#define SL_SIM_LAG_S (1.1 * (1 + .3 / .7) + .14)

/* A fault in the code under test, put there on purpose: the checks must find it. */
enum sl_sim_break {
	SL_BREAK_NONE,
	SL_BREAK_MINT,	 /* a bucket that grows is full */
	SL_BREAK_REPORT, /* the question leaves before the bucket is lowered */
	SL_BREAK_EXPIRY, /* the kernel goes on 20 s beyond the end of a lease */
	SL_BREAK_FENCE,	 /* a fenced node does not lower its bucket */
	SL_BREAK_GROWN,	 /* every tenth grant is applied half as high again */
	SL_BREAK_STARVE, /* the last tenant's questions are not sent */
	SL_BREAKS,
};

struct sl_sim_options {
	uint64_t seed;
	uint32_t nodes;
	uint32_t tenants;
	uint32_t places; /* nodes of each tenant; 0: all */
	uint64_t end_ns;
	uint64_t tick_ns;
	enum sl_demand_model model;
	bool is_design;	     /* tenants, noise and network of the design; else drawn */
	bool is_large;	     /* tenants that are worth their places; see sl_sim_run_large() */
	bool is_steady;	     /* demand has no noise */
	uint64_t service_ns; /* of a renewal at the store; 0: 20 us */
	uint32_t masters;    /* of the store, which share its work; 0: one */
	bool has_links;	     /* nodes have connections that break, not single messages: link.c */
	bool can_recover;    /* keep what was admitted in each step */
	enum sl_sim_break broken;
	bool has_trace; /* print what is asked and answered for tenant @traced */
	uint32_t traced;
	const bool *without_node; /* NULL, or [nodes] */
	const bool *without_tenant;
};

/* What did not hold. */
struct sl_sim_finding {
	const char *rule; /* NULL: all held */
	uint32_t tenant;
	uint64_t at_ns;
	double is, bound;
};

struct sl_sim_tenant {
	struct sl_terms terms;
	struct sl_terms old_terms; /* the largest R that a node may still have */
	uint64_t changed_ns;	   /* 0: never */
	uint64_t answered_ns;	   /* the store's last answer */
	struct sl_store *store;
	struct sl_store *replica; /* what a failover finds */
	uint32_t *pair;		  /* indices; spare instances after the places */
	uint32_t pairs;
	bool is_out;
	struct sl_demand demand;

	/* the exact bucket */
	double exact_units;

	/* the checks */
	double ahead;	     /* admitted beyond what the applied rates gave: a bucket's debt */
	double applied;	     /* sum of the buckets' rates, units/s */
	double caps;	     /* the most that all buckets together could hold */
	uint64_t seen_ns;    /* of .ahead */
	double minted;	     /* units that restarts of nodes may have brought */
	double excess;	     /* over R after a failover, units */
	uint64_t checked_ns; /* of .excess */
	double held;	     /* sum of leases at that time, units/s */
	double most;	     /* of the sum of leases, of R */
	double late_s;	     /* seconds at the end in which demand stood */
	uint64_t late_offered, late_admitted, late_exact;
	double late_known;
	struct sl_late known; /* without places in the table and in runs for size */
};

struct sl_sim_pair {
	uint32_t tenant;
	uint32_t instance;
	uint32_t place;
	struct sl_lease lease;
	struct sl_central central;
	bool small;
	bool sends_terms;
	uint64_t terms_ns; /* when they were sent */

	/* the kernel's */
	struct sl_quota_state state;
	struct sl_sim_bucket bucket;
	double last_held; /* units/s: of the last lease that was applied */
	bool is_leased;	  /* by the last applied state */
	bool is_cut;	  /* its lease had ended when the store last answered another node */

	/* what the agent has not read yet, in units */
	uint32_t arrived, admitted;
};

/* A machine that runs an agent and a kernel. A node has one, or after a zombie more. */
struct sl_sim_instance {
	uint32_t node;
	int64_t incarnation;
	uint32_t pair_first, pairs;
	bool is_up;   /* takes traffic, its kernel works */
	bool runs;    /* so does its agent */
	bool stands;  /* its agent stands still, and goes on where it was */
	uint32_t run; /* of the agent: answers to an earlier one do not reach it */
	int64_t drift_ppm;
	uint64_t clock_ns; /* CLOCK_MONOTONIC at time 0 */
	enum sl_lease_peers peers;
	uint64_t renewed_ns; /* its last answer */
	struct sl_rng rng;
};

/* What the store had to do in one second. */
struct sl_sim_load {
	uint32_t renewals, charges;
	uint32_t late; /* questions of leases that were given up */
};

struct sl_sim_cut {
	uint64_t until_ns;
	bool hears_peers;
};

struct sl_world {
	struct sl_sim_options options;
	struct sl_faults *faults;
	struct sl_agenda agenda;
	uint64_t now_ns;
	uint64_t ticks;

	struct sl_sim_tenant *tenant;
	struct sl_sim_pair *pair;
	uint32_t pairs;
	struct sl_sim_instance *instance;
	uint32_t instances;
	uint32_t *present;	/* [nodes]: instance */
	struct sl_sim_cut *cut; /* [nodes] */

	/* network and store */
	struct sl_rng network;
	uint64_t delay_ns, jitter_ns;
	double loss, twice, slow_s;
	uint64_t loss_until_ns, twice_until_ns, slow_until_ns;
	uint64_t down_until_ns, frozen_until_ns;
	uint64_t *busy_until_ns; /* [masters] */
	int64_t jump_ms;
	uint64_t failed_over_ns; /* 0: never; also of wiped keys and of jumps of time */
	uint64_t answered_ns;	 /* the store's last answer */
	uint64_t messages, lost;
	struct sl_sim_link *link; /* [instances * masters], or NULL */
	struct sl_sim_load *load; /* each second up to the end, and one more */

	struct sl_record record;
	struct sl_sim_finding finding;
};

/* @faults is the caller's and outlives the world. Ends the program when memory is out. */
struct sl_world *sl_world_new(const struct sl_sim_options *options, struct sl_faults *faults);
void sl_world_free(struct sl_world *world);
void sl_world_freep(struct sl_world **world);

/* To the end, or to the first finding. */
void sl_world_run(struct sl_world *world);

/* ---- between the parts ------------------------------------------------------------ */

enum sl_sim_moment {
	SL_AT_TICK,
	SL_AT_FAULT,   /* subject: fault */
	SL_AT_FAULT_2, /* its middle */
	SL_AT_HEALED,  /* its end */
	SL_AT_STORE,   /* data: message */
	SL_AT_NODE,    /* data: message */
	SL_AT_TIMEOUT, /* data: message */
	SL_AT_TERMS,   /* subject: pair */
};

enum sl_sim_message_kind {
	SL_SIM_RENEW,
	SL_SIM_CHARGE,
	SL_SIM_TERMS
};

struct sl_sim_message {
	enum sl_sim_message_kind kind;
	uint32_t pair;
	uint32_t run;
	int64_t incarnation;
	uint64_t send_id;
	uint32_t link; /* number of the connection that it went by; 0: it did not leave */
	struct sl_terms terms;
	union {
		struct sl_renew renew;
		struct sl_charge charge;
	} ask;
	union {
		struct sl_renewed renewed;
		struct sl_charged charged;
	} answer;
};

/* This instance's monotonic clock. */
uint64_t sl_sim_clock(const struct sl_world *world, const struct sl_sim_instance *instance);

/* setup.c */
void sl_world_set_up(struct sl_world *world);

/* node.c */
void sl_node_boot(struct sl_world *world, uint32_t instance);  /* a machine without a past */
void sl_node_adopt(struct sl_world *world, uint32_t instance); /* an agent begins anew */
void sl_node_wake(struct sl_world *world, uint32_t instance);  /* it stood still */
void sl_node_tick(struct sl_world *world, uint32_t instance);
void sl_node_hear(struct sl_world *world, const struct sl_sim_message *message);
void sl_node_miss(struct sl_world *world, const struct sl_sim_message *message);
void sl_node_new_terms(struct sl_world *world, uint32_t pair);

/* kernel.c: what a pair's bucket enforces now */
enum sl_sim_hold {
	SL_HOLD_LEASE,
	SL_HOLD_COLD,
	SL_HOLD_FALLBACK,
	SL_HOLD_NOTHING
};
struct sl_sim_enforced {
	enum sl_sim_hold hold;
	bool unlimited, is_blocked;
	double rate_per_s, burst;
};
struct sl_sim_enforced sl_kernel_enforces(const struct sl_world *world,
					  const struct sl_sim_pair *pair);
void sl_kernel_apply(struct sl_world *world, struct sl_sim_pair *pair,
		     const struct sl_quota_state *state);
uint32_t sl_kernel_take(struct sl_world *world, struct sl_sim_pair *pair, uint32_t count);

/* trace.c */
void sl_trace(const struct sl_world *world, const char *what, const struct sl_sim_message *message);

/* link.c: nothing of it is called unless options.has_links. */
enum sl_sim_sent {
	SL_SIM_SENT,	/* at a time, when the connection is ready */
	SL_SIM_WAITS,	/* for a connection, until its deadline */
	SL_SIM_REFUSED, /* at once, by the breaker */
};
struct sl_sim_link *sl_links_new(uint32_t instances, uint32_t masters);
enum sl_sim_sent sl_link_send(struct sl_world *world, struct sl_sim_message *message,
			      uint64_t *ret_at_ns);
void sl_link_late(struct sl_world *world, const struct sl_sim_message *message);
/* An answer: is its connection still there? */
bool sl_link_brings(struct sl_world *world, const struct sl_sim_message *message);

/* network.c */
void sl_network_ask(struct sl_world *world, const struct sl_sim_message *message);
void sl_network_store(struct sl_world *world, const struct sl_sim_message *message);
bool sl_network_is_cut(const struct sl_world *world, uint32_t node);

/* inject.c */
void sl_inject_plan(struct sl_world *world);
void sl_inject(struct sl_world *world, uint32_t fault);
void sl_inject_middle(struct sl_world *world, uint32_t fault);
void sl_inject_heal(struct sl_world *world, uint32_t fault);

/* check.c */
void sl_check_tenant(struct sl_world *world, uint32_t tenant); /* after an event that touched it */
void sl_check_served(struct sl_world *world, uint32_t tenant); /* the store answered a node */
void sl_check_tick(struct sl_world *world, uint32_t tenant, double admitted,
		   const struct sl_step *step);
void sl_check_end(struct sl_world *world);
void sl_check_fail(struct sl_world *world, const char *rule, uint32_t tenant, double is,
		   double bound);
