// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/tenant_requests.h"

#include "userspace/cli/live.h"
#include "userspace/domain/gcra.h"
#include "userspace/domain/requests.h"

static const struct sl_column columns[] = {
	{ "class", "REQUESTS", SL_KIND_TEXT, 0 },     { "limit", "LIMIT", SL_KIND_TEXT, 0 },
	{ "window_ns", "IN", SL_KIND_DURATION, 0 },   { "left", "LEFT", SL_KIND_EXACT, 0 },
	{ "admitted", "ADMITTED", SL_KIND_EXACT, 0 }, { "refused", "REFUSED", SL_KIND_EXACT, 0 },
};

static void put_limit(struct sl_sheet *sheet, const struct sl_request_rule_now *rule,
		      struct sl_request_slot *slot, uint64_t now_ns)
{
	const struct sl_gcra_level level = { rule->limit, &slot->word };
	char text[SL_AMOUNT_BYTES];

	if (!rule->set) {
		sl_put_word(sheet, "the gateway's");
		sl_put_none(sheet);
		sl_put_none(sheet);
		return;
	}
	if (!rule->limit.period_ns) {
		sl_put_word(sheet, "unlimited");
		sl_put_none(sheet);
		sl_put_none(sheet);
		return;
	}
	sl_put_text(sheet, sl_format_amount(text, sizeof(text), sl_gcra_size(&rule->limit),
					    SL_UNIT_COUNT));
	sl_put_number(sheet, rule->window_ns);
	sl_put_number(sheet, sl_gcra_left(&level, now_ns));
}

void sl_tenant_requests_put(struct sl_doc *doc, const struct sl_maps_view *view, uint32_t tenant,
			    uint64_t now_ns)
{
	struct sl_requests requests;
	struct sl_request_words words;
	struct sl_sheet *sheet;

	if (!tenant || !sl_live_requests(&requests, view, tenant))
		return;
	words = view->request_words[tenant];
	if (words.gen != requests.gen) /* another tenant's */
		words = (struct sl_request_words){ 0 };
	sheet = sl_doc_table(doc, "requests", "Requests, over all gateways of this node", columns,
			     sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < SL_REQUEST_CLASSES; i++) {
		const uint64_t unit = i == SL_REQUEST_COST ? 1000 : 1;
		struct sl_request_slot *slot = &words.slot[i];
		struct sl_request_rule_now rule;

		sl_requests_now(&rule, &requests, (enum sl_request_class)i, now_ns);
		sl_put_text(sheet, sl_request_class_name((enum sl_request_class)i));
		put_limit(sheet, &rule, slot, now_ns);
		sl_put_number(sheet, slot->admitted / unit);
		sl_put_number(sheet, slot->refused / unit);
	}
}
