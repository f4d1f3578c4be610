// SPDX-License-Identifier: Apache-2.0
/*
 * The hash of what operators said, read once a period: first its version alone, all of it
 * when that is another one. What we know and it does not, it lost: it is written again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent/quota_private.h"
#include "userspace/base/clock.h"
#include "userspace/redis/slots.h"

#define KEY_BYTES     (SL_WIRE_PREFIX_BYTES + 16)
#define ARGUMENTS_MAX 6
#define RESTORED_MAX  16u /* in one turn */
#define PATIENCE_NS   3000000000ull
#define VERSION	      "version"

static int call(struct sl_quota *quota, const char *const *words, size_t count, sl_redis_done *done,
		void *context)
{
	const char *argv[ARGUMENTS_MAX];
	size_t lengths[ARGUMENTS_MAX];
	char key[KEY_BYTES];

	(void)snprintf(key, sizeof(key), "%s:{alloc}:said", quota->prefix);
	for (size_t i = 0; i < count; i++) {
		argv[i] = i == 1 ? key : words[i];
		lengths[i] = strlen(argv[i]);
	}
	return sl_redis_call(quota->redis, sl_redis_slot(sl_span_of(key)), count, argv, lengths,
			     done, context);
}

/* ---- to be written ------------------------------------------------------------------------ */

static int send_record(struct sl_quota *quota, const struct sl_said_record *record,
		       sl_redis_done *done, void *context)
{
	char field[SL_SAID_TEXT_BYTES], value[SL_SAID_TEXT_BYTES];
	char version[SL_SAID_TEXT_BYTES];
	const char *const words[ARGUMENTS_MAX] = { "HSET", NULL, VERSION, version, field, value };

	if (sl_said_write(record, field, value) != 0)
		return -EINVAL;
	(void)snprintf(version, sizeof(version), "%" PRId64 ".%s.%" PRIu64, sl_unix_ms(),
		       quota->node, ++quota->next_call_id);
	return call(quota, words, ARGUMENTS_MAX, done, context);
}

struct saying {
	struct sl_quota *quota;
	struct sl_said_record record;
	sl_quota_said_done *done;
	void *context;
};

static void on_said(void *userdata, int status, const struct sl_redis_reply *reply)
{
	struct saying *saying = userdata;
	struct sl_quota *quota = saying->quota;
	int err = status;

	if (!err && reply->type != SL_REDIS_INTEGER)
		err = -EPROTO;
	if (!err && !quota->is_stopping)
		err = sl_quota_learn(quota, &saying->record);
	saying->done(saying->context, err < 0 ? err : 0);
	free(saying);
}

int sl_quota_say(struct sl_quota *quota, const struct sl_said_record *record,
		 sl_quota_said_done *done, void *context)
{
	struct saying *saying = calloc(1, sizeof(*saying));
	int err;

	if (!saying)
		return -ENOMEM;
	*saying = (struct saying){ quota, *record, done, context };
	err = send_record(quota, record, on_said, saying);
	if (err)
		free(saying);
	return err;
}

static void on_restored(void *userdata, int status, const struct sl_redis_reply *reply)
{
	struct sl_quota *quota = userdata;

	(void)reply;
	if (status)
		quota->said.is_unsaved = true;
}

static void restore(struct sl_quota *quota, const struct sl_said *theirs)
{
	const struct sl_said *ours = &quota->said.ledger;
	size_t restored = 0;

	quota->said.is_unsaved = false;
	for (size_t i = 0; i < ours->count; i++) {
		const struct sl_said_record *their = sl_said_find(theirs, &ours->at[i]);

		if (their && their->serial >= ours->at[i].serial)
			continue;
		if (restored == RESTORED_MAX ||
		    send_record(quota, &ours->at[i], on_restored, quota) != 0) {
			quota->said.is_unsaved = true;
			return;
		}
		restored++;
	}
}

/* ---- to be read --------------------------------------------------------------------------- */

