// SPDX-License-Identifier: Apache-2.0
/* Cases of the W3C's own suite for Trace Context, and the forms of X-Trace-ID. */
#include "tests/harness/test.h"

#include <string.h>

#include "userspace/domain/trace.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TRACE	"4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN	"00f067aa0ba902b7"
#define PARENT	"00-" TRACE "-" SPAN "-01"
#define OTHER	"0af7651916cd43dd8448eb211c80319c"
#define NEW	"101112131415161718191a1b1c1d1e1f"
#define ZEROS	"00000000000000000000000000000000"
#define OURS	"2021222324252627"
#define UUID4	"0f8fad5b-d9cb-469f-a165-70867728950e"
#define UUID_ID "0f8fad5bd9cb469fa16570867728950e"

static const uint8_t *randomness(void)
{
	static const uint8_t bytes[24] = {
		0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b,
		0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
	};

	return bytes;
}

static struct sl_trace start(const char *parent, const char *trace_state, const char *id)
{
	struct sl_trace trace;

	memset(&trace, 0xee, sizeof(trace));
	sl_trace_start(&trace, sl_span_of(parent), sl_span_of(trace_state), sl_span_of(id),
		       randomness());
	assert_string_equal(trace.span_id, OURS);
	return trace;
}

static void continues_a_valid_parent(void **state)
{
	static const struct {
		const char *parent;
		unsigned int flags;
	} valid[] = {
		{ PARENT, 1 },
		{ "00-" TRACE "-" SPAN "-00", 0 },
		{ "00-" TRACE "-" SPAN "-02", 2 },
		{ "00-" TRACE "-" SPAN "-03", 3 },
		{ "00-" TRACE "-" SPAN "-ff", 3 },
		{ "00-" TRACE "-" SPAN "-fc", 0 },
		{ " \t" PARENT "\t ", 1 },
		{ "01-" TRACE "-" SPAN "-01", 1 },
		{ "cc-" TRACE "-" SPAN "-01", 1 },
		{ "cc-" TRACE "-" SPAN "-01-what-the-future-will-be-like", 1 },
		{ "cc-" TRACE "-" SPAN "-01-", 1 },
		{ "fe-" TRACE "-" SPAN "-01-.what,", 1 },
	};

	for (size_t i = 0; i < COUNT(valid); i++) {
		struct sl_trace trace = start(valid[i].parent, "", OTHER);

		assert_string_equal(trace.trace_id, TRACE);
		assert_string_equal(trace.parent_id, SPAN);
		assert_int_equal(trace.flags, valid[i].flags);
	}
}

static void ignores_an_invalid_parent(void **state)
{
	static const char *const invalid[] = {
		"",
		"00",
		"ff-" TRACE "-" SPAN "-01",
		"FF-" TRACE "-" SPAN "-01",
		"CC-" TRACE "-" SPAN "-01",
		"0-" TRACE "-" SPAN "-01",
		".0-" TRACE "-" SPAN "-01",
		"0.-" TRACE "-" SPAN "-01",
		"000-" TRACE "-" SPAN "-01",
		PARENT "-",
		PARENT "-01",
		PARENT "0",
		PARENT ".",
		"cc-" TRACE "-" SPAN "-01.what-the-future-will-not-be-like",
		"cc-" TRACE "-" SPAN "-010",
		"cc-" TRACE "-" SPAN "-0",
		"00-" ZEROS "-" SPAN "-01",
		"00-" TRACE "-0000000000000000-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
		"00-" TRACE "-00F067AA0BA902B7-01",
		"00-" TRACE "-" SPAN "-0A",
		"00-" TRACE "-" SPAN "-.0",
		"00-" TRACE "-" SPAN "-0.",
		"00-" TRACE "-" SPAN "-1",
		"00-" TRACE "-" SPAN,
		"00-.bf92f3577b34da6a3ce929d0e0e4736-" SPAN "-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473.-" SPAN "-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473-" SPAN "-01",
		"00-" TRACE "0-" SPAN "-01",
		"00-" TRACE "-00f067aa0ba902b.-01",
		"00-" TRACE "-00f067aa0ba902b-01",
		"00_" TRACE "-" SPAN "-01",
		"00-" TRACE "_" SPAN "-01",
		"00-" TRACE "-" SPAN "_01",
		PARENT "," PARENT,
		"00 -" TRACE "-" SPAN "-01",
		"xx-" TRACE "-" SPAN "-01",
	};

	for (size_t i = 0; i < COUNT(invalid); i++) {
		struct sl_trace trace = start(invalid[i], "a=1", "");

		if (strcmp(trace.trace_id, NEW) != 0)
			fail_msg("continued: %s", invalid[i]);
		assert_string_equal(trace.parent_id, "");
		assert_string_equal(trace.tracestate, "");
		assert_int_equal(trace.flags, SL_TRACE_SAMPLED | SL_TRACE_RANDOM);
	}
}

