// SPDX-License-Identifier: Apache-2.0
#include "userspace/agent/quota_ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/quota/renewal.h"

#define SERIAL_MAX    (1ll << 52)
#define NAME_BYTES_OK "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

static const char letters[SL_QUOTA_KINDS + 1] = "pbnrc";

void sl_said_release(struct sl_said *ledger)
{
	free(ledger->at);
	*ledger = (struct sl_said){ .count = 0 };
}

/* ---- text -------------------------------------------------------------------------------- */

/* The text up to @end, which is passed over, or to the end of @rest. */
static struct sl_span next_word(struct sl_span *rest, char end)
{
	struct sl_span word = { rest->at, 0 };

	while (word.length < rest->length && rest->at[word.length] != end)
		word.length++;
	rest->at += word.length;
	rest->length -= word.length;
	if (rest->length) {
		rest->at++;
		rest->length--;
	}
	return word;
}

static bool read_name(char ret[SL_SAID_NAME_BYTES], struct sl_span word)
{
	if (!word.length || word.length >= SL_SAID_NAME_BYTES)
		return false;
	for (size_t i = 0; i < word.length; i++)
		if (!sl_byte_in(word.at[i], NAME_BYTES_OK))
			return false;
	memset(ret, 0, SL_SAID_NAME_BYTES);
	memcpy(ret, word.at, word.length);
	return true;
}

/* Digits only, and none before them that says nothing. */
static bool read_number(int64_t *ret, struct sl_span word, int64_t most)
{
	int64_t number = 0;

	if (!word.length || word.length > 19 || (word.at[0] == '0' && word.length > 1))
		return false;
	for (size_t i = 0; i < word.length; i++) {
		if (word.at[i] < '0' || word.at[i] > '9' || number > most / 10)
			return false;
		number = number * 10 + (word.at[i] - '0');
	}
	*ret = number;
	return number <= most;
}

static bool read_field(struct sl_said_record *record, struct sl_span field)
{
	const struct sl_span what = next_word(&field, ':');
	const char *letter;

	if (what.length != 1 || !read_name(record->name, next_word(&field, ':')))
		return false;
	record->subject = what.at[0] == 'd' ? SL_SAID_NODE : SL_SAID_LIMIT;
	if (what.at[0] == 'd')
		return !field.length;
	if (what.at[0] != 's' || field.length != 1 || !field.at[0])
		return false;
	letter = strchr(letters, field.at[0]);
	if (!letter)
		return false;
	record->kind = (enum sl_quota_kind)(letter - letters);
	return true;
}

int sl_said_read(struct sl_said_record *ret, struct sl_span field, struct sl_span value)
{
	struct sl_said_record record = { .serial = 0 };
	int64_t amount = 0;

	if (field.length >= SL_SAID_TEXT_BYTES || value.length >= SL_SAID_TEXT_BYTES ||
	    !read_field(&record, field) ||
	    !read_number(&record.serial, next_word(&value, ' '), SERIAL_MAX) || !record.serial ||
	    !read_number(&amount, next_word(&value, ' '),
			 record.subject == SL_SAID_NODE ? 1 : SL_QUOTA_RATE_MAX) ||
	    !read_number(&record.until_ms, next_word(&value, ' '), SERIAL_MAX) ||
	    !read_name(record.by, value))
		return -EINVAL;
	if (record.subject == SL_SAID_NODE)
		record.drained = amount;
	else
		record.rate_mu_per_s = amount;
	*ret = record;
	return 0;
}

int sl_said_write(const struct sl_said_record *record, char field[SL_SAID_TEXT_BYTES],
		  char value[SL_SAID_TEXT_BYTES])
{
	const bool node = record->subject == SL_SAID_NODE;
	struct sl_said_record again;
	char to_field[SL_SAID_TEXT_BYTES], to_value[SL_SAID_TEXT_BYTES];

	if (!node && (unsigned int)record->kind >= SL_QUOTA_KINDS)
		return -EINVAL;
	if (node)
		(void)snprintf(to_field, sizeof(to_field), "d:%s", record->name);
	else
		(void)snprintf(to_field, sizeof(to_field), "s:%s:%c", record->name,
			       letters[record->kind]);
	(void)snprintf(to_value, sizeof(to_value), "%" PRId64 " %" PRId64 " %" PRId64 " %s",
		       record->serial, node ? record->drained : record->rate_mu_per_s,
		       record->until_ms, record->by);
	if (sl_said_read(&again, sl_span_of(to_field), sl_span_of(to_value)) != 0)
		return -EINVAL;
	memcpy(field, to_field, sizeof(to_field));
	memcpy(value, to_value, sizeof(to_value));
	return 0;
}

