// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/bus_private.h"

void sl_bus_worker_wake(struct sl_bus_worker *worker)
{
	const uint64_t one = 1;
	/* Full means that the loop has a wake-up to take anyway. */
	ssize_t written = write(worker->event_fd, &one, sizeof(one));

	(void)written;
}

/* ---- what nats.c asks of an event loop -------------------------------------------------- */

/*
 * In the worker's thread, inside natsConnection_Connect(). The loop watches a duplicate:
 * nats.c may close its own descriptor, and the number be used again, while ours is
 * still watched.
 */
static natsStatus attach(void **user, void *context, natsConnection *nats, natsSock socket)
{
	struct sl_bus_worker *worker = context;
	int fd = fcntl(socket, F_DUPFD_CLOEXEC, 0);

	(void)nats;
	if (fd < 0)
		return NATS_SYS_ERROR;
	if (worker->attached_fd >= 0)
		(void)close(worker->attached_fd);
	worker->attached_fd = fd;
	*user = worker;
	return NATS_OK;
}

/* Reading never pauses; that it ends is said by detach. */
static natsStatus want_read(void *user, bool add)
{
	(void)user;
	(void)add;
	return NATS_OK;
}

/* In the loop's thread by a publish, in others by a flush. */
static natsStatus want_write(void *user, bool add)
{
	struct sl_bus_worker *worker = user;

	atomic_store(&worker->want_write, add);
	if (add && !pthread_equal(pthread_self(), worker->loop_thread))
		sl_bus_worker_wake(worker);
	return NATS_OK;
}

static natsStatus detach(void *user)
{
	struct sl_bus_worker *worker = user;

	atomic_store(&worker->closed, true);
	return NATS_OK;
}

/* ---- one connect ---------------------------------------------------------------------------- */

/* nats.c begins with "(file.c:123): ", which tells an operator nothing. */
static const char *without_place(const char *text)
{
	const char *end = *text == '(' ? strstr(text, "): ") : NULL;

	return end ? end + 3 : text;
}

static void describe(struct sl_bus_connected *ret, const char *url, natsStatus status)
{
	natsStatus last = NATS_OK;
	const char *text = nats_GetLastError(&last);
	const char *host = strrchr(url, '@'); /* keeps a password in the URL to itself */

	if (!text || !*text)
		text = natsStatus_GetText(status);
	(void)snprintf(ret->error, sizeof(ret->error), "%.100s: %.150s", host ? host + 1 : url,
		       without_place(text));
	if (status == NATS_CONNECTION_AUTH_FAILED)
		ret->refused = true;
}

static bool connect_one(struct sl_bus_worker *worker, const struct sl_bus_server *server,
			struct sl_bus_connected *ret)
{
	natsConnection *nats = NULL;
	natsStatus status = natsOptions_SetURL(worker->options, server->url);

	atomic_store(&worker->want_write, false);
	atomic_store(&worker->closed, false);
	if (status == NATS_OK)
		status = natsOptions_SetExpectedHostname(worker->options, server->host);
	if (status == NATS_OK)
		status = natsConnection_Connect(&nats, worker->options);
	if (status == NATS_OK) {
		ret->nats = nats;
		ret->fd = SL_TAKE_FD(worker->attached_fd);
		return true;
	}
	describe(ret, server->url, status);
	if (worker->attached_fd >= 0)
		(void)close(SL_TAKE_FD(worker->attached_fd));
	return false;
}

/* Every server once, beginning after the one tried last. */
static void connect_any(struct sl_bus_worker *worker, struct sl_bus_connected *ret)
{
	bool refused = true;

	*ret = (struct sl_bus_connected){ .fd = -1 };
	for (size_t i = 0; i < worker->server_count && !atomic_load(&worker->stop); i++) {
		const struct sl_bus_server *server = &worker->servers[worker->next_server];

		worker->next_server = (worker->next_server + 1) % worker->server_count;
		ret->refused = false;
		if (connect_one(worker, server, ret))
			return;
		refused = refused && ret->refused;
	}
	ret->refused = refused;
}

/* ---- the thread -------------------------------------------------------------------------------
 */

/* One thing to do, in an order that never uses what was destroyed. False: the end. */
static bool work(struct sl_bus_worker *worker)
{
	natsConnection *condemned = SL_TAKE_PTR(worker->condemned);
	natsConnection *flush = SL_TAKE_PTR(worker->flush);
	bool connect = worker->connect;
	struct sl_bus_connected connected = { .fd = -1 };
	natsStatus flushed = NATS_CONNECTION_CLOSED;

	if (!condemned && !flush && !connect) {
		if (worker->quit)
			return false;
		(void)pthread_cond_wait(&worker->changed, &worker->mutex);
		return true;
	}
	worker->connect = false;
	(void)pthread_mutex_unlock(&worker->mutex);
	if (flush && flush != condemned)
		flushed = natsConnection_FlushTimeout(flush, worker->flush_timeout_ms);
	if (condemned)
		natsConnection_Destroy(condemned);
	if (connect)
		connect_any(worker, &connected);
	(void)pthread_mutex_lock(&worker->mutex);

	if (flush) {
		worker->flushed = flushed;
		worker->flush_answered = true;
	}
	if (connect) {
		worker->connected = connected;
		worker->connect_answered = true;
	}
	sl_bus_worker_wake(worker);
	return true;
}