int sl_quota_learn(struct sl_quota *quota, const struct sl_said_record *record)
{
	const int r = sl_said_merge(&quota->said.ledger, record);

	if (r > 0)
		quota->said.is_changed = true;
	return r;
}

static void keep_version(struct sl_quota_said *said, struct sl_span version)
{
	const size_t length =
		version.length < sizeof(said->version) ? version.length : sizeof(said->version) - 1;

	memset(said->version, 0, sizeof(said->version));
	if (length)
		memcpy(said->version, version.at, length);
}

static bool is_version(const struct sl_quota_said *said, struct sl_span version)
{
	return version.length == strlen(said->version) &&
	       (!version.length || !memcmp(version.at, said->version, version.length));
}

static void read_pair(struct sl_quota *quota, struct sl_said *theirs,
		      const struct sl_redis_reply *field, const struct sl_redis_reply *value)
{
	struct sl_said_record record;

	if (field->text.length == strlen(VERSION) &&
	    !memcmp(field->text.at, VERSION, strlen(VERSION))) {
		keep_version(&quota->said, value->text);
		return;
	}
	if (sl_said_read(&record, field->text, value->text) != 0 ||
	    sl_said_merge(theirs, &record) < 0 || sl_quota_learn(quota, &record) < 0)
		quota->stats.bad_total++;
}

static void take_all(struct sl_quota *quota, const struct sl_redis_reply *reply)
{
	struct sl_said theirs = { .count = 0 };

	keep_version(&quota->said, (struct sl_span){ NULL, 0 });
	for (size_t i = 0; i + 1 < reply->count; i += 2)
		read_pair(quota, &theirs, sl_redis_item(reply, i), sl_redis_item(reply, i + 1));
	restore(quota, &theirs);
	sl_said_release(&theirs);
	quota->said.is_known = true;
}

static void on_all(void *userdata, int status, const struct sl_redis_reply *reply)
{
	struct sl_quota *quota = userdata;

	quota->said.is_asking = false;
	if (quota->is_stopping || status)
		return;
	if (reply->type == SL_REDIS_ARRAY)
		take_all(quota, reply);
	else
		quota->stats.bad_total++;
}

/* No rights, another type: then there is nothing to wait for. */
static void take_refusal(struct sl_quota *quota, const struct sl_redis_reply *reply)
{
	if (!reply)
		return;
	quota->said.is_known = true;
	sl_log_limited(
		quota->log, SL_LOG_SYNC, SL_LOG_WARN,
		"cannot read what operators set for all nodes: see docs/ops/redis.md, Rights",
		SL_STR("key", "{alloc}:said"));
}

static void on_version(void *userdata, int status, const struct sl_redis_reply *reply)
{
	static const char *const words[] = { "HGETALL", NULL };
	struct sl_quota *quota = userdata;
	struct sl_quota_said *said = &quota->said;

	said->is_asking = false;
	if (quota->is_stopping)
		return;
	if (status) {
		take_refusal(quota, reply);
		return;
	}
	if (said->is_known && !said->is_unsaved && is_version(said, reply->text))
		return;
	if (call(quota, words, 2, on_all, quota) == 0)
		said->is_asking = true;
}

void sl_quota_said_tick(struct sl_quota *quota, uint64_t now_ns)
{
	static const char *const words[] = { "HGET", NULL, VERSION };
	struct sl_quota_said *said = &quota->said;

	if (!said->began_ns)
		said->began_ns = now_ns;
	if (said->is_asking || now_ns < said->next_ns)
		return;
	/* Until it is known each tick; then each period. */
	said->next_ns = said->is_known ? now_ns + quota->period_ns : now_ns;
	if (call(quota, words, 3, on_version, quota) == 0)
		said->is_asking = true;
}

bool sl_quota_said_is_known(const struct sl_quota *quota, uint64_t now_ns)
{
	return quota->said.is_known || now_ns - quota->said.began_ns > PATIENCE_NS;
}
