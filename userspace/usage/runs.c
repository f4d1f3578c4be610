// SPDX-License-Identifier: Apache-2.0
#include "userspace/usage/runs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/domain/exec.h"

#define NONE UINT32_MAX

struct run {
	char id[SL_EXEC_ID_BYTES];
	size_t label;
	double cost;
	uint64_t touched_ns;
	uint32_t next;	       /* of its bucket, or of the free ones */
	uint32_t older, newer; /* by touched_ns */
};

struct sl_runs {
	uint32_t size, open, free, oldest, newest;
	sl_runs_closed *closed;
	void *context;
	uint32_t *buckets;
	struct run *at;
};

static uint32_t bucket_of(const struct sl_runs *runs, const char *id)
{
	uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */

	for (; *id; id++)
		hash = (hash ^ (unsigned char)*id) * 0x100000001b3ull;
	return (uint32_t)((hash ^ hash >> 32) % runs->size);
}

int sl_runs_new(struct sl_runs **ret, uint32_t open_max, sl_runs_closed *closed, void *context)
{
	struct sl_runs *runs = calloc(1, sizeof(*runs));

	if (runs) {
		runs->buckets = malloc(open_max * sizeof(runs->buckets[0]));
		runs->at = calloc(open_max, sizeof(runs->at[0]));
	}
	if (!runs || !runs->buckets || !runs->at) {
		sl_runs_free(runs);
		return -ENOMEM;
	}
	runs->size = open_max;
	runs->closed = closed;
	runs->context = context;
	runs->oldest = NONE;
	runs->newest = NONE;
	for (uint32_t i = 0; i < open_max; i++) {
		runs->buckets[i] = NONE;
		runs->at[i].next = i + 1 < open_max ? i + 1 : NONE;
	}
	*ret = runs;
	return 0;
}

void sl_runs_free(struct sl_runs *runs)
{
	if (!runs)
		return;
	free(runs->buckets);
	free(runs->at);
	free(runs);
}

static void unchain(struct sl_runs *runs, uint32_t at)
{
	struct run *run = &runs->at[at];

	*(run->older == NONE ? &runs->oldest : &runs->at[run->older].newer) = run->newer;
	*(run->newer == NONE ? &runs->newest : &runs->at[run->newer].older) = run->older;
}

static void chain_newest(struct sl_runs *runs, uint32_t at)
{
	struct run *run = &runs->at[at];

	run->older = runs->newest;
	run->newer = NONE;
	*(run->older == NONE ? &runs->oldest : &runs->at[run->older].newer) = at;
	runs->newest = at;
}

static void close_oldest(struct sl_runs *runs)
{
	uint32_t at = runs->oldest;
	struct run *run = &runs->at[at];
	uint32_t *link = &runs->buckets[bucket_of(runs, run->id)];

	while (*link != at)
		link = &runs->at[*link].next;
	*link = run->next;
	unchain(runs, at);
	runs->open--;
	runs->closed(runs->context, run->label, run->cost);
	run->next = runs->free;
	runs->free = at;
}

static uint32_t find(const struct sl_runs *runs, const char *id)
{
	uint32_t at = runs->buckets[bucket_of(runs, id)];

	while (at != NONE && strcmp(runs->at[at].id, id) != 0)
		at = runs->at[at].next;
	return at;
}

static uint32_t open_run(struct sl_runs *runs, const char *id, size_t label)
{
	uint32_t *bucket = &runs->buckets[bucket_of(runs, id)];
	struct run *run;
	uint32_t at;

	if (runs->free == NONE)
		close_oldest(runs);
	at = runs->free;
	run = &runs->at[at];
	runs->free = run->next;
	(void)snprintf(run->id, sizeof(run->id), "%s", id);
	run->label = label;
	run->cost = 0;
	run->next = *bucket;
	*bucket = at;
	runs->open++;
	return at;
}

void sl_runs_add(struct sl_runs *runs, const char *run, size_t label, double cost, uint64_t now_ns)
{
	uint32_t at = find(runs, run);

	if (at == NONE)
		at = open_run(runs, run, label);
	else
		unchain(runs, at);
	chain_newest(runs, at);
	runs->at[at].cost += cost;
	runs->at[at].touched_ns = now_ns;
}

void sl_runs_close_quiet(struct sl_runs *runs, uint64_t before_ns)
{
	while (runs->oldest != NONE && runs->at[runs->oldest].touched_ns < before_ns)
		close_oldest(runs);
}

size_t sl_runs_open(const struct sl_runs *runs)
{
	return runs->open;
}
