// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/bus/bus_private.h"

#define HEADERS_STACK_BYTES 2048u
#define FRAME_BYTES	    64u /* of a message on the wire, besides its parts; about */

/* Not empty, one line, no white space: the protocol is text with spaces. */
bool sl_bus_subject_valid(const char *subject)
{
	size_t length = 0;

	for (; subject[length]; length++)
		if ((unsigned char)subject[length] <= ' ' || subject[length] == 0x7f ||
		    length >= SL_BUS_SUBJECT_MAX - 1)
			return false;
	return length > 0;
}

static int errno_of(natsStatus status)
{
	switch ((int)status) {
	case NATS_OK:
		return 0;
	case NATS_NO_MEMORY:
		return -ENOMEM;
	case NATS_MAX_PAYLOAD:
		return -EMSGSIZE;
	case NATS_CONNECTION_CLOSED:
	case NATS_CONNECTION_DISCONNECTED:
		return -ENOTCONN;
	case NATS_NO_SERVER_SUPPORT:
		return -EPROTONOSUPPORT;
	case NATS_INVALID_ARG:
	case NATS_INVALID_SUBJECT:
		return -EINVAL;
	default:
		return -EIO;
	}
}

static bool name_valid(const char *name)
{
	size_t length = 0;

	for (; name[length]; length++)
		if (!isgraph((unsigned char)name[length]) || name[length] == ':')
			return false;
	return length > 0;
}

static bool value_valid(struct sl_span value)
{
	for (size_t i = 0; i < value.length; i++)
		if (value.at[i] == '\r' || value.at[i] == '\n' || !value.at[i])
			return false;
	return true;
}

/* Bytes of the headers that are there, or -errno. */
static ssize_t measure(const struct sl_bus_header *headers, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		if (!headers[i].value.length)
			continue;
		if (!name_valid(headers[i].name) || !value_valid(headers[i].value))
			return -EINVAL;
		bytes += strlen(headers[i].name) + headers[i].value.length + sizeof(": \r\n") - 1;
		if (bytes > SL_BUS_HEADERS_BYTES)
			return -EMSGSIZE;
	}
	return (ssize_t)bytes;
}

static char *put(char *at, const char *text, size_t length)
{
	memcpy(at, text, length);
	return at + length;
}

/*
 * All headers as one: the name holds all lines but the last value. nats.c writes a name
 * as it is, and a map of headers costs more than the rest of a publish. Names and values
 * were found valid. @bytes: of all of them, as measure() says.
 */
static natsStatus set_headers(natsMsg *message, const struct sl_bus_header *headers, size_t count,
			      size_t bytes)
{
	char small[HEADERS_STACK_BYTES];
	sl_autofree char *large = NULL;
	char *text = small, *at, *colon;

	if (bytes >= sizeof(small)) {
		large = malloc(bytes + 1);
		if (!large)
			return NATS_NO_MEMORY;
		text = large;
	}
	at = colon = text;
	for (size_t i = 0; i < count; i++) {
		if (!headers[i].value.length)
			continue;
		if (at != text)
			at = put(at, "\r\n", 2);
		at = put(at, headers[i].name, strlen(headers[i].name));
		colon = at;
		at = put(at, ": ", 2);
		at = put(at, headers[i].value.at, headers[i].value.length);
	}
	*at = '\0';
	*colon = '\0'; /* nats.c puts the last one's ": " */
	return natsMsgHeader_Set(message, text, colon + 2);
}

static natsStatus publish_headed(struct sl_bus *bus, const char *subject, const char *reply,
				 const struct sl_bus_header *headers, size_t count, size_t bytes,
				 struct sl_span payload)
{
	natsMsg *message = NULL;
	natsStatus status =
		natsMsg_Create(&message, subject, reply, payload.at, (int)payload.length);

	if (status == NATS_OK)
		status = set_headers(message, headers, count, bytes);
	if (status == NATS_OK)
		status = natsConnection_PublishMsg(bus->nats, message);
	if (message)
		sl_bus_spend(bus, message);
	return status;
}

static int publish(struct sl_bus *bus, const char *subject, const char *reply,
		   const struct sl_bus_header *headers, size_t count, struct sl_span payload)
{
	ssize_t head = measure(headers, count);
	natsStatus status;

	if (head < 0)
		return (int)head;
	if (!sl_bus_subject_valid(subject) || (reply && !sl_bus_subject_valid(reply)))
		return -EINVAL;
	if (!bus->nats || bus->freeing || atomic_load(&bus->worker.closed))
		return -ENOTCONN;
	if (payload.length + (size_t)head > (size_t)bus->payload_max)
		return -EMSGSIZE;
	if (bus->unsent > SL_BUS_UNSENT_MAX)
		return -ENOBUFS;
	if (head)
		status = publish_headed(bus, subject, reply, headers, count, (size_t)head, payload);
	else if (reply)
		status = natsConnection_PublishRequest(bus->nats, subject, reply, payload.at,
						       (int)payload.length);
	else
		status =
			natsConnection_Publish(bus->nats, subject, payload.at, (int)payload.length);
	if (status == NATS_OK)
		sl_bus_link_send_soon(bus, payload.length + (size_t)head + FRAME_BYTES);
	return errno_of(status);
}

int sl_bus_publish(struct sl_bus *bus, const char *subject, const char *reply,
		   const struct sl_bus_header *headers, size_t count, struct sl_span payload)
{
	int ret = publish(bus, subject, reply, headers, count, payload);

	if (ret)
		bus->stats.publish_failures_total++;
	else
		bus->stats.published_total++;
	return ret;
}

int sl_bus_respond(struct sl_bus *bus, const struct sl_bus_message *message,
		   const struct sl_bus_header *headers, size_t count, struct sl_span payload)
{
	const char *reply = natsMsg_GetReply(message->nats);

	if (!reply || !*reply)
		return 0;
	return sl_bus_publish(bus, reply, NULL, headers, count, payload);
}

/* ---- what a message says -------------------------------------------------------------- */

struct sl_span sl_bus_subject(const struct sl_bus_message *message)
{
	return message->subject.at ? message->subject
				   : sl_span_of(natsMsg_GetSubject(message->nats));
}

struct sl_span sl_bus_reply(const struct sl_bus_message *message)
{
	return sl_span_of(natsMsg_GetReply(message->nats));
}

struct sl_span sl_bus_payload(const struct sl_bus_message *message)
{
	int length = natsMsg_GetDataLength(message->nats);

	if (length <= 0)
		return (struct sl_span){ NULL, 0 };
	return (struct sl_span){ natsMsg_GetData(message->nats), (size_t)length };
}

struct sl_span sl_bus_header(const struct sl_bus_message *message, const char *name)
{
	const char *value = NULL;

	if (natsMsgHeader_Get(message->nats, name, &value) != NATS_OK)
		return (struct sl_span){ NULL, 0 };
	return sl_span_of(value);
}

void sl_bus_header_copy(char *ret, size_t size, const struct sl_bus_message *message,
			const char *name)
{
	struct sl_span value = sl_bus_header(message, name);

	if (!value.length || value.length >= size)
		return;
	memcpy(ret, value.at, value.length);
	ret[value.length] = '\0';
}
