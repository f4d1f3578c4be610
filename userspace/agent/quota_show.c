// SPDX-License-Identifier: Apache-2.0
/* The leases of this node, for people and for a scraper. */
#include "userspace/agent/quota_show.h"

#include "userspace/agent/quota_private.h"
#include "userspace/base/clock.h"

#define NS_PER_S     1e9
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

double sl_quota_per_s(enum sl_quota_kind kind, int64_t mu_per_s)
{
	return (double)mu_per_s / (kind == SL_QUOTA_BYTES ? 1 : 1000);
}

const char *sl_quota_why(const struct sl_quota_view *view, uint64_t now_ns)
{
	switch (view->state.mode) {
	case SL_QUOTA_MODE_COLD:
		if (view->drained)
			return "drained by an operator: a small share until undrained";
		return view->learning ? "Redis lost what it knew, or never knew it: no growth for "
					"the time of a lease"
				      : "nothing is leased: a small share until there is demand";
	case SL_QUOTA_MODE_HELD:
		if (view->state.block_until_ns > now_ns)
			return "Redis said to wait";
		if (view->central)
			return "too small to divide: Redis is asked";
		return view->contended ? "by demand: all nodes together want more than there is"
				       : "as much as it wants";
	case SL_QUOTA_MODE_BLEND:
		return "Redis does not answer: on the way from the last share to the safe one";
	case SL_QUOTA_MODE_LAST:
		return "Redis does not answer: the last share stays";
	case SL_QUOTA_MODE_SAFE:
		return view->is_cut_off
			       ? "Redis answers other nodes and not this one: the safe share"
			       : "Redis does not answer: the safe share";
	case SL_QUOTA_MODE_CLOSED:
		return "Redis does not answer: closed";
	case SL_QUOTA_MODE_OPEN:
		return "Redis does not answer: open";
	case SL_QUOTA_MODE_FENCED:
		return "another agent of this node's name took over";
	}
	return "";
}

struct listing {
	json_t *list;
	uint64_t now_ns;
};

static void list_one(const struct sl_quota_view *view, void *context)
{
	struct listing *listing = context;
	const struct sl_quota_state *state = &view->state;
	json_t *lease =
		json_pack("{ss ss sf sf sf si ss ss sb}", "tenant", view->tenant, "limit",
			  sl_quota_kind_name(view->kind), "rate_per_s",
			  sl_quota_per_s(view->kind, view->terms.rate_mu_per_s), "has_per_s",
			  sl_quota_per_s(view->kind, state->rate_mu_per_s), "wants_per_s",
			  sl_quota_per_s(view->kind, view->want_mu_per_s), "nodes", (int)view->live,
			  "state", sl_quota_mode_name(state->mode), "why",
			  sl_quota_why(view, listing->now_ns), "unlimited", (int)state->unlimited);

	if (!lease)
		return;
	if (state->expiry_ns > listing->now_ns)
		(void)json_object_set_new(
			lease, "left_s",
			json_real((double)(state->expiry_ns - listing->now_ns) / NS_PER_S));
	(void)json_array_append_new(listing->list, lease);
}

static json_t *peers_json(const struct sl_quota_heard *heard)
{
	if (!heard->on)
		return json_null();
	return json_pack("{ss si si si}", "verdict", sl_quota_peers_name(heard->peers), "renewing",
			 (int)heard->counts.renewing, "failing", (int)heard->counts.failing, "idle",
			 (int)heard->counts.idle);
}

json_t *sl_quota_json(const struct sl_quota *quota, uint64_t now_ns)
{
	struct listing listing = { .now_ns = now_ns };
	uint64_t since_ns = 0;
	json_t *json;

	if (!quota)
		return json_pack("{sb}", "on", 0);
	listing.list = json_array();
	sl_quota_walk(quota, now_ns, list_one, &listing);
	json = json_pack("{sb ss ss ss sf sI sI sI so so}", "on", 1, "node", quota->node, "redis",
			 sl_redis_state_name(sl_redis_state(quota->redis, &since_ns)),
			 "redis_error", sl_redis_last_error(quota->redis), "answer_s",
			 (double)quota->stats.renew_ns / NS_PER_S, "calls_total",
			 (json_int_t)quota->stats.calls_total, "failed_total",
			 (json_int_t)quota->stats.failed_total, "conflicts_total",
			 (json_int_t)quota->stats.conflicts_total, "peers",
			 peers_json(&quota->heard), "leases", listing.list);
	if (json)
		(void)json_object_set_new(json, "drained",
					  json_boolean(sl_quota_is_drained(quota)));
	if (json)
		(void)json_object_set_new(json, "since_s",
					  json_real((double)(now_ns - since_ns) / NS_PER_S));
	return json;
}

