// SPDX-License-Identifier: Apache-2.0
/* Dead letters and alerts. */
#include <stdio.h>
#include <string.h>

#include "userspace/base/clock.h"
#include "userspace/router/router_private.h"

#define LETTER_BYTES_MAX  (2u << 20)
#define LETTER_TIMEOUT_MS 5000u
#define ALERT_BYTES_MAX	  4096u

static void keep(char *buffer, size_t size, const char *text)
{
	(void)snprintf(buffer, size, "%s", text ? text : "");
}

static void buried(void *context, int status, const struct sl_js_published *ack)
{
	struct sl_router *router = context;

	(void)ack;
	if (status == 0)
		return;
	router->counts.dlq_failed_total++;
	sl_log_limited(router->log, SL_LOG_DROPS, SL_LOG_ERROR, "dead letter lost",
		       SL_STR("error", strerrordesc_np(-status)));
}

static struct sl_span write_letter(struct sl_router *router, const struct sl_burial *burial)
{
	struct sl_dead_letter letter = { .timestamp_ms = sl_wall_ms(), .message = burial->message };
	struct sl_span text = { NULL, 0 };

	keep(letter.original_subject, sizeof(letter.original_subject), burial->subject);
	keep(letter.msg_id, sizeof(letter.msg_id), burial->msg_id);
	keep(letter.reason, sizeof(letter.reason), burial->reason);
	keep(letter.error_code, sizeof(letter.error_code), burial->error_code);
	keep(letter.trace_id, sizeof(letter.trace_id), burial->trace->trace_id);
	keep(letter.tenant_id, sizeof(letter.tenant_id), burial->tenant_id);
	sl_json_out_reset(&router->letter);
	router->letter.bytes_max = LETTER_BYTES_MAX;
	sl_dead_letter_write(&router->letter, &letter,
			     burial->whole ? SL_DEAD_BODY_WHOLE : router->settings.dlq_body);
	(void)sl_json_done(&text, &router->letter);
	return text;
}

void sl_router_bury(struct sl_router *router, const struct sl_burial *burial)
{
	const struct sl_span text = write_letter(router, burial);
	char subject[SL_DEAD_SUBJECT_BYTES + sizeof(SL_SUBJECT_DLQ_SUFFIX)];
	struct sl_trace trace = *burial->trace;
	struct sl_out_headers headers;
	uint8_t random[8];
	int err = -EFBIG;

	sl_router_random(router, random, sizeof(random));
	sl_trace_next(&trace, random);
	sl_out_headers(&headers, &trace, burial->tenant_id ? burial->tenant_id : "");
	sl_out_header(&headers, SL_HEADER_DLQ_REASON, burial->reason);
	sl_out_header(&headers, SL_HEADER_DLQ_MSG_ID, burial->msg_id ? burial->msg_id : "");
	(void)snprintf(subject, sizeof(subject), "%s%s", burial->subject, SL_SUBJECT_DLQ_SUFFIX);
	router->counts.dlq_total++;
	if (text.length)
		err = sl_js_publish(router->bus, subject, NULL, headers.at, headers.count, text,
				    LETTER_TIMEOUT_MS, buried, router);
	if (err)
		buried(router, err, NULL);
}

/* ---- alerts ---------------------------------------------------------------------------------- */

static void write_alert(struct sl_json_out *out, const char *id, const char *severity,
			const char *message, const char *tenant, const char *provider)
{
	sl_json_open(out, '{');
	sl_fields_put_text(out, "alert_id", id);
	sl_fields_put_text(out, "severity", severity);
	sl_fields_put_text(out, "component", "router");
	sl_fields_put_text(out, "message", message);
	sl_json_key(out, "timestamp");
	sl_json_put_integer(out, (int64_t)sl_wall_ms());
	sl_json_key(out, "metadata");
	sl_json_open(out, '{');
	sl_fields_put_text(out, "tenant_id", tenant);
	sl_fields_put_text(out, "provider_id", provider);
	sl_json_close(out, '}');
	sl_json_close(out, '}');
}

void sl_router_alert(struct sl_router *router, const char *severity, const char *message,
		     const char *tenant, const char *provider)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out out = SL_JSON_OUT(ALERT_BYTES_MAX);
	char id[SL_UUID_BYTES], subject[64];
	struct sl_out_headers headers;
	struct sl_trace trace;
	struct sl_span text;
	uint8_t random[24];

	sl_router_random(router, random, sizeof(random));
	sl_uuid4(id, random);
	sl_router_random(router, random, sizeof(random));
	sl_trace_start(&trace, (struct sl_span){ NULL, 0 }, (struct sl_span){ NULL, 0 },
		       (struct sl_span){ NULL, 0 }, random);
	write_alert(&out, id, severity, message, tenant, provider);
	sl_out_headers(&headers, &trace, tenant);
	(void)snprintf(subject, sizeof(subject), "%s%s", SL_SUBJECT_ALERT_PREFIX, severity);
	router->counts.alerts_total++;
	if (sl_json_done(&text, &out) == 0)
		(void)sl_bus_publish(router->bus, subject, NULL, headers.at, headers.count, text);
}
