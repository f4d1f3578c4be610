/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of API keys and of certificate subjects:
 *
 *	version: 1
 *	salt: 9f86d081884c7d659a2feaa0c55ad015
 *	keys:
 *	  - {hmac: <64 hex>, tenant: acme, roles: [admin], plan: gold}
 *	subjects:
 *	  - {subject: "CN=gpu-7,O=Acme", tenant: acme}
 *
 * hmac is HMAC-SHA256 of the key under the salt's bytes, so that the file shows no
 * key, and a lookup's time nothing of it.
 *
 * Owner:  sl_identities_free().
 * Thread: of one thread; a lookup uses working memory of the table.
 */
#pragma once

#include <stdio.h>

#include "userspace/gateway/auth.h"

#define SL_IDENTITIES_MAX 100000u

struct sl_identities;

/* -EINVAL: the content; -ENOMEM; or why the file could not be read, with @error. */
int sl_identities_load(struct sl_identities **ret, const char *path, struct sl_auth_error *error);
int sl_identities_parse(struct sl_identities **ret, const char *name, struct sl_span text,
			struct sl_auth_error *error);
void sl_identities_free(struct sl_identities *identities);
void sl_identities_freep(struct sl_identities **identities);

/* -EACCES: nobody's. */
int sl_identities_key(struct sl_identity *ret, const struct sl_identities *identities,
		      struct sl_span key);
int sl_identities_subject(struct sl_identity *ret, const struct sl_identities *identities,
			  struct sl_span subject);

/* Every key of the file, as Markdown. -EIO. */
int sl_identities_describe(FILE *out);
