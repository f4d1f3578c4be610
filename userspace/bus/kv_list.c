// SPDX-License-Identifier: Apache-2.0
/*
 * The last value of every key: a consumer without a name and without acks, that the
 * server forgets, read by pages. Pulled: what comes is never more than was asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/kv_private.h"

#define PAGE_MESSAGES	 256u
#define INACTIVE_S	 10u
#define STATUS_HEARTBEAT 100u
#define COUNT(of)	 (sizeof(of) / sizeof(*(of)))

struct list {
	struct sl_bus *bus;
	struct sl_bus_watch watch;
	struct sl_loop_timer timer;
	struct sl_bus_subscription *inbox;
	char inbox_subject[SL_BUS_SUBJECT_MAX];
	char stream[SL_KV_STREAM_BYTES];
	char consumer[SL_JS_NAME_MAX];
	uint64_t remaining; /* stored messages that match, not seen */
	uint32_t page;	    /* of them that are asked for */
	uint32_t told, max;
	bool asking; /* the answer of the API is to come */
	bool over;   /* and then it is freed */
	sl_js_got *each;
	sl_js_done *done;
	void *context;
};

static void forget_consumer(const struct list *list)
{
	char subject[SL_BUS_SUBJECT_MAX];

	if (!list->consumer[0])
		return;
	sl_js_subject(subject, "CONSUMER.DELETE", list->stream, list->consumer);
	(void)sl_bus_publish(list->bus, subject, NULL, NULL, 0, (struct sl_span){ NULL, 0 });
}

static void end(struct list *list, int status)
{
	if (list->over)
		return;
	list->over = true;
	forget_consumer(list);
	sl_bus_watch_remove(list->bus, &list->watch);
	list->bus->loop->timer_clear(list->bus->loop, &list->timer);
	sl_bus_unsubscribe(SL_TAKE_PTR(list->inbox));
	list->done(list->context, status);
	if (!list->asking)
		free(list);
}

static void timed(struct sl_loop_timer *timer)
{
	end(timer->context, -ETIMEDOUT);
}

static void changed(struct sl_bus_watch *watch, bool connected)
{
	if (!connected)
		end(watch->context, -ENOTCONN);
}

static void next_page(struct list *list)
{
	char subject[SL_BUS_SUBJECT_MAX], text[64];
	int length, ret;

	list->page = list->remaining < PAGE_MESSAGES ? (uint32_t)list->remaining : PAGE_MESSAGES;
	sl_js_subject(subject, "CONSUMER.MSG.NEXT", list->stream, list->consumer);
	length = snprintf(text, sizeof(text), "{\"batch\":%u,\"no_wait\":true}", list->page);
	ret = sl_bus_publish(list->bus, subject, list->inbox_subject, NULL, 0,
			     (struct sl_span){ text, (size_t)length });
	if (ret)
		end(list, ret);
}

/* A status ends the page before it is full: what was counted is not there any more. */
static void take_status(struct list *list, const struct sl_bus_message *message)
{
	uint32_t status = sl_js_parse_status(sl_bus_header(message, "Status"));

	if (status == 404 || status == 408)
		end(list, 0);
	else if (status != STATUS_HEARTBEAT)
		end(list, -EREMOTEIO);
}

static void take(void *context, const struct sl_bus_message *message)
{
	struct list *list = context;
	struct sl_js_meta meta;

	if (sl_js_parse_ack_subject(&meta, sl_bus_reply(message)) != 0) {
		take_status(list, message);
		return;
	}
	list->remaining = meta.pending;
	if (list->page)
		list->page--;
	if (!sl_kv_deleted(message)) {
		list->told++;
		list->each(list->context, 0, message, meta.stream_sequence);
	}
	if (!list->remaining || list->told >= list->max)
		end(list, 0);
	else if (!list->page)
		next_page(list);
}

static void nobody(void *context)
{
	end(context, -EHOSTUNREACH);
}

