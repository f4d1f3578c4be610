// SPDX-License-Identifier: Apache-2.0
#include "userspace/bus/bury.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sluice/envelope.h"
#include "userspace/base/cleanup.h"

#define TIMEOUT_MS 5000
#define AGAIN_MS   5000
#define LETTER_MAX (SL_BUS_PAYLOAD_MAX - 4096u)

void sl_bus_letter_name(struct sl_dead_letter *letter, const struct sl_bus_message *message)
{
	sl_bus_header_copy(letter->trace_id, sizeof(letter->trace_id), message, SL_HEADER_TRACE_ID);
	sl_bus_header_copy(letter->tenant_id, sizeof(letter->tenant_id), message,
			   SL_HEADER_TENANT_ID);
	sl_bus_header_copy(letter->msg_id, sizeof(letter->msg_id), message, SL_HEADER_MSG_ID);
}

/* Lives until the stream has answered; the message is termed only then. */
struct burial {
	struct sl_bus *bus;
	uint64_t *failures_total;
	bool has_token;
	struct sl_js_token token;
};

static void on_stored(void *context, int status, const struct sl_js_published *ack)
{
	struct burial *burial = context;

	(void)ack;
	*burial->failures_total += status != 0;
	if (burial->has_token && status)
		(void)sl_js_nak(burial->bus, &burial->token, AGAIN_MS);
	else if (burial->has_token)
		(void)sl_js_term(burial->bus, &burial->token);
	free(burial);
}

static int publish(struct burial *burial, const struct sl_dead_letter *letter,
		   enum sl_dead_body body)
{
	const struct sl_bus_header headers[] = {
		{ SL_HEADER_TRACE_ID, sl_span_of(letter->trace_id) },
		{ SL_HEADER_TENANT_ID, sl_span_of(letter->tenant_id) },
		{ SL_HEADER_VERSION, SL_SPAN(SL_MESSAGE_VERSION) },
		{ SL_HEADER_DLQ_REASON, sl_span_of(letter->reason) },
		{ SL_HEADER_DLQ_MSG_ID, sl_span_of(letter->msg_id) },
	};
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(LETTER_MAX);
	char subject[SL_DEAD_SUBJECT_BYTES + sizeof(SL_SUBJECT_DLQ_SUFFIX)];
	struct sl_span text = { NULL, 0 };
	int err;

	(void)snprintf(subject, sizeof(subject), "%s%s", letter->original_subject,
		       SL_SUBJECT_DLQ_SUFFIX);
	sl_dead_letter_write(&out, letter, body);
	err = sl_json_done(&text, &out);
	return err ? err
		   : sl_js_publish(burial->bus, subject, NULL, headers,
				   sizeof(headers) / sizeof(headers[0]), text, TIMEOUT_MS,
				   on_stored, burial);
}

void sl_bus_bury(struct sl_bus *bus, const struct sl_dead_letter *letter, enum sl_dead_body body,
		 const struct sl_js_token *token, uint64_t *failures_total)
{
	struct burial *burial = calloc(1, sizeof(*burial));
	int err = -ENOMEM;

	if (burial) {
		burial->bus = bus;
		burial->failures_total = failures_total;
		burial->has_token = token != NULL;
		if (token)
			burial->token = *token;
		err = publish(burial, letter, body);
	}
	if (!err)
		return;
	(*failures_total)++;
	if (token)
		(void)sl_js_nak(bus, token, AGAIN_MS);
	free(burial);
}
