// SPDX-License-Identifier: Apache-2.0
/* Messages that nobody can work with go where an operator can look at them and replay them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "userspace/worker/worker_private.h"

#define TIMEOUT_MS  5000
#define AGAIN_MS    5000
#define LETTER_MAX  (SL_BUS_PAYLOAD_MAX - 4096u)
#define DLQ_SUBJECT SL_SUBJECT_ASSIGN SL_SUBJECT_DLQ_SUFFIX

/* Lives until the stream has answered; the message is termed only then. */
struct burial {
	struct sl_worker *worker;
	bool has_token;
	struct sl_js_token token;
};

static void on_stored(void *context, int status, const struct sl_js_published *ack)
{
	struct burial *burial = context;
	struct sl_worker *worker = burial->worker;

	(void)ack;
	worker->stats.dead_letter_failures_total += status != 0;
	if (burial->has_token && status)
		(void)sl_js_nak(worker->bus, &burial->token, AGAIN_MS);
	else if (burial->has_token)
		(void)sl_js_term(worker->bus, &burial->token);
	free(burial);
}

void sl_worker_bury(struct sl_worker *worker, struct sl_dead_letter *letter,
		    const struct sl_js_token *token)
{
	const struct sl_bus_header headers[] = {
		{ SL_HEADER_TRACE_ID, sl_span_of(letter->trace_id) },
		{ SL_HEADER_TENANT_ID, sl_span_of(letter->tenant_id) },
		{ SL_HEADER_VERSION, SL_SPAN(SL_MESSAGE_VERSION) },
		{ SL_HEADER_DLQ_REASON, sl_span_of(letter->reason) },
		{ SL_HEADER_DLQ_MSG_ID, sl_span_of(letter->msg_id) },
	};
	struct sl_json_out out = SL_JSON_OUT(LETTER_MAX);
	struct burial *burial = calloc(1, sizeof(*burial));
	struct sl_span text = { NULL, 0 };
	int err = burial ? 0 : -ENOMEM;

	(void)snprintf(letter->original_subject, sizeof(letter->original_subject), "%s",
		       SL_SUBJECT_ASSIGN);
	letter->timestamp_ms = sl_worker_wall_ms();
	sl_dead_letter_write(&out, letter, (enum sl_dead_body)worker->config->dead_letter_body);
	if (!err)
		err = sl_json_done(&text, &out);
	if (!err) {
		burial->worker = worker;
		burial->has_token = token != NULL;
		if (token)
			burial->token = *token;
		err = sl_js_publish(worker->bus, DLQ_SUBJECT, NULL, headers,
				    sizeof(headers) / sizeof(headers[0]), text, TIMEOUT_MS,
				    on_stored, burial);
	}
	sl_json_out_free(&out);
	if (!err)
		return;
	worker->stats.dead_letter_failures_total++;
	if (token)
		(void)sl_js_nak(worker->bus, token, AGAIN_MS);
	free(burial);
}
