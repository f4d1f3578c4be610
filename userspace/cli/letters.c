// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/letters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluice/envelope.h"
#include "userspace/base/cleanup.h"
#include "userspace/bus/jetstream.h"
#include "userspace/bus/loop_wait.h"

#define CALL_MS	   5000u
#define CONNECT_MS 3000u
#define CLOSE_MS   2000u
#define API_INFO   "$JS.API.STREAM.INFO." SL_STREAM_DLQ
#define API_DELETE "$JS.API.STREAM.MSG.DELETE." SL_STREAM_DLQ
#define BODY_BYTES (1u << 20)

struct sl_letters {
	struct sl_loop_wait *wait;
	struct sl_loop *loop;
	struct sl_bus *bus;
	struct sl_loop_timer deadline;
	uint64_t first, last;
	bool done;
	int status;
	bool duplicate;
	char *reply; /* a copy of the last answer's payload */
	size_t length;
	char *kept; /* the letter that is being replayed */
	char tenant[SL_DEAD_ID_BYTES], traceparent[SL_DEAD_ID_BYTES];
	char error[256];
};

/* ---- waiting ------------------------------------------------------------------------------- */

static int say(struct sl_letters *letters, int err, const char *what)
{
	const char *server = letters->bus ? sl_js_error(letters->bus) : "";

	(void)snprintf(letters->error, sizeof(letters->error), "%s: %s%s%.150s", what,
		       err == -ENOTCONN ? "no NATS server answers there" : strerrordesc_np(-err),
		       *server ? ": " : "", server);
	return err;
}

static int wait_for(struct sl_letters *letters, int begun, const char *what)
{
	if (begun)
		return say(letters, begun, what);
	sl_loop_wait_until(letters->wait, &letters->done);
	return letters->status ? say(letters, letters->status, what) : 0;
}

static void begin(struct sl_letters *letters)
{
	letters->done = false;
	letters->status = 0;
	letters->duplicate = false;
}

static void finish(struct sl_letters *letters, int status)
{
	letters->status = status;
	letters->done = true;
}

static void keep_header(char *buffer, size_t size, struct sl_span value)
{
	const size_t length = value.length < size ? value.length : 0;

	memcpy(buffer, length ? value.at : "", length);
	buffer[length] = '\0';
}

static int keep(struct sl_letters *letters, const struct sl_bus_message *message)
{
	const struct sl_span text = sl_bus_payload(message);
	char *copy = malloc(text.length + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text.length ? text.at : "", text.length);
	copy[text.length] = '\0';
	free(letters->reply);
	letters->reply = copy;
	letters->length = text.length;
	keep_header(letters->tenant, sizeof(letters->tenant),
		    sl_bus_header(message, SL_HEADER_TENANT_ID));
	keep_header(letters->traceparent, sizeof(letters->traceparent),
		    sl_bus_header(message, SL_HEADER_TRACEPARENT));
	return 0;
}

static void answered(void *context, int status, const struct sl_bus_message *reply)
{
	finish(context, status ? status : keep(context, reply));
}

static void got(void *context, int status, const struct sl_bus_message *message, uint64_t sequence)
{
	(void)sequence;
	finish(context, status ? status : keep(context, message));
}

static void published(void *context, int status, const struct sl_js_published *ack)
{
	((struct sl_letters *)context)->duplicate = status == 0 && ack->duplicate;
	finish(context, status);
}

static int call(struct sl_letters *letters, const char *subject, struct sl_span body,
		const char *what)
{
	begin(letters);
	return wait_for(letters,
			sl_bus_request(NULL, letters->bus, subject, NULL, 0, body, CALL_MS,
				       answered, letters),
			what);
}

struct sl_span sl_letters_text(const struct sl_letters *letters)
{
	return (struct sl_span){ letters->reply, letters->length };
}

/* ---- opening -------------------------------------------------------------------------------- */

static void state_changed(void *context, enum sl_bus_state state)
{
	struct sl_letters *letters = context;

	if (!letters->done && (state == SL_BUS_CONNECTED || state == SL_BUS_REFUSED))
		finish(letters, state == SL_BUS_CONNECTED ? 0 : -EACCES);
}

