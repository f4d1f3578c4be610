/* SPDX-License-Identifier: Apache-2.0 */
/* window.lua as it is in the source, put in by the assembler; the build runs at the top. */
#include "userspace/gateway/window_library.h"

#include <stdint.h>

__asm__(".section .rodata\n"
	".balign 16\n"
	".globl sl_window_library_begin\n"
	".hidden sl_window_library_begin\n"
	".type sl_window_library_begin, %object\n"
	"sl_window_library_begin:\n"
	".incbin \"userspace/gateway/window.lua\"\n"
	"1:\n"
	".balign 8\n"
	".globl sl_window_library_length\n"
	".hidden sl_window_library_length\n"
	".type sl_window_library_length, %object\n"
	"sl_window_library_length:\n"
	".quad 1b - sl_window_library_begin\n"
	".previous\n");

extern const char sl_window_library_begin[] __attribute__((visibility("hidden")));
extern const uint64_t sl_window_library_length __attribute__((visibility("hidden")));

struct sl_span sl_window_library(void)
{
	return (struct sl_span){ sl_window_library_begin, (size_t)sl_window_library_length };
}
