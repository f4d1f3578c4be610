// SPDX-License-Identifier: Apache-2.0
/* A file of identities is refused with a message, or can be looked up in. */
#include <stdint.h>
#include <stdlib.h>

#include "userspace/domain/ident.h"
#include "userspace/gateway/identities.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sl_span text = { (const char *)data, size };
	struct sl_identities *identities = NULL;
	struct sl_auth_error error = { "" };
	struct sl_identity who = { 0 };

	if (sl_identities_parse(&identities, "fuzz", text, &error)) {
		require(error.message[0] != '\0');
		return 0;
	}
	if (!sl_identities_key(&who, identities, text) ||
	    !sl_identities_subject(&who, identities, SL_SPAN("CN=a")))
		require(sl_is_identifier(sl_span_of(who.tenant), SL_IDENTIFIER_MAX));
	sl_identities_free(identities);
	return 0;
}
