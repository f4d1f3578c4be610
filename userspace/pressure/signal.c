// SPDX-License-Identifier: Apache-2.0
#include "userspace/pressure/signal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define COUNT_MAX     1000000000u /* of jobs */
#define RATE_MAX      1e9
#define DELAY_MS_MAX  1e9
#define THRESHOLD_MAX 512u
#define RETRY_S_MAX   3600u

static const struct {
	const char *name;
	uint64_t target_ns;
} works[SL_WORK_CLASSES] = {
	{ "interactive", 100000000ull },
	{ "batch-interactive", 1000000000ull },
	{ "batch", 30000000000ull },
};

static const char *const roles[] = { "worker", "router" };

const char *sl_work_class_name(enum sl_work_class work)
{
	return works[(unsigned int)work % SL_WORK_CLASSES].name;
}

uint64_t sl_work_class_target_ns(enum sl_work_class work)
{
	return works[(unsigned int)work % SL_WORK_CLASSES].target_ns;
}

double sl_signal_busy(const struct sl_signal *signal)
{
	const uint64_t work = signal->inflight + signal->queue_depth;
	/* That there is no work just now does not say that there never will be. */
	const double busy = work ? (double)work : 0.5;

	if (!signal->limit)
		return 0;
	return busy < (double)signal->limit ? busy / (double)signal->limit : 1;
}

bool sl_signal_is_name(const char *name)
{
	const size_t length = strlen(name);

	return length && length < SL_SIGNAL_NAME_BYTES &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
		       length;
}

/* ---- reading ---------------------------------------------------------------------------- */

struct draft {
	struct sl_signal signal;
	char version[8], work[32], role[16], state[16];
	uint64_t leaving;
};

#define AT(member)     SL_FIELD_AT(struct draft, member)
#define SIGNAL(member) SL_FIELD_AT(struct draft, signal.member)
#define MUST	       SL_FIELD_REQUIRED

static const struct sl_field fields[] = {
	{ "version", SL_FIELD_IDENTIFIER, AT(version), 0 },
	{ "pool", SL_FIELD_IDENTIFIER, SIGNAL(pool), MUST },
	{ "source", SL_FIELD_IDENTIFIER, SIGNAL(source), MUST },
	{ "class", SL_FIELD_IDENTIFIER, AT(work), MUST },
	{ "role", SL_FIELD_IDENTIFIER, AT(role), MUST },
	{ "state", SL_FIELD_IDENTIFIER, AT(state), MUST },
	{ "leaving", SL_FIELD_WHOLE, AT(leaving), 0 },
	{ "epoch", SL_FIELD_WHOLE, SIGNAL(epoch), MUST },
	{ "seq", SL_FIELD_WHOLE, SIGNAL(seq), MUST },
	{ "ts", SL_FIELD_WHOLE, SIGNAL(ts_ms), MUST },
	{ "inflight", SL_FIELD_WHOLE, SIGNAL(inflight), MUST },
	{ "limit", SL_FIELD_WHOLE, SIGNAL(limit), MUST },
	{ "queue_depth", SL_FIELD_WHOLE, SIGNAL(queue_depth), MUST },
	{ "backlog", SL_FIELD_WHOLE, SIGNAL(backlog), 0 },
	{ "drops", SL_FIELD_WHOLE, SIGNAL(drops), 0 },
	{ "queue_delay_p50_ms", SL_FIELD_AMOUNT, SIGNAL(queue_delay_p50_ms), MUST },
	{ "queue_delay_p99_ms", SL_FIELD_AMOUNT, SIGNAL(queue_delay_p99_ms), MUST },
	{ "done_per_s", SL_FIELD_AMOUNT, SIGNAL(done_per_s), MUST },
	{ "reject_per_s", SL_FIELD_AMOUNT, SIGNAL(reject_per_s), MUST },
	{ "expired_per_s", SL_FIELD_AMOUNT, SIGNAL(expired_per_s), MUST },
	{ "pressure", SL_FIELD_AMOUNT, SIGNAL(pressure), 0 },
	{ "capacity_per_s", SL_FIELD_AMOUNT, SIGNAL(capacity_per_s), 0 },
	{ "threshold", SL_FIELD_WHOLE, SIGNAL(threshold), 0 },
	{ "retry_after_s", SL_FIELD_WHOLE, SIGNAL(retry_after_s), 0 },
	{ "credits", SL_FIELD_INTEGER, SIGNAL(credits), MUST },
};

static int find_word(unsigned int *ret, const char *const *words, unsigned int count,
		     const char *word)
{
	for (unsigned int i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0) {
			*ret = i;
			return 0;
		}
	return -ENOENT;
}

static int read_words(struct draft *draft, struct sl_fields_error *error)
{
	const char *const work_names[] = { works[0].name, works[1].name, works[2].name };
	unsigned int at = 0;

	if (!sl_signal_is_name(draft->signal.pool) || !sl_signal_is_name(draft->signal.source))
		return sl_fields_refuse(error, "pool and source must be words");
	if (find_word(&at, work_names, SL_WORK_CLASSES, draft->work) != 0)
		return sl_fields_refuse(error, "class is not one of those known");
	draft->signal.work = (enum sl_work_class)at;
	if (find_word(&at, roles, COUNT(roles), draft->role) != 0)
		return sl_fields_refuse(error, "role must be worker or router");
	draft->signal.role = (enum sl_signal_role)at;
	if (sl_pressure_state_of(&draft->signal.state, sl_span_of(draft->state)) != 0)
		return sl_fields_refuse(error, "state is not one of those known");
	draft->signal.leaving = draft->leaving != 0;
	return 0;
}

