// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/sticky.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"

struct place {
	uint64_t used_ns;
	char provider[SL_STICKY_PROVIDER_BYTES];
};

struct sl_sticky {
	struct sl_table *table;
};

int sl_sticky_new(struct sl_sticky **ret, uint32_t entries_max, const uint64_t secret[2])
{
	sl_cleanup(sl_sticky_freep) struct sl_sticky *sticky = calloc(1, sizeof(*sticky));
	const struct sl_table_options options = {
		.entries_max = entries_max,
		.value_size = sizeof(struct place),
		.secret = { secret[0], secret[1] },
	};
	int err;

	if (!sticky)
		return -ENOMEM;
	err = sl_table_new(&sticky->table, &options);
	if (err)
		return err;
	*ret = SL_TAKE_PTR(sticky);
	return 0;
}

void sl_sticky_free(struct sl_sticky *sticky)
{
	if (!sticky)
		return;
	sl_table_free(sticky->table);
	free(sticky);
}

void sl_sticky_freep(struct sl_sticky **sticky)
{
	sl_sticky_free(*sticky);
}

static struct sl_table_key key_of(const struct sl_sticky *sticky,
				  const struct sl_sticky_session *session)
{
	const struct sl_span parts[] = { session->tenant, session->policy, session->value };

	return sl_table_key(sticky->table, parts, 3);
}

struct sl_span sl_sticky_find(struct sl_sticky *sticky, const struct sl_sticky_session *session,
			      uint64_t ttl_ns, uint64_t now_ns)
{
	const struct place *place = sl_table_get(sticky->table, key_of(sticky, session), now_ns);

	/* Policies differ in how long; so the time is looked at here and not by the table. */
	if (!place || (now_ns > place->used_ns && now_ns - place->used_ns >= ttl_ns))
		return (struct sl_span){ NULL, 0 };
	return sl_span_of(place->provider);
}

void sl_sticky_keep(struct sl_sticky *sticky, const struct sl_sticky_session *session,
		    struct sl_span provider, uint64_t now_ns)
{
	struct place *place;

	if (provider.length >= SL_STICKY_PROVIDER_BYTES)
		return;
	place = sl_table_put(sticky->table, key_of(sticky, session), now_ns);
	memcpy(place->provider, provider.at, provider.length);
	place->provider[provider.length] = '\0';
	place->used_ns = now_ns;
}

struct sl_table_stats sl_sticky_stats(const struct sl_sticky *sticky)
{
	return sl_table_stats(sticky->table);
}