static void ignores_a_parent_with_a_nul(void **state)
{
	struct sl_trace trace;
	char parent[] = PARENT;

	parent[10] = '\0';
	sl_trace_start(&trace, (struct sl_span){ parent, sizeof(parent) - 1 },
		       (struct sl_span){ NULL, 0 }, (struct sl_span){ NULL, 0 }, randomness());
	assert_string_equal(trace.trace_id, NEW);
}

static void takes_a_trace_id_without_parent(void **state)
{
	static const struct {
		const char *id, *want;
	} ids[] = {
		{ TRACE, TRACE },
		{ "4BF92F3577B34DA6A3CE929D0E0E4736", TRACE },
		{ UUID4, UUID_ID },
		{ "0F8FAD5B-D9CB-469F-A165-70867728950E", UUID_ID },
		{ " " TRACE "\t", TRACE },
		{ ZEROS, NEW },
		{ TRACE "0", NEW },
		{ "4bf92f3577b34da6a3ce929d0e0e473", NEW },
		{ "4bf92f3577b34da6a3ce929d0e0e473g", NEW },
		{ "0f8fad5b-d9cb-169f-a165-70867728950e", NEW }, /* no version 4 */
		{ "trace-1", NEW },
		{ "", NEW },
	};

	for (size_t i = 0; i < COUNT(ids); i++) {
		struct sl_trace trace = start("00-x", "a=1", ids[i].id);

		assert_string_equal(trace.trace_id, ids[i].want);
		assert_string_equal(trace.parent_id, "");
		assert_string_equal(trace.tracestate, "");
		assert_true(trace.flags & SL_TRACE_SAMPLED);
	}
}

static void a_state_goes_with_a_parent(void **state)
{
	assert_string_equal(start(PARENT, "a=1, b=2", "").tracestate, "a=1,b=2");
	assert_string_equal(start(PARENT, "a=1,b", "").tracestate, "");
	assert_string_equal(start("", "a=1", TRACE).tracestate, "");
}

static void goes_a_hop_further(void **state)
{
	struct sl_trace trace = start(PARENT, "a=1", "");
	uint8_t random[8] = { 0xff, 1, 2, 3, 4, 5, 6, 7 };
	char parent[SL_TRACEPARENT_CHARS + 1];

	sl_trace_next(&trace, random);
	assert_string_equal(trace.parent_id, OURS);
	assert_string_equal(trace.span_id, "ff01020304050607");
	assert_string_equal(trace.trace_id, TRACE);
	assert_string_equal(trace.tracestate, "a=1");
	sl_trace_parent(parent, &trace);
	assert_string_equal(parent, "00-" TRACE "-ff01020304050607-01");
}

static void what_it_writes_it_reads(void **state)
{
	struct sl_trace trace = start("cc-" TRACE "-" SPAN "-ff-more", "", ""), again;
	char parent[SL_TRACEPARENT_CHARS + 1];

	sl_trace_parent(parent, &trace);
	assert_string_equal(parent, "00-" TRACE "-" OURS "-03");
	again = start(parent, "", "");
	assert_string_equal(again.trace_id, TRACE);
	assert_string_equal(again.parent_id, OURS);
}

static void an_id_of_zeros_is_never_made(void **state)
{
	static const uint8_t zeros[24];
	struct sl_trace trace;

	sl_trace_start(&trace, SL_SPAN(""), SL_SPAN(""), SL_SPAN(""), zeros);
	assert_string_equal(trace.trace_id, "00000000000000000000000000000001");
	assert_string_equal(trace.span_id, "0000000000000001");
	sl_trace_next(&trace, zeros);
	assert_string_equal(trace.span_id, "0000000000000001");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(continues_a_valid_parent),
		cmocka_unit_test(ignores_an_invalid_parent),
		cmocka_unit_test(ignores_a_parent_with_a_nul),
		cmocka_unit_test(takes_a_trace_id_without_parent),
		cmocka_unit_test(a_state_goes_with_a_parent),
		cmocka_unit_test(goes_a_hop_further),
		cmocka_unit_test(what_it_writes_it_reads),
		cmocka_unit_test(an_id_of_zeros_is_never_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
