/* SPDX-License-Identifier: Apache-2.0 */
/* The answer of `explain` in plain words. Pure. */
#pragma once

#include "userspace/cli/sheet.h"
#include "userspace/dataplane/explain.h"

/* Adds the record "explanation" to @doc. @packet: how the packet is called. */
void sl_verdict_add(struct sl_doc *doc, const struct sl_maps_view *view, enum sl_explain_hook hook,
		    const char *packet, const struct sl_explanation *explanation);

/* What happens: "pass", "drop", or "pass (shadow)". A string constant. */
const char *sl_verdict_name(const struct sl_explanation *explanation);

/* How the tenant was found: a word, and a sentence. "?" when it is of a later version. */
const char *sl_found_by_name(unsigned found_by);
const char *sl_found_by_text(unsigned found_by);
