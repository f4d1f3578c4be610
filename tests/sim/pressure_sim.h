/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backpressure from end to end in virtual time: clients -> kernel -> gateway -> router ->
 * stream -> workers, and the signals back. The code of userspace/pressure is the real one on
 * all sides, and so are the agent's pools and shed control and the gateway's board. Made up
 * are demand, service times, the bus, and the glue between the parts.
 *
 * Workers become slower at some time and well again later; what else befalls them is drawn
 * (mishap.h). A step of the clock is a millisecond.
 *
 * Owner:  one run. Thread: one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/agenda.h"
#include "tests/sim/trial.h"
#include "userspace/agent/pressure_pools.h"
#include "userspace/agent/pressure_shed.h"
#include "userspace/gateway/pressure_board.h"
#include "userspace/pressure/class_throttle.h"
#include "userspace/pressure/gauge.h"
#include "userspace/pressure/pool.h"
#include "userspace/pressure/queue.h"
#include "userspace/pressure/retry_budget.h"

#define SL_PS_MS 1000000ull
#define SL_PS_S	 1000000000ull

#define SL_PS_WORKERS	 4u
#define SL_PS_SLOTS	 8u
#define SL_PS_ROOM	 4u /* the default of worker.yaml */
#define SL_PS_ROUTERS	 2u
#define SL_PS_NODES	 2u
#define SL_PS_TENANTS	 40u
#define SL_PS_STREAM_MAX 8192u
#define SL_PS_SECONDS	 75u
#define SL_PS_TARGET_NS	 (100 * SL_PS_MS) /* of interactive work */
#define SL_PS_DEADLINE	 (2 * SL_PS_S)
#define SL_PS_FROM_NS	 (2 * SL_PS_S)	/* mishaps */
#define SL_PS_UNTIL_NS	 (32 * SL_PS_S) /* when all has ended */

enum sl_ps_mishap {
	SL_PS_LOST,   /* .amount of the signals */
	SL_PS_LATE,   /* signals take up to .amount seconds: they overtake */
	SL_PS_TWICE,  /* .amount of the signals come again, up to 5 s later */
	SL_PS_SILENT, /* no signal comes */
	SL_PS_GONE,   /* all workers die, and come back */
	SL_PS_DIES,   /* one worker does */
	SL_PS_LEAVES, /* one worker says so, and comes back */
	SL_PS_ROUTER, /* a router starts anew, and knows nothing */
	SL_PS_DROPS,  /* a worker was a slow consumer */
	SL_PS_SURGE,  /* .amount times the demand */
	SL_PS_AGENT,  /* an agent is dead, and starts anew */
	SL_PS_MISHAPS,
};

enum sl_ps_break {
	SL_PS_BREAK_NONE,
	SL_PS_BREAK_BLIND,    /* nobody hears a signal: nothing is refused */
	SL_PS_BREAK_CLASS,    /* every request is taken for a sheddable one */
	SL_PS_BREAK_DEADLINE, /* workers run what is over */
	SL_PS_BREAK_GREEDY,   /* credits count for nothing */
	SL_PS_BREAK_SLACK,    /* workers take no credit as long as one job waits */
	SL_PS_BREAK_STUCK,    /* no signal says less than a pressure of .9 */
	SL_PS_BREAK_FLAP,     /* each 15 s a worker drops a message, for ever */
	SL_PS_BREAK_LAG,      /* signals are 2 s late, always */
	SL_PS_BREAK_RETRY,    /* clients have no budget */
	SL_PS_BREAKS,
};

struct sl_ps_job {
	struct sl_queue_item item;
	uint64_t came_ns; /* not before */
	uint64_t ends_ns;
	uint64_t router_run;
	uint32_t tenant, router;
	unsigned int tries;
	bool is_there;
	bool is_accepted; /* by a worker, whatever came of that */
};

struct sl_ps_worker {
	struct sl_gauge gauge;
	struct sl_queue queue;
	struct sl_ps_job running[SL_PS_SLOTS], waiting[SL_PS_ROOM];
	uint32_t slots, busy;
	size_t waiting_count;
	uint64_t drops, tended_ns;
	uint64_t router_ns[SL_PS_ROUTERS]; /* when each was heard last */
	bool is_down;
};

struct sl_ps_router {
	struct sl_pressure_pool *pool; /* NULL: down */
	uint64_t run, epoch, seq, next_ns;
	struct sl_pool_jobs jobs;
	struct sl_rng rng;
};

struct sl_ps_traffic {
	uint32_t passed, shed; /* since the sample */
	struct sl_shed_demand demand;
	uint32_t permille;
	uint64_t until_ns;
};

