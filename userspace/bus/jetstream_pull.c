// SPDX-License-Identifier: Apache-2.0
/*
 * A pull consumer keeps one request at the server: for as much room as there is. It
 * says when it is over: by its last message, or by a status. Each connection, and each
 * request given up, has an inbox of its own, so that what an older request still
 * brings cannot come on top of the window.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/jetstream_private.h"

#define EXPIRES_MS   10000u
#define HEARTBEAT_MS 1000u
#define SILENCE_MS   (3u * HEARTBEAT_MS) /* then the server has forgotten */
#define RETRY_MS     500u
#define BATCH_MAX    4096u
#define ROOM_PART    4u /* ask again when a quarter of the window is free */

#define STATUS_HEARTBEAT 100u
#define STATUS_EMPTY	 404u
#define STATUS_EXPIRED	 408u

struct sl_js_pull {
	struct sl_bus *bus;
	struct sl_bus_watch watch;
	struct sl_loop_timer timer;
	struct sl_bus_subscription *inbox;
	char inbox_subject[SL_BUS_SUBJECT_MAX];
	char next_subject[SL_BUS_SUBJECT_MAX];
	uint32_t window;
	uint32_t asked;	  /* may still come */
	uint32_t in_hand; /* came, not done */
	bool resting;	  /* the timer asks again */
	uint64_t heard_ns;
	sl_js_handler *handler;
	void *context;
};

static void renew(struct sl_js_pull *pull);

static uint64_t now_ns(const struct sl_js_pull *pull)
{
	return pull->bus->loop->now_ns(pull->bus->loop);
}

static void rest(struct sl_js_pull *pull, uint32_t ms)
{
	pull->resting = true;
	(void)pull->bus->loop->timer_set(pull->bus->loop, &pull->timer, ms);
}

static uint32_t room_of(const struct sl_js_pull *pull)
{
	uint32_t room = pull->window > pull->in_hand ? pull->window - pull->in_hand : 0;

	return room < BATCH_MAX ? room : BATCH_MAX;
}

static void ask(struct sl_js_pull *pull)
{
	uint32_t room = room_of(pull);
	char text[128];
	int length;

	if (pull->asked || pull->resting || !pull->inbox || !room ||
	    (room < pull->window / ROOM_PART && room < BATCH_MAX))
		return;
	length = snprintf(text, sizeof(text),
			  "{\"batch\":%u,\"expires\":%llu,\"idle_heartbeat\":%llu}", room,
			  (unsigned long long)(EXPIRES_MS * SL_NS_PER_MS),
			  (unsigned long long)(HEARTBEAT_MS * SL_NS_PER_MS));
	if (sl_bus_publish(pull->bus, pull->next_subject, pull->inbox_subject, NULL, 0,
			   (struct sl_span){ text, (size_t)length }) != 0) {
		rest(pull, RETRY_MS);
		return;
	}
	pull->asked = room;
	pull->heard_ns = now_ns(pull);
	(void)pull->bus->loop->timer_set(pull->bus->loop, &pull->timer, SILENCE_MS);
}

/* ---- what comes ------------------------------------------------------------------------- */

/* The request is over; @status says whether to ask again at once. */
static void ended(struct sl_js_pull *pull, uint32_t status, struct sl_span description)
{
	bool usual = status == STATUS_EMPTY || status == STATUS_EXPIRED;

	pull->asked = 0;
	if (!usual) {
		(void)snprintf(pull->bus->js_error, sizeof(pull->bus->js_error), "%u %.*s", status,
			       (int)(description.length < 128 ? description.length : 128),
			       description.at ? description.at : "");
		rest(pull, RETRY_MS);
	}
	ask(pull);
}

static void take_status(struct sl_js_pull *pull, const struct sl_bus_message *message)
{
	uint32_t status = sl_js_parse_status(sl_bus_header(message, "Status"));

	if (status && status != STATUS_HEARTBEAT)
		ended(pull, status, sl_bus_header(message, "Description"));
}