/* ---- for a scraper -------------------------------------------------------------------- */

struct sums {
	uint64_t by_mode[SL_QUOTA_MODE_FENCED + 1];
	uint64_t granted, failed, dropped, expired, fenced;
};

static void add_up(const struct sl_quota_view *view, void *context)
{
	struct sums *sums = context;

	sums->by_mode[view->state.mode]++;
	sums->granted += view->granted;
	sums->failed += view->failed;
	sums->dropped += view->dropped;
	sums->expired += view->expired;
	sums->fenced += view->fenced;
}

static void export_redis(struct sl_metrics *page, const struct sl_redis *redis)
{
	const struct sl_redis_stats stats = sl_redis_stats(redis);
	char name[96];

	for (size_t i = 0; i < sl_redis_metric_count; i++) {
		const struct sl_redis_metric *metric = &sl_redis_metrics[i];

		(void)snprintf(name, sizeof(name), "sluice_quota_%s", metric->name);
		sl_metrics_one(page, name, metric->gauge ? SL_GAUGE : SL_COUNTER, metric->help,
			       sl_redis_metric_value(metric, &stats));
	}
}

static void export_peers(struct sl_metrics *page, const struct sl_quota_heard *heard)
{
	const struct {
		const char *state;
		uint32_t count;
	} rows[] = {
		{ "renewing", heard->counts.renewing },
		{ "failing", heard->counts.failing },
		{ "idle", heard->counts.idle },
	};
	unsigned int family;

	if (!heard->on)
		return;
	family = sl_metrics_family(page, "sluice_quota_peers", SL_GAUGE,
				   "Other nodes that are heard, by whether Redis answers them.");
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct sl_label labels[] = { { "state", rows[i].state } };

		sl_metrics_add(page, family, labels, 1, rows[i].count);
	}
	sl_metrics_one(page, "sluice_quota_cut_off", SL_GAUGE,
		       "1: Redis answers other nodes and not this one.",
		       heard->peers == SL_LEASE_PEERS_RENEW);
	sl_metrics_one(page, "sluice_quota_beacons_sent_total", SL_COUNTER,
		       "What this node said to the others.", heard->sent_total);
	sl_metrics_one(page, "sluice_quota_beacons_unsent_total", SL_COUNTER,
		       "What it could not say for want of NATS.", heard->unsent_total);
	sl_metrics_one(page, "sluice_quota_beacons_malformed_total", SL_COUNTER,
		       "What was heard and makes no sense.", heard->malformed_total);
	sl_metrics_one(page, "sluice_quota_peers_refused_total", SL_COUNTER,
		       "Beacons of nodes for which there was no room.", heard->counts.refused);
}

struct series {
	struct sl_metrics *page;
	unsigned int family;
	uint32_t left;
};

static void export_effective(const struct sl_quota_view *view, void *context)
{
	struct series *series = context;
	const struct sl_label labels[] = { { "tenant", view->tenant },
					   { "limit", sl_quota_kind_name(view->kind) } };

	if (!view->effective_mu_per_s || !series->left)
		return;
	series->left--;
	sl_metrics_add_real(series->page, series->family, labels, COUNT(labels),
			    sl_quota_per_s(view->kind, view->effective_mu_per_s));
}

