/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that stay where they are: the provider that a context was given before.
 *
 * Thread: one at a time; time is the caller's.
 */
#pragma once

#include <stdint.h>

#include "userspace/base/table.h"

#define SL_STICKY_PROVIDER_BYTES 65

struct sl_sticky;

/* -EINVAL, -ENOMEM: as sl_table_new(). */
int sl_sticky_new(struct sl_sticky **ret, uint32_t entries_max, const uint64_t secret[2]);
void sl_sticky_free(struct sl_sticky *sticky); /* NULL is fine */
void sl_sticky_freep(struct sl_sticky **sticky);

/* Who it is: of this tenant, under this policy, with this value in its context. */
struct sl_sticky_session {
	struct sl_span tenant, policy, value;
};

/* The provider's name, or empty: none, or not used for @ttl_ns. */
struct sl_span sl_sticky_find(struct sl_sticky *sticky, const struct sl_sticky_session *session,
			      uint64_t ttl_ns, uint64_t now_ns);
/* Its time begins anew. */
void sl_sticky_keep(struct sl_sticky *sticky, const struct sl_sticky_session *session,
		    struct sl_span provider, uint64_t now_ns);

struct sl_table_stats sl_sticky_stats(const struct sl_sticky *sticky);
