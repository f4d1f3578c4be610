// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/quota_survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/agent/quota_private.h"
#include "userspace/agent/quota_show.h"
#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/redis/slots.h"

/* Of 4096 nodes and as many ghosts: an answer is under SL_REDIS_REPLY_BYTES_MAX. */
#define KINDS_PER_CALL 3

struct item {
	char tenant[SL_TENANT_NAME_BYTES];
	enum sl_quota_kind kind;
	enum sl_quota_mode mode; /* here */
	const char *why;
	uint64_t gen; /* of the terms here */
};

struct survey {
	struct sl_quota *quota;
	struct item *items; /* by tenant */
	size_t count, next, asked;
	const char *tenant; /* while items are collected */
	uint64_t now_ns, call_id;
	bool no_memory;
	size_t rows_left;
	json_t *limits;
	sl_survey_done *done;
	void *context;
	struct sl_wire_call wire;
};

static void free_survey(struct survey *survey)
{
	json_decref(survey->limits);
	free(survey->items);
	free(survey);
}

static json_t *drained_list(const struct sl_quota *quota)
{
	const struct sl_said *ledger = sl_quota_ledger(quota);
	json_t *list = json_array();

	for (size_t i = 0; i < ledger->count; i++)
		if (ledger->at[i].subject == SL_SAID_NODE &&
		    sl_said_holds(&ledger->at[i], sl_unix_ms()))
			(void)json_array_append_new(list, json_string(ledger->at[i].name));
	return list;
}

static void finish(struct survey *survey, const char *error)
{
	json_t *body = NULL;

	if (!error)
		body = json_pack("{ss sO sb so}", "node", survey->quota->node, "limits",
				 survey->limits, "more", (int)(survey->rows_left == 0), "drained",
				 drained_list(survey->quota));
	survey->done(survey->context, body, body ? NULL : error ? error : "out of memory");
	free_survey(survey);
}

/* ---- one limit in words --------------------------------------------------------------- */

static const char *why(const struct sl_wire_shown *shown, int64_t now_ms)
{
	const struct sl_store_sums *sums = &shown->sums;

	if (sums->learn_ms > now_ms)
		return "learning: Redis lost what it knew, or never knew it; no growth yet";
	if (sums->rate_mu_per_s < shown->terms.rate_mu_per_s)
		return "capacity: other tenants need it; this one has less than its limit at the moment";
	if (shown->terms.small)
		return "too small to divide: one bucket in Redis for all nodes";
	if (sums->want > sums->rate_mu_per_s)
		return "contended: all nodes together want more; shares follow demand";
	return "enough: each node has what it wants";
}

static bool is_drained(const struct sl_quota *quota, struct sl_span node)
{
	struct sl_said_record key = { .subject = SL_SAID_NODE };

	if (node.length >= sizeof(key.name))
		return false;
	memcpy(key.name, node.at, node.length);
	return sl_said_holds(sl_quota_said_of(quota, &key), sl_unix_ms());
}

static const char *state_of(const struct survey *survey, const struct sl_wire_shown *shown,
			    const struct sl_wire_shown_row *shown_row, int64_t now_ms)
{
	const struct sl_store_row *row = &shown_row->row;

	if (row->is_ghost)
		return "former";
	if (is_drained(survey->quota, shown_row->node))
		return "drained";
	if (row->expiry_ms <= now_ms)
		return "ended";
	if (shown->terms.small)
		return "asks";
	return row->held || row->want ? "held" : "cold";
}

static json_t *row_json(const struct survey *survey, const struct sl_wire_shown *shown,
			const struct sl_wire_shown_row *shown_row, enum sl_quota_kind kind,
			int64_t now_ms)
{
	const struct sl_store_row *row = &shown_row->row;
	const double left_ms = row->expiry_ms > now_ms ? (double)(row->expiry_ms - now_ms) : 0;

	return json_pack("{ss% sf sf sf sf sf sI ss}", "node", shown_row->node.at,
			 shown_row->node.length, "wants_per_s", sl_quota_per_s(kind, row->want),
			 "granted_per_s", sl_quota_per_s(kind, row->grant), "holds_per_s",
			 sl_quota_per_s(kind, row->held), "uses_per_s",
			 sl_quota_per_s(kind, row->used), "left_s", left_ms / 1e3, "incarnation",
			 (json_int_t)row->incarnation, "state",
			 state_of(survey, shown, shown_row, now_ms));
}