static void take(void *context, const struct sl_bus_message *message)
{
	struct sl_js_pull *pull = context;
	struct sl_span reply = sl_bus_reply(message);
	struct sl_js_token token;
	struct sl_js_meta meta;

	pull->heard_ns = now_ns(pull);
	if (reply.length >= sizeof(token.subject) || sl_js_parse_ack_subject(&meta, reply) != 0) {
		take_status(pull, message);
		return;
	}
	memcpy(token.subject, reply.at, reply.length);
	token.subject[reply.length] = '\0';
	if (pull->asked)
		pull->asked--;
	pull->in_hand++;
	ask(pull);
	pull->handler(pull->context, message, &meta, &token);
}

static void nobody(void *context)
{
	ended(context, 503, SL_SPAN("no JetStream or no such consumer"));
}

/* ---- when nothing comes --------------------------------------------------------------------- */

static void timed(struct sl_loop_timer *timer)
{
	struct sl_js_pull *pull = timer->context;
	uint64_t silent_ms = (now_ns(pull) - pull->heard_ns) / SL_NS_PER_MS;

	if (pull->resting) {
		pull->resting = false;
		if (!pull->inbox)
			renew(pull);
		ask(pull);
		return;
	}
	if (!pull->asked)
		return;
	if (silent_ms < SILENCE_MS) {
		(void)pull->bus->loop->timer_set(pull->bus->loop, timer, SILENCE_MS - silent_ms);
		return;
	}
	renew(pull);
	ask(pull);
}

/* Another inbox: nothing of a request from before counts any more. */
static void renew(struct sl_js_pull *pull)
{
	sl_bus_unsubscribe(SL_TAKE_PTR(pull->inbox));
	pull->asked = 0;
	if (!pull->bus->nats)
		return;
	sl_bus_inbox_subject(pull->bus, pull->inbox_subject);
	if (sl_bus_subscribe(&pull->inbox, pull->bus, pull->inbox_subject, NULL, take, pull) != 0) {
		rest(pull, RETRY_MS);
		return;
	}
	pull->inbox->no_responders = nobody;
}

static void changed(struct sl_bus_watch *watch, bool connected)
{
	struct sl_js_pull *pull = watch->context;

	pull->resting = false;
	renew(pull);
	if (connected)
		ask(pull);
}

/* ---- for the user ------------------------------------------------------------------------------
 */

int sl_js_pull_new(struct sl_js_pull **ret, struct sl_bus *bus, const char *stream,
		   const char *durable, uint32_t window, sl_js_handler *handler, void *context)
{
	struct sl_js_pull *pull;

	if (!sl_js_name_valid(stream) || !sl_js_name_valid(durable))
		return -EINVAL;
	pull = calloc(1, sizeof(*pull));
	if (!pull)
		return -ENOMEM;
	pull->bus = bus;
	pull->window = window;
	pull->handler = handler;
	pull->context = context;
	pull->watch = (struct sl_bus_watch){ .changed = changed, .context = pull };
	pull->timer = (struct sl_loop_timer){ .fire = timed, .context = pull };
	sl_js_subject(pull->next_subject, "CONSUMER.MSG.NEXT", stream, durable);
	sl_bus_watch_add(bus, &pull->watch);
	renew(pull);
	ask(pull);
	*ret = pull;
	return 0;
}

void sl_js_pull_done(struct sl_js_pull *pull)
{
	if (pull->in_hand)
		pull->in_hand--;
	ask(pull);
}

void sl_js_pull_window(struct sl_js_pull *pull, uint32_t window)
{
	pull->window = window;
	ask(pull);
}

void sl_js_pull_free(struct sl_js_pull *pull)
{
	if (!pull)
		return;
	sl_bus_watch_remove(pull->bus, &pull->watch);
	pull->bus->loop->timer_clear(pull->bus->loop, &pull->timer);
	sl_bus_unsubscribe(pull->inbox);
	free(pull);
}
