// SPDX-License-Identifier: Apache-2.0
/* What could not be worked on: listed, shown, and sent again. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/letters.h"
#include "userspace/cli/moment.h"
#include "userspace/cli/safe.h"
#include "userspace/cli/sheet.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LIMIT_DEFAULT 100u
#define LIMIT_MAX     100000u
#define LOOKED_AT_MAX 1000000u

static int open_letters(struct sl_letters **ret, struct sl_cli *cli, const struct sl_args *args)
{
	const char *servers = sl_args_option(args, "nats");
	int err;

	if (!servers)
		servers = getenv("NATS_URL");
	if (!servers || !*servers)
		servers = SL_LETTERS_SERVER;
	err = sl_letters_open(ret, servers, sl_args_option(args, "credentials"));
	if (!err)
		return 0;
	return sl_cli_fail(cli,
			   err == -ENOTCONN || err == -ENOENT ? SL_EXIT_ABSENT : SL_EXIT_FAILED,
			   "%s", sl_letters_error(*ret));
}

/* ---- list ------------------------------------------------------------------------------------ */

static const struct sl_column columns[] = {
	{ "sequence", "SEQ", SL_KIND_PLAIN, 0 },
	{ "time", "TIME", SL_KIND_TEXT, 0 },
	{ "original_subject", "SUBJECT", SL_KIND_TEXT, 0 },
	{ "reason", "REASON", SL_KIND_TEXT, 0 },
	{ "error_code", "CODE", SL_KIND_TEXT, 0 },
	{ "tenant_id", "TENANT", SL_KIND_TEXT, 0 },
	{ "msg_id", "MESSAGE", SL_KIND_TEXT, 0 },
	{ "trace_id", NULL, SL_KIND_TEXT, 0 },
	{ "replayable", "REPLAY", SL_KIND_BOOL, 0 },
};

struct filter {
	const char *tenant, *reason, *subject;
};

static bool wanted(const struct filter *filter, const struct sl_dead_letter *letter)
{
	return (!filter->tenant || strcmp(filter->tenant, letter->tenant_id) == 0) &&
	       (!filter->reason || strcmp(filter->reason, letter->reason) == 0) &&
	       (!filter->subject || strcmp(filter->subject, letter->original_subject) == 0);
}

static struct filter filter_of(const struct sl_args *args)
{
	return (struct filter){ sl_args_option(args, "tenant"), sl_args_option(args, "reason"),
				sl_args_option(args, "subject") };
}

static void put_letter(struct sl_sheet *sheet, uint64_t sequence,
		       const struct sl_dead_letter *letter)
{
	char moment[SL_MOMENT_BYTES];

	sl_put_number(sheet, sequence);
	sl_put_text(sheet, sl_format_moment(moment, letter->timestamp_ms));
	sl_put_text(sheet, letter->original_subject);
	sl_put_text(sheet, letter->reason);
	sl_put_text(sheet, letter->error_code);
	sl_put_text(sheet, letter->tenant_id);
	sl_put_text(sheet, letter->msg_id);
	sl_put_text(sheet, letter->trace_id);
	sl_put_bool(sheet, letter->message.length > 0);
}

/* From the newest back. -errno other than -ENOENT and -EINVAL ends it. */
static int collect(struct sl_sheet *sheet, struct sl_letters *letters, const struct filter *filter,
		   uint64_t limit)
{
	const uint64_t first = sl_letters_first(letters), last = sl_letters_last(letters);

	for (uint64_t at = last; at && at >= first && last - at < LOOKED_AT_MAX; at--) {
		struct sl_dead_letter letter;
		int err = sl_letters_get(&letter, letters, at);

		if (err == -ENOENT || err == -EINVAL)
			continue;
		if (err)
			return err;
		if (!wanted(filter, &letter))
			continue;
		put_letter(sheet, at, &letter);
		if (sl_sheet_rows(sheet) == limit)
			break;
	}
	return 0;
}

int sl_cmd_dlq_list(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_letters_closep) struct sl_letters *letters = NULL;
	const struct filter filter = filter_of(args);
	uint64_t limit = LIMIT_DEFAULT;
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	int code = sl_args_number(&limit, cli, args, "limit", 1, LIMIT_MAX);

	if (!code)
		code = open_letters(&letters, cli, args);
	if (code)
		return code;
	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_table(doc, "letters", NULL, columns, COUNT(columns));
	sl_sheet_when_empty(sheet, "no dead letters");
	if (collect(sheet, letters, &filter, limit) != 0) {
		sl_doc_free(doc);
		return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", sl_letters_error(letters));
	}
	if (sl_sheet_rows(sheet) == limit)
		sl_cli_note(cli, "the newest %" PRIu64 "; see --limit", limit);
	return sl_doc_finish(doc, cli);
}

