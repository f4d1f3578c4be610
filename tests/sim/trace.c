// SPDX-License-Identifier: Apache-2.0
/* What one tenant's nodes and the store say to each other: for who looks for a cause. */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/world.h"

static void print_renewal(const struct sl_sim_message *message, bool is_answered)
{
	const struct sl_renew *ask = &message->ask.renew;
	const struct sl_renewed *answer = &message->answer.renewed;

	printf("renewal want %" PRId64 " has %" PRId64 " ack %" PRId64, ask->want_mu_per_s,
	       ask->has_mu_per_s, ask->ack);
	if (is_answered)
		printf(": %s grant %" PRId64 " seq %" PRId64 " lambda %" PRId64 " flags %x live %u",
		       sl_quota_status_name(answer->status), answer->grant_mu_per_s, answer->seq,
		       answer->lambda_ppm, answer->flags, answer->live);
}

static void print_charge(const struct sl_sim_message *message, bool is_answered)
{
	const struct sl_charge *ask = &message->ask.charge;
	const struct sl_charged *answer = &message->answer.charged;

	printf("charge passed %" PRId64 " want %" PRId64, ask->passed_mu, ask->want_mu);
	if (is_answered)
		printf(": %s paid %" PRId64 " wait %" PRId64 " ms left %" PRId64,
		       sl_quota_status_name(answer->status), answer->paid_mu, answer->wait_ms,
		       answer->left_mu);
}

void sl_trace(const struct sl_world *world, const char *what, const struct sl_sim_message *message)
{
	const struct sl_sim_pair *pair = &world->pair[message->pair];
	bool is_answered = what[0] != 'a';

	if (!world->options.has_trace || pair->tenant != world->options.traced)
		return;
	printf("%10.4f %-5s machine %u %" PRId64 " ", (double)world->now_ns / SL_SIM_S_NS, what,
	       pair->instance, message->incarnation);
	switch (message->kind) {
	case SL_SIM_RENEW:
		print_renewal(message, is_answered);
		break;
	case SL_SIM_CHARGE:
		print_charge(message, is_answered);
		break;
	case SL_SIM_TERMS:
		printf("terms %" PRIu64, message->terms.gen);
		break;
	}
	putchar('\n');
}