static void *run(void *context)
{
	struct sl_bus_worker *worker = context;

	(void)pthread_mutex_lock(&worker->mutex);
	while (work(worker))
		;
	(void)pthread_mutex_unlock(&worker->mutex);
	nats_ReleaseThreadMemory();
	return NULL;
}

int sl_bus_worker_start(struct sl_bus_worker *worker)
{
	sigset_t all, before;
	int error;

	worker->loop_thread = pthread_self();
	worker->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (worker->event_fd < 0)
		return -errno;
	/* Signals are the program's; nats.c's threads inherit this from ours. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&worker->thread, NULL, run, worker);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	worker->started = error == 0;
	return -error;
}

static void free_servers(struct sl_bus_worker *worker)
{
	for (size_t i = 0; i < worker->server_count; i++) {
		free(worker->servers[i].url);
		free(worker->servers[i].host);
	}
	worker->server_count = 0;
}

void sl_bus_worker_stop(struct sl_bus_worker *worker)
{
	if (worker->started) {
		atomic_store(&worker->stop, true);
		(void)pthread_mutex_lock(&worker->mutex);
		worker->quit = true;
		(void)pthread_cond_signal(&worker->changed);
		(void)pthread_mutex_unlock(&worker->mutex);
		(void)pthread_join(worker->thread, NULL);
		worker->started = false;
	}
	if (worker->connected.nats) {
		natsConnection_Destroy(worker->connected.nats);
		(void)close(worker->connected.fd);
		worker->connected.nats = NULL;
	}
	if (worker->event_fd >= 0)
		(void)close(SL_TAKE_FD(worker->event_fd));
	natsOptions_Destroy(worker->options);
	worker->options = NULL;
	free_servers(worker);
	(void)pthread_cond_destroy(&worker->changed);
	(void)pthread_mutex_destroy(&worker->mutex);
}

/* ---- asked from the loop ------------------------------------------------------------------------
 */

void sl_bus_worker_connect(struct sl_bus_worker *worker)
{
	(void)pthread_mutex_lock(&worker->mutex);
	worker->connect = true;
	(void)pthread_cond_signal(&worker->changed);
	(void)pthread_mutex_unlock(&worker->mutex);
}

void sl_bus_worker_flush(struct sl_bus_worker *worker, natsConnection *nats, int64_t timeout_ms)
{
	(void)pthread_mutex_lock(&worker->mutex);
	worker->flush = nats;
	worker->flush_timeout_ms = timeout_ms;
	(void)pthread_cond_signal(&worker->changed);
	(void)pthread_mutex_unlock(&worker->mutex);
}

void sl_bus_worker_destroy(struct sl_bus_worker *worker, natsConnection *nats)
{
	(void)pthread_mutex_lock(&worker->mutex);
	worker->condemned = nats;
	(void)pthread_cond_signal(&worker->changed);
	(void)pthread_mutex_unlock(&worker->mutex);
}

bool sl_bus_worker_take_connected(struct sl_bus_worker *worker, struct sl_bus_connected *ret)
{
	bool answered;

	(void)pthread_mutex_lock(&worker->mutex);
	answered = worker->connect_answered;
	if (answered) {
		*ret = worker->connected;
		worker->connected = (struct sl_bus_connected){ .fd = -1 };
		worker->connect_answered = false;
	}
	(void)pthread_mutex_unlock(&worker->mutex);
	return answered;
}

bool sl_bus_worker_take_flushed(struct sl_bus_worker *worker, natsStatus *ret)
{
	bool answered;

	(void)pthread_mutex_lock(&worker->mutex);
	answered = worker->flush_answered;
	if (answered)
		*ret = worker->flushed;
	worker->flush_answered = false;
	(void)pthread_mutex_unlock(&worker->mutex);
	return answered;
}

/* ---- configured
 * ------------------------------------------------------------------------------------- */

int sl_bus_worker_configure(struct sl_bus_worker *worker, const struct sl_bus_options *options,
			    struct sl_bus_error *error)
{
	natsStatus status;

	worker->event_fd = -1;
	worker->attached_fd = -1;
	worker->connected.fd = -1;
	(void)pthread_mutex_init(&worker->mutex, NULL);
	(void)pthread_cond_init(&worker->changed, NULL);
	if (natsOptions_Create(&worker->options) != NATS_OK)
		return -ENOMEM;
	status = natsOptions_SetEventLoop(worker->options, worker, attach, want_read, want_write,
					  detach);
	if (status != NATS_OK)
		return -ENOMEM;
	return sl_bus_options_make(worker, options, error);
}