/* Of the sharing of the platform's capacity, where one is known. */
static void export_lead(struct sl_metrics *page, const struct sl_quota *quota, uint64_t now_ns)
{
	const struct sl_quota_lead_stats stats = sl_quota_lead_stats(quota);
	struct series series = { .page = page, .left = quota->series_max };

	if (!sl_quota_may_lead(quota))
		return;
	sl_metrics_one(page, "sluice_quota_leader", SL_GAUGE,
		       "1: this agent shares the platform's capacity out.", sl_quota_leads(quota));
	sl_metrics_one(page, "sluice_quota_leader_rounds_total", SL_COUNTER,
		       "Turns to lead, or to stand by.", stats.rounds_total);
	sl_metrics_one(page, "sluice_quota_leader_failed_total", SL_COUNTER,
		       "Of them those that did not come to their end.", stats.failed_total);
	sl_metrics_one(page, "sluice_quota_leader_writes_total", SL_COUNTER,
		       "Effective rates written.", stats.writes_total);
	sl_metrics_one(page, "sluice_quota_leader_stale_total", SL_COUNTER,
		       "Effective rates not taken: a newer leader wrote.", stats.stale_total);
	series.family = sl_metrics_family(page, "sluice_quota_effective_rate", SL_GAUGE,
					  "What a tenant may have a second now, over all nodes.");
	sl_quota_walk(quota, now_ns, export_effective, &series);
}

static uint64_t count_overrides(const struct sl_quota *quota)
{
	const struct sl_said *ledger = sl_quota_ledger(quota);
	const int64_t now_ms = sl_unix_ms();
	uint64_t count = 0;

	for (size_t i = 0; i < ledger->count; i++)
		count += ledger->at[i].subject == SL_SAID_LIMIT &&
			 sl_said_holds(&ledger->at[i], now_ms);
	return count;
}

void sl_quota_export(struct sl_metrics *page, const struct sl_quota *quota, uint64_t now_ns)
{
	struct sums sums = { 0 };
	unsigned int family;

	if (!quota)
		return;
	sl_quota_walk(quota, now_ns, add_up, &sums);
	family = sl_metrics_family(page, "sluice_quota_leases", SL_GAUGE,
				   "Leases of this node by what they enforce.");
	for (int mode = 0; mode <= SL_QUOTA_MODE_FENCED; mode++) {
		const struct sl_label labels[] = { { "mode", sl_quota_mode_name(
								     (enum sl_quota_mode)mode) } };

		sl_metrics_add(page, family, labels, 1, sums.by_mode[mode]);
	}

	const struct {
		const char *name;
		const char *help;
		uint64_t value;
	} rows[] = {
		{ "sluice_quota_renewals_total", "Answers about a lease that were taken.",
		  sums.granted },
		{ "sluice_quota_renew_errors_total", "Questions about a lease without an answer.",
		  sums.failed },
		{ "sluice_quota_answers_dropped_total", "Answers that were late or doubled.",
		  sums.dropped },
		{ "sluice_quota_expired_total", "Leases that ended unrenewed.", sums.expired },
		{ "sluice_quota_fenced_total", "Leases that another agent of this name took.",
		  sums.fenced },
		{ "sluice_quota_bad_answers_total", "Answers of Redis that cannot be.",
		  quota->stats.bad_total },
		{ "sluice_quota_conflicts_total", "Terms that differ from another node's.",
		  quota->stats.conflicts_total },
		{ "sluice_quota_refused_total", "Limits not shared for want of room.",
		  quota->stats.refused_total },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		sl_metrics_one(page, rows[i].name, SL_COUNTER, rows[i].help, rows[i].value);
	sl_metrics_one(page, "sluice_quota_drained", SL_GAUGE,
		       "1: an operator wants this node to lease nothing.",
		       sl_quota_is_drained(quota));
	sl_metrics_one(page, "sluice_quota_overrides", SL_GAUGE,
		       "Limits of all nodes that operators changed, as this node knows.",
		       count_overrides(quota));
	sl_metrics_add_real(page,
			    sl_metrics_family(page, "sluice_quota_renew_seconds", SL_GAUGE,
					      "From the last question to its answer."),
			    NULL, 0, (double)quota->stats.renew_ns / NS_PER_S);
	export_peers(page, &quota->heard);
	export_lead(page, quota, now_ns);
	export_redis(page, quota->redis);
}
