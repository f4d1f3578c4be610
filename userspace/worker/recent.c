// SPDX-License-Identifier: Apache-2.0
#include "userspace/worker/recent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/domain/exec.h"

#define NONE UINT32_MAX

struct entry {
	char id[SL_EXEC_ID_BYTES];
	int value;
	uint32_t next; /* of its bucket; NONE ends */
};

struct sl_recent {
	uint32_t size, used, oldest;
	uint32_t *buckets; /* [size], index of the first entry */
	struct entry *entries;
};

/* FNV-1a. An attacker who can name assignments can publish any work anyway. */
static uint32_t bucket_of(const struct sl_recent *recent, const char *id)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (; *id; id++)
		hash = (hash ^ (unsigned char)*id) * 0x100000001b3ull;
	return (uint32_t)((hash ^ hash >> 32) % recent->size);
}

int sl_recent_new(struct sl_recent **ret, uint32_t count)
{
	struct sl_recent *recent = calloc(1, sizeof(*recent));

	if (recent) {
		recent->size = count;
		recent->buckets = malloc(count * sizeof(recent->buckets[0]));
		recent->entries = calloc(count, sizeof(recent->entries[0]));
	}
	if (!recent || !recent->buckets || !recent->entries) {
		sl_recent_free(recent);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		recent->buckets[i] = NONE;
	*ret = recent;
	return 0;
}

void sl_recent_free(struct sl_recent *recent)
{
	if (!recent)
		return;
	free(recent->buckets);
	free(recent->entries);
	free(recent);
}

static struct entry *find(const struct sl_recent *recent, const char *id)
{
	uint32_t at = recent->buckets[bucket_of(recent, id)];

	while (at != NONE && strcmp(recent->entries[at].id, id) != 0)
		at = recent->entries[at].next;
	return at == NONE ? NULL : &recent->entries[at];
}

static void forget(struct sl_recent *recent, uint32_t at)
{
	uint32_t *link = &recent->buckets[bucket_of(recent, recent->entries[at].id)];

	while (*link != at)
		link = &recent->entries[*link].next;
	*link = recent->entries[at].next;
}

void sl_recent_add(struct sl_recent *recent, const char *id, int value)
{
	struct entry *entry = find(recent, id);
	uint32_t at = recent->used, bucket;

	if (entry) {
		entry->value = value;
		return;
	}
	if (recent->used < recent->size) {
		recent->used++;
	} else {
		at = recent->oldest;
		recent->oldest = (recent->oldest + 1) % recent->size;
		forget(recent, at);
	}
	entry = &recent->entries[at];
	bucket = bucket_of(recent, id);
	(void)memset(entry->id, 0, sizeof(entry->id));
	(void)strncpy(entry->id, id, sizeof(entry->id) - 1);
	entry->value = value;
	entry->next = recent->buckets[bucket];
	recent->buckets[bucket] = at;
}

bool sl_recent_has(const struct sl_recent *recent, const char *id, int *ret_value)
{
	const struct entry *entry = find(recent, id);

	if (entry && ret_value)
		*ret_value = entry->value;
	return entry != NULL;
}

size_t sl_recent_count(const struct sl_recent *recent)
{
	return recent->used;
}
