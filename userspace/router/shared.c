// SPDX-License-Identifier: Apache-2.0
/* What routers tell each other by a bucket of JetStream. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "userspace/router/router_private.h"

#define DIGEST_CHARS 32

const char *sl_shared_key(char ret[SL_SHARED_KEY_BYTES], char kind, const char *tenant,
			  const char *name)
{
	const struct sl_span parts[] = { sl_span_of(tenant), sl_span_of(name) };
	const struct sl_digest digest = sl_digest(parts, 2);

	/* Names of clients may hold what a key may not. */
	(void)snprintf(ret, SL_SHARED_KEY_BYTES, "%c.%016" PRIx64 "%016" PRIx64, kind,
		       digest.words[0], digest.words[1]);
	return ret;
}

bool sl_shared_on(const struct sl_router *router)
{
	return router->settings.decisions == SL_DECISIONS_SHARED && router->js_ready;
}

void sl_router_stored(void *router, int status, const struct sl_js_published *ack)
{
	(void)ack;
	if (status && status != -ECANCELED)
		((struct sl_router *)router)->counts.degraded_total++;
}

void sl_shared_write(struct sl_json_out *out, const struct sl_shared_record *record)
{
	char digest[DIGEST_CHARS + 1];

	(void)snprintf(digest, sizeof(digest), "%016" PRIx64 "%016" PRIx64, record->digest.words[0],
		       record->digest.words[1]);
	sl_json_open(out, '{');
	sl_fields_put_text(out, "digest", digest);
	sl_fields_put_text(out, "assignment_id", record->assignment_id);
	sl_fields_put_raw(out, "answer", record->answer);
	sl_json_close(out, '}');
}

struct read_record {
	char digest[DIGEST_CHARS + 1];
	char assignment_id[SL_UUID_BYTES];
	struct sl_span answer;
};

int sl_shared_read(struct sl_shared_record *ret, struct sl_span text)
{
	static const struct sl_field fields[] = {
		{ "digest", SL_FIELD_IDENTIFIER, SL_FIELD_AT(struct read_record, digest),
		  SL_FIELD_REQUIRED },
		{ "assignment_id", SL_FIELD_IDENTIFIER,
		  SL_FIELD_AT(struct read_record, assignment_id), 0 },
		{ "answer", SL_FIELD_OBJECT, SL_FIELD_AT(struct read_record, answer),
		  SL_FIELD_REQUIRED },
	};
	struct read_record read = { .digest = "" };
	struct sl_shared_record record = { .answer = { NULL, 0 } };
	char half[DIGEST_CHARS / 2 + 1] = "";

	if (sl_fields_read(&read, fields, sizeof(fields) / sizeof(fields[0]), text, NULL) != 0 ||
	    !sl_is_hex(sl_span_of(read.digest), DIGEST_CHARS))
		return -EINVAL;
	memcpy(half, read.digest, sizeof(half) - 1);
	record.digest.words[0] = strtoull(half, NULL, 16);
	record.digest.words[1] = strtoull(read.digest + DIGEST_CHARS / 2, NULL, 16);
	if (read.assignment_id[0] && !sl_is_uuid4(sl_span_of(read.assignment_id)))
		return -EINVAL;
	memcpy(record.assignment_id, read.assignment_id, sizeof(record.assignment_id));
	record.answer = read.answer;
	*ret = record;
	return 0;
}
