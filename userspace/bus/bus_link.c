// SPDX-License-Identifier: Apache-2.0
/* One connection after the other, seen from the loop. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/bus_private.h"

#define RECONNECT_WAIT_MS 250u
#define PING_INTERVAL_MS  5000u
#define PINGS_LOST	  2u
#define REFUSED_FACTOR	  8u /* slower when it is our name or key that is wrong */
#define SEND_NOW_BYTES	  (256u << 10)
#define CLOSE_READS_MAX	  1024

static void set_state(struct sl_bus *bus, enum sl_bus_state state)
{
	if (bus->state == state)
		return;
	bus->state = state;
	if (bus->state_changed && !bus->freeing)
		bus->state_changed(bus->context, state);
}

/* splitmix64: spreads reconnects, protects nothing. */
static uint64_t next_random(struct sl_bus *bus)
{
	uint64_t mixed = bus->random += 0x9e3779b97f4a7c15ull;

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ull;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebull;
	return mixed ^ (mixed >> 31);
}

static uint64_t ping_interval_ms(const struct sl_bus *bus)
{
	return bus->options.ping_interval_ms ? bus->options.ping_interval_ms : PING_INTERVAL_MS;
}

/* Many clients lose one server in the same moment. */
static void retry_later(struct sl_bus *bus, bool at_once, bool refused)
{
	uint64_t wait = bus->options.reconnect_wait_ms;

	wait = wait ? wait : RECONNECT_WAIT_MS;
	if (refused)
		wait *= REFUSED_FACTOR;
	wait = (at_once ? 0 : wait / 2) + next_random(bus) % (at_once ? wait / 2 + 1 : wait);
	if (bus->loop->timer_set(bus->loop, &bus->retry, wait) != 0)
		sl_bus_worker_connect(&bus->worker);
}

static void retry(struct sl_loop_timer *timer)
{
	struct sl_bus *bus = timer->context;

	sl_bus_worker_connect(&bus->worker);
}

/* ---- lost ----------------------------------------------------------------------------- */

/* What nats.c noted, a refused subject too. False: nothing. */
static bool take_last_error(struct sl_bus *bus)
{
	const char *text = NULL;

	if (natsConnection_GetLastError(bus->nats, &text) == NATS_OK || !text || !*text)
		return false;
	(void)snprintf(bus->last_error, sizeof(bus->last_error), "%s", text);
	return true;
}

static void forget_socket(struct sl_bus *bus)
{
	bus->loop->fd_clear(bus->loop, &bus->socket);
	bus->loop->timer_clear(bus->loop, &bus->ping);
	if (bus->socket.fd >= 0)
		(void)close(SL_TAKE_FD(bus->socket.fd));
	bus->socket.events = 0;
}

static struct sl_bus_watch *untold(const struct sl_bus *bus)
{
	struct sl_bus_watch *watch = bus->watches;

	while (watch && watch->round == bus->watch_round)
		watch = watch->next;
	return watch;
}

/* From the start each time: what is told may add and remove. */
static void tell_watches(struct sl_bus *bus, bool connected)
{
	struct sl_bus_watch *watch;

	bus->watch_round++;
	while ((watch = untold(bus))) {
		watch->round = bus->watch_round;
		watch->changed(watch, connected);
	}
}

/* @why: NULL when nats.c knows. */
static void lost(struct sl_bus *bus, const char *why)
{
	if (why || !take_last_error(bus))
		(void)snprintf(bus->last_error, sizeof(bus->last_error), "%s",
			       why ? why : "the server closed the connection");
	forget_socket(bus);
	bus->walking++;
	sl_bus_subscriptions_disconnect(bus);
	sl_bus_worker_destroy(&bus->worker, SL_TAKE_PTR(bus->nats));
	bus->unsent = 0;
	retry_later(bus, true, false);
	set_state(bus, SL_BUS_RECONNECTING);
	sl_bus_requests_fail(bus, -ENOTCONN);
	tell_watches(bus, false);
	bus->walking--;
}

/* nats.c notices the end of its stream and closes, without waiting for anything. */
static void close_now(struct sl_bus *bus)
{
	(void)shutdown(bus->socket.fd, SHUT_RDWR);
	for (int i = 0; i < CLOSE_READS_MAX && !atomic_load(&bus->worker.closed); i++)
		natsConnection_ProcessReadEvent(bus->nats);
}

