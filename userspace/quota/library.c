// SPDX-License-Identifier: Apache-2.0
/* The parts of lua/ in their order, put in by the assembler; the build runs at the top. */
#include "userspace/quota/library.h"

#include <inttypes.h>
#include <stdio.h>

#include "userspace/base/siphash.h"

__asm__(".section .rodata\n"
	".balign 16\n"
	".globl sl_quota_library_begin\n"
	".hidden sl_quota_library_begin\n"
	".type sl_quota_library_begin, %object\n"
	"sl_quota_library_begin:\n"
	".incbin \"userspace/quota/lua/1_state.lua\"\n"
	".incbin \"userspace/quota/lua/2_rows.lua\"\n"
	".incbin \"userspace/quota/lua/3_renew.lua\"\n"
	".incbin \"userspace/quota/lua/4_central.lua\"\n"
	".incbin \"userspace/quota/lua/5_verbs.lua\"\n"
	"1:\n"
	".balign 8\n"
	".globl sl_quota_library_length\n"
	".hidden sl_quota_library_length\n"
	".type sl_quota_library_length, %object\n"
	"sl_quota_library_length:\n"
	".quad 1b - sl_quota_library_begin\n"
	".previous\n");

extern const char sl_quota_library_begin[] __attribute__((visibility("hidden")));
extern const uint64_t sl_quota_library_length __attribute__((visibility("hidden")));

struct sl_span sl_quota_library(void)
{
	return (struct sl_span){ sl_quota_library_begin, (size_t)sl_quota_library_length };
}

void sl_quota_library_hash(char ret[SL_QUOTA_HASH_BYTES])
{
	static const uint64_t key[2] = { 0x736c756963652d71ull, 0x756f74612d6c6962ull };
	const struct sl_span text = sl_quota_library();
	uint64_t hash[2];

	sl_siphash(hash, key, text.at, text.length);
	(void)snprintf(ret, SL_QUOTA_HASH_BYTES, "%016" PRIx64, hash[0]);
}
