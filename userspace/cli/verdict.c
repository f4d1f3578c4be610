// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/verdict.h"

#include <string.h>

#include "userspace/cli/human.h"
#include "userspace/cli/live.h"
#include "userspace/domain/counters.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *name;
	const char *text;
} found[] = {
	[SL_FOUND_NOT_IP] = { "not_ip", "it is no IP packet: those are never judged" },
	[SL_FOUND_UNPROTECTED] = { "unprotected", "no service of the configuration is at its "
						  "local address and port: not judged" },
	[SL_FOUND_FLOW] = { "flow", "the connection is bound to the tenant" },
	[SL_FOUND_SERVICE] = { "service", "the service at its local address is the tenant's" },
	[SL_FOUND_SOURCE] = { "source", "the longest source prefix of its remote address is the "
					"tenant's" },
	[SL_FOUND_SOCKET] = { "socket", "the socket that sends it is the tenant's" },
	[SL_FOUND_MARK] = { "mark", "its mark is the tenant's" },
	[SL_FOUND_CGROUP] = { "cgroup", "the cgroup that sends it is the tenant's" },
	[SL_FOUND_UNKNOWN] = { "unknown", "neither flow, service nor source prefix names a tenant: "
					  "it is nobody's" },
	[SL_FOUND_MALFORMED] = { "malformed", "its headers cannot be read" },
	[SL_FOUND_OFF] = { "off", "the mode of the node is off: nothing is judged" },
};

const char *sl_found_by_name(unsigned found_by)
{
	return found_by < COUNT(found) && found[found_by].name ? found[found_by].name : "?";
}

const char *sl_found_by_text(unsigned found_by)
{
	return found_by < COUNT(found) && found[found_by].text ? found[found_by].text : "?";
}

static bool is_judged(const struct sl_explanation *explanation)
{
	return explanation->found_by != SL_FOUND_NOT_IP &&
	       explanation->found_by != SL_FOUND_UNPROTECTED &&
	       explanation->found_by != SL_FOUND_OFF;
}

static bool would_drop(const struct sl_explanation *explanation)
{
	return is_judged(explanation) && explanation->reason != SL_REASON_PASS;
}

const char *sl_verdict_name(const struct sl_explanation *explanation)
{
	if (!would_drop(explanation))
		return "pass";
	if (explanation->mode == SL_MODE_ENFORCE)
		return "drop";
	return explanation->mode == SL_MODE_SHADOW ? "pass (shadow: counted as a drop)"
						   : "pass (the mode is off)";
}

static const struct sl_column columns[] = {
	{ "packet", "packet", SL_KIND_TEXT, 0 },
	{ "hook", "judged at", SL_KIND_TEXT, 0 },
	{ "tenant", "tenant", SL_KIND_TEXT, 0 },
	{ "tenant_id", NULL, SL_KIND_PLAIN, 0 },
	{ "found_by", NULL, SL_KIND_TEXT, 0 },
	{ "found_by_text", "because", SL_KIND_TEXT, 0 },
	{ "verdict", "verdict", SL_KIND_TEXT, 0 },
	{ "dropped", NULL, SL_KIND_BOOL, 0 },
	{ "reason", NULL, SL_KIND_TEXT, 0 },
	{ "reason_text", "because", SL_KIND_TEXT, 0 },
	{ "mode", "mode", SL_KIND_TEXT, 0 },
	{ "wait_ns", "admitted in", SL_KIND_DURATION, 0 },
	{ "charged_packets", "packets to charge", SL_KIND_PLAIN, 0 },
	{ "charged_bytes", "bytes to charge", SL_KIND_PLAIN, 0 },
	{ "lease_over", NULL, SL_KIND_BOOL, 0 },
	{ "fallback", NULL, SL_KIND_TEXT, 0 },
	{ "proven", NULL, SL_KIND_BOOL, 0 },
	{ "shedding", NULL, SL_KIND_BOOL, 0 },
	{ "notes", "in force", SL_KIND_TEXT, 0 },
};

static const char *hook_name(enum sl_explain_hook hook)
{
	switch (hook) {
	case SL_EXPLAIN_XDP:
		return "ingress (XDP)";
	case SL_EXPLAIN_TC_INGRESS:
		return "ingress (tc)";
	case SL_EXPLAIN_TC_EGRESS:
		return "egress (tc)";
	}
	return "?";
}