static void too_late(struct sl_loop_timer *timer)
{
	struct sl_letters *letters = timer->context;

	if (!letters->done)
		finish(letters, -ENOTCONN);
}

static int read_info(struct sl_letters *letters)
{
	static const char *const wanted[] = { "state.first_seq", "state.last_seq" };
	struct sl_json_value found[2];
	int64_t first, last;
	int err = call(letters, API_INFO, (struct sl_span){ NULL, 0 }, "JetStream");

	if (err)
		return err;
	if (sl_json_pick(found, wanted, 2, sl_letters_text(letters), NULL) != 0 ||
	    sl_json_integer(&first, found[0]) != 0 || sl_json_integer(&last, found[1]) != 0) {
		(void)snprintf(letters->error, sizeof(letters->error),
			       "there is no stream " SL_STREAM_DLQ ": no router ran here yet");
		return -ENOENT;
	}
	letters->first = (uint64_t)first;
	letters->last = (uint64_t)last;
	return 0;
}

static int connect_to(struct sl_letters *letters, const char *servers, const char *credentials)
{
	const struct sl_bus_options options = {
		.servers = servers,
		.name = "sluicectl",
		.credentials_file = credentials,
		.connect_timeout_ms = 1000,
	};
	struct sl_bus_error error = { .message = "" };
	int err;

	begin(letters);
	letters->deadline = (struct sl_loop_timer){ .fire = too_late, .context = letters };
	err = sl_bus_new(&letters->bus, letters->loop, &options, state_changed, letters, &error);
	if (err) {
		(void)snprintf(letters->error, sizeof(letters->error), "%.250s", error.message);
		return err;
	}
	if (sl_bus_state(letters->bus) == SL_BUS_CONNECTED)
		letters->done = true;
	err = letters->loop->timer_set(letters->loop, &letters->deadline, CONNECT_MS);
	return wait_for(letters, err, servers);
}

int sl_letters_open(struct sl_letters **ret, const char *servers, const char *credentials)
{
	struct sl_letters *letters = calloc(1, sizeof(*letters));
	int err;

	if (!letters)
		return -ENOMEM;
	*ret = letters;
	err = sl_loop_wait_new(&letters->wait);
	if (err)
		return say(letters, err, "the loop");
	letters->loop = sl_loop_wait_loop(letters->wait);
	err = connect_to(letters, servers, credentials);
	return err ? err : read_info(letters);
}

void sl_letters_close(struct sl_letters *letters)
{
	if (!letters)
		return;
	if (letters->loop)
		letters->loop->timer_clear(letters->loop, &letters->deadline);
	sl_bus_free(letters->bus);
	sl_loop_wait_free(letters->wait);
	(void)sl_bus_library_close(CLOSE_MS);
	free(letters->reply);
	free(letters->kept);
	free(letters);
}

void sl_letters_closep(struct sl_letters **letters)
{
	sl_letters_close(*letters);
}

const char *sl_letters_error(const struct sl_letters *letters)
{
	return letters ? letters->error : "out of memory";
}

uint64_t sl_letters_first(const struct sl_letters *letters)
{
	return letters->first;
}

uint64_t sl_letters_last(const struct sl_letters *letters)
{
	return letters->last;
}

/* ---- one letter --------------------------------------------------------------------------------
 */

int sl_letters_get(struct sl_dead_letter *ret, struct sl_letters *letters, uint64_t sequence)
{
	struct sl_fields_error error = { .message = "" };
	int err;

	begin(letters);
	err = wait_for(
		letters,
		sl_js_get(letters->bus, SL_STREAM_DLQ, NULL, sequence, CALL_MS, got, letters),
		"the letter");
	if (err)
		return err;
	err = sl_dead_letter_read(ret, sl_letters_text(letters), &error);
	if (err)
		(void)snprintf(letters->error, sizeof(letters->error), "it is no dead letter: %s",
			       error.message);
	return err;
}

static bool is_request(const char *subject)
{
	return strcmp(subject, SL_SUBJECT_DECIDE) == 0 ||
	       strcmp(subject, SL_SUBJECT_GET_DECISION) == 0;
}

