// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/cli/agent_call.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/live.h"
#include "userspace/cli/sheet.h"
#include "userspace/cli/terminal.h"
#include "userspace/cli/top.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define INTERVAL_NS	1000000000ull
#define INTERVAL_NS_MIN 100000000ull
#define INTERVAL_NS_MAX 3600000000000ull

static const struct sl_column top_columns[] = {
	{ "tenant", "TENANT", SL_KIND_TEXT, 0 },
	{ "id", NULL, SL_KIND_PLAIN, 0 },
	{ "mode", "MODE", SL_KIND_TEXT, 0 },
	{ "offered_packets_per_s", "OFFERED", SL_KIND_RATE, 0 },
	{ "passed_packets_per_s", "PASSED", SL_KIND_RATE, 0 },
	{ "dropped_packets_per_s", "DROPPED", SL_KIND_RATE, 0 },
	{ "shadow_packets_per_s", "SHADOW", SL_KIND_RATE, 0 },
	{ "limit_packets_per_s", "LIMIT", SL_KIND_RATE, 0 },
	{ "offered_bytes_per_s", "BYTES", SL_KIND_BYTE_RATE, 0 },
	{ "passed_bytes_per_s", NULL, SL_KIND_BYTE_RATE, 0 },
	{ "limit_bytes_per_s", "LIMIT BYTES", SL_KIND_BYTE_RATE, 0 },
	{ "used", "USED", SL_KIND_PART, 0 },
	{ "egress_packets_per_s", "EGRESS", SL_KIND_RATE, 0 },
	{ "egress_dropped_packets_per_s", "EGRESS DROPPED", SL_KIND_RATE, 0 },
};

static void put_row(struct sl_sheet *sheet, const struct sl_top_row *row)
{
	sl_put_text(sheet, row->name);
	sl_put_number(sheet, row->tenant);
	sl_put_text(sheet, sl_choice_name(sl_choices_mode, (int)row->mode));
	sl_put_real(sheet, row->offered);
	sl_put_real(sheet, row->passed);
	sl_put_real(sheet, row->dropped);
	sl_shade(sheet, row->dropped > 0.0 ? SL_SHADE_BAD : SL_SHADE_NONE);
	sl_put_real(sheet, row->shadow);
	sl_put_rate(sheet, &row->limit);
	sl_put_real(sheet, row->offered_bytes);
	sl_put_real(sheet, row->passed_bytes);
	sl_put_rate(sheet, &row->limit_bytes);
	if (row->used < 0.0)
		sl_put_none(sheet);
	else
		sl_put_real(sheet, row->used);
	sl_put_real(sheet, row->egress);
	sl_put_real(sheet, row->egress_dropped);
}