static void drop(struct sl_bus *bus, const char *why)
{
	close_now(bus);
	lost(bus, why);
}

/* ---- reading and writing ------------------------------------------------------------------ */

static void note_unsent(struct sl_bus *bus)
{
	int buffered = 0;

	if (atomic_load(&bus->worker.want_write))
		buffered = natsConnection_Buffered(bus->nats);
	bus->unsent = buffered > 0 ? (size_t)buffered : 0;
}

/* False: the connection is lost. */
static bool write_out(struct sl_bus *bus)
{
	unsigned int events = SL_LOOP_READ;

	natsConnection_ProcessWriteEvent(bus->nats);
	if (atomic_load(&bus->worker.closed)) {
		lost(bus, NULL);
		return false;
	}
	note_unsent(bus);
	if (atomic_load(&bus->worker.want_write))
		events |= SL_LOOP_WRITE;
	if (bus->socket.events == events)
		return true;
	bus->socket.events = events;
	if (bus->loop->fd_set(bus->loop, &bus->socket) == 0)
		return true;
	drop(bus, "the loop takes no descriptor");
	return false;
}

static void end_of_turn(struct sl_bus *bus)
{
	if (bus->nats && atomic_load(&bus->worker.closed))
		lost(bus, NULL);
	else if (bus->nats && atomic_load(&bus->worker.want_write))
		(void)write_out(bus);
	sl_bus_subscriptions_sweep(bus);
}

static void socket_ready(struct sl_loop_fd *fd, unsigned int events)
{
	struct sl_bus *bus = fd->context;

	if (events & SL_LOOP_READ) {
		bus->walking++;
		natsConnection_ProcessReadEvent(bus->nats);
		sl_bus_subscriptions_deliver(bus, false);
		bus->walking--;
	}
	end_of_turn(bus);
}

static void soon(struct sl_loop_timer *timer)
{
	struct sl_bus *bus = timer->context;

	bus->soon_set = false;
	end_of_turn(bus);
}

void sl_bus_link_soon(struct sl_bus *bus)
{
	if (!bus->soon_set && bus->loop->timer_set(bus->loop, &bus->soon, 0) == 0)
		bus->soon_set = true;
}

void sl_bus_link_send_soon(struct sl_bus *bus, size_t bytes)
{
	bus->unsent += bytes;
	if (bus->walking)
		return;
	sl_bus_link_soon(bus);
	/* What follows from an error waits for the turn's end: a caller is above us. */
	if (!bus->soon_set ||
	    (bus->unsent >= SEND_NOW_BYTES && !(bus->socket.events & SL_LOOP_WRITE))) {
		natsConnection_ProcessWriteEvent(bus->nats);
		note_unsent(bus);
	}
}

/* ---- flush and ping ------------------------------------------------------------------------- */

static void run_flush(struct sl_bus *bus)
{
	bus->flush_round++;
	bus->flush_running = true;
	sl_bus_worker_flush(&bus->worker, bus->nats, (int64_t)(PINGS_LOST * ping_interval_ms(bus)));
}

void sl_bus_link_flush(struct sl_bus *bus, uint64_t *ret_round)
{
	bus->flush_wanted = bus->flush_round + 1;
	*ret_round = bus->flush_wanted;
	if (!bus->flush_running)
		run_flush(bus);
}

static void flushed(struct sl_bus *bus, natsStatus status)
{
	bus->flush_running = false;
	if (!bus->nats)
		return;
	if (status == NATS_TIMEOUT) {
		drop(bus, "the server does not answer pings");
		return;
	}
	if (status == NATS_OK) {
		(void)take_last_error(bus);
		bus->walking++;
		sl_bus_subscriptions_deliver(bus, true);
		sl_bus_requests_flushed(bus, bus->flush_round, 0);
		bus->walking--;
	}
	if (bus->flush_wanted > bus->flush_round)
		run_flush(bus);
}

static void ping(struct sl_loop_timer *timer)
{
	struct sl_bus *bus = timer->context;
	uint64_t round;

	(void)bus->loop->timer_set(bus->loop, timer, ping_interval_ms(bus));
	if (!bus->flush_running)
		sl_bus_link_flush(bus, &round);
}

/* ---- connected ---------------------------------------------------------------------------------
 */

