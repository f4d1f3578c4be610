// SPDX-License-Identifier: Apache-2.0
/*
 * nats_answer SERVERS SUBJECT TEXT: answers each request on a subject with the same
 * text, until it is ended; with --silent for it, none. What a router would cost at the
 * very least.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/bus/bus.h"
#include "userspace/bus/loop_event.h"

struct peer {
	struct sl_bus *bus;
	struct sl_span text;
};

static void asked(void *context, const struct sl_bus_message *message)
{
	const struct peer *peer = context;

	if (!sl_span_is(peer->text, "--silent"))
		(void)sl_bus_respond(peer->bus, message, NULL, 0, peer->text);
}

int main(int argc, char **argv)
{
	struct sl_bus_options options = { .name = "nats_answer" };
	struct sl_bus_subscription *subscription = NULL;
	struct sl_bus_error error = { "" };
	struct event_base *base = event_base_new();
	struct sl_loop *loop = NULL;
	struct peer peer = { 0 };

	if (argc != 4 || !base || sl_loop_event_new(&loop, base)) {
		(void)fputs("usage: nats_answer SERVERS SUBJECT TEXT\n", stderr);
		return 2;
	}
	options.servers = argv[1];
	peer.text = sl_span_of(argv[3]);
	if (sl_bus_new(&peer.bus, loop, &options, NULL, NULL, &error) ||
	    sl_bus_subscribe(&subscription, peer.bus, argv[2], "router-decide-group", asked,
			     &peer)) {
		(void)fprintf(stderr, "nats_answer: %s\n", error.message);
		return 1;
	}
	(void)event_base_dispatch(base);
	return 0;
}
