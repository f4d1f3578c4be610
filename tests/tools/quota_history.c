// SPDX-License-Identifier: Apache-2.0
/*
 * quota_history: the counters of tenants on several nodes, over and over, as lines of JSON
 * with one clock: what a checker needs to judge a run afterwards. Reads the pinned maps, so
 * that agents may be dead; what they were told is put between by standard input.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/clock.h"
#include "tests/harness/options.h"
#include "userspace/base/cleanup.h"
#include "userspace/dataplane/counters_read.h"
#include "userspace/dataplane/maps.h"
#include "userspace/domain/counters.h"

#define NODES_MAX   16
#define TENANTS_MAX 64
#define LINE_MAX    4096

static const char usage[] =
	"usage: quota_history --every TIME --for TIME NODE=PIN_DIR...\n"
	"Prints for each tenant (not the unknown one) of each node, each --every (100ms):\n"
	"  {\"t\": S, \"from\": S, \"event\": \"sample\", \"round\": N, \"node\": NODE, \"tenant\": NAME,\n"
	"   \"offered\": N, \"admitted\": N, \"refused\": N, \"mode\": MODE}\n"
	"packets of ingress since the maps exist, read after \"from\" and before \"t\" (seconds of\n"
	"CLOCK_MONOTONIC). MODE is the kernel's: held (a lease), fixed (a limit without one: cold, or\n"
	"what the agent set since), unlimited, or what stands after the lease: last, safe, closed, open,\n"
	"blend. A line \"WORD TEXT\" of standard input becomes\n"
	"  {\"t\": S, \"event\": WORD, \"text\": TEXT}\n"
	"Ends with --for, with the line \".\" and with the end of standard input.\n";

struct watched {
	const char *name;
	struct sl_maps *maps;
};

struct history {
	struct watched nodes[NODES_MAX];
	size_t count;
	uint64_t every_ns;
	uint64_t until_ns;
	uint64_t round;
	char line[LINE_MAX]; /* of standard input, so far */
	size_t length;
};

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static void put(json_t *line)
{
	if (!line || json_dumpf(line, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15)) ||
	    fputc('\n', stdout) == EOF)
		sl_die("cannot write a line");
	json_decref(line);
}

/* ---- samples ---------------------------------------------------------------------- */

static const char *mode_of(const struct sl_maps_view *view, uint32_t tenant, uint64_t now_ns)
{
	static const char *const names[] = {
		[SL_FALLBACK_LAST] = "last",	 [SL_FALLBACK_SAFE] = "safe",
		[SL_FALLBACK_CLOSED] = "closed", [SL_FALLBACK_OPEN] = "open",
		[SL_FALLBACK_BLEND] = "blend",
	};
	const uint32_t half = __atomic_load_n(&view->ctl->epoch, __ATOMIC_ACQUIRE) & 1;
	const struct sl_side *side = &view->limits[half * view->tenants + tenant].ingress;
	const uint64_t until = __atomic_load_n(&side->lease_until_ns, __ATOMIC_RELAXED);

	if (!until)
		return side->packets.cost ? "fixed" : "unlimited";
	return now_ns < until ? "held" : names[sl_side_fallback(side->flags)];
}

static void sample_node(struct history *history, const struct watched *node)
{
	static struct sl_counters counters[TENANTS_MAX];
	const struct sl_maps_view *view = sl_maps_view(node->maps);
	const uint32_t count = view->tenants < TENANTS_MAX ? view->tenants : TENANTS_MAX;
	const uint64_t from_ns = sl_now_ns();
	struct sl_dp_error error = { "" };
	uint64_t to_ns;

	if (sl_counters_read_all(counters, NULL, count, node->maps, &error))
		sl_die("%s: %s", node->name, error.message);
	to_ns = sl_now_ns();
	for (uint32_t i = 1; i < count; i++) {
		const struct sl_reason_counts *in = &counters[i].ingress;
		const uint64_t offered = sl_reasons_total(in).packets;

		if (!view->names[i].name[0])
			continue;
		put(json_pack("{sf sf ss sI ss ss sI sI sI ss}", "t", seconds(to_ns), "from",
			      seconds(from_ns), "event", "sample", "round",
			      (json_int_t)history->round, "node", node->name, "tenant",
			      view->names[i].name, "offered", (json_int_t)offered, "admitted",
			      (json_int_t)in->pass.packets, "refused",
			      (json_int_t)sl_reasons_dropped(in).packets, "mode",
			      mode_of(view, i, to_ns)));
	}
}

