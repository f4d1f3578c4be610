// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/bus_private.h"

#define PENDING_MESSAGES 65536u
#define PENDING_BYTES	 (64u << 20)
#define DRAIN_FLUSH_MS	 5000u
#define LINE_BYTES	 64u /* SUB and UNSUB, about */

static natsStatus limit(const struct sl_bus *bus, natsSubscription *nats)
{
	uint32_t messages = bus->options.pending_messages_max;
	uint64_t bytes = bus->options.pending_bytes_max;

	bytes = bytes ? bytes : PENDING_BYTES;
	return natsSubscription_SetPendingLimits(nats,
						 (int)(messages ? messages : PENDING_MESSAGES),
						 (int)(bytes > INT32_MAX ? INT32_MAX : bytes));
}

/* Sync: the loop takes what the read left, no thread is woken for it. */
static int subscribe(struct sl_bus_subscription *subscription)
{
	struct sl_bus *bus = subscription->bus;
	natsStatus status;

	if (subscription->queue)
		status = natsConnection_QueueSubscribeSync(
			&subscription->nats, bus->nats, subscription->subject, subscription->queue);
	else
		status = natsConnection_SubscribeSync(&subscription->nats, bus->nats,
						      subscription->subject);
	if (status == NATS_OK)
		status = limit(bus, subscription->nats);
	if (status == NATS_INVALID_SUBJECT || status == NATS_INVALID_QUEUE_NAME)
		return -EINVAL;
	return status == NATS_OK ? 0 : -ENOMEM;
}

static void unsubscribe(struct sl_bus_subscription *subscription)
{
	int64_t dropped = 0;

	if (!subscription->nats)
		return;
	if (natsSubscription_GetDropped(subscription->nats, &dropped) == NATS_OK && dropped > 0)
		subscription->bus->stats.slow_consumer_total += (uint64_t)dropped;
	natsSubscription_Destroy(SL_TAKE_PTR(subscription->nats));
}

static void destroy(struct sl_bus_subscription *subscription)
{
	unsubscribe(subscription);
	free(subscription->subject);
	free(subscription->queue);
	free(subscription);
}

int sl_bus_subscriptions_connect(struct sl_bus *bus)
{
	for (struct sl_bus_subscription *at = bus->subscriptions; at; at = at->next) {
		int ret = at->dead || at->draining ? 0 : subscribe(at);

		if (ret)
			return ret;
	}
	return 0;
}

void sl_bus_subscriptions_disconnect(struct sl_bus *bus)
{
	for (struct sl_bus_subscription *at = bus->subscriptions; at; at = at->next)
		unsubscribe(at);
}

/* ---- messages ------------------------------------------------------------------------- */

void sl_bus_spent_free(struct sl_bus *bus)
{
	while (bus->spent.count)
		natsMsg_Destroy(bus->spent.messages[--bus->spent.count]);
	bus->spent.bytes = 0;
}

void sl_bus_spend(struct sl_bus *bus, natsMsg *message)
{
	struct sl_bus_spent *spent = &bus->spent;

	spent->messages[spent->count++] = message;
	spent->bytes += (size_t)natsMsg_GetDataLength(message);
	if (spent->count == SL_BUS_SPENT_MAX || spent->bytes > SL_BUS_SPENT_BYTES_MAX)
		sl_bus_spent_free(bus);
}

void sl_bus_subscription_deliver(struct sl_bus_subscription *subscription)
{
	int messages = 0, bytes = 0;

	if (!subscription->nats ||
	    natsSubscription_GetPending(subscription->nats, &messages, &bytes) != NATS_OK)
		return;
	while (messages-- > 0 && subscription->nats) {
		struct sl_bus_message message = { .nats = NULL };

		natsStatus status;

		status = natsSubscription_NextMsg(&message.nats, subscription->nats, 0);
		if (status == NATS_NO_RESPONDERS && subscription->no_responders)
			subscription->no_responders(subscription->context);
		if (status == NATS_NO_RESPONDERS)
			continue;
		if (status != NATS_OK)
			return;
		subscription->bus->stats.received_total++;
		subscription->handler(subscription->context, &message);
		sl_bus_spend(subscription->bus, message.nats);
	}
}

void sl_bus_subscriptions_deliver(struct sl_bus *bus, bool all)
{
	for (struct sl_bus_subscription *at = bus->subscriptions; at; at = at->next)
		if (!at->lane)
			sl_bus_subscription_deliver(at);
	sl_bus_requests_deliver(bus, all);
}

