// SPDX-License-Identifier: Apache-2.0
/* Replies of the store: everything is read into a copy first, so that a reply is taken whole
 * or not at all. */
#include <errno.h>

#include "userspace/quota/wire.h"

#define WORD	      8
#define HEAD_WORDS    4
#define RENEWED_WORDS 10
#define CHARGED_WORDS 7
#define ROW_WORDS     7

static int64_t word(const char *at)
{
	uint64_t number = 0;

	for (int i = 0; i < WORD; i++)
		number = number << 8 | (uint8_t)at[i];
	return (int64_t)number;
}

/* The next word; false: there is none, or it is out of range. */
static bool next(struct sl_span *rest, int64_t *ret, int64_t most)
{
	int64_t number;

	if (rest->length < WORD)
		return false;
	number = word(rest->at);
	if (number < 0 || number > most)
		return false;
	rest->at += WORD;
	rest->length -= WORD;
	*ret = number;
	return true;
}

static bool next_u32(struct sl_span *rest, uint32_t *ret, int64_t most)
{
	int64_t number;

	if (!next(rest, &number, most))
		return false;
	*ret = (uint32_t)number;
	return true;
}

static bool next_status(struct sl_span *rest, enum sl_quota_status *ret)
{
	int64_t number;

	if (!next(rest, &number, SL_QUOTA_CONFLICT))
		return false;
	*ret = (enum sl_quota_status)number;
	return true;
}

static bool read_head_at(struct sl_span *rest, size_t count, uint64_t call_id, int64_t *ret_us)
{
	int64_t version, id, tenants;

	return next(rest, &version, SL_WIRE_VERSION) && version == SL_WIRE_VERSION &&
	       next(rest, &id, SL_QUOTA_NUMBER_MAX) && (uint64_t)id == call_id &&
	       next(rest, ret_us, SL_QUOTA_NUMBER_MAX) &&
	       next(rest, &tenants, SL_WIRE_TENANTS_MAX) && (size_t)tenants == count && count;
}

static bool read_head(struct sl_span *rest, size_t count, uint64_t call_id)
{
	int64_t now_us;

	return read_head_at(rest, count, call_id, &now_us);
}

static bool read_renewed(struct sl_span *rest, struct sl_renewed *ret)
{
	return next_status(rest, &ret->status) &&
	       next(rest, &ret->grant_mu_per_s, 2 * SL_QUOTA_RATE_MAX) &&
	       next(rest, &ret->burst_mu, 2 * SL_QUOTA_BURST_MAX) &&
	       next(rest, &ret->seq, SL_QUOTA_NUMBER_MAX) &&
	       next(rest, &ret->lambda_ppm, 2 * SL_QUOTA_PPM) &&
	       next(rest, &ret->rate_mu_per_s, SL_QUOTA_RATE_MAX) &&
	       next(rest, &ret->gen, SL_QUOTA_NUMBER_MAX) &&
	       next_u32(rest, &ret->flags, SL_RENEWED_CONTENDED | SL_RENEWED_LEARNING) &&
	       next_u32(rest, &ret->live, SL_QUOTA_NODES_MAX) &&
	       next(rest, &ret->safe_mu_per_s, SL_QUOTA_RATE_MAX);
}

int sl_wire_read_renewed(struct sl_renewed *ret, size_t count, uint64_t call_id,
			 struct sl_span reply)
{
	struct sl_renewed renewed[SL_WIRE_TENANTS_MAX];

	if (reply.length != WORD * (HEAD_WORDS + count * RENEWED_WORDS) ||
	    !read_head(&reply, count, call_id))
		return -EPROTO;
	for (size_t i = 0; i < count; i++)
		if (!read_renewed(&reply, &renewed[i]))
			return -EPROTO;
	memcpy(ret, renewed, count * sizeof(*ret));
	return 0;
}

