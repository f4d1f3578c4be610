/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, as one line for an operator. Every function of this folder
 * that takes a `struct sl_dp_error *` returns 0 or -errno, writes the message
 * only on failure and accepts NULL.
 */
#pragma once

struct sl_dp_error {
	char message[512];
};

/* Writes the message, when there is an error to write to, and returns @code. */
int sl_dp_fail(struct sl_dp_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "@prefix: " before a message already written. Returns @code. */
int sl_dp_prefix(struct sl_dp_error *error, int code, const char *prefix);
