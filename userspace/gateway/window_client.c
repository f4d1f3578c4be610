/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/window_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "userspace/gateway/window_library.h"
#include "userspace/obs/log.h"
#include "userspace/redis/options.h"

#define NS_PER_S 1000000000ull

struct sl_window {
	const struct sl_settings *settings;
	struct sl_worker_counters *counters;
	struct sl_log *log;
	struct sl_redis *redis; /* NULL: its settings cannot be used */
	bool failing;		/* the last question was not answered */
	bool wrong;		/* it was, by what is no verdict */
};

/* One question under way. */
struct question {
	struct sl_window *window;
	sl_window_done *done;
	void *context;
	uint8_t count;
	bool looks;
};

/* ---- life ------------------------------------------------------------------------------- */

static struct sl_redis_options options_of(const struct sl_settings *settings, uint64_t seed)
{
	struct sl_redis_options options = sl_redis_options_of(&settings->distributed.redis, seed);

	if (settings->distributed.password[0])
		options.password = settings->distributed.password;
	options.calls_max = settings->distributed.requests_max;
	return options;
}

int sl_window_check(const struct sl_settings *settings, char *ret_why, size_t size)
{
	const struct sl_redis_options options = options_of(settings, 0);
	struct sl_redis_error_text error = { "" };
	int r;

	if (settings->distributed.in_force == SL_WINDOW_LOCAL)
		return 0;
	r = sl_redis_check(&options, &error);
	if (r)
		(void)snprintf(ret_why, size, "distributed.redis: %s", error.message);
	return r ? -EINVAL : 0;
}

static int connect_redis(struct sl_window *window, const struct sl_window_options *options)
{
	const struct sl_redis_options redis = options_of(options->settings, options->seed);
	const struct sl_span library = sl_window_library();
	struct sl_redis_error_text error = { "" };
	int r = sl_redis_new(&window->redis, options->loop, &redis, &error);

	if (!r) {
		sl_log(window->log, SL_LOG_INFO, "Redis is to count requests",
		       SL_STR("mode", sl_window_mode_name(sl_window_mode(window))));
		return sl_redis_load_function(window->redis, SL_WINDOW_LIBRARY_NAME, library.at,
					      library.length);
	}
	if (r == -ENOMEM)
		return r;
	sl_log(window->log, SL_LOG_ERROR, "Redis cannot be asked until the next reload",
	       SL_STR("reason", error.message));
	return 0;
}

int sl_window_new(struct sl_window **ret, const struct sl_window_options *options)
{
	struct sl_window *window;
	int r;

	*ret = NULL;
	if (options->settings->distributed.in_force == SL_WINDOW_LOCAL)
		return 0;
	window = calloc(1, sizeof(*window));
	if (!window)
		return -ENOMEM;
	window->settings = options->settings;
	window->counters = options->counters;
	window->log = options->log;
	r = connect_redis(window, options);
	if (r)
		sl_window_free(window);
	else
		*ret = window;
	return r;
}

void sl_window_free(struct sl_window *window)
{
	if (!window)
		return;
	sl_redis_free(window->redis);
	free(window);
}

enum sl_window_mode sl_window_mode(const struct sl_window *window)
{
	return window ? window->settings->distributed.in_force : SL_WINDOW_LOCAL;
}

bool sl_window_is_up(const struct sl_window *window)
{
	return window && window->redis && !window->wrong &&
	       sl_redis_state(window->redis, NULL) == SL_REDIS_OK;
}

/* ---- what became of it ------------------------------------------------------------------------
 */

static void note(struct sl_window *window, enum sl_window_outcome outcome)
{
	const bool failed = outcome != SL_WINDOW_ADMITTED && outcome != SL_WINDOW_REFUSED;

	sl_count_up(&window->counters->counts[SL_COUNT_WINDOW + outcome], 1);
	window->wrong = outcome == SL_WINDOW_ERROR || outcome == SL_WINDOW_INVALID;
	if (failed == window->failing)
		return;
	window->failing = failed;
	if (failed)
		sl_log_limited(
			window->log, SL_LOG_SYNC, SL_LOG_WARN, "Redis does not count requests",
			SL_STR("why", sl_window_outcome_name(outcome)),
			SL_STR("reason", window->redis ? sl_redis_last_error(window->redis) : ""),
			SL_STR("until_then", window->settings->distributed.fallback_to_local
						     ? "this node counts for itself"
						     : "they are answered 503"));
	else
		sl_log_limited(window->log, SL_LOG_SYNC, SL_LOG_WARN,
			       "Redis counts requests again");
}

static enum sl_window_outcome judge(struct sl_window_verdict *ret, const struct question *question,
				    int status, const struct sl_redis_reply *reply)
{
	const uint64_t window_s = question->window->settings->limits.window_ns / NS_PER_S;

	if (!status)
		status = question->looks
				 ? sl_window_read_look(ret, reply, question->count, window_s)
				 : sl_window_read(ret, reply, question->count, window_s);
	if (status)
		return sl_window_outcome_of(status);
	return ret->admitted ? SL_WINDOW_ADMITTED : SL_WINDOW_REFUSED;
}

static void answered(void *userdata, int status, const struct sl_redis_reply *reply)
{
	struct question question = *(struct question *)userdata;
	struct sl_window_verdict verdict;
	enum sl_window_outcome outcome;

	free(userdata);
	if (status == -ECANCELED) {
		question.done(question.context, SL_WINDOW_OUTCOMES, NULL);
		return;
	}
	outcome = judge(&verdict, &question, status, reply);
	if (!question.looks)
		note(question.window, outcome);
	question.done(question.context, outcome,
		      outcome == SL_WINDOW_ADMITTED || outcome == SL_WINDOW_REFUSED ? &verdict
										    : NULL);
}

/* ---- asking ------------------------------------------------------------------------------------
 */

static int send(struct sl_window *window, const struct sl_window_question *what,
		const struct question *question)
{
	struct question *kept;
	int r;

	if (!window->redis)
		return -ENOTCONN;
	kept = malloc(sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	*kept = *question;
	r = sl_redis_call(window->redis, what->slot, what->argc, what->argv, what->lens, answered,
			  kept);
	if (r)
		free(kept);
	return r;
}

static struct sl_window_owner owner_of(const struct sl_window *window, struct sl_span tenant)
{
	return (struct sl_window_owner){
		.prefix = window->settings->distributed.prefix,
		.tenant = tenant,
		.window_s = window->settings->limits.window_ns / NS_PER_S,
	};
}

int sl_window_take(struct sl_window *window, struct sl_span tenant,
		   const struct sl_window_level *levels, size_t count, sl_window_done *done,
		   void *context, enum sl_window_outcome *ret_outcome)
{
	const struct sl_window_owner owner = owner_of(window, tenant);
	const struct question question = {
		.window = window, .done = done, .context = context, .count = (uint8_t)count
	};
	struct sl_window_question what;
	int r;

	sl_window_ask(&what, &owner, levels, count);
	r = send(window, &what, &question);
	if (r) {
		*ret_outcome = sl_window_outcome_of(r);
		note(window, *ret_outcome);
	}
	return r;
}

int sl_window_look(struct sl_window *window, struct sl_span tenant,
		   const struct sl_window_level *levels, size_t count, sl_window_done *done,
		   void *context)
{
	const struct sl_window_owner owner = owner_of(window, tenant);
	const struct question question = { .window = window,
					   .done = done,
					   .context = context,
					   .count = (uint8_t)count,
					   .looks = true };
	struct sl_window_question what;

	sl_window_ask_look(&what, &owner, levels, count);
	return send(window, &what, &question);
}