static bool read_charged(struct sl_span *rest, struct sl_charged *ret)
{
	return next_status(rest, &ret->status) && next(rest, &ret->paid_mu, SL_QUOTA_RATE_MAX) &&
	       next(rest, &ret->wait_ms, 2 * (int64_t)SL_QUOTA_TTL_MS_MAX) &&
	       next(rest, &ret->left_mu, SL_QUOTA_NUMBER_MAX) &&
	       next(rest, &ret->rate_mu_per_s, SL_QUOTA_RATE_MAX) &&
	       next(rest, &ret->gen, SL_QUOTA_NUMBER_MAX) &&
	       next_u32(rest, &ret->live, SL_QUOTA_NODES_MAX);
}

int sl_wire_read_charged(struct sl_charged *ret, size_t count, uint64_t call_id,
			 struct sl_span reply)
{
	struct sl_charged charged[SL_WIRE_TENANTS_MAX];
	int64_t store_us;

	if (reply.length != WORD * (HEAD_WORDS + count * CHARGED_WORDS) ||
	    !read_head_at(&reply, count, call_id, &store_us))
		return -EPROTO;
	for (size_t i = 0; i < count; i++) {
		if (!read_charged(&reply, &charged[i]))
			return -EPROTO;
		charged[i].store_us = store_us;
	}
	memcpy(ret, charged, count * sizeof(*ret));
	return 0;
}

int sl_wire_read_statuses(enum sl_quota_status *ret, size_t count, uint64_t call_id,
			  struct sl_span reply)
{
	enum sl_quota_status statuses[SL_WIRE_TENANTS_MAX];

	if (reply.length != WORD * (HEAD_WORDS + count) || !read_head(&reply, count, call_id))
		return -EPROTO;
	for (size_t i = 0; i < count; i++)
		if (!next_status(&reply, &statuses[i]))
			return -EPROTO;
	memcpy(ret, statuses, count * sizeof(*ret));
	return 0;
}

int sl_wire_read_lead(int64_t *ret_token, uint64_t call_id, struct sl_span reply)
{
	int64_t token;

	if (reply.length != WORD * (HEAD_WORDS + 1) || !read_head(&reply, 1, call_id) ||
	    !next(&reply, &token, SL_QUOTA_NUMBER_MAX))
		return -EPROTO;
	*ret_token = token;
	return 0;
}

/* ---- show --------------------------------------------------------------------------- */

int sl_wire_read_show(struct sl_wire_show_reader *ret, size_t count, uint64_t call_id,
		      struct sl_span reply)
{
	const char *head = reply.at;

	if (!read_head(&reply, count, call_id))
		return -EPROTO;
	*ret = (struct sl_wire_show_reader){
		.rest = reply,
		.now_us = word(head + 2 * WORD),
		.tenants = count,
	};
	return 0;
}

static bool read_terms(struct sl_span *rest, struct sl_terms *ret)
{
	const int64_t most = SL_QUOTA_NUMBER_MAX;
	int64_t gen, class, on_expiry, small;

	if (!next(rest, &gen, most) || !next(rest, &ret->rate_mu_per_s, most) ||
	    !next(rest, &ret->burst_mu, most) || !next(rest, &ret->cost_max_mu, most) ||
	    !next(rest, &ret->guarantee_mu_per_s, most) ||
	    !next(rest, &ret->ceiling_mu_per_s, most) ||
	    !next(rest, &ret->node_ceiling_mu_per_s, most) ||
	    !next_u32(rest, &ret->weight, UINT32_MAX) ||
	    !next_u32(rest, &ret->overbook_max_ppm, UINT32_MAX) ||
	    !next_u32(rest, &ret->safe_ppm, UINT32_MAX) ||
	    !next_u32(rest, &ret->ttl_ms, UINT32_MAX) ||
	    !next_u32(rest, &ret->period_ms, UINT32_MAX) || !next(rest, &class, SL_QUOTA_CLASSES) ||
	    !next(rest, &on_expiry, SL_EXPIRY_OPEN) || !next(rest, &small, 1))
		return false;
	ret->gen = (uint64_t)gen;
	ret->class = (enum sl_quota_class) class;
	ret->on_expiry = (enum sl_on_expiry)on_expiry;
	ret->small = small;
	return sl_terms_check(ret, NULL) == 0;
}

