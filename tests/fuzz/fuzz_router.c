// SPDX-License-Identifier: Apache-2.0
/*
 * What reaches the router from the bus: by the first byte a request, a heartbeat, a
 * dead letter, or another router's record. Each is refused, or is one that can be
 * worked with; a decision about it is JSON.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/router/core.h"
#include "userspace/router/router_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static const char yaml[] =
	"version: 1\n"
	"tenants: [acme, beta]\n"
	"providers: [{id: a, cost: 0.5, capabilities: [chat]}, {id: b, latency: 30s}]\n"
	"policies: [{id: p, sticky_by: session_id, fallback: [{id: b}], providers: [{id: a}]}]\n";

static void require_json(const struct sl_json_out *out)
{
	enum sl_json_type type;
	struct sl_span text;

	require(sl_json_done(&text, out) == 0);
	require(sl_json_check(&type, text, NULL) == 0 && type == SL_JSON_OBJECT);
}

static void answer(struct sl_core *core, const struct sl_request *request)
{
	struct sl_json_out decision = SL_JSON_OUT(1u << 20), out = SL_JSON_OUT(1u << 20);
	struct sl_decide_fault fault = { .message = "" };
	struct sl_core_choice choice;
	struct sl_span text;

	if (sl_core_admit(core, request, &fault) == 0 &&
	    sl_core_choose(&choice, core, request, true, 1, &fault) == 0) {
		sl_core_write_decision(&decision, &choice, "a-1");
		require(sl_json_done(&text, &decision) == 0);
		sl_core_write_answer(&out, text, request);
	} else {
		require(fault.message[0] != '\0');
		sl_core_write_fault(&out, &fault, request, (struct sl_span){ NULL, 0 });
	}
	require_json(&out);
	(void)sl_request_digest(request);
	sl_json_out_free(&decision);
	sl_json_out_free(&out);
}

static void try_request(struct sl_span text)
{
	static const struct sl_request_headers headers = { .tenant_id = SL_SPAN("acme") };
	static const uint8_t random[24] = { 7 };
	struct sl_router_settings settings;
	struct sl_conf_error error = { .message = "" };
	struct sl_decide_fault fault = { .message = "" };
	struct sl_request request;
	struct sl_core *core;

	require(sl_conf_read_text(&settings, &sl_router_schema, "fuzz", yaml, sizeof(yaml) - 1,
				  NULL, &error) == 0);
	settings.decisions_max = settings.sessions_max = settings.breakers_max = 4;
	require(sl_core_new(&core, &settings, 1) == 0);
	if (sl_request_read(&request, &headers, text, random, &fault) == 0) {
		require(strcmp(request.tenant_id, "acme") == 0 && request.request_id[0]);
		answer(core, &request);
	} else {
		require(fault.message[0] != '\0' && fault.intake != SL_INTAKE_NONE);
	}
	sl_core_free(core);
	sl_router_settings_clear(&settings);
}

static void try_letter(struct sl_span text)
{
	static char buffer[1u << 16];
	struct sl_json_out out = SL_JSON_OUT(1u << 20);
	struct sl_dead_letter letter, again;
	struct sl_span message;

	if (sl_dead_letter_read(&letter, text, NULL) != 0)
		return;
	require(letter.original_subject[0] && letter.reason[0]);
	if (sl_dead_letter_message(&message, buffer, sizeof(buffer), &letter) != 0)
		message = (struct sl_span){ NULL, 0 };
	letter.message = message;
	letter.timestamp_ms &= (1ull << 53) - 1;
	sl_dead_letter_write(&out, &letter, SL_DEAD_BODY_MASKED);
	require_json(&out);
	require(sl_json_done(&text, &out) == 0 && sl_dead_letter_read(&again, text, NULL) == 0);
	require(strcmp(again.original_subject, letter.original_subject) == 0 &&
		strcmp(again.msg_id, letter.msg_id) == 0);
	sl_json_out_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_heartbeat beat;
	struct sl_shared_record record;
	struct sl_span text;

	if (size == 0)
		return 0;
	text = (struct sl_span){ (const char *)data + 1, size - 1 };
	switch (data[0]) {
	case 'r':
		try_request(text);
		break;
	case 'h':
		require(sl_heartbeat_read(&beat, text, NULL) != 0 ||
			(beat.worker_id[0] && beat.status[0]));
		break;
	case 'd':
		try_letter(text);
		break;
	case 's':
		require(sl_shared_read(&record, text) != 0 || record.answer.length >= 2);
		break;
	default:
		break;
	}
	return 0;
}
