// SPDX-License-Identifier: Apache-2.0
/*
 * Requests in flight. Replies come to wildcards; the last token of the reply subject
 * names slot and generation, so that a late reply finds nobody. Deadlines are a heap
 * with one timer of the loop.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/bus/bus_private.h"

#define REQUESTS_MAX 65536u
#define NONE	     UINT32_MAX
#define TOKEN_DIGITS 16u
#define LANE_BYTES   2u /* a character and a dot */
#define NS_PER_MS    1000000ull
#define WAIT_MS_MAX  86400000u

static const char lane_names[SL_BUS_LANES + 1] =
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

/* ---- the heap ------------------------------------------------------------------------- */

static void put(struct sl_bus_requests *requests, uint32_t at, struct sl_bus_request *request)
{
	requests->heap[at] = request;
	request->heap_at = at;
}

static void sift_up(struct sl_bus_requests *requests, uint32_t at, struct sl_bus_request *request)
{
	while (at > 0) {
		uint32_t parent = (at - 1) / 2;

		if (requests->heap[parent]->deadline_ns <= request->deadline_ns)
			break;
		put(requests, at, requests->heap[parent]);
		at = parent;
	}
	put(requests, at, request);
}

static void sift_down(struct sl_bus_requests *requests, uint32_t at, struct sl_bus_request *request)
{
	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= requests->count)
			break;
		if (child + 1 < requests->count &&
		    requests->heap[child + 1]->deadline_ns < requests->heap[child]->deadline_ns)
			child++;
		if (request->deadline_ns <= requests->heap[child]->deadline_ns)
			break;
		put(requests, at, requests->heap[child]);
		at = child;
	}
	put(requests, at, request);
}

static void heap_remove(struct sl_bus_requests *requests, struct sl_bus_request *request)
{
	uint32_t at = request->heap_at;
	struct sl_bus_request *last = requests->heap[--requests->count];

	request->heap_at = NONE;
	if (last == request)
		return;
	if (at > 0 && last->deadline_ns < requests->heap[(at - 1) / 2]->deadline_ns)
		sift_up(requests, at, last);
	else
		sift_down(requests, at, last);
}

/* ---- slots ------------------------------------------------------------------------------ */

static struct sl_bus_request *slot(const struct sl_bus_requests *requests, uint32_t number)
{
	return &requests->chunks[number / SL_BUS_CHUNK][number % SL_BUS_CHUNK];
}

static int grow(struct sl_bus *bus)
{
	struct sl_bus_requests *requests = &bus->requests;
	struct sl_bus_request *chunk;
	struct sl_bus_request **heap;

	if (requests->made >= requests->max)
		return -EBUSY;
	heap = realloc(requests->heap,
		       (requests->made + SL_BUS_CHUNK) * sizeof(struct sl_bus_request *));
	if (!heap)
		return -ENOMEM;
	requests->heap = heap;
	chunk = calloc(SL_BUS_CHUNK, sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	requests->chunks[requests->made / SL_BUS_CHUNK] = chunk;
	for (uint32_t i = SL_BUS_CHUNK; i-- > 0;) {
		chunk[i].bus = bus;
		chunk[i].slot = requests->made + i;
		chunk[i].heap_at = NONE;
		chunk[i].next_free = requests->free_slot;
		requests->free_slot = chunk[i].slot;
	}
	requests->made += SL_BUS_CHUNK;
	return 0;
}

static int take_slot(struct sl_bus_request **ret, struct sl_bus *bus)
{
	struct sl_bus_requests *requests = &bus->requests;
	int error = 0;

	if (requests->count >= requests->max)
		return -EBUSY;
	if (requests->free_slot == NONE)
		error = grow(bus);
	if (error)
		return error;
	*ret = slot(requests, requests->free_slot);
	requests->free_slot = (*ret)->next_free;
	return 0;
}

static void give_slot(struct sl_bus_requests *requests, struct sl_bus_request *request)
{
	request->generation++;
	request->done = NULL;
	request->flushed = NULL;
	request->next_free = requests->free_slot;
	requests->free_slot = request->slot;
}

/* ---- the end of a request ------------------------------------------------------------------ */

static void leave(struct sl_bus_request *request)
{
	struct sl_bus_requests *requests = &request->bus->requests;

	heap_remove(requests, request);
	if (request->done)
		sl_bus_lane_leave(requests, request);
	give_slot(requests, request);
}

static void complete(struct sl_bus_request *request, int status, const struct sl_bus_message *reply)
{
	sl_bus_done *done = request->done;
	void (*flushed)(void *, int) = request->flushed;
	void *context = request->context;

	leave(request);
	if (done)
		done(context, status, reply);
	else if (flushed)
		flushed(context, status);
}

/* ---- deadlines ------------------------------------------------------------------------------ */

static void arm(struct sl_bus *bus, uint64_t now_ns)
{
	struct sl_bus_requests *requests = &bus->requests;
	uint64_t first, delay_ns;

	if (!requests->count)
		return;
	first = requests->heap[0]->deadline_ns;
	if (requests->timer_ns && requests->timer_ns <= first)
		return;
	delay_ns = first > now_ns ? first - now_ns : 0;
	if (bus->loop->timer_set(bus->loop, &requests->timer,
				 (delay_ns + NS_PER_MS - 1) / NS_PER_MS) == 0)
		requests->timer_ns = first;
}

static void expire(struct sl_loop_timer *timer)
{
	struct sl_bus *bus = timer->context;
	struct sl_bus_requests *requests = &bus->requests;
	uint64_t now_ns = bus->loop->now_ns(bus->loop);

	requests->timer_ns = 0;
	while (requests->count && requests->heap[0]->deadline_ns <= now_ns) {
		if (requests->heap[0]->done)
			bus->stats.timeouts_total++;
		complete(requests->heap[0], -ETIMEDOUT, NULL);
	}
	arm(bus, now_ns);
}

static void begin(struct sl_bus_request *request, uint32_t timeout_ms)
{
	struct sl_bus *bus = request->bus;
	uint64_t now_ns = bus->loop->now_ns(bus->loop);

	if (timeout_ms > WAIT_MS_MAX)
		timeout_ms = WAIT_MS_MAX;
	request->deadline_ns = now_ns + timeout_ms * NS_PER_MS;
	sift_up(&bus->requests, bus->requests.count++, request);
	arm(bus, now_ns);
}

/* ---- replies --------------------------------------------------------------------------------- */

static void write_token(char *at, uint32_t number, uint32_t generation)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t both = (uint64_t)number << 32 | generation;

	for (uint32_t i = TOKEN_DIGITS; i-- > 0; both >>= 4)
		at[i] = digits[both & 15u];
}