/* ---- show --------------------------------------------------------------------------------------
 */

static int read_sequence(uint64_t *ret, struct sl_cli *cli, const char *text)
{
	struct sl_text_error error;

	if (sl_parse_amount(ret, text, SL_UNIT_COUNT, &error) == 0 && *ret > 0)
		return 0;
	return sl_cli_fail(cli, SL_EXIT_USAGE, "\"%s\" is not the number of a letter; see dlq list",
			   text);
}

int sl_cmd_dlq_show(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_letters_closep) struct sl_letters *letters = NULL;
	struct sl_dead_letter letter;
	uint64_t sequence = 0;
	int code = read_sequence(&sequence, cli, args->positionals[0]), err;

	if (!code)
		code = open_letters(&letters, cli, args);
	if (code)
		return code;
	err = sl_letters_get(&letter, letters, sequence);
	if (err && err != -EINVAL)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "letter %" PRIu64 ": %s", sequence,
				   err == -ENOENT ? "there is none" : sl_letters_error(letters));
	/* JSON from strangers: as it is for programs, cleaned for a terminal. */
	if (cli->format == SL_FORMAT_JSON)
		(void)fwrite(sl_letters_text(letters).at, 1, sl_letters_text(letters).length,
			     cli->out);
	else
		sl_safe_print(cli->out, sl_letters_text(letters).at);
	(void)fputc('\n', cli->out);
	return fflush(cli->out) ? SL_EXIT_FAILED : SL_EXIT_OK;
}

/* ---- replay
 * -------------------------------------------------------------------------------------- */

static int replay(struct sl_cli *cli, struct sl_letters *letters, uint64_t sequence, bool keep)
{
	bool duplicate = false;
	int err = sl_letters_replay(&duplicate, letters, sequence);

	if (!err && !keep)
		err = sl_letters_remove(letters, sequence);
	if (err)
		return sl_cli_fail(cli, SL_EXIT_FAILED, "letter %" PRIu64 ": %s", sequence,
				   sl_letters_error(letters));
	(void)fprintf(cli->out, "letter %" PRIu64 ": %s\n", sequence,
		      duplicate ? "was there already" : "sent again");
	return 0;
}

/* Oldest first, as they came. Those that cannot be replayed are passed over. */
static int replay_all(struct sl_cli *cli, struct sl_letters *letters, const struct filter *filter,
		      bool keep)
{
	const uint64_t first = sl_letters_first(letters), last = sl_letters_last(letters);
	uint64_t sent = 0, without = 0;
	int code = 0;

	for (uint64_t at = first; at && at <= last && at - first < LOOKED_AT_MAX; at++) {
		struct sl_dead_letter letter;
		int err = sl_letters_get(&letter, letters, at);

		if (err == -ENOENT || err == -EINVAL)
			continue;
		if (err)
			return sl_cli_fail(cli, SL_EXIT_FAILED, "%s", sl_letters_error(letters));
		if (!wanted(filter, &letter))
			continue;
		if (!letter.message.length) {
			without++;
			continue;
		}
		if (replay(cli, letters, at, keep) == 0)
			sent++;
		else
			code = SL_EXIT_FAILED;
	}
	(void)fprintf(cli->out, "%" PRIu64 " sent again", sent);
	if (without)
		(void)fprintf(cli->out, ", %" PRIu64 " have no message", without);
	(void)fputc('\n', cli->out);
	return code;
}

int sl_cmd_dlq_replay(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_letters_closep) struct sl_letters *letters = NULL;
	const bool all = sl_args_option(args, "all") != NULL;
	const bool keep = sl_args_option(args, "keep") != NULL;
	const struct filter filter = filter_of(args);
	uint64_t sequences[SL_POSITIONALS_MAX];
	int code = 0;

	if (all == (args->count > 0))
		return sl_cli_fail(cli, SL_EXIT_USAGE,
				   "name letters by their numbers, or all of them by --all");
	for (size_t i = 0; i < args->count && !code; i++)
		code = read_sequence(&sequences[i], cli, args->positionals[i]);
	if (!code)
		code = open_letters(&letters, cli, args);
	if (code)
		return code;
	if (all)
		return replay_all(cli, letters, &filter, keep);
	for (size_t i = 0; i < args->count; i++)
		if (replay(cli, letters, sequences[i], keep) != 0)
			code = SL_EXIT_FAILED;
	return code;
}
