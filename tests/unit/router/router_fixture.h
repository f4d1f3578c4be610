/* SPDX-License-Identifier: Apache-2.0 */
/* Settings out of a text, a core that uses them, and requests out of bodies. */
#pragma once

#include "tests/harness/test.h"

#include <string.h>

#include "userspace/router/core.h"

#define S_NS  1000000000ull
#define START (1000 * S_NS)

static const char fixture_yaml[] =
	"version: 1\n"
	"tenants: [steady, noisy]\n"
	"default_policy: everyday\n"
	"providers:\n"
	"- {id: cheap, cost: 0.001, latency: 800ms, capabilities: [chat]}\n"
	"- {id: fast, cost: 0.02, latency: 100ms, priority: 80, capabilities: [chat, vision]}\n"
	"- {id: spare, cost: 0.01, latency: 20s, capabilities: [chat]}\n"
	"policies:\n"
	"- id: everyday\n"
	"  sticky_by: session_id\n"
	"  providers: [{id: cheap, weight: 3}, {id: fast}]\n"
	"  fallback: [{id: spare}]\n"
	"- {id: own, tenants: [noisy], strategy: ordered, providers: [{id: fast}]}\n"
	"breaker: {open_for: 60s}\n";

static inline struct sl_core *fixture_core(struct sl_router_settings *settings, const char *yaml)
{
	struct sl_conf_error error = { "" };
	struct sl_core *core = NULL;

	if (sl_conf_read_text(settings, &sl_router_schema, "t.yaml", yaml, strlen(yaml), NULL,
			      &error))
		fail_msg("refused: %s", error.message);
	assert_int_equal(sl_core_new(&core, settings, 1), 0);
	sl_core_tick(core, START);
	return core;
}

static const uint8_t fixture_random[24] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
					    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

static inline int request_read(struct sl_request *ret, const char *body,
			       const struct sl_request_headers *headers,
			       struct sl_decide_fault *fault)
{
	static const struct sl_request_headers none;

	return sl_request_read(ret, headers ? headers : &none, sl_span_of(body), fixture_random,
			       fault);
}

#define BODY(more)                                                                                 \
	"{\"version\":\"1\",\"tenant_id\":\"steady\",\"request_id\":\"r-1\","                      \
	"\"task\":{\"type\":\"chat\",\"payload\":{\"text\":\"good morning\"}}" more "}"