static void put_tenant(struct sl_sheet *sheet, const struct sl_maps_view *view,
		       const struct sl_explanation *explanation)
{
	char name[SL_TENANT_NAME_BYTES * 4];

	if (is_judged(explanation)) {
		sl_put_text(sheet, sl_live_name(name, view, explanation->tenant));
		sl_shade(sheet, SL_SHADE_BOLD);
		sl_put_number(sheet, explanation->tenant);
	} else {
		sl_put_none(sheet);
		sl_put_none(sheet);
	}
	sl_put_text(sheet, sl_found_by_name(explanation->found_by));
	sl_put_text(sheet, sl_found_by_text(explanation->found_by));
}

static void put_reason(struct sl_sheet *sheet, const struct sl_explanation *explanation)
{
	const struct sl_reason_info *info = sl_reason_info(explanation->reason);
	bool drop = would_drop(explanation);

	sl_put_text(sheet, sl_verdict_name(explanation));
	sl_shade(sheet, !drop				       ? SL_SHADE_GOOD
			: explanation->mode == SL_MODE_ENFORCE ? SL_SHADE_BAD
							       : SL_SHADE_WARN);
	sl_put_bool(sheet, drop && explanation->mode == SL_MODE_ENFORCE);
	if (!is_judged(explanation)) {
		sl_put_none(sheet);
		sl_put_word(sheet, "not judged");
		sl_put_none(sheet);
		return;
	}
	sl_put_text(sheet, info ? info->name : "?");
	if (drop)
		sl_put_text(sheet, info ? info->text : "?");
	else
		sl_put_word(sheet, "every limit has room for it");
	sl_put_text(sheet, sl_choice_name(sl_choices_mode, explanation->mode));
}

/* Only the rates know when they have room again. */
static void put_wait(struct sl_sheet *sheet, const struct sl_explanation *explanation)
{
	uint64_t packets_cu = explanation->packets_wait_cu, bytes_cu = explanation->bytes_wait_cu;
	uint64_t wait_cu = packets_cu > bytes_cu ? packets_cu : bytes_cu;

	if (!would_drop(explanation))
		sl_put_number(sheet, 0);
	else if (wait_cu)
		sl_put_number(sheet, (wait_cu >> SL_CREDIT_SHIFT) + 1);
	else
		sl_put_none(sheet);
}

/* What is not as it always is. */
static void put_notes(struct sl_sheet *sheet, const struct sl_explanation *explanation)
{
	const char *fallback = sl_choice_name(sl_choices_fallback, explanation->fallback);

	sl_put_bool(sheet, explanation->lease_over);
	sl_put_text(sheet, fallback);
	sl_put_bool(sheet, explanation->proven);
	sl_put_bool(sheet, explanation->shedding);
	if (!explanation->lease_over && !explanation->proven && !explanation->shedding)
		sl_put_none(sheet);
	else
		sl_put_textf(sheet, "%s%s%s%s",
			     explanation->lease_over ? "the fallback after the lease: " : "",
			     explanation->lease_over ? fallback : "",
			     explanation->shedding ? " a shed level" : "",
			     explanation->proven ? " the reserve for proven sources" : "");
}

static void put_charge(struct sl_sheet *sheet, const struct sl_explanation *explanation)
{
	if (is_judged(explanation)) {
		sl_put_number(sheet, explanation->packets);
		sl_put_number(sheet, explanation->bytes);
	} else {
		sl_put_none(sheet);
		sl_put_none(sheet);
	}
}

void sl_verdict_add(struct sl_doc *doc, const struct sl_maps_view *view, enum sl_explain_hook hook,
		    const char *packet, const struct sl_explanation *explanation)
{
	struct sl_sheet *sheet = sl_doc_record(doc, "explanation", NULL, columns, COUNT(columns));

	sl_put_text(sheet, packet);
	sl_put_word(sheet, hook_name(hook));
	put_tenant(sheet, view, explanation);
	put_reason(sheet, explanation);
	put_wait(sheet, explanation);
	put_charge(sheet, explanation);
	put_notes(sheet, explanation);
}