static int add_rows(json_t *rows, struct survey *survey, const struct sl_wire_shown *shown,
		    struct sl_wire_show_reader *reader, enum sl_quota_kind kind)
{
	struct sl_wire_shown_row row;
	int r = 1;

	while (survey->rows_left && (r = sl_wire_next_row(reader, &row)) > 0) {
		if (json_array_append_new(
			    rows, row_json(survey, shown, &row, kind, reader->now_us / 1000)))
			return -ENOMEM;
		survey->rows_left--;
	}
	return r < 0 ? r : 0;
}

/* NULL: no memory, or the rows are not as they should be. */
static json_t *limit_json(struct survey *survey, const struct sl_wire_shown *shown,
			  struct sl_wire_show_reader *reader, enum sl_quota_kind kind)
{
	const struct sl_store_sums *sums = &shown->sums;
	const int64_t now_ms = reader->now_us / 1000;
	json_t *rows = json_array();

	if (add_rows(rows, survey, shown, reader, kind) != 0) {
		json_decref(rows);
		return NULL;
	}
	return json_pack("{sf sf sf sf sf sf sI si sb sb ss so}", "rate_per_s",
			 sl_quota_per_s(kind, shown->terms.rate_mu_per_s), "effective_per_s",
			 sl_quota_per_s(kind, sums->rate_mu_per_s), "wants_per_s",
			 sl_quota_per_s(kind, sums->want), "holds_per_s",
			 sl_quota_per_s(kind, sums->held), "uses_per_s",
			 sl_quota_per_s(kind, sums->used), "overbooked",
			 (double)sums->overbook_ppm / SL_QUOTA_PPM, "generation",
			 (json_int_t)shown->terms.gen, "nodes", (int)sums->live, "contended",
			 (int)(sums->want > sums->rate_mu_per_s), "learning",
			 (int)(sums->learn_ms > now_ms), "why", why(shown, now_ms), "rows", rows);
}

/* ---- one after the other ---------------------------------------------------------------- */

/* Who changed it, and for how long. */
static int add_override(json_t *limit, const struct sl_quota *quota, const struct item *item)
{
	struct sl_said_record key = { .subject = SL_SAID_LIMIT, .kind = item->kind };
	const int64_t now_ms = sl_unix_ms();
	const struct sl_said_record *record;
	int err;

	memcpy(key.name, item->tenant, sizeof(item->tenant));
	record = sl_quota_said_of(quota, &key);
	if (!sl_said_holds(record, now_ms))
		return 0;
	err = json_object_set_new(limit, "set_by", json_string(record->by));
	if (!err && record->until_ms)
		err = json_object_set_new(limit, "set_left_s",
					  json_real((double)(record->until_ms - now_ms) / 1e3));
	return err;
}

static int add_limit(struct survey *survey, const struct item *item,
		     const struct sl_wire_shown *shown, struct sl_wire_show_reader *reader)
{
	json_t *limit = shown->status == SL_QUOTA_OK
				? limit_json(survey, shown, reader, item->kind)
				: json_pack("{ss s[]}", "why",
					    "unused: no node has asked Redis for it yet", "rows");

	if (!limit)
		return -EPROTO;
	if (json_object_set_new(limit, "tenant", json_string(item->tenant)) ||
	    json_object_set_new(limit, "limit", json_string(sl_quota_kind_name(item->kind))) ||
	    json_object_set_new(limit, "here", json_string(sl_quota_mode_name(item->mode))) ||
	    json_object_set_new(limit, "here_why", json_string(item->why)) ||
	    json_object_set_new(limit, "here_generation", json_integer((json_int_t)item->gen)) ||
	    add_override(limit, survey->quota, item)) {
		json_decref(limit);
		return -ENOMEM;
	}
	return json_array_append_new(survey->limits, limit) ? -ENOMEM : 0;
}

