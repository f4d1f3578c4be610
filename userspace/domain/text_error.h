/* SPDX-License-Identifier: Apache-2.0 */
/* For those who write parsers like those of text.h: here and in conf/. */
#pragma once

#include "userspace/domain/text.h"

/* Writes the message, when there is an error to write to, and returns @code. */
int sl_text_refuse(struct sl_text_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends at @at < @size what fits of @text; returns where the next goes. */
size_t sl_text_append(char *buffer, size_t size, size_t at, const char *text);
