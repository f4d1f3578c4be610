// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/decide.h"

#include <string.h>

#include "userspace/domain/json_scan.h"

#define MEMBERS 4

struct edit {
	const char *name;
	struct sl_span old; /* as written in the body; empty: not there */
	struct sl_span text;
};

static void add(struct edit *edits, size_t *count, const char *name, struct sl_json_value value,
		struct sl_span text)
{
	size_t i = *count;

	if (!text.length)
		return;
	/* Kept in the order of the body, those that are not there first. */
	for (; i > 0 && edits[i - 1].old.length && edits[i - 1].old.at > value.raw.at; i--)
		edits[i] = edits[i - 1];
	edits[i] = (struct edit){ name, value.raw, text };
	(*count)++;
}

static void append_quoted(struct sl_json_out *out, struct sl_span text)
{
	sl_json_append(out, "\"", 1);
	sl_json_add_text(out, text);
	sl_json_append(out, "\"", 1);
}

static bool is_empty(struct sl_span body)
{
	const char *at = body.at + 1;

	while (sl_byte_in(*at, " \t\r\n"))
		at++;
	return *at == '}';
}

int sl_decide_forward(struct sl_json_out *out, const struct sl_decide *decide,
		      const struct sl_decide_set *set)
{
	const char *at = decide->body.at + 1, *end = decide->body.at + decide->body.length;
	struct edit edits[MEMBERS];
	struct sl_span done;
	size_t count = 0, i = 0;

	add(edits, &count, "tenant_id", decide->tenant_id, set->tenant_id);
	add(edits, &count, "trace_id", decide->trace_id, set->trace_id);
	add(edits, &count, "request_id", decide->request_id, set->request_id);
	add(edits, &count, "idempotency_key", decide->idempotency_key, set->idempotency_key);

	sl_json_open(out, '{');
	for (; i < count && !edits[i].old.length; i++) {
		sl_json_key(out, edits[i].name);
		sl_json_put_text(out, edits[i].text);
	}
	if (i && !is_empty(decide->body))
		sl_json_append(out, ",", 1);
	for (; i < count; i++) {
		sl_json_append(out, at, (size_t)(edits[i].old.at - at));
		append_quoted(out, edits[i].text);
		at = edits[i].old.at + edits[i].old.length;
	}
	sl_json_append(out, at, (size_t)(end - at));
	out->comma = true;
	return sl_json_done(&done, out);
}
