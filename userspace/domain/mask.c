// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/mask.h"

#include <errno.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"
#include "userspace/domain/json_scan.h"
#include "userspace/domain/mask_looks.h"

/* As a string's contents: @raw when they are escaped already. */
static void append_part(struct sl_json_out *out, const char *at, size_t length, bool raw)
{
	if (raw)
		sl_json_append(out, at, length);
	else
		sl_json_add_text(out, (struct sl_span){ at, length });
}

static void append_masked(struct sl_json_out *out, struct sl_span text, bool raw)
{
	struct sl_span found;
	size_t done = 0;

	while (sl_mask_find(&found, text, done)) {
		size_t begin = (size_t)(found.at - text.at);

		append_part(out, text.at + done, begin - done, raw);
		sl_json_append(out, SL_MASKED, sizeof(SL_MASKED) - 1);
		done = begin + found.length;
	}
	append_part(out, text.at + done, text.length - done, raw);
}

int sl_mask_text(struct sl_json_out *out, struct sl_span text)
{
	struct sl_span done;

	sl_json_begin_text(out);
	append_masked(out, text, false);
	sl_json_end_text(out);
	return sl_json_done(&done, out);
}

static void append_redacted(struct sl_json_out *out)
{
	static const char redacted[] = "\"" SL_MASKED "\"";

	sl_json_append(out, redacted, sizeof(redacted) - 1);
}

/* A string with escapes is looked at as it reads. When nothing is found in it, it stays
 * as it is written. One with a NUL is masked as a whole. */
static void append_string(struct sl_json_out *out, struct sl_span raw, bool escapes)
{
	struct sl_json_value value = { SL_JSON_STRING, raw };
	sl_autofree char *text = NULL;
	struct sl_span found;
	size_t length = 0;

	if (!escapes) {
		sl_json_append(out, "\"", 1);
		append_masked(out, (struct sl_span){ raw.at + 1, raw.length - 2 }, true);
		sl_json_append(out, "\"", 1);
		return;
	}
	text = malloc(raw.length);
	if (!text) {
		out->error = out->error ? out->error : -ENOMEM;
		return;
	}
	if (sl_json_text(text, raw.length, &length, value) != 0) {
		append_redacted(out);
		return;
	}
	if (!sl_mask_find(&found, (struct sl_span){ text, length }, 0)) {
		sl_json_append(out, raw.at, raw.length);
		return;
	}
	sl_json_append(out, "\"", 1);
	append_masked(out, (struct sl_span){ text, length }, false);
	sl_json_append(out, "\"", 1);
}

static bool is_secret(struct sl_span raw, bool escapes)
{
	struct sl_json_value value = { SL_JSON_STRING, raw };
	char text[SL_JSON_NAME_BYTES];
	size_t length = 0;

	if (!escapes)
		return sl_mask_is_secret((struct sl_span){ raw.at + 1, raw.length - 2 });
	return sl_json_text(text, sizeof(text), &length, value) == 0 &&
	       sl_mask_is_secret((struct sl_span){ text, length });
}

/* At a quote, in a text that was checked: only a name has a colon behind it. */
static int copy_string(struct sl_json_out *out, struct sl_json_scan *scan)
{
	const char *start = scan->at, *behind;
	unsigned int flags = 0;
	struct sl_span raw;
	int err = sl_json_scan_string(scan, &flags);

	if (err)
		return err;
	raw = (struct sl_span){ start, (size_t)(scan->at - start) };
	append_string(out, raw, flags);
	behind = scan->at;
	sl_json_skip_space(scan);
	if (!sl_json_at(scan, ':') || !is_secret(raw, flags)) {
		scan->at = behind;
		return 0;
	}
	scan->at++;
	sl_json_skip_space(scan);
	sl_json_append(out, behind, (size_t)(scan->at - behind));
	append_redacted(out);
	return sl_json_scan_value(scan);
}

/* A card's number needs no quotes. */
static int copy_number(struct sl_json_out *out, struct sl_json_scan *scan)
{
	struct sl_span raw = { scan->at, 0 };
	int err = sl_json_scan_number(scan);

	if (err)
		return err;
	raw.length = (size_t)(scan->at - raw.at);
	if (sl_is_digit(raw.at[0]) && sl_looks_like_card(raw, 0) == raw.length)
		append_redacted(out);
	else
		sl_json_append(out, raw.at, raw.length);
	return 0;
}

int sl_mask_json(struct sl_json_out *out, struct sl_span json)
{
	enum sl_json_type type = SL_JSON_ABSENT;
	struct sl_json_scan scan;
	struct sl_span done;
	int err = sl_json_check(&type, json, NULL);

	if (err)
		return err;
	sl_json_scan_start(&scan, json);
	if (out->comma)
		sl_json_append(out, ",", 1);
	while (scan.at < scan.end && !err) {
		if (*scan.at == '"')
			err = copy_string(out, &scan);
		else if (*scan.at == '-' || sl_is_digit(*scan.at))
			err = copy_number(out, &scan);
		else
			sl_json_append(out, scan.at++, 1);
	}
	out->comma = true;
	return err ? err : sl_json_done(&done, out);
}
