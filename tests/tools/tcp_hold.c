// SPDX-License-Identifier: Apache-2.0
/*
 * tcp_hold: opens TCP connections, keeps them for a while, and says what became
 * of them: what a limit of concurrent or of new connections did.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/harness/clock.h"
#include "tests/harness/options.h"
#include "tests/harness/tcp_connect.h"

#define CONNECTIONS_MAX 65536

static const char usage[] =
	"usage: tcp_hold --target ADDRESS --port N --connections N [options]\n"
	"  --source ADDRESS   connect from there\n"
	"  --rate N           connections opened per second (default: all at once)\n"
	"  --timeout TIME     give up on one that is not established by then (default 1s)\n"
	"  --for TIME         keep them for so long after the last one (default 1s)\n"
	"Prints one line of JSON when all are settled, {\"established\": N, ...}, flushed, then\n"
	"holds, and prints a second one: held (still open at the end), ended (by the server).\n";

enum state {
	STATE_NEW,
	STATE_CONNECTING,
	STATE_ESTABLISHED,
	STATE_REFUSED, /* by RST */
	STATE_TIMED_OUT,
	STATE_FAILED,
	STATE_ENDED, /* established, then closed or reset by the server */
	STATES,
};

struct held {
	enum state state;
	uint64_t since_ns;
};

struct holder {
	struct sl_address target;
	struct sl_address source;
	uint16_t port;
	uint64_t rate_per_s;
	uint64_t timeout_ns;
	uint64_t for_ns;
	size_t total;
	size_t opened;
	struct held *held;
	struct pollfd *polled; /* same index */
};

static void settle(struct holder *h, size_t i, enum state state)
{
	h->held[i].state = state;
	if (state == STATE_ESTABLISHED) {
		h->polled[i].events = POLLRDHUP;
		return;
	}
	(void)close(h->polled[i].fd);
	h->polled[i].fd = -1;
}

static enum state state_of(int error)
{
	switch (error) {
	case 0:
		return STATE_ESTABLISHED;
	case ECONNREFUSED:
		return STATE_REFUSED;
	case ETIMEDOUT:
		return STATE_TIMED_OUT;
	default:
		return STATE_FAILED;
	}
}

static void open_one(struct holder *h, size_t i, uint64_t now_ns)
{
	int err = sl_tcp_connect(&h->polled[i].fd, &h->target, h->port, &h->source);

	h->held[i] = (struct held){ STATE_CONNECTING, now_ns };
	h->polled[i].events = POLLOUT;
	if (err == -EMFILE || err == -ENFILE)
		sl_die("--connections: %s", strerror(-err));
	if (err)
		h->held[i].state = state_of(-err);
}

static void look_at(struct holder *h, size_t i, uint64_t now_ns)
{
	if (h->held[i].state == STATE_CONNECTING && h->polled[i].revents) {
		settle(h, i, state_of(sl_tcp_error(h->polled[i].fd)));
	} else if (h->held[i].state == STATE_CONNECTING &&
		   h->held[i].since_ns + h->timeout_ns <= now_ns) {
		settle(h, i, STATE_TIMED_OUT);
	} else if (h->held[i].state == STATE_ESTABLISHED && h->polled[i].revents) {
		settle(h, i, STATE_ENDED);
	}
}

static size_t count(const struct holder *h, enum state state)
{
	size_t n = 0;

	for (size_t i = 0; i < h->total; i++)
		n += h->held[i].state == state;
	return n;
}

static void open_due(struct holder *h, uint64_t start_ns)
{
	uint64_t now_ns = sl_now_ns();
	uint64_t due = h->total;

	if (h->rate_per_s)
		due = sl_due(now_ns - start_ns, h->rate_per_s) + 1;
	while (h->opened < h->total && h->opened < due)
		open_one(h, h->opened++, now_ns);
}

static void step(struct holder *h, int wait_ms)
{
	uint64_t now_ns;

	(void)poll(h->polled, h->opened, wait_ms);
	now_ns = sl_now_ns();
	for (size_t i = 0; i < h->opened; i++)
		look_at(h, i, now_ns);
}

static void report_opened(const struct holder *h)
{
	printf("{\"asked\": %zu, \"established\": %zu, \"refused\": %zu, \"timed_out\": %zu, "
	       "\"failed\": %zu}\n",
	       h->total, count(h, STATE_ESTABLISHED) + count(h, STATE_ENDED),
	       count(h, STATE_REFUSED), count(h, STATE_TIMED_OUT), count(h, STATE_FAILED));
	(void)fflush(stdout);
}

static void hold(struct holder *h)
{
	uint64_t start_ns = sl_now_ns();
	uint64_t end_ns;

	while (h->opened < h->total || count(h, STATE_CONNECTING) > 0) {
		open_due(h, start_ns);
		step(h, 2);
	}
	report_opened(h);
	end_ns = sl_now_ns() + h->for_ns;
	while (sl_now_ns() < end_ns)
		step(h, 20);
	printf("{\"held\": %zu, \"ended\": %zu}\n", count(h, STATE_ESTABLISHED),
	       count(h, STATE_ENDED));
}

static void take(struct holder *h, int option, const char *text)
{
	switch (option) {
	case 't':
		h->target = sl_option_address("target", text);
		break;
	case 's':
		h->source = sl_option_address("source", text);
		break;
	case 'p':
		h->port = (uint16_t)sl_option_amount("port", text, 1, UINT16_MAX);
		break;
	case 'c':
		h->total = (size_t)sl_option_amount("connections", text, 1, CONNECTIONS_MAX);
		break;
	case 'r':
		h->rate_per_s = sl_option_amount("rate", text, 1, 1000000);
		break;
	case 'T':
		h->timeout_ns = sl_option_duration("timeout", text);
		break;
	case 'f':
		h->for_ns = sl_option_duration("for", text);
		break;
	case 'h':
		fputs(usage, stdout);
		exit(EXIT_SUCCESS);
	default:
		fputs(usage, stderr);
		exit(SL_EXIT_USAGE);
	}
}

static void read_options(struct holder *h, int argc, char **argv)
{
	static const struct option known[] = {
		{ "target", required_argument, NULL, 't' },
		{ "source", required_argument, NULL, 's' },
		{ "port", required_argument, NULL, 'p' },
		{ "connections", required_argument, NULL, 'c' },
		{ "rate", required_argument, NULL, 'r' },
		{ "timeout", required_argument, NULL, 'T' },
		{ "for", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
		take(h, option, optarg);
	if (optind != argc || !h->target.family || !h->port || !h->total)
		sl_die("--target, --port and --connections are needed; see --help");
	if (h->source.family && h->source.family != h->target.family)
		sl_die("--source and --target are of different families");
}

/* As many descriptors as there are connections, if the hard limit allows. */
static void raise_file_limit(size_t connections)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur < connections + 64 && limit.rlim_max >= connections + 64) {
		limit.rlim_cur = connections + 64;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	struct holder h = { .timeout_ns = SL_NS_PER_S, .for_ns = SL_NS_PER_S };

	read_options(&h, argc, argv);
	raise_file_limit(h.total);
	h.held = calloc(h.total, sizeof(*h.held));
	h.polled = calloc(h.total, sizeof(*h.polled));
	if (!h.held || !h.polled)
		sl_die("no memory");
	for (size_t i = 0; i < h.total; i++)
		h.polled[i].fd = -1;
	hold(&h);
	free(h.held);
	free(h.polled);
	return EXIT_SUCCESS;
}
