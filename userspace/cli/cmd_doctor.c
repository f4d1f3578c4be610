// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/commands.h"
#include "userspace/cli/doctor.h"
#include "userspace/cli/sheet.h"

static const struct sl_column finding_columns[] = {
	{ "result", "RESULT", SL_KIND_TEXT, 0 },
	{ "check", "CHECK", SL_KIND_TEXT, 0 },
	{ "found", "FOUND", SL_KIND_TEXT, 0 },
	{ "advice", "WHAT TO DO", SL_KIND_TEXT, 0 },
};

static void put_finding(struct sl_sheet *sheet, const struct sl_finding *finding)
{
	static const struct {
		const char *word;
		enum sl_shade shade;
	} levels[] = {
		[SL_FINDING_OK] = { "ok", SL_SHADE_GOOD },
		[SL_FINDING_WARN] = { "warn", SL_SHADE_WARN },
		[SL_FINDING_FAIL] = { "fail", SL_SHADE_BAD },
	};

	sl_put_word(sheet, levels[finding->level].word);
	sl_shade(sheet, levels[finding->level].shade);
	sl_put_text(sheet, finding->check);
	sl_put_text(sheet, finding->found);
	sl_put_text(sheet, finding->advice);
}

int sl_cmd_doctor(struct sl_cli *cli, const struct sl_args *args)
{
	sl_autofree struct sl_doctor_facts *facts = calloc(1, sizeof(*facts));
	sl_autofree struct sl_finding *findings = calloc(SL_FINDINGS_MAX, sizeof(*findings));
	struct sl_doc *doc = NULL;
	struct sl_sheet *sheet;
	bool failed = false;
	size_t count;
	int code;

	if (!facts || !findings || sl_doc_new(&doc))
		return sl_cli_fail(cli, SL_EXIT_FAILED, "out of memory");
	code = sl_doctor_look(facts, cli, sl_args_option(args, "interface"));
	if (code) {
		sl_doc_free(doc);
		return code;
	}
	count = sl_doctor_judge(findings, facts);
	sheet = sl_doc_table(doc, "findings", NULL, finding_columns, 4);
	for (size_t i = 0; i < count; i++) {
		put_finding(sheet, &findings[i]);
		failed |= findings[i].level == SL_FINDING_FAIL;
	}
	code = sl_doc_finish(doc, cli);
	return code ? code : failed ? SL_EXIT_DOCTOR : SL_EXIT_OK;
}
