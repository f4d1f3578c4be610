// SPDX-License-Identifier: Apache-2.0
/*
 * redis_calls [OPTIONS] -- COMMAND ARGUMENT...: calls Redis by our client, at a rate,
 * and says how the calls ended. A % in an argument stands for a key's number.
 *
 * It reads lines: "stats" prints one line of JSON (statuses and max_ms since the last
 * one), "fill N" calls N times at once, "once" calls once and prints the answer, "stop" or
 * the end of input waits for all calls and ends with a last line. Not 0: a call was
 * answered twice or never.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/clock.h"
#include "tests/harness/options.h"
#include "userspace/bus/loop_event.h"
#include "userspace/redis/redis.h"

#define STATUSES_MAX  133 /* of errno */
#define ARGUMENTS_MAX 16
#define TEXT_BYTES    256
#define KEYS	      256
#define TICK_US	      1000
#define WAIT_NS	      (10 * SL_NS_PER_S)
#define LIBRARY_BYTES (SL_REDIS_LIBRARY_BYTES_MAX + 1)

struct call {
	struct run *run;
	uint64_t begun_ns;
	bool shown; /* its answer is printed */
	bool answered;
	struct call *next; /* all are kept to the end, so that a second answer is seen */
};

struct run {
	struct event_base *base;
	struct sl_loop *loop;
	struct sl_redis *redis;
	struct event *tick, *input;
	const char *const *pattern;
	size_t argc;
	uint64_t rate, begun_ns, asked, stop_ns;
	uint64_t calls, answered, twice;
	struct call *all;
	uint64_t statuses[STATUSES_MAX + 1];
	uint64_t max_ns;
	char line[128];
	size_t length;
	bool stopping;
};

/* ---- one call ---------------------------------------------------------------------------- */

/* NOLINTNEXTLINE(misc-no-recursion): as deep as a reply */
static void show(const struct sl_redis_reply *reply)
{
	switch (reply->type) {
	case SL_REDIS_NIL:
		(void)fputs("nil", stdout);
		return;
	case SL_REDIS_INTEGER:
		printf("%lld", (long long)reply->integer);
		return;
	case SL_REDIS_STRING:
	case SL_REDIS_STATUS:
	case SL_REDIS_ERROR:
		printf("%.*s", (int)reply->text.length, reply->text.at);
		return;
	case SL_REDIS_ARRAY:
		for (size_t i = 0; i < reply->count; i++) {
			(void)fputs(i ? " " : "[", stdout);
			show(&reply->items[i]);
		}
		(void)fputs("]", stdout);
		return;
	}
}

static void done(void *userdata, int status, const struct sl_redis_reply *reply)
{
	struct call *call = userdata;
	struct run *run = call->run;
	const uint64_t took_ns = sl_now_ns() - call->begun_ns;

	if (call->answered) {
		run->twice++;
		return;
	}
	call->answered = true;
	run->answered++;
	run->statuses[-status <= STATUSES_MAX ? -status : STATUSES_MAX]++;
	if (took_ns > run->max_ns)
		run->max_ns = took_ns;
	if (!call->shown)
		return;
	printf("%s ", status ? strerrorname_np(-status) : "0");
	if (reply)
		show(reply);
	(void)fputs("\n", stdout);
	(void)fflush(stdout);
}

static void refuse(struct run *run, int err)
{
	run->calls--;
	run->statuses[-err]++;
}

/* @pattern with @number for its %. */
static void write_argument(char ret[TEXT_BYTES], const char *pattern, uint64_t number)
{
	const char *percent = strchr(pattern, '%');
	FILE *out = fmemopen(ret, TEXT_BYTES, "w");

	if (!out)
		sl_die("out of memory");
	if (percent) {
		(void)fwrite(pattern, 1, (size_t)(percent - pattern), out);
		(void)fprintf(out, "%llu%s", (unsigned long long)number, percent + 1);
	} else {
		(void)fputs(pattern, out);
	}
	(void)fputc('\0', out);
	if (fclose(out) != 0)
		sl_die("an argument of more than %d bytes", TEXT_BYTES - 1);
}