static int check_figures(const struct sl_signal *signal, struct sl_fields_error *error)
{
	const uint64_t counts[] = { signal->inflight, signal->limit, signal->queue_depth,
				    signal->backlog };
	const double rates[] = { signal->done_per_s, signal->reject_per_s, signal->expired_per_s,
				 signal->capacity_per_s };

	for (size_t i = 0; i < COUNT(counts); i++)
		if (counts[i] > COUNT_MAX)
			return sl_fields_refuse(error, "a count is over %u", COUNT_MAX);
	for (size_t i = 0; i < COUNT(rates); i++)
		if (rates[i] > RATE_MAX)
			return sl_fields_refuse(error, "a rate is over %g", RATE_MAX);
	if (signal->queue_delay_p50_ms > DELAY_MS_MAX || signal->queue_delay_p99_ms > DELAY_MS_MAX)
		return sl_fields_refuse(error, "a delay is over %g ms", DELAY_MS_MAX);
	if (signal->pressure > SL_PRESSURE_MAX || signal->threshold > THRESHOLD_MAX ||
	    signal->retry_after_s > RETRY_S_MAX)
		return sl_fields_refuse(error, "pressure, threshold or retry_after_s is too large");
	if (signal->credits > SL_SIGNAL_CREDITS_MAX || signal->credits < -SL_SIGNAL_CREDITS_MAX)
		return sl_fields_refuse(error, "credits are over %d", SL_SIGNAL_CREDITS_MAX);
	return 0;
}

int sl_signal_read(struct sl_signal *ret, struct sl_span text, struct sl_fields_error *error)
{
	struct draft draft = { .version = "" };
	int err;

	if (text.length > SL_SIGNAL_BYTES_MAX)
		return sl_fields_refuse(error, "longer than %u bytes", SL_SIGNAL_BYTES_MAX);
	err = sl_fields_read(&draft, fields, COUNT(fields), text, error);
	if (!err)
		err = sl_fields_version(draft.version, error);
	if (!err)
		err = read_words(&draft, error);
	if (!err)
		err = check_figures(&draft.signal, error);
	if (!err)
		*ret = draft.signal;
	return err;
}

/* ---- writing ---------------------------------------------------------------------------- */

static void put_whole(struct sl_json_out *out, const char *name, uint64_t value)
{
	sl_json_key(out, name);
	sl_json_put_integer(out, (int64_t)value);
}

static void put_real(struct sl_json_out *out, const char *name, double value)
{
	sl_json_key(out, name);
	sl_json_put_real(out, value);
}

static void put_decision(struct sl_json_out *out, const struct sl_signal *signal)
{
	put_real(out, "capacity_per_s", signal->capacity_per_s);
	put_whole(out, "threshold", signal->threshold);
	put_whole(out, "retry_after_s", signal->retry_after_s);
}

void sl_signal_write(struct sl_json_out *out, const struct sl_signal *signal)
{
	sl_json_open(out, '{');
	sl_fields_put_text(out, "version", "1");
	sl_fields_put_text(out, "pool", signal->pool);
	sl_fields_put_text(out, "source", signal->source);
	sl_fields_put_text(out, "class", sl_work_class_name(signal->work));
	sl_fields_put_text(out, "role", roles[signal->role == SL_SIGNAL_ROUTER]);
	sl_fields_put_text(out, "state", sl_pressure_state_name(signal->state));
	if (signal->leaving)
		put_whole(out, "leaving", 1);
	put_whole(out, "epoch", signal->epoch);
	put_whole(out, "seq", signal->seq);
	put_whole(out, "ts", signal->ts_ms);
	put_whole(out, "inflight", signal->inflight);
	put_whole(out, "limit", signal->limit);
	put_whole(out, "queue_depth", signal->queue_depth);
	put_whole(out, "backlog", signal->backlog);
	put_whole(out, "drops", signal->drops);
	put_real(out, "queue_delay_p50_ms", signal->queue_delay_p50_ms);
	put_real(out, "queue_delay_p99_ms", signal->queue_delay_p99_ms);
	put_real(out, "done_per_s", signal->done_per_s);
	put_real(out, "reject_per_s", signal->reject_per_s);
	put_real(out, "expired_per_s", signal->expired_per_s);
	put_real(out, "pressure", signal->pressure);
	if (signal->role == SL_SIGNAL_ROUTER)
		put_decision(out, signal);
	sl_json_key(out, "credits");
	sl_json_put_integer(out, signal->credits);
	sl_json_close(out, '}');
}

const char *sl_signal_subject(char ret[SL_SIGNAL_SUBJECT_BYTES], enum sl_work_class work,
			      const char *pool)
{
	(void)snprintf(ret, SL_SIGNAL_SUBJECT_BYTES, SL_SUBJECT_PRESSURE_PREFIX "%s.%s",
		       sl_work_class_name(work), pool);
	return ret;
}

bool sl_signal_is_newer(uint64_t epoch, uint64_t seq, uint64_t heard_epoch, uint64_t heard_seq)
{
	return epoch > heard_epoch || (epoch == heard_epoch && seq > heard_seq);
}
