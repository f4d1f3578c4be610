/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How people write amounts, times, addresses and names, in the config file and
 * on the command line: one parser for each, and the way back. What a format
 * function writes, its parser reads as the same value.
 *
 * Input:  a NUL-terminated string of any content. Nothing is trimmed, nothing
 *         is guessed: space, sign, exponent and hexadecimal are refused.
 * Errors: 0, or -EINVAL (not of this form), -ERANGE (of this form, not allowed).
 *         @error may be NULL; it is written only on failure and then says what
 *         is wrong and what is allowed. What it quotes is escaped and cut.
 * Thread: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/domain/config.h"

struct sl_text_error {
	char message[256];
};

enum sl_unit {
	SL_UNIT_COUNT, /* packets, connections: 100, 10k, 2.5M, 1G; decimal */
	SL_UNIT_BYTES, /* 1500, 10kB, 10MB, 1.5GB, 64KiB, 800Mbit (= bits / 8) */
};

#define SL_DURATION_NEVER  0ull
#define SL_DURATION_NS_MAX (3650ull * 86400 * 1000000000) /* ten years */

#define SL_QUOTE_BYTES	  72 /* of sl_text_quote() */
#define SL_AMOUNT_BYTES	  24 /* of sl_format_amount() and sl_format_rate() */
#define SL_DURATION_BYTES 24
#define SL_ADDRESS_BYTES  46
#define SL_PREFIX_BYTES	  50
#define SL_CHOICES_BYTES  64 /* of sl_choice_list(), for the tables below */

#define SL_NAME_UNKNOWN "unknown" /* tenant 0; no tenant may be called so */

/* A whole number after its unit is applied: "1.5k" is 1500, "1.5" is refused. */
int sl_parse_amount(uint64_t *ret, const char *text, enum sl_unit unit,
		    struct sl_text_error *error);

/*
 * Per second: an amount, 0 or "unlimited". Sets unlimited and per_s, and leaves
 * burst 0: sl_rate_set_burst() completes it (userspace/domain/rate.h).
 * -ERANGE: outside what the data plane can enforce (abi.h).
 */
int sl_parse_rate(struct sl_rate_spec *ret, const char *text, enum sl_unit unit,
		  struct sl_text_error *error);

/* "250ms", "30s", "5m", "1h", "1d", also us and ns; or "never". Nanoseconds. */
int sl_parse_duration(uint64_t *ret_ns, const char *text, struct sl_text_error *error);

/* IPv4 or IPv6; not an IPv4 address in IPv6 clothes (::ffff:192.0.2.1). */
int sl_parse_address(struct sl_address *ret, const char *text, struct sl_text_error *error);

/*
 * address/bits; a bare address is a prefix of one. Host bits must be 0
 * (-ERANGE, naming the prefix that was perhaps meant).
 */
int sl_parse_prefix(struct sl_prefix_spec *ret, const char *text, struct sl_text_error *error);

/* "true" or "false". */
int sl_parse_bool(bool *ret, const char *text, struct sl_text_error *error);

/* A tenant's name: [A-Za-z0-9][A-Za-z0-9._-]{0,54}, and not SL_NAME_UNKNOWN (-ERANGE). */
int sl_parse_name(char ret[SL_TENANT_NAME_BYTES], const char *text, struct sl_text_error *error);

/* One of a set of words; a table ends with a NULL name. */
struct sl_choice {
	const char *name;
	int value;
};

extern const struct sl_choice sl_choices_mode[];     /* enum sl_mode */
extern const struct sl_choice sl_choices_fallback[]; /* enum sl_fallback */
extern const struct sl_choice sl_choices_attach[];   /* enum sl_attach_mode */
extern const struct sl_choice sl_choices_on_miss[];  /* enum sl_on_miss */
extern const struct sl_choice sl_choices_protocol[]; /* IPPROTO_* */

int sl_parse_choice(int *ret, const char *text, const struct sl_choice *choices,
		    struct sl_text_error *error);

/* The word for @value, or "?". */
const char *sl_choice_name(const struct sl_choice *choices, int value);

/* "a, b or c", cut to @size, which is at least 1. Returns @buffer. */
const char *sl_choice_list(char *buffer, size_t size, const struct sl_choice *choices);

/*
 * Into the caller's buffer, cut to @size; each returns @buffer. The sizes above
 * are enough for every value.
 */
const char *sl_format_amount(char *buffer, size_t size, uint64_t value, enum sl_unit unit);
const char *sl_format_rate(char *buffer, size_t size, const struct sl_rate_spec *rate,
			   enum sl_unit unit);
const char *sl_format_duration(char *buffer, size_t size, uint64_t ns);
const char *sl_format_address(char *buffer, size_t size, const struct sl_address *address);
const char *sl_format_prefix(char *buffer, size_t size, const struct sl_prefix_spec *prefix);

/* @text in double quotes for a message: escaped, and cut with "..." when long. */
const char *sl_text_quote(char buffer[SL_QUOTE_BYTES], const char *text);
