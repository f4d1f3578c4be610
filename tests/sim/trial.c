// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/trial.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness/options.h"
#include "tests/sim/shrink.h"

#define RNG_TRIAL 20
#define SHOWN_MAX 5u

void sl_trial_fail(struct sl_trial_finding *finding, struct sl_trial_finding what)
{
	if (!finding->rule)
		*finding = what;
}

static unsigned break_of(const struct sl_trial_kind *kind, const char *name)
{
	for (unsigned i = 0; i < kind->break_count; i++)
		if (!name || !strcmp(name, kind->breaks[i]))
			return i;
	sl_die("--break: none of that name with %s: %s", kind->option, name);
}

static struct sl_trial draw(const struct sl_trial_kind *kind, const struct sl_trial_order *order,
			    uint64_t seed)
{
	struct sl_rng rng = sl_rng_of(seed, RNG_TRIAL, 0);
	struct sl_trial trial = { .kind = kind,
				  .seed = seed,
				  .broken = break_of(kind, order->broken),
				  .has_trace = order->has_trace };

	sl_mishaps_draw(&trial.mishaps, &kind->script, &rng);
	return trial;
}

static void print_left_out(const struct sl_mishaps *mishaps)
{
	const char *before = " --without-faults ";

	for (size_t i = 0; i < mishaps->count; i++) {
		if (!mishaps->is_left_out[i])
			continue;
		printf("%s%zu", before, i);
		before = ",";
	}
}

static void print(const struct sl_trial *trial, const struct sl_trial_finding *finding)
{
	printf("# %s, seed %" PRIu64 ": at %.3f s, number %u\n#   %s\n#   is %.3f, bound %.3f\n",
	       trial->kind->option, trial->seed, (double)finding->at_ns / 1e9, finding->subject,
	       finding->rule, finding->is, finding->bound);
	sl_mishaps_print(&trial->mishaps, stdout);
	printf("build/bin/sim %s --seed %" PRIu64, trial->kind->option, trial->seed);
	if (trial->broken)
		printf(" --break %s", trial->kind->breaks[trial->broken]);
	print_left_out(&trial->mishaps);
	printf(" --trace 0\n");
}

/* ---- shrinking ---------------------------------------------------------------------- */

struct shrinking {
	struct sl_trial trial;
	const char *rule;
};

static bool still_fails(void *context)
{
	struct shrinking *shrinking = context;

	return shrinking->trial.kind->run(&shrinking->trial).rule == shrinking->rule;
}

static void shrink_and_print(const struct sl_trial *trial, const struct sl_trial_finding *found)
{
	struct sl_trial_finding finding;
	struct sl_shrink items = { .count = 0 };
	struct shrinking shrinking;

	shrinking.trial = *trial;
	shrinking.rule = found->rule;
	sl_shrink_add(&items, shrinking.trial.mishaps.is_left_out, shrinking.trial.mishaps.count);
	printf("# shrunk in %u runs\n", sl_shrink(&items, still_fails, &shrinking));
	finding = shrinking.trial.kind->run(&shrinking.trial);
	print(&shrinking.trial, &finding);
}

/* ---- one, and many -------------------------------------------------------------------- */

static void leave_out(struct sl_mishaps *mishaps, const char *list)
{
	while (list && *list) {
		char *end;
		unsigned long number = strtoul(list, &end, 10);

		if (end == list || number >= mishaps->count || (*end && *end != ','))
			sl_die("not a list of numbers below %zu: %s", mishaps->count, list);
		mishaps->is_left_out[number] = true;
		list = *end ? end + 1 : end;
	}
}

static int replay(const struct sl_trial_kind *kind, const struct sl_trial_order *order)
{
	struct sl_trial trial = draw(kind, order, order->seed);
	struct sl_trial_finding finding;

	leave_out(&trial.mishaps, order->without);
	finding = kind->run(&trial);
	if (finding.rule)
		print(&trial, &finding);
	else
		printf("# %s, seed %" PRIu64 ": all rules hold\n", kind->option, order->seed);
	return finding.rule ? EXIT_FAILURE : EXIT_SUCCESS;
}

int sl_trial_main(const struct sl_trial_kind *kind, const struct sl_trial_order *order)
{
	uint64_t failed = 0;

	if (!order->seeds)
		return replay(kind, order);
	for (uint64_t i = 0; i < order->seeds; i++) {
		const struct sl_trial trial = draw(kind, order, order->seed + i);
		const struct sl_trial_finding finding = kind->run(&trial);

		if (!finding.rule)
			continue;
		if (failed++ < SHOWN_MAX)
			shrink_and_print(&trial, &finding);
		else
			printf("# seed %" PRIu64 ": %s\n", trial.seed, finding.rule);
	}
	printf("%s: %" PRIu64 " seeds, %" PRIu64 " failed\n", kind->option, order->seeds, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
