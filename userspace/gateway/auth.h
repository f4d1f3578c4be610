/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a credential belongs to: API keys, JSON Web Tokens and subjects of client
 * certificates, out of three files that are read again when they change.
 *
 * Owner:  the caller's. A file that cannot be read when it changes leaves what was
 *         read before in force; the error is told.
 * Thread: one at a time.
 * Time:   seconds of CLOCK_REALTIME, a parameter.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sluice/envelope.h"
#include "userspace/base/span.h"
#include "userspace/gateway/settings.h"

#define SL_CREDENTIAL_BYTES_MAX 8192

struct sl_identity {
	char tenant[SL_IDENTIFIER_MAX + 1];
	char plan[SL_SETTINGS_PLAN_BYTES]; /* "": the default */
	bool admin;
};

struct sl_auth_error {
	char message[512];
};

struct sl_keyring;

/* Reads what the settings name. -EINVAL with @error; or why a file could not be read. */
int sl_keyring_new(struct sl_keyring **ret, const struct sl_settings *settings,
		   struct sl_auth_error *error);
void sl_keyring_free(struct sl_keyring *keyring);
void sl_keyring_freep(struct sl_keyring **keyring);

/* Looks whether the files changed: 1 when something was read anew, 0, or as above. */
int sl_keyring_refresh(struct sl_keyring *keyring, struct sl_auth_error *error);

/* -EACCES: not known, or not valid. How long a wrong one takes says nothing of good ones. */
int sl_keyring_api_key(struct sl_identity *ret, struct sl_keyring *keyring, struct sl_span key);
int sl_keyring_token(struct sl_identity *ret, struct sl_keyring *keyring, struct sl_span token,
		     int64_t now_s);
int sl_keyring_subject(struct sl_identity *ret, const struct sl_keyring *keyring,
		       struct sl_span subject);