static bool read_sums(struct sl_span *rest, struct sl_store_sums *ret)
{
	const int64_t most = SL_QUOTA_NUMBER_MAX;

	return next(rest, &ret->want, most) && next(rest, &ret->held, most) &&
	       next(rest, &ret->used, most) && next(rest, &ret->overbook_ppm, most) &&
	       next(rest, &ret->swept_ms, most) && next(rest, &ret->learn_ms, most) &&
	       next(rest, &ret->last_ms, most) && next(rest, &ret->epoch, most) &&
	       next(rest, &ret->floor_mu_per_s, most) &&
	       next(rest, &ret->floor_want_mu_per_s, most) && next(rest, &ret->full_at_us, most) &&
	       next_u32(rest, &ret->live, SL_QUOTA_NODES_MAX) &&
	       next(rest, &ret->rate_mu_per_s, most);
}

static bool read_row(struct sl_span *rest, struct sl_wire_shown_row *ret)
{
	const int64_t most = SL_QUOTA_NUMBER_MAX;
	struct sl_store_row *row = &ret->row;
	int64_t ghost, length;

	if (!next(rest, &ghost, 1) || !next(rest, &row->want, most) ||
	    !next(rest, &row->grant, most) || !next(rest, &row->held, most) ||
	    !next(rest, &row->used, most) || !next(rest, &row->seq, most) ||
	    !next(rest, &row->expiry_ms, most) || !next(rest, &row->incarnation, most) ||
	    !next(rest, &length, SL_WIRE_NODE_BYTES) || !length || rest->length < (size_t)length)
		return false;
	row->is_ghost = ghost;
	ret->node = (struct sl_span){ rest->at, (size_t)length };
	rest->at += length;
	rest->length -= (size_t)length;
	return true;
}

static int pass_over_rows(struct sl_wire_show_reader *reader)
{
	struct sl_wire_shown_row row;

	while (reader->rows) {
		int r = sl_wire_next_row(reader, &row);

		if (r < 0)
			return r;
	}
	return 0;
}

int sl_wire_next_shown(struct sl_wire_show_reader *reader, struct sl_wire_shown *ret)
{
	struct sl_wire_shown shown = { .row_count = 0 };

	if (pass_over_rows(reader) < 0)
		return -EPROTO;
	if (!reader->tenants)
		return reader->rest.length ? -EPROTO : 0;
	if (!next_status(&reader->rest, &shown.status))
		return -EPROTO;
	/* Ghosts may stand beside all rows. */
	if (shown.status == SL_QUOTA_OK &&
	    (!read_terms(&reader->rest, &shown.terms) || !read_sums(&reader->rest, &shown.sums) ||
	     !next_u32(&reader->rest, &shown.row_count, 2 * (int64_t)SL_QUOTA_NODES_MAX)))
		return -EPROTO;
	reader->tenants--;
	reader->rows = shown.row_count;
	*ret = shown;
	return 1;
}

int sl_wire_next_row(struct sl_wire_show_reader *reader, struct sl_wire_shown_row *ret)
{
	struct sl_wire_shown_row row = { .node = { 0 } };

	if (!reader->rows)
		return 0;
	if (!read_row(&reader->rest, &row))
		return -EPROTO;
	reader->rows--;
	*ret = row;
	return 1;
}

/* ---- errors ------------------------------------------------------------------------- */

static bool begins(struct sl_span text, const char *with)
{
	const size_t length = strlen(with);

	return text.length >= length && !memcmp(text.at, with, length);
}

enum sl_wire_error sl_wire_error(struct sl_span text)
{
	static const char *const away[] = { "LOADING",	  "READONLY", "CLUSTERDOWN", "MASTERDOWN",
					    "MOVED",	  "ASK",      "TRYAGAIN",    "BUSY",
					    "NOREPLICAS", "OOM",      "MISCONF" };

	if (begins(text, "ERR Function not found"))
		return SL_WIRE_ERROR_NO_LIBRARY;
	if (begins(text, "QUOTA "))
		return SL_WIRE_ERROR_REFUSED;
	for (size_t i = 0; i < sizeof(away) / sizeof(*away); i++)
		if (begins(text, away[i]))
			return SL_WIRE_ERROR_AWAY;
	return SL_WIRE_ERROR_OTHER;
}