static int print_once(struct sl_cli *cli, const struct sl_top *top, uint64_t max)
{
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;

	if (sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	sheet = sl_doc_table(doc, "tenants", NULL, top_columns, COUNT(top_columns));
	for (size_t i = 0; i < sl_top_count(top) && i < max; i++)
		put_row(sheet, sl_top_row(top, i));
	return sl_doc_finish(doc, cli);
}

/* The running view. */
struct view {
	struct sl_cli *cli;
	struct sl_maps *maps;
	struct sl_top *top;
	struct sl_snapshot *last;
	struct sl_terminal *terminal;
	struct sl_top_look look;
	bool quit;
};

static int look_again(struct view *view)
{
	struct sl_snapshot *now = NULL;
	int code = sl_snapshot_take(&now, view->cli, view->maps);

	if (code)
		return code;
	if (sl_top_update(view->top, view->last, now, sl_maps_view(view->maps))) {
		sl_snapshot_free(now);
		return sl_cli_fail(view->cli, SL_EXIT_FAILED, "out of memory");
	}
	sl_snapshot_free(view->last);
	view->last = now;
	return 0;
}

static void clamp_scroll(struct view *view)
{
	size_t count = sl_top_count(view->top);

	if (view->look.first >= count)
		view->look.first = count ? count - 1 : 0;
}

static int draw(struct view *view)
{
	sl_autofree char *text = NULL;
	size_t length = 0;
	int err;

	sl_terminal_size(view->terminal, &view->look.columns, &view->look.rows);
	view->look.mode = (enum sl_mode)sl_maps_view(view->maps)->ctl->mode;
	sl_top_sort(view->top, view->look.sort);
	clamp_scroll(view);
	err = sl_top_draw(&text, &length, view->top, &view->look);
	if (!err)
		err = sl_terminal_write(view->terminal, text, length);
	return err ? SL_EXIT_FAILED : 0;
}

static void change_interval(struct view *view, bool longer)
{
	uint64_t next_ns = longer ? view->look.interval_ns * 2 : view->look.interval_ns / 2;

	if (next_ns >= INTERVAL_NS_MIN && next_ns <= INTERVAL_NS_MAX)
		view->look.interval_ns = next_ns;
}

static void take_char(struct view *view, char c)
{
	static const char sorts[] = "dobun"; /* in the order of enum sl_top_sort */
	const char *sort = c ? strchr(sorts, c) : NULL;

	if (sort)
		view->look.sort = (enum sl_top_sort)(sort - sorts);
	else if (c == 'q' || c == '\003')
		view->quit = true;
	else if (c == 'p' || c == ' ')
		view->look.paused = !view->look.paused;
	else if (c == '?' || c == 'h')
		view->look.help = !view->look.help;
	else if (c == '+' || c == '-')
		change_interval(view, c == '+');
	else if (c == 'j')
		view->look.first++;
	else if (c == 'k' && view->look.first)
		view->look.first--;
}

static void take_key(struct view *view, enum sl_key key, char c)
{
	size_t page = view->look.rows > 8 ? view->look.rows - 5 : 4;
	size_t *first = &view->look.first;

	switch (key) {
	case SL_KEY_CHAR:
		take_char(view, c);
		break;
	case SL_KEY_QUIT:
		view->quit = true;
		break;
	case SL_KEY_UP:
		*first -= *first > 0;
		break;
	case SL_KEY_DOWN:
		++*first;
		break;
	case SL_KEY_PAGE_UP:
		*first -= *first > page ? page : *first;
		break;
	case SL_KEY_PAGE_DOWN:
		*first += page;
		break;
	case SL_KEY_HOME:
		*first = 0;
		break;
	case SL_KEY_END:
		*first = sl_top_count(view->top) > page ? sl_top_count(view->top) - page : 0;
		break;
	case SL_KEY_NONE:
	case SL_KEY_RESIZE:
	case SL_KEY_LEFT:
	case SL_KEY_RIGHT:
		break;
	}
}

/* Keys until it is time to look again, with a new picture after each. */
static int wait_until(struct view *view, uint64_t until_ns)
{
	int code = 0;

	while (!view->quit && !code) {
		uint64_t now_ns = sl_monotonic_ns();
		char c = 0;
		enum sl_key key;

		if (now_ns >= until_ns)
			return 0;
		key = sl_terminal_wait(view->terminal, (until_ns - now_ns) / 1000000 + 1, &c);
		take_key(view, key, c);
		if (key != SL_KEY_NONE)
			code = draw(view);
	}
	return code;
}

static int run(struct view *view)
{
	int code = 0;

	while (!view->quit && !code) {
		uint64_t until_ns = sl_monotonic_ns() + view->look.interval_ns;

		view->look.agent = sl_agent_is_there(view->cli);
		code = draw(view);
		if (!code)
			code = wait_until(view, until_ns);
		if (!code && !view->quit && !view->look.paused)
			code = look_again(view);
	}
	return code;
}

static int run_live(struct view *view)
{
	int code, err = sl_terminal_open(&view->terminal, STDIN_FILENO, STDOUT_FILENO);

	if (err)
		return sl_cli_fail(view->cli, SL_EXIT_FAILED, "terminal: %s", strerror(-err));
	view->look.colour = view->cli->colour;
	view->look.unicode = view->cli->unicode;
	code = run(view);
	sl_terminal_close(view->terminal);
	return code;
}

static int run_once(struct view *view, uint64_t max)
{
	int code;

	sl_live_sleep_until(sl_monotonic_ns() + view->look.interval_ns);
	code = look_again(view);
	if (code)
		return code;
	sl_top_sort(view->top, view->look.sort);
	return print_once(view->cli, view->top, max);
}

int sl_cmd_tenants_top(struct sl_cli *cli, const struct sl_args *args)
{
	sl_cleanup(sl_maps_closep) struct sl_maps *maps = NULL;
	sl_cleanup(sl_top_freep) struct sl_top *top = NULL;
	struct view view = { .cli = cli, .look = { .interval_ns = INTERVAL_NS } };
	int sort = SL_TOP_BY_DROPS, code;
	uint64_t max = SL_TENANTS_MAX;
	bool once;

	if (sl_args_duration(&view.look.interval_ns, cli, args, "interval") ||
	    sl_args_choice(&sort, cli, args, "sort", sl_choices_top_sort) ||
	    sl_args_number(&max, cli, args, "limit", 1, SL_TENANTS_MAX))
		return SL_EXIT_USAGE;
	if (view.look.interval_ns < INTERVAL_NS_MIN || view.look.interval_ns > INTERVAL_NS_MAX)
		return sl_cli_fail(cli, SL_EXIT_USAGE, "--interval: allowed are 100ms to 1h");
	once = sl_args_option(args, "once") || cli->format != SL_FORMAT_TEXT ||
	       !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO);
	view.look.sort = (enum sl_top_sort)sort;
	code = sl_live_open(&maps, cli, SL_MAPS_READ);
	if (!code && sl_top_new(&top))
		code = sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	if (!code)
		code = sl_snapshot_take(&view.last, cli, maps);
	if (!code) {
		view.maps = maps;
		view.top = top;
		code = once ? run_once(&view, max) : run_live(&view);
	}
	sl_snapshot_free(view.last);
	return code;
}
