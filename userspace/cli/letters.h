/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream of dead letters, one call after the other: each waits for its answer.
 *
 * Owner:  sl_letters_close().
 * Thread: one.
 * Errors: 0 or -errno; the text of sl_letters_error() says more.
 */
#pragma once

#include "userspace/domain/dead_letter.h"

#define SL_LETTERS_SERVER "nats://127.0.0.1:4222"

struct sl_letters;

/* Connects: -ENOTCONN when nobody answers within 3 s, -ENOENT: there is no such stream. */
int sl_letters_open(struct sl_letters **ret, const char *servers, const char *credentials);
void sl_letters_close(struct sl_letters *letters); /* NULL is fine */
void sl_letters_closep(struct sl_letters **letters);
const char *sl_letters_error(const struct sl_letters *letters);

/* Numbers of the first and the last one there is; last < first: none. */
uint64_t sl_letters_first(const struct sl_letters *letters);
uint64_t sl_letters_last(const struct sl_letters *letters);

/*
 * The letter of that number. @letter's message points into memory that is valid until
 * the next call. -ENOENT: there is none; -EINVAL: it is no dead letter, and
 * sl_letters_text() shows what it is.
 */
int sl_letters_get(struct sl_dead_letter *ret, struct sl_letters *letters, uint64_t sequence);
/* The one that was got last, as it is in the stream. */
struct sl_span sl_letters_text(const struct sl_letters *letters);

/*
 * Sends its message where it belongs, as the sender did, and waits until it is taken:
 * by a stream, or by a router's answer. -ENODATA: the letter has no message; -EREMOTEIO:
 * it was refused; *ret_duplicate: the stream had it already.
 */
int sl_letters_replay(bool *ret_duplicate, struct sl_letters *letters, uint64_t sequence);
/* Takes it out of the stream. */
int sl_letters_remove(struct sl_letters *letters, uint64_t sequence);