static int replay_request(struct sl_letters *letters, const char *subject,
			  const struct sl_bus_header *headers, size_t count, struct sl_span message)
{
	static const char *const wanted = "ok";
	struct sl_json_value value;
	bool ok = false;
	int err;

	begin(letters);
	err = wait_for(letters,
		       sl_bus_request(NULL, letters->bus, subject, headers, count, message, CALL_MS,
				      answered, letters),
		       "the router");
	if (err)
		return err;
	if (sl_json_pick(&value, &wanted, 1, sl_letters_text(letters), NULL) == 0)
		(void)sl_json_bool(&ok, value);
	if (ok)
		return 0;
	(void)snprintf(letters->error, sizeof(letters->error),
		       "the router refuses it again: %.180s", letters->reply);
	return -EREMOTEIO;
}

static int replay_stored(struct sl_letters *letters, const struct sl_dead_letter *letter,
			 uint64_t sequence, const struct sl_bus_header *headers, size_t count,
			 struct sl_span message)
{
	char id[SL_DEAD_ID_BYTES + 32];

	/*
	 * What was never stored keeps its id, so that it is stored once. What was taken
	 * off its stream is known there by it, and must come as another.
	 */
	if (strcmp(letter->reason, SL_DEAD_PROCESSING) == 0 && letter->msg_id[0])
		(void)snprintf(id, sizeof(id), "%s", letter->msg_id);
	else
		(void)snprintf(id, sizeof(id), "replay-%" PRIu64 "-%s", sequence, letter->msg_id);
	begin(letters);
	return wait_for(letters,
			sl_js_publish(letters->bus, letter->original_subject, id, headers, count,
				      message, CALL_MS, published, letters),
			letter->original_subject);
}

int sl_letters_replay(bool *ret_duplicate, struct sl_letters *letters, uint64_t sequence)
{
	sl_autofree char *buffer = malloc(BODY_BYTES);
	char tenant[SL_DEAD_ID_BYTES], traceparent[SL_DEAD_ID_BYTES];
	struct sl_dead_letter letter;
	struct sl_span message = { NULL, 0 };
	int err = buffer ? sl_letters_get(&letter, letters, sequence) : -ENOMEM;

	if (err)
		return err;
	free(letters->kept);
	letters->kept = SL_TAKE_PTR(letters->reply); /* the message points into it */
	letters->length = 0;
	memcpy(tenant, letters->tenant, sizeof(tenant));
	memcpy(traceparent, letters->traceparent, sizeof(traceparent));
	err = sl_dead_letter_message(&message, buffer, BODY_BYTES, &letter);
	if (err == -ENODATA)
		(void)snprintf(letters->error, sizeof(letters->error),
			       "its message was not kept: see dlq.message in router.yaml");
	if (err)
		return err;
	const struct sl_bus_header headers[] = {
		{ SL_HEADER_TRACE_ID, sl_span_of(letter.trace_id) },
		{ SL_HEADER_TENANT_ID, sl_span_of(tenant) },
		{ SL_HEADER_VERSION, SL_SPAN(SL_MESSAGE_VERSION) },
		{ SL_HEADER_TRACEPARENT, sl_span_of(traceparent) },
	};
	const size_t count = sizeof(headers) / sizeof(headers[0]);

	err = is_request(letter.original_subject)
		      ? replay_request(letters, letter.original_subject, headers, count, message)
		      : replay_stored(letters, &letter, sequence, headers, count, message);
	if (!err)
		*ret_duplicate = letters->duplicate;
	return err;
}

int sl_letters_remove(struct sl_letters *letters, uint64_t sequence)
{
	static const char *const wanted = "success";
	struct sl_json_value value;
	bool ok = false;
	char body[64];
	int err;

	(void)snprintf(body, sizeof(body), "{\"seq\":%" PRIu64 "}", sequence);
	err = call(letters, API_DELETE, sl_span_of(body), "JetStream");
	if (!err && sl_json_pick(&value, &wanted, 1, sl_letters_text(letters), NULL) == 0)
		(void)sl_json_bool(&ok, value);
	if (err || ok)
		return err;
	(void)snprintf(letters->error, sizeof(letters->error), "it was not removed");
	return -EREMOTEIO;
}
