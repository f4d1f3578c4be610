// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/breaker.h"

#include <stdio.h>
#include <string.h>

#define S_NS 1000000000ull

const struct sl_breaker_limits sl_breaker_limits_default = {
	.failures = 5,
	.successes = 2,
	.open_ns = 60 * S_NS,
	.half_open_calls = 3,
	.error_rate = 0.5,
	.calls_min = 10,
	.window_ns = 60 * S_NS,
	.latency_ns = 5 * S_NS,
};

const char *sl_breaker_state_name(enum sl_breaker_state state)
{
	static const char *const names[] = { "closed", "open", "half_open" };

	return (unsigned int)state < 3 ? names[state] : "?";
}

static uint64_t since(uint64_t now_ns, uint64_t then_ns)
{
	return now_ns > then_ns ? now_ns - then_ns : 0;
}

static void move_to(struct sl_breaker *breaker, enum sl_breaker_state state, uint64_t now_ns)
{
	breaker->state = state;
	breaker->since_ns = now_ns;
	breaker->failures = breaker->successes = breaker->trials = 0;
	breaker->opened_total += state == SL_BREAKER_OPEN;
	if (state == SL_BREAKER_CLOSED) {
		memset(breaker->calls, 0, sizeof(breaker->calls));
		memset(breaker->errors, 0, sizeof(breaker->errors));
	}
}

/* Trials whose results never came do not keep it half open for ever. */
static bool trials_are_over(const struct sl_breaker *breaker,
			    const struct sl_breaker_limits *limits, uint64_t now_ns)
{
	return since(now_ns, breaker->trial_ns) >= limits->open_ns;
}

bool sl_breaker_admits(const struct sl_breaker *breaker, const struct sl_breaker_limits *limits,
		       uint64_t now_ns)
{
	if (!breaker || breaker->state == SL_BREAKER_CLOSED)
		return true;
	if (breaker->state == SL_BREAKER_OPEN)
		return since(now_ns, breaker->since_ns) >= limits->open_ns;
	return breaker->trials < limits->half_open_calls ||
	       trials_are_over(breaker, limits, now_ns);
}

bool sl_breaker_take(struct sl_breaker *breaker, const struct sl_breaker_limits *limits,
		     uint64_t now_ns)
{
	const enum sl_breaker_state before = breaker->state;

	if (before == SL_BREAKER_CLOSED)
		return false;
	if (before == SL_BREAKER_OPEN)
		move_to(breaker, SL_BREAKER_HALF_OPEN, now_ns);
	else if (breaker->trials >= limits->half_open_calls &&
		 trials_are_over(breaker, limits, now_ns))
		breaker->trials = 0;
	breaker->trials++;
	breaker->trial_ns = now_ns;
	return before != breaker->state;
}

/* ---- the window --------------------------------------------------------------------- */

static uint64_t slice_of(const struct sl_breaker_limits *limits, uint64_t now_ns)
{
	const uint64_t length = limits->window_ns / SL_BREAKER_SLICES;

	return now_ns / (length ? length : 1);
}

/* Slices that passed without a call are empty. */
static void turn_to(struct sl_breaker *breaker, uint64_t slice)
{
	for (int i = 0; i < SL_BREAKER_SLICES && breaker->slice < slice; i++) {
		breaker->slice++;
		breaker->calls[breaker->slice % SL_BREAKER_SLICES] = 0;
		breaker->errors[breaker->slice % SL_BREAKER_SLICES] = 0;
	}
	if (breaker->slice < slice) {
		memset(breaker->calls, 0, sizeof(breaker->calls));
		memset(breaker->errors, 0, sizeof(breaker->errors));
		breaker->slice = slice;
	}
}

double sl_breaker_error_rate(const struct sl_breaker *breaker,
			     const struct sl_breaker_limits *limits, uint64_t now_ns,
			     uint32_t *ret_calls)
{
	const uint64_t now = slice_of(limits, now_ns);
	uint32_t calls = 0, errors = 0;

	for (uint64_t back = 0; back < SL_BREAKER_SLICES && back <= breaker->slice; back++) {
		const uint64_t slice = breaker->slice - back;

		if (slice + SL_BREAKER_SLICES <= now)
			break;
		calls += breaker->calls[slice % SL_BREAKER_SLICES];
		errors += breaker->errors[slice % SL_BREAKER_SLICES];
	}
	if (ret_calls)
		*ret_calls = calls;
	return calls ? (double)errors / calls : 0;
}

static bool is_too_bad(const struct sl_breaker *breaker, const struct sl_breaker_limits *limits,
		       uint64_t now_ns)
{
	uint32_t calls;
	const double rate = sl_breaker_error_rate(breaker, limits, now_ns, &calls);

	return breaker->failures >= limits->failures ||
	       (calls >= limits->calls_min && rate >= limits->error_rate);
}

bool sl_breaker_report(struct sl_breaker *breaker, const struct sl_breaker_limits *limits,
		       bool success, uint64_t latency_ns, uint64_t now_ns)
{
	const bool failed = !success || latency_ns > limits->latency_ns;
	const enum sl_breaker_state before = breaker->state;
	const uint64_t slice = slice_of(limits, now_ns);

	/* Of a call that was under way when it opened: nothing new. */
	if (before == SL_BREAKER_OPEN)
		return false;
	turn_to(breaker, slice);
	breaker->calls[breaker->slice % SL_BREAKER_SLICES]++;
	breaker->errors[breaker->slice % SL_BREAKER_SLICES] += failed;
	breaker->failures = failed ? breaker->failures + 1 : 0;

	if (before == SL_BREAKER_HALF_OPEN) {
		breaker->successes += !failed;
		if (failed)
			move_to(breaker, SL_BREAKER_OPEN, now_ns);
		else if (breaker->successes >= limits->successes)
			move_to(breaker, SL_BREAKER_CLOSED, now_ns);
		else if (breaker->trials)
			breaker->trials--;
	} else if (is_too_bad(breaker, limits, now_ns)) {
		move_to(breaker, SL_BREAKER_OPEN, now_ns);
	}
	return breaker->state != before;
}

/* ---- the table ------------------------------------------------------------------------ */

static struct sl_table_key key_of(const struct sl_table *breakers, struct sl_span tenant,
				  struct sl_span provider)
{
	const struct sl_span parts[] = { tenant, provider };

	return sl_table_key(breakers, parts, 2);
}

struct sl_breaker *sl_breaker_find(struct sl_table *breakers, struct sl_span tenant,
				   struct sl_span provider, uint64_t now_ns)
{
	return sl_table_get(breakers, key_of(breakers, tenant, provider), now_ns);
}

static void keep_name(char ret[SL_BREAKER_NAME], struct sl_span name)
{
	const size_t length =
		name.length < SL_BREAKER_NAME ? name.length : (size_t)SL_BREAKER_NAME - 1;

	memcpy(ret, name.at, length);
	ret[length] = '\0';
}

struct sl_breaker *sl_breaker_get(struct sl_table *breakers, struct sl_span tenant,
				  struct sl_span provider, uint64_t now_ns)
{
	struct sl_breaker *breaker =
		sl_table_put(breakers, key_of(breakers, tenant, provider), now_ns);

	if (!breaker->provider[0]) {
		keep_name(breaker->tenant, tenant);
		keep_name(breaker->provider, provider);
		breaker->since_ns = now_ns;
	}
	return breaker;
}