static void finish_drain(void *context, int status)
{
	struct sl_bus_subscription *subscription = context;

	(void)status;
	subscription->drain_flush = NULL;
	subscription->drained_due = false;
	unsubscribe(subscription);
	subscription->drained(subscription->drained_context);
}

static struct sl_bus_subscription *due(struct sl_bus *bus)
{
	struct sl_bus_subscription *at = bus->subscriptions;

	while (at && (at->dead || !at->drained_due))
		at = at->next;
	return at;
}

/* At the end of a turn, when nobody walks the list. */
void sl_bus_subscriptions_sweep(struct sl_bus *bus)
{
	struct sl_bus_subscription *drained;
	struct sl_bus_subscription **at = &bus->subscriptions;

	bus->walking++;
	while ((drained = due(bus)))
		finish_drain(drained, 0);
	bus->walking--;
	while (*at) {
		struct sl_bus_subscription *subscription = *at;

		if (subscription->dead) {
			*at = subscription->next;
			destroy(subscription);
		} else {
			at = &subscription->next;
		}
	}
}

void sl_bus_subscriptions_free(struct sl_bus *bus)
{
	while (bus->subscriptions) {
		struct sl_bus_subscription *subscription = bus->subscriptions;

		bus->subscriptions = subscription->next;
		destroy(subscription);
	}
}

uint64_t sl_bus_subscriptions_dropped(const struct sl_bus *bus)
{
	uint64_t sum = 0;

	for (const struct sl_bus_subscription *at = bus->subscriptions; at; at = at->next) {
		int64_t dropped = 0;

		if (at->nats && natsSubscription_GetDropped(at->nats, &dropped) == NATS_OK &&
		    dropped > 0)
			sum += (uint64_t)dropped;
	}
	return sum;
}

/* ---- for the user ---------------------------------------------------------------------- */

static bool queue_valid(const char *queue)
{
	for (const char *at = queue; *at; at++)
		if (!isgraph((unsigned char)*at))
			return false;
	return *queue != '\0';
}

int sl_bus_subscribe(struct sl_bus_subscription **ret, struct sl_bus *bus, const char *subject,
		     const char *queue, sl_bus_handler *handler, void *context)
{
	struct sl_bus_subscription *made;
	int error;

	if (!sl_bus_subject_valid(subject) || (queue && !queue_valid(queue)))
		return -EINVAL;
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->bus = bus;
	made->handler = handler;
	made->context = context;
	made->subject = strdup(subject);
	made->queue = queue ? strdup(queue) : NULL;
	error = !made->subject || (queue && !made->queue) ? -ENOMEM : 0;
	if (!error && bus->nats && !atomic_load(&bus->worker.closed)) {
		error = subscribe(made);
		sl_bus_link_send_soon(bus, LINE_BYTES);
	}
	if (error) {
		destroy(made);
		return error;
	}
	made->next = bus->subscriptions;
	bus->subscriptions = made;
	*ret = made;
	return 0;
}

void sl_bus_unsubscribe(struct sl_bus_subscription *subscription)
{
	if (!subscription)
		return;
	sl_bus_cancel(SL_TAKE_PTR(subscription->drain_flush));
	subscription->dead = true;
	if (subscription->nats)
		sl_bus_link_send_soon(subscription->bus, LINE_BYTES);
	unsubscribe(subscription);
	sl_bus_link_soon(subscription->bus);
}

int sl_bus_drain(struct sl_bus_subscription *subscription, void (*drained)(void *context),
		 void *context)
{
	struct sl_bus *bus = subscription->bus;

	if (subscription->draining)
		return -EALREADY;
	subscription->draining = true;
	subscription->drained = drained;
	subscription->drained_context = context;
	/* No message comes after the answer to a flush that follows the UNSUB. */
	if (!subscription->nats || natsSubscription_Drain(subscription->nats) != NATS_OK ||
	    sl_bus_flush_slot(&subscription->drain_flush, bus, DRAIN_FLUSH_MS, finish_drain,
			      subscription) != 0) {
		subscription->drained_due = true;
		sl_bus_link_soon(bus);
		return 0;
	}
	sl_bus_link_send_soon(bus, LINE_BYTES);
	return 0;
}
