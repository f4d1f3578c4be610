// SPDX-License-Identifier: Apache-2.0
/* router.yaml is refused with a message, or is one that the router can decide by. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/domain/route.h"
#include "userspace/router/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void require_policy(const struct sl_policies *policies, const struct sl_policy *policy)
{
	static const enum sl_provider_state states[SL_PROVIDERS_MAX];
	static const struct sl_route_request request = { .random = 5 };
	struct sl_route_choice choice;
	int err;

	require(policy->candidate_count > 0);
	for (size_t i = 0; i < policy->candidate_count; i++)
		require(policy->candidates[i].provider < policies->provider_count);
	for (size_t i = 0; i < policy->fallback_count; i++)
		require(policy->fallback[i].provider < policies->provider_count);
	err = sl_route(&choice, policies, policy, states, &request);
	require(memchr(choice.reason, '\0', sizeof(choice.reason)) && choice.reason[0]);
	require(err ? choice.able == 0 : choice.provider < policies->provider_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_conf_error error = { .message = "" };
	struct sl_router_settings settings;

	if (sl_conf_read_text(&settings, &sl_router_schema, "fuzz", data, size, NULL, &error)) {
		require(strncmp(error.message, "fuzz:", 5) == 0);
		require(memchr(error.message, '\0', sizeof(error.message)) != NULL);
		return 0;
	}
	require(settings.policies.provider_count > 0 &&
		settings.policies.provider_count <= SL_PROVIDERS_MAX);
	require(settings.policies.default_policy < settings.policies.policy_count);
	for (size_t i = 0; i < settings.policies.policy_count; i++)
		require_policy(&settings.policies, &settings.policies.policies[i]);
	sl_router_settings_clear(&settings);
	return 0;
}
