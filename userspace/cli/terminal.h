/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal of a live view: alternate screen, keys as they come, size, and
 * back to what it was, also on Ctrl-C, SIGTERM and when the view fails.
 *
 * Thread: one; it takes SIGINT, SIGTERM, SIGHUP and SIGWINCH by signalfd and
 * gives them back on close.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sl_terminal;

enum sl_key {
	SL_KEY_NONE, /* the time was over */
	SL_KEY_RESIZE,
	SL_KEY_QUIT, /* a signal, or the input ended */
	SL_KEY_UP,
	SL_KEY_DOWN,
	SL_KEY_PAGE_UP,
	SL_KEY_PAGE_DOWN,
	SL_KEY_HOME,
	SL_KEY_END,
	SL_KEY_LEFT,
	SL_KEY_RIGHT,
	SL_KEY_CHAR, /* see ret_char */
};

/* -ENOTTY when one of the two is no terminal, or why it could not be set. */
int sl_terminal_open(struct sl_terminal **ret, int in, int out);
void sl_terminal_close(struct sl_terminal *terminal); /* NULL is fine */
void sl_terminal_closep(struct sl_terminal **terminal);

/* Columns and rows, 80 x 24 when the terminal does not say. */
void sl_terminal_size(const struct sl_terminal *terminal, size_t *ret_columns, size_t *ret_rows);

/* The next key, waiting at most @timeout_ms. */
enum sl_key sl_terminal_wait(struct sl_terminal *terminal, uint64_t timeout_ms, char *ret_char);

/* All of @text at once; 0 or -errno. */
int sl_terminal_write(struct sl_terminal *terminal, const char *text, size_t length);

/*
 * One key out of the @length bytes that were read; *ret_used bytes are done
 * with. A sequence that is none of ours is swallowed whole as SL_KEY_NONE. Pure.
 */
enum sl_key sl_key_decode(const char *bytes, size_t length, size_t *ret_used, char *ret_char);