static int take(struct survey *survey, struct sl_span text)
{
	struct sl_wire_show_reader reader;
	struct sl_wire_shown shown;
	int r = sl_wire_read_show(&reader, survey->asked, survey->call_id, text);

	for (size_t i = 0; !r && i < survey->asked; i++) {
		r = sl_wire_next_shown(&reader, &shown);
		if (r != 1)
			return -EPROTO;
		r = add_limit(survey, &survey->items[survey->next + i], &shown, &reader);
	}
	if (!r && sl_wire_next_shown(&reader, &shown) != 0)
		return -EPROTO;
	return r;
}

static int ask(struct survey *survey);

static void on_answer(void *userdata, int status, const struct sl_redis_reply *reply)
{
	struct survey *survey = userdata;
	int err = status;

	if (survey->quota->is_stopping) {
		finish(survey, "the agent shares no limit any more");
		return;
	}
	if (!err)
		err = reply->type == SL_REDIS_STRING ? take(survey, reply->text) : -EPROTO;
	survey->quota->stats.bad_total += err == -EPROTO;
	survey->next += survey->asked;
	if (!err && survey->next < survey->count && survey->rows_left)
		err = ask(survey);
	else if (!err) {
		finish(survey, NULL);
		return;
	}
	if (err)
		finish(survey,
		       err == -EPROTO ? "Redis answered what cannot be" : "Redis does not answer");
}

/* The next tenant's. On 0 on_answer() comes. */
static int ask(struct survey *survey)
{
	struct sl_wire_tenant tenants[KINDS_PER_CALL];
	const struct item *first = &survey->items[survey->next];
	char key[SL_WIRE_KEY_BYTES];
	size_t count = 0;
	int err;

	while (count < KINDS_PER_CALL && survey->next + count < survey->count &&
	       !strcmp(first[count].tenant, first->tenant)) {
		tenants[count] = (struct sl_wire_tenant){ sl_span_of(first[count].tenant),
							  first[count].kind };
		count++;
	}
	survey->asked = count;
	survey->call_id = ++survey->quota->next_call_id;
	err = sl_wire_show(&survey->wire, &survey->quota->keys, survey->call_id, tenants, count,
			   true);
	if (!err)
		err = sl_wire_key(&survey->quota->keys, &tenants[0], key);
	if (!err)
		err = sl_redis_call(survey->quota->redis, sl_redis_slot(sl_span_of(key)),
				    survey->wire.argc, survey->wire.argv, survey->wire.lengths,
				    on_answer, survey);
	return err;
}

/* ---- its beginning ---------------------------------------------------------------------- */

static void collect(const struct sl_quota_view *view, void *context)
{
	struct survey *survey = context;
	struct item *grown, *item;

	if (survey->no_memory || (survey->tenant[0] && strcmp(survey->tenant, view->tenant) != 0))
		return;
	grown = reallocarray(survey->items, survey->count + 1, sizeof(*grown));
	if (!grown) {
		survey->no_memory = true;
		return;
	}
	survey->items = grown;
	item = &grown[survey->count++];
	*item = (struct item){
		.kind = view->kind,
		.mode = view->state.mode,
		.why = sl_quota_why(view, survey->now_ns),
		.gen = view->terms.gen,
	};
	memcpy(item->tenant, view->tenant, sizeof(item->tenant));
}

static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	const int by_tenant = strcmp(x->tenant, y->tenant);

	return by_tenant ? by_tenant : (int)x->kind - (int)y->kind;
}

int sl_quota_survey(struct sl_quota *quota, const char *tenant, uint64_t now_ns,
		    sl_survey_done *done, void *context)
{
	struct survey *survey = calloc(1, sizeof(*survey));
	int err;

	if (!survey)
		return -ENOMEM;
	survey->quota = quota;
	survey->tenant = tenant;
	survey->now_ns = now_ns;
	survey->rows_left = SL_SURVEY_ROWS_MAX;
	survey->done = done;
	survey->context = context;
	survey->limits = json_array();
	sl_quota_walk(quota, now_ns, collect, survey);
	err = survey->no_memory || !survey->limits ? -ENOMEM : survey->count ? 0 : -ENOENT;
	if (!err) {
		qsort(survey->items, survey->count, sizeof(*survey->items), compare);
		err = ask(survey);
	}
	if (err)
		free_survey(survey);
	return err;
}
