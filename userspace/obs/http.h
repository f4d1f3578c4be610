/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A few pages over HTTP/1 for scrapers and probes: GET and HEAD, one request a
 * connection; metrics as OpenMetrics for those who accept it. Not libevent's evhttp,
 * which counts no connections and lets a header drip in for ever: here a connection has
 * a deadline, all of them a cap.
 *
 * Owner:  sl_http_free() closes the listener and every connection.
 * Thread: the one that runs the event base.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SL_HTTP_CONNECTIONS_MAX 32u
#define SL_HTTP_REQUEST_S	3  /* from accept to the end of the head */
#define SL_HTTP_REPLY_S		30 /* for the client to take the page */

struct event_base;
struct sl_metrics;

struct sl_http_reply {
	int status;		    /* 200 unless changed */
	char text[256];		    /* the body, unless @metrics is set */
	struct sl_metrics *metrics; /* the callback's; the server frees it */
};

struct sl_http_route {
	const char *path;
	void (*serve)(struct sl_http_reply *reply, void *context);
};

struct sl_http_stats {
	uint64_t requests_total; /* answered, whatever the status */
	uint64_t refused_total;	 /* over the cap, too slow, or malformed */
};

struct sl_http;

/*
 * Listens on @address (text, IPv4 or IPv6) and @port. @routes ends with a NULL path and
 * must outlive the server. -EINVAL: not an address. Else why bind or listen failed.
 */
int sl_http_new(struct sl_http **ret, struct event_base *base, const char *address, uint16_t port,
		const struct sl_http_route *routes, void *context);
void sl_http_free(struct sl_http *http);
struct sl_http_stats sl_http_stats(const struct sl_http *http);