/* "<inbox><lane>.<slot and generation>" */
static void write_reply(char *at, const struct sl_bus *bus, const struct sl_bus_request *request)
{
	memcpy(at, bus->inbox, bus->inbox_length);
	at += bus->inbox_length;
	*at++ = lane_names[request->lane];
	*at++ = '.';
	write_token(at, request->slot, request->generation);
	at[TOKEN_DIGITS] = '\0';
}

static bool read_token(uint64_t *ret, const char *at)
{
	uint64_t both = 0;

	for (uint32_t i = 0; i < TOKEN_DIGITS; i++) {
		char digit = at[i];

		if (digit >= '0' && digit <= '9')
			both = both << 4 | (uint64_t)(digit - '0');
		else if (digit >= 'a' && digit <= 'f')
			both = both << 4 | (uint64_t)(digit - 'a' + 10);
		else
			return false;
	}
	*ret = both;
	return at[TOKEN_DIGITS] == '\0';
}

static struct sl_bus_request *asked_by(struct sl_bus *bus, const char *subject)
{
	struct sl_bus_request *request;
	uint64_t token;
	uint32_t number;

	/* The subscription has made sure of what comes before. */
	if (!read_token(&token, subject + bus->inbox_length + LANE_BYTES))
		return NULL;
	number = (uint32_t)(token >> 32);
	if (number >= bus->requests.made)
		return NULL;
	request = slot(&bus->requests, number);
	if (request->heap_at == NONE || request->generation != (uint32_t)token || !request->done)
		return NULL;
	return request;
}

static void replied(void *context, const struct sl_bus_message *message)
{
	struct sl_bus *bus = ((const struct sl_bus_lane *)context)->bus;
	struct sl_bus_request *request = asked_by(bus, natsMsg_GetSubject(message->nats));

	if (!request)
		bus->stats.late_replies_total++;
	else
		complete(request, 0, message);
}

static void nobody_listens(void *context)
{
	const struct sl_bus_lane *lane = context;

	if (lane->newest)
		complete(lane->newest, -EHOSTUNREACH, NULL);
	else
		lane->bus->stats.late_replies_total++;
}

void sl_bus_requests_deliver(struct sl_bus *bus, bool all)
{
	uint64_t lanes = all ? UINT64_MAX : bus->requests.busy;

	for (; lanes; lanes &= lanes - 1)
		sl_bus_subscription_deliver(
			bus->requests.lanes[__builtin_ctzll(lanes)].subscription);
}

/* ---- for the user ------------------------------------------------------------------------------
 */

int sl_bus_request(struct sl_bus_request **ret, struct sl_bus *bus, const char *subject,
		   const struct sl_bus_header *headers, size_t count, struct sl_span payload,
		   uint32_t timeout_ms, sl_bus_done *done, void *context)
{
	char reply[SL_BUS_INBOX_BYTES + LANE_BYTES + TOKEN_DIGITS];
	struct sl_bus_request *request = NULL;
	int error = take_slot(&request, bus);

	if (error)
		return error;
	request->kind = sl_bus_lane_kind(subject);
	request->lane = sl_bus_lane_choose(&bus->requests, request->kind);
	write_reply(reply, bus, request);
	error = sl_bus_publish(bus, subject, reply, headers, count, payload);
	if (error) {
		give_slot(&bus->requests, request);
		return error;
	}
	request->done = done;
	request->context = context;
	sl_bus_lane_enter(&bus->requests, request);
	begin(request, timeout_ms);
	bus->stats.requests_total++;
	if (ret)
		*ret = request;
	return 0;
}

