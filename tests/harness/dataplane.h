/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data plane for tests of userspace/dataplane: own network namespace, own pin
 * folder named after the process, everything removed at the end also when a test
 * failed half way. cmocka's assertions are used inside.
 */
#pragma once

#include "tests/harness/test.h"

#include "userspace/dataplane/attach.h"
#include "userspace/dataplane/loader.h"
#include "userspace/domain/plan.h"

struct sl_bed {
	char pin_dir[64];
	struct sl_sizes sizes;
	struct sl_dataplane *dp; /* NULL when closed */
	struct sl_dp_error error;
};

/* A namespace of our own for this process, with lo up. Once for a process. */
void sl_bed_enter_namespace(void);

/* Small sizes and a pin folder nobody else has. */
struct sl_bed sl_bed_make(const char *name);

/* Opens the data plane; asserts that it works. */
void sl_bed_open(struct sl_bed *bed, bool migrate);
void sl_bed_close(struct sl_bed *bed);

/* Closes, detaches and removes the pins. */
void sl_bed_remove(struct sl_bed *bed);

/* The fixtures of cmocka: *state becomes a bed of @name; what is in it goes with it. */
int sl_bed_setup(void **state, const char *name);
int sl_bed_teardown(void **state);

struct sl_maps *sl_bed_maps(const struct sl_bed *bed);

/*
 * Tenants t1, t2, ... of @count, each with the service 10.0.0.N:80/tcp (N from 1) and
 * @packets_per_s (0 = unlimited), also in egress.
 */
struct sl_config *sl_bed_config(const struct sl_bed *bed, size_t count, uint64_t packets_per_s);

/* Adds prefixes to a tenant of the configuration; "10.1.0.0/16". */
void sl_bed_add_source(struct sl_config *config, size_t tenant, const char *prefix);

/* A service without a tenant of its own at 10.0.0.@host:@port. */
void sl_bed_add_open_service(struct sl_config *config, unsigned host, uint16_t port, bool bind);

/* Plans and applies; asserts that it works. The plan, for its ids; sl_plan_free(). */
struct sl_plan *sl_bed_apply(const struct sl_bed *bed, const struct sl_config *config);

/* An Ethernet frame of 64 bytes: TCP with an ACK, from @from to 10.0.0.@host:@port. */
struct sl_frame64 {
	unsigned char bytes[64];
};
struct sl_frame64 sl_bed_frame(const char *from, unsigned host, uint16_t port);

/* Runs a program of the data plane on the frame, @repeat times; its return value. */
uint32_t sl_bed_run(const struct sl_bed *bed, const char *program, const struct sl_frame64 *frame,
		    unsigned repeat);

/* Packets of @tenant in ingress: passed, and dropped for whatever reason. */
uint64_t sl_bed_passed(const struct sl_bed *bed, uint32_t tenant);
uint64_t sl_bed_dropped(const struct sl_bed *bed, uint32_t tenant);

/* A veth pair, both up; the other end is @name with an "x" behind. */
void sl_bed_add_veth(const char *name);

/* Runs a command of the shell; its exit code. */
int sl_bed_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

uint64_t sl_bed_now_ns(void);
