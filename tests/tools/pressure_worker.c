// SPDX-License-Identifier: Apache-2.0
/*
 * pressure_worker SERVERS POOL PIN_DIR ADDRESS PORT SLOTS SERVICE_MS: a worker whose jobs
 * are the datagrams that come to a port, so that what the kernel sheds is work that it
 * does not get. What it measures and tells is what a worker of the pipeline does; the jobs
 * themselves are only waited for.
 *
 * SIGUSR1 makes it ten times slower, SIGUSR2 as fast as before. It prints, a line each:
 *
 *	slow_to_shed_ms MS TENANT   from SIGUSR1 to the first packet that the kernel shed
 *	recovery_s S                from SIGUSR2 to the last, once none was for 3 s
 *	jobs DONE EXPIRED REFUSED   each second
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "userspace/bus/bus.h"
#include "userspace/bus/loop_event.h"
#include "userspace/dataplane/counters_read.h"
#include "userspace/pressure/gauge.h"
#include "userspace/pressure/queue.h"

#define TURN_MS	    5
#define QUEUE_MAX   8192u
#define SLOTS_MAX   1024u
#define TENANTS_MAX 16u
#define SLOWER	    10u
#define MS_NS	    1000000ull
#define S_NS	    1000000000ull
#define DEADLINE_NS (2 * S_NS)
#define QUIET_NS    (3 * S_NS)

struct worker {
	struct event_base *base;
	struct sl_bus *bus;
	struct sl_maps *maps;
	struct sl_gauge gauge;
	struct sl_queue order;
	int fd;
	uint64_t service_ns;
	uint32_t slots, busy, tenants;
	uint64_t ends_ns[SLOTS_MAX];
	uint64_t since_ns[QUEUE_MAX]; /* from .head on */
	size_t head, queued;
	uint64_t done, expired, refused, told_ns;
	/* What the kernel shed. */
	uint64_t shed[TENANTS_MAX];
	uint64_t slow_ns, healed_ns, last_shed_ns; /* 0: not so */
};

static uint64_t clock_ns(clockid_t which)
{
	struct timespec now;

	(void)clock_gettime(which, &now);
	return (uint64_t)now.tv_sec * S_NS + (uint64_t)now.tv_nsec;
}

/* ---- jobs ----------------------------------------------------------------------------------- */

static void take_jobs(struct worker *worker, uint64_t now_ns)
{
	char datagram[2048];

	if (worker->head + worker->queued >= QUEUE_MAX / 2) {
		memmove(worker->since_ns, worker->since_ns + worker->head,
			worker->queued * sizeof(worker->since_ns[0]));
		worker->head = 0;
	}
	while (recv(worker->fd, datagram, sizeof(datagram), MSG_DONTWAIT) >= 0) {
		if (worker->head + worker->queued < QUEUE_MAX) {
			worker->since_ns[worker->head + worker->queued++] = now_ns;
			continue;
		}
		worker->refused++;
		sl_meter_count(&worker->gauge.meter, SL_METER_REFUSED, now_ns);
	}
}

static void end_jobs(struct worker *worker, uint64_t now_ns)
{
	uint32_t i = 0;

	while (i < worker->busy) {
		if (worker->ends_ns[i] > now_ns) {
			i++;
			continue;
		}
		worker->ends_ns[i] = worker->ends_ns[--worker->busy];
		worker->done++;
		sl_meter_count(&worker->gauge.meter, SL_METER_DONE, now_ns);
	}
}

static void begin_jobs(struct worker *worker, uint64_t now_ns)
{
	while (worker->queued && worker->busy < worker->slots) {
		const uint64_t since_ns = worker->since_ns[worker->head];
		const struct sl_queue_item item = { since_ns, since_ns + DEADLINE_NS,
						    SL_SHEDDABLE };

		worker->head++;
		worker->queued--;
		sl_meter_waited(&worker->gauge.meter, now_ns - since_ns, now_ns);
		if (sl_queue_judge(&worker->order, &item, now_ns) != SL_QUEUE_RUN) {
			worker->expired++;
			sl_meter_count(&worker->gauge.meter, SL_METER_EXPIRED, now_ns);
		} else {
			worker->ends_ns[worker->busy++] = now_ns + worker->service_ns;
		}
	}
	sl_queue_note(&worker->order, !worker->queued, now_ns);
}

/* ---- signals ----------------------------------------------------------------------------------
 */

static void tell(struct worker *worker, uint64_t now_ns)
{
	struct sl_json_out out = SL_JSON_OUT(SL_SIGNAL_BYTES_MAX);
	const struct sl_gauge_now now = {
		.busy = worker->busy,
		.waiting = { worker->since_ns + worker->head, worker->queued },
		.routers = 1,
		.wall_ms = clock_ns(CLOCK_REALTIME) / MS_NS,
	};
	const struct sl_signal *signal = &worker->gauge.last;
	char subject[SL_SIGNAL_SUBJECT_BYTES];
	struct sl_span text;

	if (!sl_gauge_is_due(&worker->gauge, &now, now_ns))
		return;
	(void)sl_gauge_signal(&worker->gauge, &now, (uint64_t)random(), now_ns);
	sl_signal_write(&out, signal);
	if (sl_json_done(&text, &out) == 0)
		(void)sl_bus_publish(worker->bus,
				     sl_signal_subject(subject, signal->work, signal->pool), NULL,
				     NULL, 0, text);
	sl_json_out_free(&out);
}

/* ---- what the kernel sheds
 * ----------------------------------------------------------------------- */