struct sl_ps_node {
	/* kernel */
	struct sl_ps_traffic traffic[SL_PS_TENANTS];
	/* agent */
	struct sl_agent_pools *pools; /* NULL: down */
	struct sl_shed_control control;
	enum sl_pressure_state state;
	uint64_t sampled_ns;
	double passed_per_s;
	bool sheds;
	/* gateway */
	struct sl_class_throttle throttle;
	struct sl_pressure_board board;
	enum sl_pressure_level level;
	struct sl_rng rng;
};

struct sl_ps_tenant {
	char name[8];
	enum sl_criticality criticality;
	double share; /* of the demand */
	double guarantee_per_s;
	struct sl_retry_budget budget;
};

/* Who refused: of one second. */
enum sl_ps_end {
	SL_PS_BY_KERNEL,
	SL_PS_BY_STATUS,
	SL_PS_BY_THROTTLE,
	SL_PS_BY_LEVEL,
	SL_PS_BY_CREDIT,
	SL_PS_EXPIRED,
	SL_PS_ENDS,
};
struct sl_ps_second {
	uint32_t offered, retried, admitted, done, started, overdue;
	uint32_t lost[SL_PS_ENDS];
	uint32_t critical_lost, sheddable_passed;
	double waited_ms;
	enum sl_pressure_state worst; /* of the routers */
	bool node_stops;	      /* the agent of one */
	uint32_t permille;	      /* the most that a kernel sheds */
	double pressure, capacity_per_s,
		packets_per_s; /* of the last router and node; at its end */
};

struct sl_ps_world {
	const struct sl_trial *trial;
	struct sl_trial_finding finding;
	struct sl_rng demand, bus, service;
	uint64_t now_ns;
	uint32_t workers, routers, nodes;
	uint64_t service_ns; /* of a healthy worker */
	double factor;	     /* how much slower */
	uint64_t slow_ns, well_ns;
	double per_s, capacity_per_s;  /* demand; of healthy workers */
	uint64_t shed_ns;	       /* when the first was refused while slow */
	uint64_t stall_ns, stalled_ns; /* nobody asks in between: then all at once. Or both 0 */
	struct sl_ps_worker worker[SL_PS_WORKERS];
	struct sl_ps_router router[SL_PS_ROUTERS];
	struct sl_ps_node node[SL_PS_NODES];
	struct sl_ps_tenant tenant[SL_PS_TENANTS];
	struct sl_ps_job stream[SL_PS_STREAM_MAX];
	size_t stream_count;
	struct sl_ps_second second[SL_PS_SECONDS];
	struct sl_agenda agenda;
};

static inline struct sl_ps_second *sl_ps_now_in(struct sl_ps_world *world)
{
	return &world->second[world->now_ns / SL_PS_S];
}

/* pressure_setup.c */
void sl_ps_set_up(struct sl_ps_world *world, const struct sl_trial *trial);
void sl_ps_tear_down(struct sl_ps_world *world);
void sl_ps_start_worker(struct sl_ps_world *world, uint32_t worker);
void sl_ps_start_router(struct sl_ps_world *world, uint32_t router);
void sl_ps_start_agent(struct sl_ps_world *world, uint32_t node);

/* pressure_worker.c: one step of a worker. */
void sl_ps_work(struct sl_ps_world *world, uint32_t worker);
/* What it had goes back to the stream. */
void sl_ps_stop_worker(struct sl_ps_world *world, uint32_t worker, bool says_so);
void sl_ps_push(struct sl_ps_world *world, const struct sl_ps_job *job);

static inline bool sl_ps_is_stalled(const struct sl_ps_world *world)
{
	return world->now_ns >= world->stall_ns && world->now_ns < world->stalled_ns;
}

/* pressure_front.c */
void sl_ps_ask(struct sl_ps_world *world, uint32_t tenant, unsigned int tries);
void sl_ps_lose(struct sl_ps_world *world, uint32_t tenant, enum sl_ps_end how, unsigned int tries);
void sl_ps_tend_agent(struct sl_ps_world *world, uint32_t node);
void sl_ps_tend_gateway(struct sl_ps_world *world, uint32_t node);

/* pressure_bus.c */
void sl_ps_tell(struct sl_ps_world *world, const struct sl_signal *signal);
void sl_ps_hear(struct sl_ps_world *world, const struct sl_moment *moment);
void sl_ps_tend_router(struct sl_ps_world *world, uint32_t router);
void sl_ps_router_tells(struct sl_ps_world *world, uint32_t router);
/* Counts of jobs, as the router must say them before each call of its pool. */
struct sl_pressure_pool *sl_ps_pool(struct sl_ps_world *world, uint32_t router);

enum sl_ps_moment {
	SL_PS_SIGNAL, /* .data is one, freed by who hears it */
	SL_PS_RETRY,  /* .subject is tenant x 8 + tries */
};

/* pressure_check.c */
void sl_ps_check(struct sl_ps_world *world);
