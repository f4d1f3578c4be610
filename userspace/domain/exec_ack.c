// SPDX-License-Identifier: Apache-2.0
#include "userspace/domain/exec_ack.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct ack_draft {
	struct sl_exec_ack ack;
	char status[16];
};

#define AT(member)	  SL_FIELD_AT(struct ack_draft, member)
#define CANCEL_AT(member) SL_FIELD_AT(struct sl_exec_cancel, member)

int sl_exec_ack_read(struct sl_exec_ack *ret, struct sl_span text, struct sl_fields_error *error)
{
	static const struct sl_field fields[] = {
		{ "version", SL_FIELD_IDENTIFIER, AT(ack.version), 0 },
		{ "assignment_id", SL_FIELD_IDENTIFIER, AT(ack.assignment_id), SL_FIELD_REQUIRED },
		{ "status", SL_FIELD_IDENTIFIER, AT(status), SL_FIELD_REQUIRED },
		{ "reason", SL_FIELD_PROSE, AT(ack.reason), 0 },
		{ "tenant_id", SL_FIELD_IDENTIFIER, AT(ack.tenant_id), 0 },
		{ "correlation.trace_id", SL_FIELD_IDENTIFIER, AT(ack.trace_id), 0 },
		{ "metadata.worker_id", SL_FIELD_PROSE, AT(ack.worker_id), 0 },
	};
	struct ack_draft draft = { .status = "" };
	int err;

	if (text.length > SL_EXEC_BYTES_MAX)
		return sl_fields_refuse(error, "longer than %u bytes", SL_EXEC_BYTES_MAX);
	err = sl_fields_read(&draft, fields, COUNT(fields), text, error);
	if (!err)
		err = sl_fields_version(draft.ack.version, error);
	if (err)
		return err;
	draft.ack.accepted = strcmp(draft.status, "accepted") == 0;
	if (!draft.ack.accepted && strcmp(draft.status, "rejected") != 0)
		return sl_fields_refuse(error, "status must be accepted or rejected");
	*ret = draft.ack;
	return 0;
}

void sl_exec_ack_write(struct sl_json_out *out, const struct sl_exec_ack *ack)
{
	sl_json_open(out, '{');
	sl_fields_put_text(out, "version", SL_MESSAGE_VERSION);
	sl_fields_put_text(out, "assignment_id", ack->assignment_id);
	sl_fields_put_text(out, "status", ack->accepted ? "accepted" : "rejected");
	sl_fields_put_text(out, "reason", ack->reason);
	sl_json_key(out, "correlation");
	sl_json_open(out, '{');
	sl_fields_put_text(out, "trace_id", ack->trace_id);
	sl_json_close(out, '}');
	sl_fields_put_text(out, "tenant_id", ack->tenant_id);
	sl_json_key(out, "metadata");
	sl_json_open(out, '{');
	sl_fields_put_text(out, "worker_id", ack->worker_id);
	sl_json_close(out, '}');
	sl_json_close(out, '}');
}

int sl_exec_cancel_read(struct sl_exec_cancel *ret, struct sl_span text,
			struct sl_fields_error *error)
{
	static const struct sl_field fields[] = {
		{ "version", SL_FIELD_IDENTIFIER, CANCEL_AT(version), 0 },
		{ "assignment_id", SL_FIELD_IDENTIFIER, CANCEL_AT(assignment_id),
		  SL_FIELD_REQUIRED },
		{ "reason", SL_FIELD_PROSE, CANCEL_AT(reason), 0 },
	};
	struct sl_exec_cancel read = { .version = "" };
	int err;

	if (text.length > SL_EXEC_BYTES_MAX)
		return sl_fields_refuse(error, "longer than %u bytes", SL_EXEC_BYTES_MAX);
	err = sl_fields_read(&read, fields, COUNT(fields), text, error);
	if (!err)
		err = sl_fields_version(read.version, error);
	if (!err)
		*ret = read;
	return err;
}

void sl_exec_cancel_write(struct sl_json_out *out, const struct sl_exec_cancel *cancel)
{
	sl_json_open(out, '{');
	sl_fields_put_text(out, "version", SL_MESSAGE_VERSION);
	sl_fields_put_text(out, "assignment_id", cancel->assignment_id);
	sl_fields_put_text(out, "reason", cancel->reason);
	sl_json_close(out, '}');
}
