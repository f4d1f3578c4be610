// SPDX-License-Identifier: Apache-2.0
#include "userspace/worker/pool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "userspace/base/cleanup.h"

struct sl_pool {
	struct sl_loop *loop;
	struct sl_loop_fd event;
	void (*done)(void *context, struct sl_run *run);
	void *context;
	unsigned int threads, busy; /* the loop's */

	pthread_mutex_t mutex;
	pthread_cond_t given;
	struct sl_run *todo, *finished; /* under the mutex, like the next */
	bool quit;
	pthread_t ids[];
};

static void *work(void *arg)
{
	struct sl_pool *pool = arg;
	const uint64_t one = 1;

	(void)pthread_mutex_lock(&pool->mutex);
	for (;;) {
		struct sl_run *run = pool->todo;

		if (!run && pool->quit)
			break;
		if (!run) {
			(void)pthread_cond_wait(&pool->given, &pool->mutex);
			continue;
		}
		pool->todo = run->next;
		(void)pthread_mutex_unlock(&pool->mutex);
		sl_run_execute(run);
		(void)pthread_mutex_lock(&pool->mutex);
		run->next = pool->finished;
		pool->finished = run;
		if (write(pool->event.fd, &one, sizeof(one)) < 0)
			continue; /* full: the loop has been woken already */
	}
	(void)pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

static void on_finished(struct sl_loop_fd *fd, unsigned int events)
{
	struct sl_pool *pool = fd->context;
	struct sl_run *run, *next;
	uint64_t count;

	(void)events;
	if (read(fd->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	(void)pthread_mutex_lock(&pool->mutex);
	run = pool->finished;
	pool->finished = NULL;
	(void)pthread_mutex_unlock(&pool->mutex);
	for (; run; run = next) {
		next = run->next;
		pool->busy--;
		pool->done(pool->context, run);
	}
}

/* Signals are the main thread's: none may end a handler's system call. */
static int start_threads(struct sl_pool *pool, unsigned int threads)
{
	sigset_t all, before;
	int err = 0;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	while (pool->threads < threads && !err) {
		err = pthread_create(&pool->ids[pool->threads], NULL, work, pool);
		pool->threads += !err;
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int sl_pool_new(struct sl_pool **ret, struct sl_loop *loop, unsigned int threads,
		void (*done)(void *context, struct sl_run *run), void *context)
{
	struct sl_pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->ids[0]));
	int err;

	if (!pool)
		return -ENOMEM;
	pool->loop = loop;
	pool->done = done;
	pool->context = context;
	(void)pthread_mutex_init(&pool->mutex, NULL);
	(void)pthread_cond_init(&pool->given, NULL);
	pool->event = (struct sl_loop_fd){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
					   .events = SL_LOOP_READ,
					   .ready = on_finished,
					   .context = pool };
	err = pool->event.fd < 0 ? -errno : loop->fd_set(loop, &pool->event);
	if (!err)
		err = start_threads(pool, threads);
	if (err) {
		sl_pool_free(pool);
		return err;
	}
	*ret = pool;
	return 0;
}

void sl_pool_free(struct sl_pool *pool)
{
	if (!pool)
		return;
	(void)pthread_mutex_lock(&pool->mutex);
	pool->quit = true;
	(void)pthread_cond_broadcast(&pool->given);
	(void)pthread_mutex_unlock(&pool->mutex);
	for (unsigned int i = 0; i < pool->threads; i++)
		(void)pthread_join(pool->ids[i], NULL);
	pool->loop->fd_clear(pool->loop, &pool->event);
	sl_closep(&pool->event.fd);
	(void)pthread_cond_destroy(&pool->given);
	(void)pthread_mutex_destroy(&pool->mutex);
	free(pool);
}

unsigned int sl_pool_idle(const struct sl_pool *pool)
{
	return pool->threads - pool->busy;
}

unsigned int sl_pool_busy(const struct sl_pool *pool)
{
	return pool->busy;
}

int sl_pool_start(struct sl_pool *pool, struct sl_run *run)
{
	if (!sl_pool_idle(pool))
		return -EBUSY;
	pool->busy++;
	(void)pthread_mutex_lock(&pool->mutex);
	run->next = pool->todo;
	pool->todo = run;
	(void)pthread_cond_signal(&pool->given);
	(void)pthread_mutex_unlock(&pool->mutex);
	return 0;
}
