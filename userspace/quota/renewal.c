// SPDX-License-Identifier: Apache-2.0
#include "userspace/quota/renewal.h"

#include <stddef.h>

const char *sl_quota_status_name(enum sl_quota_status status)
{
	static const char *const names[] = { "ok",     "unknown", "fenced", "central",
					     "leased", "full",	  "stale",  "conflict" };

	return (size_t)status < sizeof(names) / sizeof(*names) ? names[status] : NULL;
}

const char *sl_quota_mode_name(enum sl_quota_mode mode)
{
	static const char *const names[] = { "cold", "held",   "blend", "last",
					     "safe", "closed", "open",	"fenced" };

	return (size_t)mode < sizeof(names) / sizeof(*names) ? names[mode] : NULL;
}