void sl_bus_cancel(struct sl_bus_request *request)
{
	if (!request || request->heap_at == NONE)
		return;
	leave(request);
}

int sl_bus_flush_slot(struct sl_bus_request **ret, struct sl_bus *bus, uint32_t timeout_ms,
		      void (*flushed)(void *context, int status), void *context)
{
	struct sl_bus_request *request = NULL;
	int error;

	if (!bus->nats || bus->freeing)
		return -ENOTCONN;
	error = take_slot(&request, bus);
	if (error)
		return error;
	sl_bus_link_flush(bus, &request->round);
	request->flushed = flushed;
	request->context = context;
	begin(request, timeout_ms);
	if (ret)
		*ret = request;
	return 0;
}

int sl_bus_flush(struct sl_bus *bus, uint32_t timeout_ms, void (*done)(void *context, int status),
		 void *context)
{
	return sl_bus_flush_slot(NULL, bus, timeout_ms, done, context);
}

/* ---- for the bus
 * --------------------------------------------------------------------------------- */

static struct sl_bus_request *flush_of(const struct sl_bus_requests *requests, uint64_t round)
{
	for (uint32_t i = 0; i < requests->count; i++)
		if (requests->heap[i]->flushed && requests->heap[i]->round <= round)
			return requests->heap[i];
	return NULL;
}

void sl_bus_requests_flushed(struct sl_bus *bus, uint64_t round, int status)
{
	struct sl_bus_request *request;

	while ((request = flush_of(&bus->requests, round)))
		complete(request, status, NULL);
}

void sl_bus_requests_fail(struct sl_bus *bus, int status)
{
	while (bus->requests.count)
		complete(bus->requests.heap[0], status, NULL);
}

static int make_inbox(struct sl_bus *bus)
{
	natsInbox *inbox = NULL;
	int ret = 0;

	if (natsInbox_Create(&inbox) != NATS_OK)
		return -ENOMEM;
	bus->inbox_length = strlen(inbox) + 1;
	if (bus->inbox_length < sizeof(bus->inbox))
		(void)stpcpy(stpcpy(bus->inbox, inbox), ".");
	else
		ret = -EOVERFLOW;
	natsInbox_Destroy(inbox);
	return ret;
}

static int make_lane(struct sl_bus *bus, uint32_t number)
{
	char subject[SL_BUS_INBOX_BYTES + LANE_BYTES + 1];
	struct sl_bus_lane *lane = &bus->requests.lanes[number];
	char *at = stpcpy(subject, bus->inbox);
	int ret;

	*at++ = lane_names[number];
	(void)stpcpy(at, ".*");
	lane->bus = bus;
	ret = sl_bus_subscribe(&lane->subscription, bus, subject, NULL, replied, lane);
	if (ret)
		return ret;
	lane->subscription->lane = true;
	lane->subscription->no_responders = nobody_listens;
	return 0;
}

int sl_bus_requests_init(struct sl_bus *bus)
{
	struct sl_bus_requests *requests = &bus->requests;
	uint32_t max = bus->options.requests_max ? bus->options.requests_max : REQUESTS_MAX;
	int ret;

	requests->max = max;
	requests->free_slot = NONE;
	requests->timer = (struct sl_loop_timer){ .fire = expire, .context = bus };
	requests->chunks = calloc(max / SL_BUS_CHUNK + 1, sizeof(struct sl_bus_request *));
	if (!requests->chunks)
		return -ENOMEM;
	ret = make_inbox(bus);
	for (uint32_t i = 0; !ret && i < SL_BUS_LANES; i++)
		ret = make_lane(bus, i);
	return ret;
}

void sl_bus_requests_free(struct sl_bus *bus)
{
	struct sl_bus_requests *requests = &bus->requests;

	bus->loop->timer_clear(bus->loop, &requests->timer);
	for (uint32_t i = 0; i < requests->made; i += SL_BUS_CHUNK)
		free(requests->chunks[i / SL_BUS_CHUNK]);
	free(requests->chunks);
	free(requests->heap);
}

void sl_bus_inbox_subject(struct sl_bus *bus, char ret[SL_BUS_SUBJECT_MAX])
{
	size_t length = bus->inbox_length;

	memcpy(ret, bus->inbox, length);
	/* No lane is called so. */
	memcpy(ret + length, "own.", 4);
	write_token(ret + length + 4, 0, (uint32_t)bus->inbox_count++);
	ret[length + 4 + TOKEN_DIGITS] = '\0';
}