/* ---- the list ---------------------------------------------------------------------------- */

static int compare(const struct sl_said_record *a, const struct sl_said_record *b)
{
	int by_name;

	if (a->subject != b->subject)
		return a->subject < b->subject ? -1 : 1;
	by_name = strcmp(a->name, b->name);
	if (by_name || a->subject == SL_SAID_NODE)
		return by_name;
	return (int)a->kind - (int)b->kind;
}

/* The index of the first that is not before @key. */
static size_t place_of(const struct sl_said *ledger, const struct sl_said_record *key)
{
	size_t low = 0, high = ledger->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (compare(&ledger->at[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct sl_said_record *sl_said_find(const struct sl_said *ledger,
					  const struct sl_said_record *key)
{
	const size_t at = place_of(ledger, key);

	return at < ledger->count && compare(&ledger->at[at], key) == 0 ? &ledger->at[at] : NULL;
}

int sl_said_merge(struct sl_said *ledger, const struct sl_said_record *record)
{
	const size_t at = place_of(ledger, record);
	struct sl_said_record *grown;

	if (at < ledger->count && compare(&ledger->at[at], record) == 0) {
		if (record->serial <= ledger->at[at].serial)
			return 0;
		ledger->at[at] = *record;
		return 1;
	}
	if (ledger->count == SL_SAID_MAX)
		return -ENOSPC;
	grown = reallocarray(ledger->at, ledger->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memmove(&grown[at + 1], &grown[at], (ledger->count - at) * sizeof(*grown));
	grown[at] = *record;
	ledger->at = grown;
	ledger->count++;
	return 1;
}

/* ---- what it means ----------------------------------------------------------------------- */

static bool has_ended(const struct sl_said_record *record, int64_t now_ms)
{
	return record->until_ms && now_ms >= record->until_ms;
}

bool sl_said_holds(const struct sl_said_record *record, int64_t now_ms)
{
	if (!record || has_ended(record, now_ms))
		return false;
	return record->subject == SL_SAID_NODE ? record->drained : record->rate_mu_per_s > 0;
}

int64_t sl_said_next_serial(const struct sl_said_record *record, int64_t now_ms)
{
	const int64_t after = record ? record->serial + 2 : 1;

	return now_ms > after ? now_ms : after;
}

int64_t sl_said_next_end(const struct sl_said *ledger, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < ledger->count; i++)
		if (ledger->at[i].until_ms > now_ms && ledger->at[i].until_ms < next_ms)
			next_ms = ledger->at[i].until_ms;
	return next_ms;
}

static int64_t scaled(int64_t amount, int64_t part, int64_t whole, int64_t most)
{
	const __int128 value = (__int128)amount * part / whole;

	return value > most ? most : (int64_t)value;
}

static void set_rate(struct sl_terms *terms, int64_t rate, uint32_t nodes)
{
	const int64_t before = terms->rate_mu_per_s;

	terms->burst_mu = scaled(terms->burst_mu, rate, before, SL_QUOTA_BURST_MAX);
	if (terms->burst_mu < terms->cost_max_mu) /* one admission must still fit */
		terms->burst_mu = terms->cost_max_mu;
	terms->guarantee_mu_per_s = scaled(terms->guarantee_mu_per_s, rate, before, rate);
	terms->ceiling_mu_per_s = scaled(terms->ceiling_mu_per_s, rate, before, SL_QUOTA_RATE_MAX);
	if (terms->ceiling_mu_per_s < rate)
		terms->ceiling_mu_per_s = rate;
	terms->rate_mu_per_s = rate;
	terms->small = sl_terms_are_small(rate, nodes);
}

void sl_said_apply(struct sl_terms *terms, const struct sl_said_record *record, uint32_t nodes,
		   int64_t now_ms)
{
	uint64_t gen;

	if (!record)
		return;
	gen = terms->gen + (uint64_t)record->serial + has_ended(record, now_ms);
	terms->gen = gen < SL_QUOTA_NUMBER_MAX ? gen : SL_QUOTA_NUMBER_MAX;
	if (sl_said_holds(record, now_ms))
		set_rate(terms, record->rate_mu_per_s, nodes);
}