static void ask(struct run *run, bool shown)
{
	char texts[ARGUMENTS_MAX][TEXT_BYTES];
	const char *argv[ARGUMENTS_MAX];
	size_t lens[ARGUMENTS_MAX];
	struct call *call = calloc(1, sizeof(*call));
	int slot = SL_REDIS_ANY_SLOT;
	int err;

	if (!call)
		sl_die("out of memory");
	for (size_t i = 0; i < run->argc; i++) {
		const bool is_key = strchr(run->pattern[i], '%');

		write_argument(texts[i], run->pattern[i], run->asked % KEYS);
		argv[i] = texts[i];
		lens[i] = strlen(texts[i]);
		if (is_key && slot == SL_REDIS_ANY_SLOT)
			slot = sl_redis_slot((struct sl_span){ texts[i], lens[i] });
	}
	*call = (struct call){ .run = run, .begun_ns = sl_now_ns(), .shown = shown };
	run->asked++;
	run->calls++;
	err = sl_redis_call(run->redis, slot, run->argc, argv, lens, done, call);
	if (!err) {
		call->next = run->all;
		run->all = call;
		return;
	}
	free(call);
	refuse(run, err);
	if (shown) {
		printf("%s\n", strerrorname_np(-err));
		(void)fflush(stdout);
	}
}

/* ---- what it says ------------------------------------------------------------------------- */

static void say(struct run *run)
{
	const struct sl_redis_stats stats = sl_redis_stats(run->redis);
	const char *comma = "";
	uint64_t since_ns;
	const enum sl_redis_state state = sl_redis_state(run->redis, &since_ns);

	printf("{\"state\":\"%s\",\"since_ms\":%llu,\"calls\":%llu,\"answered\":%llu,"
	       "\"twice\":%llu,\"max_ms\":%.1f,\"error\":\"",
	       sl_redis_state_name(state), (unsigned long long)((sl_now_ns() - since_ns) / 1000000),
	       (unsigned long long)run->calls, (unsigned long long)run->answered,
	       (unsigned long long)run->twice, (double)run->max_ns / 1e6);
	for (const char *at = sl_redis_last_error(run->redis); *at; at++)
		if (*at != '"' && *at != '\\')
			(void)putchar(*at);
	printf("\",\"statuses\":{");
	for (int i = 0; i <= STATUSES_MAX; i++) {
		if (!run->statuses[i])
			continue;
		printf("%s\"%s\":%llu", comma, i ? strerrorname_np(i) : "0",
		       (unsigned long long)run->statuses[i]);
		comma = ",";
	}
	printf("}");
	for (size_t i = 0; i < sl_redis_metric_count; i++)
		printf(",\"%s\":%llu", sl_redis_metrics[i].name,
		       (unsigned long long)sl_redis_metric_value(&sl_redis_metrics[i], &stats));
	printf("}\n");
	(void)fflush(stdout);
	memset(run->statuses, 0, sizeof(run->statuses));
	run->max_ns = 0;
}

static void obey(struct run *run, const char *line)
{
	if (strcmp(line, "stats") == 0) {
		say(run);
	} else if (strcmp(line, "once") == 0) {
		ask(run, true);
	} else if (strncmp(line, "fill ", 5) == 0) {
		for (uint64_t left = sl_option_amount("fill", line + 5, 1, 100000); left; left--)
			ask(run, false);
	} else if (strcmp(line, "stop") == 0) {
		run->stopping = true;
		run->stop_ns = sl_now_ns() + WAIT_NS;
	} else {
		sl_die("not understood: %s", line);
	}
}

static void can_read(evutil_socket_t fd, short events, void *context)
{
	struct run *run = context;
	char byte;
	ssize_t got;

	(void)events;
	while ((got = read(fd, &byte, 1)) == 1) {
		if (byte != '\n') {
			if (run->length + 1 < sizeof(run->line))
				run->line[run->length++] = byte;
			continue;
		}
		run->line[run->length] = '\0';
		run->length = 0;
		obey(run, run->line);
	}
	if (got == 0) {
		(void)event_del(run->input);
		obey(run, "stop");
	}
}

static void on_tick(evutil_socket_t fd, short events, void *context)
{
	struct run *run = context;
	const uint64_t now_ns = sl_now_ns();

	(void)fd;
	(void)events;
	if (run->stopping) {
		if (run->calls == run->answered || now_ns > run->stop_ns)
			(void)event_base_loopbreak(run->base);
		return;
	}
	while (run->rate && run->asked < sl_due(now_ns - run->begun_ns, run->rate))
		ask(run, false);
}

