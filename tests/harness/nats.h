/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A nats-server with JetStream of the test's own: on 127.0.0.1, a port that follows
 * from the pid, its files in a new folder under /tmp. It dies with the test, and its
 * files go then, also when a test failed. Without nats-server the test fails. All
 * functions assert.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sl_nats {
	pid_t pid; /* 0: not running */
	uint16_t port;
	char folder[64];
	char url[64];	/* nats://127.0.0.1:port */
	char *settings; /* added to its configuration */
};

/* Chooses port and folder; sl_nats_start() runs it. @settings: more lines of its
 * configuration, or NULL. */
void sl_nats_prepare(struct sl_nats *ret, const char *settings);
/* Runs it (again: same port, same files) and waits until it answers. */
void sl_nats_start(struct sl_nats *nats);
/* Both at once. */
void sl_nats_open(struct sl_nats *ret, const char *settings);
/* SIGKILL: as a crash. */
void sl_nats_kill(struct sl_nats *nats);
/* SIGSTOP and SIGCONT: it is there and says nothing. */
void sl_nats_freeze(const struct sl_nats *nats, bool frozen);
/* Ends it and removes its files. */
void sl_nats_close(struct sl_nats *nats);

/* A port of 127.0.0.1 that nobody listens on; differs from call to call. */
uint16_t sl_nats_free_port(void);