static void saw_shed(struct worker *worker, uint32_t tenant, uint64_t now_ns)
{
	worker->last_shed_ns = now_ns;
	if (!worker->slow_ns || worker->healed_ns)
		return;
	(void)printf("slow_to_shed_ms %.1f %.*s\n", (double)(now_ns - worker->slow_ns) / MS_NS,
		     (int)SL_TENANT_NAME_BYTES, sl_maps_view(worker->maps)->names[tenant].name);
	worker->slow_ns = 0;
}

static void look_at_kernel(struct worker *worker, uint64_t now_ns)
{
	struct sl_counters counters[TENANTS_MAX];

	if (sl_counters_read_all(counters, NULL, worker->tenants, worker->maps, NULL) != 0)
		return;
	for (uint32_t i = 0; i < worker->tenants; i++) {
		const uint64_t shed = counters[i].ingress.shed.packets;

		if (shed > worker->shed[i])
			saw_shed(worker, i, now_ns);
		worker->shed[i] = shed;
	}
	if (!worker->healed_ns || now_ns - worker->healed_ns < QUIET_NS ||
	    now_ns - worker->last_shed_ns < QUIET_NS)
		return;
	(void)printf("recovery_s %.2f\n",
		     worker->last_shed_ns > worker->healed_ns
			     ? (double)(worker->last_shed_ns - worker->healed_ns) / S_NS
			     : 0.0);
	worker->healed_ns = 0;
}

/* ---- turns
 * ----------------------------------------------------------------------------------------- */

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	(void)fd;
	(void)what;
	take_jobs(worker, now_ns);
	end_jobs(worker, now_ns);
	begin_jobs(worker, now_ns);
	tell(worker, now_ns);
	look_at_kernel(worker, now_ns);
	if (now_ns - worker->told_ns < S_NS)
		return;
	(void)printf("jobs %llu %llu %llu\n", (unsigned long long)worker->done,
		     (unsigned long long)worker->expired, (unsigned long long)worker->refused);
	worker->told_ns = now_ns;
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct worker *worker = arg;
	const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	(void)what;
	if (number == SIGTERM) {
		(void)event_base_loopbreak(worker->base);
	} else if (number == SIGUSR1) {
		worker->service_ns *= SLOWER;
		worker->slow_ns = now_ns;
		worker->healed_ns = 0;
	} else {
		worker->service_ns /= SLOWER;
		worker->slow_ns = 0;
		worker->healed_ns = now_ns;
		/* What is still at work will end as fast as what comes. */
		for (uint32_t i = 0; i < worker->busy; i++)
			if (worker->ends_ns[i] > now_ns + worker->service_ns)
				worker->ends_ns[i] = now_ns + worker->service_ns;
	}
}

/* ---- begin
 * --------------------------------------------------------------------------------------------- */

static int listen_at(struct worker *worker, const char *address, const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };

	worker->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (worker->fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
	    bind(worker->fd, (const struct sockaddr *)(const void *)&at, sizeof(at)) != 0) {
		(void)fprintf(stderr, "pressure_worker: %s port %s: %s\n", address, port,
			      strerror(errno));
		return -1;
	}
	return 0;
}

static int open_all(struct worker *worker, char **argv)
{
	const struct sl_bus_options options = { .servers = argv[1], .name = "pressure_worker" };
	const struct sl_gauge_options gauge = { .pool = argv[2],
						.source = "w1",
						.work = SL_WORK_INTERACTIVE,
						.epoch = clock_ns(CLOCK_REALTIME) / MS_NS,
						.slots = worker->slots };
	struct sl_dp_error why = { .message = "" };
	struct sl_bus_error error = { "" };
	struct sl_loop *loop = NULL;

	if (sl_maps_open(&worker->maps, argv[3], SL_MAPS_READ, &why) != 0) {
		(void)fprintf(stderr, "pressure_worker: %s\n", why.message);
		return -1;
	}
	worker->tenants = sl_maps_view(worker->maps)->tenants;
	worker->tenants = worker->tenants < TENANTS_MAX ? worker->tenants : TENANTS_MAX;
	sl_gauge_init(&worker->gauge, &gauge, clock_ns(CLOCK_MONOTONIC));
	sl_queue_init(&worker->order, sl_work_class_target_ns(gauge.work),
		      clock_ns(CLOCK_MONOTONIC));
	worker->base = event_base_new();
	if (!worker->base || sl_loop_event_new(&loop, worker->base) ||
	    sl_bus_new(&worker->bus, loop, &options, NULL, NULL, &error)) {
		(void)fprintf(stderr, "pressure_worker: %s\n", error.message);
		return -1;
	}
	return listen_at(worker, argv[4], argv[5]);
}

static int run(struct worker *worker)
{
	static const int numbers[] = { SIGUSR1, SIGUSR2, SIGTERM };
	const struct timeval every = { .tv_usec = TURN_MS * 1000 };
	struct event *turn = event_new(worker->base, -1, EV_PERSIST, on_turn, worker);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct event *event = evsignal_new(worker->base, numbers[i], on_signal, worker);

		if (!event || event_add(event, NULL) != 0)
			return 1;
	}
	if (!turn || event_add(turn, &every) != 0)
		return 1;
	(void)printf("ready\n");
	return event_base_dispatch(worker->base) < 0;
}

int main(int argc, char **argv)
{
	struct worker worker = { .slots = 0 };

	if (argc != 8) {
		(void)fputs("usage: pressure_worker SERVERS POOL PIN_DIR ADDRESS PORT SLOTS "
			    "SERVICE_MS\n",
			    stderr);
		return 2;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	worker.slots = (uint32_t)strtoul(argv[6], NULL, 10);
	worker.service_ns = strtoul(argv[7], NULL, 10) * MS_NS;
	if (!worker.slots || worker.slots > SLOTS_MAX || !worker.service_ns)
		return 2;
	return open_all(&worker, argv) ? 1 : run(&worker);
}