static void sample(struct history *history)
{
	for (size_t i = 0; i < history->count; i++)
		sample_node(history, &history->nodes[i]);
	history->round++;
	if (fflush(stdout))
		sl_die("cannot write: %s", strerror(errno));
}

/* ---- events ------------------------------------------------------------------------ */

/* 0 for the line that ends the history. */
static int put_event(char *line)
{
	char *text = strchr(line, ' ');

	if (!strcmp(line, "."))
		return 0;
	if (text)
		*text++ = '\0';
	if (*line)
		put(json_pack("{sf ss ss}", "t", seconds(sl_now_ns()), "event", line, "text",
			      text ? text : ""));
	return 1;
}

/* Lines of standard input; 0 at the end. */
static int read_events(struct history *history)
{
	const ssize_t got = read(STDIN_FILENO, history->line + history->length,
				 sizeof(history->line) - 1 - history->length);
	char *end, *line = history->line;

	if (got <= 0)
		return got < 0 && errno == EINTR;
	history->length += (size_t)got;
	history->line[history->length] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		if (!put_event(line))
			return 0;
		line = end + 1;
	}
	history->length -= (size_t)(line - history->line);
	memmove(history->line, line, history->length);
	if (history->length == sizeof(history->line) - 1)
		sl_die("a line of standard input is too long");
	return 1;
}

static void record(struct history *history)
{
	uint64_t next_ns = sl_now_ns();
	uint64_t now_ns;

	for (;;) {
		struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

		now_ns = sl_now_ns();
		if (now_ns >= history->until_ns)
			return;
		if (now_ns >= next_ns) {
			sample(history);
			next_ns += history->every_ns;
			if (next_ns < now_ns) /* held up: no burst of samples afterwards */
				next_ns = now_ns + history->every_ns;
			continue;
		}
		if (poll(&input, 1, (int)((next_ns - now_ns) / 1000000) + 1) > 0 &&
		    !read_events(history))
			return;
	}
}

static void open_node(struct history *history, char *text)
{
	struct sl_dp_error error = { "" };
	char *dir = strchr(text, '=');

	if (!dir || history->count == NODES_MAX)
		sl_die("NODE=PIN_DIR, at most %d of them, not '%s'", NODES_MAX, text);
	*dir++ = '\0';
	history->nodes[history->count].name = text;
	if (sl_maps_open(&history->nodes[history->count].maps, dir, SL_MAPS_READ, &error))
		sl_die("%s", error.message);
	history->count++;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "every", required_argument, NULL, 'e' },
		{ "for", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static struct history history = { .every_ns = 100000000 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h')
			return printf("%s", usage) < 0;
		if (option == 'e')
			history.every_ns = sl_option_duration("every", optarg);
		else if (option == 'f')
			history.until_ns = sl_now_ns() + sl_option_duration("for", optarg);
		else
			sl_die("see --help");
	}
	if (!history.until_ns || optind == argc)
		sl_die("--for and NODE=PIN_DIR are needed; see --help");
	for (int i = optind; i < argc; i++)
		open_node(&history, argv[i]);
	record(&history);
	for (size_t i = 0; i < history.count; i++)
		sl_maps_close(history.nodes[i].maps);
	return fflush(stdout) ? 1 : 0;
}