static void established(struct sl_bus *bus, const struct sl_bus_connected *connected)
{
	int64_t payload_max = natsConnection_GetMaxPayload(connected->nats);

	bus->nats = connected->nats;
	bus->payload_max = payload_max > 0 ? payload_max : SL_BUS_PAYLOAD_MAX;
	bus->socket.fd = connected->fd;
	bus->socket.events = SL_LOOP_READ;
	bus->last_error[0] = '\0';
	if (bus->loop->fd_set(bus->loop, &bus->socket) != 0 ||
	    bus->loop->timer_set(bus->loop, &bus->ping, ping_interval_ms(bus)) != 0 ||
	    sl_bus_subscriptions_connect(bus) != 0) {
		drop(bus, "the subscriptions could not be made");
		return;
	}
	if (bus->was_connected)
		bus->stats.reconnects_total++;
	bus->was_connected = true;
	bus->walking++;
	tell_watches(bus, true);
	set_state(bus, SL_BUS_CONNECTED);
	bus->walking--;
}

static void not_established(struct sl_bus *bus, const struct sl_bus_connected *connected)
{
	(void)snprintf(bus->last_error, sizeof(bus->last_error), "%s", connected->error);
	retry_later(bus, false, connected->refused);
	if (connected->refused)
		set_state(bus, SL_BUS_REFUSED);
	else
		set_state(bus, bus->was_connected ? SL_BUS_RECONNECTING : SL_BUS_CONNECTING);
}

static void woken(struct sl_loop_fd *fd, unsigned int events)
{
	struct sl_bus *bus = fd->context;
	struct sl_bus_connected connected;
	natsStatus status;
	uint64_t times;
	ssize_t got = read(fd->fd, &times, sizeof(times));

	(void)events;
	(void)got;
	/* In the order of the worker: a flush it answers was of the connection before. */
	if (sl_bus_worker_take_flushed(&bus->worker, &status))
		flushed(bus, status);
	if (sl_bus_worker_take_connected(&bus->worker, &connected)) {
		if (connected.nats)
			established(bus, &connected);
		else
			not_established(bus, &connected);
	}
	end_of_turn(bus);
}

/* ---- begin and end
 * ------------------------------------------------------------------------------- */

int sl_bus_link_start(struct sl_bus *bus)
{
	int ret;

	bus->socket = (struct sl_loop_fd){ .fd = -1, .ready = socket_ready, .context = bus };
	bus->retry = (struct sl_loop_timer){ .fire = retry, .context = bus };
	bus->ping = (struct sl_loop_timer){ .fire = ping, .context = bus };
	bus->soon = (struct sl_loop_timer){ .fire = soon, .context = bus };
	if (getrandom(&bus->random, sizeof(bus->random), 0) != sizeof(bus->random))
		return -errno;
	ret = sl_bus_worker_start(&bus->worker);
	if (ret)
		return ret;
	bus->wake = (struct sl_loop_fd){
		.fd = bus->worker.event_fd, .events = SL_LOOP_READ, .ready = woken, .context = bus
	};
	ret = bus->loop->fd_set(bus->loop, &bus->wake);
	if (ret)
		return ret;
	sl_bus_worker_connect(&bus->worker);
	return 0;
}

void sl_bus_link_stop(struct sl_bus *bus)
{
	bus->loop->fd_clear(bus->loop, &bus->wake);
	bus->loop->timer_clear(bus->loop, &bus->retry);
	bus->loop->timer_clear(bus->loop, &bus->soon);
	if (!bus->nats)
		return;
	natsConnection_ProcessWriteEvent(bus->nats);
	close_now(bus);
	forget_socket(bus);
	sl_bus_subscriptions_disconnect(bus);
	sl_bus_worker_destroy(&bus->worker, SL_TAKE_PTR(bus->nats));
	tell_watches(bus, false);
}

void sl_bus_watch_add(struct sl_bus *bus, struct sl_bus_watch *watch)
{
	watch->round = bus->watch_round;
	watch->next = bus->watches;
	bus->watches = watch;
}

void sl_bus_watch_remove(struct sl_bus *bus, struct sl_bus_watch *watch)
{
	for (struct sl_bus_watch **at = &bus->watches; *at; at = &(*at)->next) {
		if (*at == watch) {
			*at = watch->next;
			return;
		}
	}
}
