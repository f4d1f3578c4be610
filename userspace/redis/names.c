// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/names.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "userspace/base/cleanup.h"

#define PAUSE_MS  1000u /* from one answer to the next question */
#define WHY_BYTES 160

/* One question: of the thread until it writes to @event_fd, then of the loop. */
struct question {
	atomic_uint owners;
	atomic_bool is_answered;
	int event_fd;
	size_t name_count, count;
	struct sl_redis_address names[SL_REDIS_ADDRESSES_MAX];
	struct sl_redis_address addresses[SL_REDIS_ADDRESSES_MAX];
	char why[WHY_BYTES];
};

struct sl_redis_names {
	struct sl_loop *loop;
	size_t count;
	struct sl_redis_address names[SL_REDIS_ADDRESSES_MAX];
	sl_redis_names_found *found;
	void *owner;
	struct question *question; /* NULL: none is under way */
	struct sl_loop_fd answer;
	struct sl_loop_timer timer;
	bool is_waiting; /* for the pause to end */
	bool wanted;	 /* again, when it does */
};

static void let_go(struct question *question)
{
	if (atomic_fetch_sub(&question->owners, 1) != 1)
		return;
	(void)close(question->event_fd);
	free(question);
}

/* ---- the thread --------------------------------------------------------------------------- */

static void add(struct question *question, const char *host, uint16_t port)
{
	struct sl_redis_address *at = &question->addresses[question->count];

	if (question->count == SL_REDIS_ADDRESSES_MAX)
		return;
	(void)snprintf(at->host, sizeof(at->host), "%s", host);
	at->port = port;
	question->count++;
}

static void look_up(struct question *question, const struct sl_redis_address *name)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *list = NULL;
	char host[SL_REDIS_HOST_BYTES];
	const int err = getaddrinfo(name->host, NULL, &hints, &list);

	if (err) {
		(void)snprintf(question->why, sizeof(question->why), "%.100s: %s", name->host,
			       gai_strerror(err));
		return;
	}
	for (const struct addrinfo *at = list; at; at = at->ai_next)
		if (getnameinfo(at->ai_addr, at->ai_addrlen, host, sizeof(host), NULL, 0,
				NI_NUMERICHOST) == 0)
			add(question, host, name->port);
	freeaddrinfo(list);
}

static void *answer(void *data)
{
	struct question *question = data;
	const uint64_t one = 1;
	ssize_t written;

	for (size_t i = 0; i < question->name_count; i++)
		if (sl_redis_host_is_numeric(question->names[i].host))
			add(question, question->names[i].host, question->names[i].port);
		else
			look_up(question, &question->names[i]);
	atomic_store(&question->is_answered, true);
	written = write(question->event_fd, &one, sizeof(one));
	(void)written; /* the only one: it fits */
	let_go(question);
	return NULL;
}

/* Signals are for the loop's thread. */
static int start(struct question *question)
{
	sigset_t all, before;
	pthread_t thread;
	int err;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, NULL, answer, question);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		(void)pthread_detach(thread);
	return -err;
}

/* ---- the loop ----------------------------------------------------------------------------- */

static void pause_then(struct sl_redis_names *names, bool wanted)
{
	names->is_waiting = true;
	names->wanted = wanted;
	(void)names->loop->timer_set(names->loop, &names->timer, PAUSE_MS);
}

static void end_question(struct sl_redis_names *names)
{
	names->loop->fd_clear(names->loop, &names->answer);
	let_go(SL_TAKE_PTR(names->question));
}

static void answered(struct sl_loop_fd *fd, unsigned int events)
{
	struct sl_redis_names *names = fd->context;
	struct question *question = names->question;

	(void)events;
	if (!atomic_load(&question->is_answered))
		return;
	pause_then(names, !question->count);
	names->found(names->owner, question->addresses, question->count, question->why);
	end_question(names);
}

/* NULL: no memory, or no descriptor. */
static struct question *make_question(const struct sl_redis_names *names)
{
	sl_autofree struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return NULL;
	question->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (question->event_fd < 0)
		return NULL;
	atomic_init(&question->owners, 2);
	question->name_count = names->count;
	memcpy(question->names, names->names, sizeof(question->names));
	return SL_TAKE_PTR(question);
}

static int ask(struct sl_redis_names *names)
{
	struct question *question = make_question(names);
	int err;

	if (!question)
		return -ENOMEM;
	names->answer = (struct sl_loop_fd){ .fd = question->event_fd,
					     .events = SL_LOOP_READ,
					     .ready = answered,
					     .context = names };
	err = names->loop->fd_set(names->loop, &names->answer);
	if (!err) {
		names->question = question;
		err = start(question);
		if (!err)
			return 0;
		names->question = NULL;
		names->loop->fd_clear(names->loop, &names->answer);
	}
	let_go(question);
	let_go(question);
	return err;
}

static void ask_or_wait(struct sl_redis_names *names)
{
	if (ask(names))
		pause_then(names, true);
}

static void timer_fired(struct sl_loop_timer *timer)
{
	struct sl_redis_names *names = timer->context;

	names->is_waiting = false;
	if (names->wanted)
		ask_or_wait(names);
}

void sl_redis_names_ask(struct sl_redis_names *names)
{
	if (!names || names->question)
		return;
	if (names->is_waiting)
		names->wanted = true;
	else
		ask_or_wait(names);
}

int sl_redis_names_new(struct sl_redis_names **ret, struct sl_loop *loop,
		       const struct sl_redis_address *names, size_t count,
		       sl_redis_names_found *found, void *owner)
{
	sl_autofree struct sl_redis_names *made = calloc(1, sizeof(*made));
	int err;

	if (!made)
		return -ENOMEM;
	made->loop = loop;
	made->count = count < SL_REDIS_ADDRESSES_MAX ? count : SL_REDIS_ADDRESSES_MAX;
	memcpy(made->names, names, made->count * sizeof(*names));
	made->found = found;
	made->owner = owner;
	made->timer = (struct sl_loop_timer){ .fire = timer_fired, .context = made };
	err = ask(made);
	if (!err)
		*ret = SL_TAKE_PTR(made);
	return err;
}

void sl_redis_names_free(struct sl_redis_names *names)
{
	if (!names)
		return;
	if (names->question)
		end_question(names);
	names->loop->timer_clear(names->loop, &names->timer);
	free(names);
}
