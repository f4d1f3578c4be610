/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files that make up text.h; nobody else includes it. */
#pragma once

#include "userspace/domain/text.h"

/* Writes the message, when there is an error to write to, and returns @code. */
int sl_text_refuse(struct sl_text_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
