// SPDX-License-Identifier: Apache-2.0
/*
 * The screen of `tenants top`. Every line is cut to the width of the terminal
 * before it is coloured, so that nothing wraps; all but the sparkline is ASCII.
 */
#include "userspace/cli/top.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/cli/human.h"

#define LINE_BYTES 512u
#define HEAD_LINES 4u /* summary, blank, titles; and the keys at the bottom */
#define NAME_MIN   12u
#define NAME_MAX   28u
#define SPARK_MIN  8u

#define BOLD  "\033[1m"
#define DIM   "\033[2m"
#define RED   "\033[31m"
#define AMBER "\033[33m"
#define GREEN "\033[32m"
#define HEAD  "\033[7m"
#define RESET "\033[0m"
#define ERASE "\033[K" /* the rest of the line */

/* A line being written: how much of the width is left. */
struct pen {
	FILE *out;
	size_t left;
	bool colour;
};

static void put(struct pen *pen, const char *style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void put(struct pen *pen, const char *style, const char *format, ...)
{
	char text[LINE_BYTES];
	size_t length;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	length = strlen(text);
	if (length > pen->left)
		length = pen->left;
	if (!length)
		return;
	(void)fprintf(pen->out, "%s%.*s%s", pen->colour ? style : "", (int)length, text,
		      pen->colour && *style ? RESET : "");
	pen->left -= length;
}

static void end_line(struct pen *pen, const struct sl_top_look *look)
{
	(void)fputs(ERASE "\r\n", pen->out);
	pen->left = look->columns;
}

static const char *mode_style(enum sl_mode mode)
{
	return mode == SL_MODE_ENFORCE ? GREEN : AMBER;
}

static void draw_summary(struct pen *pen, const struct sl_top *top, const struct sl_top_look *look)
{
	char offered_text[SL_HUMAN_BYTES], dropped_text[SL_HUMAN_BYTES];
	char every[SL_HUMAN_BYTES];
	double offered = 0.0, dropped = 0.0;

	for (size_t i = 0; i < sl_top_count(top); i++) {
		offered += sl_top_row(top, i)->offered;
		dropped += sl_top_row(top, i)->dropped;
	}
	put(pen, BOLD, "sluice");
	put(pen, "", "  mode ");
	put(pen, mode_style(look->mode), "%s", sl_choice_name(sl_choices_mode, (int)look->mode));
	put(pen, "", "  agent ");
	put(pen, look->agent ? GREEN : RED, "%s", look->agent ? "running" : "dead");
	put(pen, "", "  %zu tenants  in %s/s", sl_top_count(top),
	    sl_human_count(offered_text, offered));
	put(pen, dropped > 0.0 ? RED : "", "  dropped %s/s", sl_human_count(dropped_text, dropped));
	put(pen, DIM, "  every %s, by %s%s", sl_human_duration(every, look->interval_ns),
	    sl_choice_name(sl_choices_top_sort, (int)look->sort), look->paused ? ", PAUSED" : "");
	end_line(pen, look);
	end_line(pen, look);
}

/* What fits beside the name: the sparkline takes the rest. */
struct layout {
	size_t name;
	size_t spark; /* of each of the two; 0: none */
	bool bytes;
	bool egress;
};

#define NUMBERS (7u + 1 + 7 + 1 + 9 + 1 + 5) /* offered, dropped, limit, used */
#define BYTES	(1u + 10)
#define EGRESS	(1u + 7)

static struct layout lay_out(const struct sl_top *top, const struct sl_top_look *look)
{
	struct layout layout = { .name = NAME_MIN };
	size_t used;

	for (size_t i = 0; i < sl_top_count(top); i++) {
		size_t length = strlen(sl_top_row(top, i)->name);

		layout.name = length > layout.name ? length : layout.name;
	}
	if (layout.name > NAME_MAX)
		layout.name = NAME_MAX;
	used = layout.name + 1 + NUMBERS;
	layout.bytes = used + BYTES + 2 * (SPARK_MIN + 1) <= look->columns;
	used += layout.bytes ? BYTES : 0;
	layout.egress = used + EGRESS + 2 * (SPARK_MIN + 1) <= look->columns;
	used += layout.egress ? EGRESS : 0;
	if (used + 2 * (SPARK_MIN + 1) <= look->columns)
		layout.spark = (look->columns - used) / 2 - 1;
	if (layout.spark > SL_SPARK_CELLS_MAX)
		layout.spark = SL_SPARK_CELLS_MAX;
	return layout;
}

static void draw_titles(struct pen *pen, const struct layout *layout,
			const struct sl_top_look *look)
{
	put(pen, HEAD, "%-*s %7s %7s %9s %5s", (int)layout->name, "TENANT", "IN/s", "DROP/s",
	    "LIMIT/s", "USED");
	if (layout->bytes)
		put(pen, HEAD, " %10s", "IN BYTES/s");
	if (layout->egress)
		put(pen, HEAD, " %7s", "OUT/s");
	if (layout->spark) {
		put(pen, HEAD, " %-*s", (int)layout->spark, "OFFERED");
		put(pen, HEAD, " %-*s", (int)layout->spark, "DROPPED");
	}
	put(pen, HEAD, "%*s", (int)pen->left, "");
	end_line(pen, look);
}

static void draw_limit(struct pen *pen, const struct sl_top_row *row)
{
	char amount[SL_AMOUNT_BYTES], used[SL_HUMAN_BYTES];

	put(pen,
	    row->limit.unlimited ? DIM
	    : row->limit.per_s	 ? ""
				 : RED,
	    " %9s", sl_format_rate(amount, sizeof(amount), &row->limit, SL_UNIT_COUNT));
	if (row->used < 0.0)
		put(pen, DIM, " %5s", "-");
	else
		put(pen, row->used >= 0.8 ? AMBER : "", " %5s", sl_human_percent(used, row->used));
}

/* Spark characters are wider in bytes than on the screen: counted by cells here. */
static void draw_spark(struct pen *pen, const char *style, const double *values, size_t count,
		       const struct layout *layout, const struct sl_top_look *look, double top)
{
	char bars[SL_SPARK_BYTES];

	if (pen->left < layout->spark + 1)
		return;
	(void)fprintf(pen->out, " %s%s%s", pen->colour ? style : "",
		      sl_spark(bars, values, count, layout->spark, top, look->unicode),
		      pen->colour && *style ? RESET : "");
	pen->left -= layout->spark + 1;
}

/* Of the last @cells. */
static double largest(const double *values, size_t count, size_t cells)
{
	double top = 0.0;

	for (size_t i = count > cells ? count - cells : 0; i < count; i++)
		top = values[i] > top ? values[i] : top;
	return top;
}

static void draw_row(struct pen *pen, const struct sl_top *top, const struct sl_top_row *row,
		     const struct layout *layout, const struct sl_top_look *look)
{
	char text[SL_HUMAN_BYTES];
	double dropped = row->dropped > 0.0 ? row->dropped : row->shadow;
	const char *drop_style = row->dropped > 0.0 ? RED : row->shadow > 0.0 ? AMBER : DIM;
	const double *offered_history, *dropped_history;
	size_t count;

	put(pen, row->dropped > 0.0 ? BOLD : "", "%-*.*s", (int)layout->name, (int)layout->name,
	    row->name);
	put(pen, "", " %7s", sl_human_count(text, row->offered));
	put(pen, drop_style, " %7s", sl_human_count(text, dropped));
	draw_limit(pen, row);
	if (layout->bytes)
		put(pen, "", " %10s", sl_human_bytes(text, row->offered_bytes));
	if (layout->egress)
		put(pen, "", " %7s", sl_human_count(text, row->egress));
	if (layout->spark) {
		offered_history = sl_top_offered(&count, top, row->tenant);
		dropped_history = sl_top_dropped(&count, top, row->tenant);
		draw_spark(pen, GREEN, offered_history, count, layout, look, 0.0);
		/* On the scale of what was offered: half a bar is half of it dropped. */
		draw_spark(pen, RED, dropped_history, count, layout, look,
			   largest(offered_history, count, layout->spark));
	}
	end_line(pen, look);
}

static void draw_keys(struct pen *pen, const struct sl_top *top, const struct sl_top_look *look,
		      size_t shown)
{
	if (look->help)
		put(pen, BOLD,
		    "sort: d drops  o offered  b bytes  u used  n name   move: arrows pages   "
		    "+ - interval   p pause   q quit");
	else
		put(pen, DIM, "q quit  d o b u n sort  p pause  + - interval  ? help");
	if (sl_top_count(top) > shown)
		put(pen, DIM, "  rows %zu-%zu of %zu", look->first + 1, look->first + shown,
		    sl_top_count(top));
	/* No newline: it would scroll the screen. */
	(void)fputs(ERASE, pen->out);
}

int sl_top_draw(char **ret, size_t *ret_length, const struct sl_top *top,
		const struct sl_top_look *look)
{
	size_t room = look->rows > HEAD_LINES ? look->rows - HEAD_LINES : 0, shown = 0;
	struct layout layout = lay_out(top, look);
	char *text = NULL;
	size_t length = 0;
	struct pen pen = { .left = look->columns, .colour = look->colour };

	pen.out = open_memstream(&text, &length);
	if (!pen.out)
		return -ENOMEM;
	(void)fputs("\033[H", pen.out);
	draw_summary(&pen, top, look);
	draw_titles(&pen, &layout, look);
	for (size_t i = look->first; i < sl_top_count(top) && shown < room; i++, shown++)
		draw_row(&pen, top, sl_top_row(top, i), &layout, look);
	for (size_t i = shown; i < room; i++)
		end_line(&pen, look);
	draw_keys(&pen, top, look, shown);
	if (fclose(pen.out)) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	*ret_length = length;
	return 0;
}