static int take_consumer(struct list *list, struct sl_span text)
{
	static const char *const wanted[] = { "name", "num_pending" };
	struct sl_json_value found[COUNT(wanted)];
	size_t length;
	int64_t pending;

	if (sl_json_pick(found, wanted, COUNT(wanted), text, NULL) != 0 ||
	    sl_json_text(list->consumer, sizeof(list->consumer), &length, found[0]) != 0 ||
	    !sl_js_name_valid(list->consumer) || sl_json_integer(&pending, found[1]) != 0 ||
	    pending < 0) {
		list->consumer[0] = '\0';
		return -EPROTO;
	}
	list->remaining = (uint64_t)pending;
	return 0;
}

static void created(void *context, int status, const struct sl_bus_message *reply)
{
	struct list *list = context;
	struct sl_js_reply answer;

	list->asking = false;
	if (list->over) {
		free(list);
		return;
	}
	status = sl_js_status(list->bus, status, reply, &answer);
	if (answer.error_code == SL_JS_NO_STREAM)
		status = -ENOENT;
	if (!status)
		status = take_consumer(list, sl_bus_payload(reply));
	if (status || !list->remaining)
		end(list, status);
	else
		next_page(list);
}

static int ask_consumer(struct list *list, const char *filter, uint32_t timeout_ms)
{
	char subject[SL_BUS_SUBJECT_MAX];
	char text[SL_BUS_SUBJECT_MAX + 320];
	int length;

	sl_js_subject(subject, "CONSUMER.CREATE", list->stream, NULL);
	length = snprintf(text, sizeof(text),
			  "{\"stream_name\":\"%s\",\"config\":{\"deliver_policy\":"
			  "\"last_per_subject\",\"ack_policy\":\"none\",\"filter_subject\":\"%s\","
			  "\"replay_policy\":\"instant\",\"mem_storage\":true,\"num_replicas\":1,"
			  "\"inactive_threshold\":%llu}}",
			  list->stream, filter, (unsigned long long)(INACTIVE_S * SL_NS_PER_S));
	return sl_bus_request(NULL, list->bus, subject, NULL, 0,
			      (struct sl_span){ text, (size_t)length }, timeout_ms, created, list);
}

static int begin(struct list *list, const char *filter, uint32_t timeout_ms)
{
	struct sl_bus *bus = list->bus;
	int ret;

	sl_bus_inbox_subject(bus, list->inbox_subject);
	ret = sl_bus_subscribe(&list->inbox, bus, list->inbox_subject, NULL, take, list);
	if (ret)
		return ret;
	list->inbox->no_responders = nobody;
	ret = bus->loop->timer_set(bus->loop, &list->timer, timeout_ms);
	if (!ret)
		ret = ask_consumer(list, filter, timeout_ms);
	if (!ret)
		return 0;
	bus->loop->timer_clear(bus->loop, &list->timer);
	sl_bus_unsubscribe(list->inbox);
	return ret;
}

int sl_kv_list(struct sl_bus *bus, const char *bucket, const char *filter, uint32_t max,
	       uint32_t timeout_ms, sl_js_got *each, sl_js_done *done, void *context)
{
	sl_autofree struct list *list = calloc(1, sizeof(*list));
	char subject[SL_BUS_SUBJECT_MAX];
	int ret;

	if (!list)
		return -ENOMEM;
	list->bus = bus;
	list->max = max ? max : 1;
	list->each = each;
	list->done = done;
	list->context = context;
	list->asking = true;
	list->watch = (struct sl_bus_watch){ .changed = changed, .context = list };
	list->timer = (struct sl_loop_timer){ .fire = timed, .context = list };
	ret = sl_kv_stream(list->stream, bucket);
	if (!ret)
		ret = sl_kv_subject(subject, bucket, filter, true);
	if (!ret)
		ret = begin(list, subject, timeout_ms);
	if (ret)
		return ret;
	sl_bus_watch_add(bus, &list->watch);
	list = NULL;
	return 0;
}