/* ---- options -------------------------------------------------------------------------------- */

static enum sl_redis_mode mode_of(const char *text)
{
	static const char *const names[] = { "standalone", "sentinel", "cluster" };

	for (int i = 0; i < 3; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum sl_redis_mode)i;
	sl_die("--mode %s: standalone, sentinel or cluster", text);
}

static void load(struct sl_redis *redis, const char *name_and_path)
{
	const char *path = strchr(name_and_path, '=');
	char *name = path ? strndup(name_and_path, (size_t)(path - name_and_path)) : NULL;
	char *code = malloc(LIBRARY_BYTES);
	FILE *file = path ? fopen(path + 1, "re") : NULL;
	size_t length;
	int err;

	if (!name || !code || !file)
		sl_die("--library NAME=FILE: %s", name_and_path);
	length = fread(code, 1, LIBRARY_BYTES, file);
	(void)fclose(file);
	err = sl_redis_load_function(redis, name, code, length);
	free(code);
	free(name);
	if (err)
		sl_die("library: %s", strerror(-err));
}

static void open_run(struct run *run, int argc, char **argv)
{
	static const struct option names[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "addresses", required_argument, NULL, 'a' },
		{ "master", required_argument, NULL, 'M' },
		{ "user", required_argument, NULL, 'u' },
		{ "password-file", required_argument, NULL, 'p' },
		{ "database", required_argument, NULL, 'd' },
		{ "timeout", required_argument, NULL, 't' },
		{ "rate", required_argument, NULL, 'r' },
		{ "calls-max", required_argument, NULL, 'c' },
		{ "library", required_argument, NULL, 'l' },
		{ "tls", no_argument, NULL, 'T' },
		{ NULL, 0, NULL, 0 },
	};
	struct sl_redis_options options = { .seed = sl_now_ns() };
	struct sl_redis_error_text error = { "" };
	const char *library = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'm':
			options.mode = mode_of(optarg);
			break;
		case 'a':
			options.addresses = optarg;
			break;
		case 'M':
			options.master = optarg;
			break;
		case 'u':
			options.user = optarg;
			break;
		case 'p':
			options.password_file = optarg;
			break;
		case 'd':
			options.database = (uint32_t)sl_option_amount("database", optarg, 0, 1000);
			break;
		case 't':
			options.command_timeout_ns = sl_option_duration("timeout", optarg);
			break;
		case 'r':
			run->rate = sl_option_amount("rate", optarg, 1, 100000);
			break;
		case 'c':
			options.calls_max =
				(uint32_t)sl_option_amount("calls-max", optarg, 1, 100000);
			break;
		case 'l':
			library = optarg;
			break;
		case 'T':
			options.tls = true;
			break;
		default:
			exit(SL_EXIT_USAGE);
		}
	}
	run->pattern = (const char *const *)argv + optind;
	run->argc = (size_t)(argc - optind);
	if (!run->argc || run->argc > ARGUMENTS_MAX)
		sl_die("want a command of 1 to %d words", ARGUMENTS_MAX);
	if (sl_redis_new(&run->redis, run->loop, &options, &error))
		sl_die("%s", error.message);
	if (library)
		load(run->redis, library);
}

int main(int argc, char **argv)
{
	struct run run = { .base = event_base_new() };
	const struct timeval period = { .tv_usec = TICK_US };
	bool whole;

	if (!run.base || sl_loop_event_new(&run.loop, run.base) ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		sl_die("no event loop");
	open_run(&run, argc, argv);
	run.begun_ns = sl_now_ns();
	run.tick = event_new(run.base, -1, EV_PERSIST, on_tick, &run);
	run.input = event_new(run.base, STDIN_FILENO, EV_READ | EV_PERSIST, can_read, &run);
	if (!run.tick || !run.input || fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) != 0 ||
	    event_add(run.tick, &period) || event_add(run.input, NULL))
		sl_die("no event loop");
	(void)event_base_dispatch(run.base);
	say(&run);
	whole = !run.twice && run.calls == run.answered;
	sl_redis_free(run.redis);
	sl_loop_event_free(run.loop);
	event_free(run.tick);
	event_free(run.input);
	event_base_free(run.base);
	for (struct call *call; (call = run.all);) {
		run.all = call->next;
		free(call);
	}
	return whole ? 0 : 1;
}
