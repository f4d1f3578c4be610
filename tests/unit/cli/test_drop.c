// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/client.h"
#include "userspace/cli/drop.h"
#include "userspace/domain/text.h"

static const struct sl_event event = {
	.time_ns = 5000000000,
	.tenant = 3,
	.length_bytes = 64,
	.reason = SL_REASON_RATE_PACKETS,
	.direction = SL_INGRESS,
	.family = 4,
	.protocol = IPPROTO_TCP,
	.tcp_flags = 0x12,
	.remote = { 192, 0, 2, 7 },
	.local = { 198, 51, 100, 1 },
};

static void an_event_of_the_map(void **state)
{
	struct sl_event with_ports = event;
	struct sl_drop drop;

	with_ports.remote_port = htons(40000);
	with_ports.local_port = htons(443);
	sl_drop_of_event(&drop, &with_ports, 1000);
	assert_int_equal(drop.time_unix_ns, 5000001000);
	assert_int_equal(drop.remote_port, 40000);
	assert_int_equal(drop.remote.family, 4);
	assert_int_equal(drop.remote.bytes[3], 7);
	with_ports.family = 0;
	sl_drop_of_event(&drop, &with_ports, 0);
	assert_false(drop.parsed);
}

static void a_drop_prints_as_one_line(void **state)
{
	struct sl_cli cli = { .format = SL_FORMAT_CSV };
	struct sl_doc *doc = NULL;
	struct sl_drop drop;
	struct sl_sheet *sheet;
	char *text = NULL;
	size_t size = 0;

	sl_drop_of_event(&drop, &event, 0);
	(void)snprintf(drop.tenant, sizeof(drop.tenant), "noisy");
	drop.remote_port = 5;
	cli.out = open_memstream(&text, &size);
	assert_non_null(cli.out);
	assert_int_equal(sl_doc_new(&doc), 0);
	sheet = sl_doc_table(doc, "drops", NULL, sl_drop_columns, SL_DROP_COLUMNS);
	sl_drop_put(sheet, &drop);
	drop.parsed = false;
	sl_drop_put(sheet, &drop);
	assert_int_equal(sl_sheet_rows(sheet), 2);
	assert_int_equal(sl_doc_print(doc, &cli), 0);
	assert_int_equal(fclose(cli.out), 0);
	assert_non_null(strstr(text,
			       ",5000000000,noisy,rate_packets,dropped,ingress,,tcp,192.0.2.7:5,"
			       "192.0.2.7,5,198.51.100.1,198.51.100.1,0,SA,64\n"));
	assert_non_null(strstr(text, ",ingress,,tcp,,,,,,,SA,64\n"));
	free(text);
	sl_doc_free(doc);
}

static int of_text(struct sl_drop *ret, const char *text)
{
	sl_cleanup(sl_json_freep) json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return sl_drop_of_json(ret, json);
}

static void a_line_of_the_agent(void **state)
{
	struct sl_drop drop;

	assert_int_equal(
		of_text(&drop,
			"{\"tenant\":\"a\\u001b[2J\",\"reason\":\"shed\",\"direction\":"
			"\"egress\",\"time_unix_ns\":17,\"bytes\":1500,\"interface\":\"eth0\","
			"\"remote\":\"2001:db8::1\",\"remote_port\":1,\"local\":"
			"\"2001:db8::2\",\"local_port\":65535,\"protocol\":\"udp\","
			"\"tcp_flags\":0,\"shadow\":true}"),
		0);
	assert_string_equal(drop.tenant, "a\\x1b[2J");
	assert_int_equal(drop.reason, SL_REASON_SHED);
	assert_int_equal(drop.direction, SL_EGRESS);
	assert_int_equal(drop.time_unix_ns, 17);
	assert_int_equal(drop.length_bytes, 1500);
	assert_int_equal(drop.local_port, 65535);
	assert_int_equal(drop.protocol, IPPROTO_UDP);
	assert_true(drop.shadow && drop.parsed);
}

static void lines_that_are_no_event(void **state)
{
	struct sl_drop drop;

	assert_int_equal(of_text(&drop, "{}"), -EINVAL);
	assert_int_equal(of_text(&drop, "{\"reason\":7}"), -EINVAL);
	assert_int_equal(of_text(&drop, "{\"reason\":\"nonsense\"}"), -EINVAL);
	/* Numbers out of range, an address that is none: left out. */
	assert_int_equal(of_text(&drop, "{\"reason\":\"shed\",\"remote_port\":70000,\"bytes\":-1,"
					"\"remote\":\"x\",\"time_unix_ns\":-5}"),
			 0);
	assert_int_equal(drop.remote_port, 0);
	assert_int_equal(drop.length_bytes, 0);
	assert_int_equal(drop.time_unix_ns, 0);
	assert_false(drop.parsed);
}

static bool matches(const struct sl_drop *drop, const char *prefix)
{
	struct sl_drop_filter filter = { .has_prefix = true };

	assert_int_equal(sl_parse_prefix(&filter.prefix, prefix, NULL), 0);
	return sl_drop_matches(drop, &filter);
}

static void filters_choose(void **state)
{
	struct sl_drop_filter filter = { 0 };
	struct sl_drop drop;

	sl_drop_of_event(&drop, &event, 0);
	(void)snprintf(drop.tenant, sizeof(drop.tenant), "noisy");
	assert_true(sl_drop_matches(&drop, &filter));
	filter.tenant = "noisy";
	assert_true(sl_drop_matches(&drop, &filter));
	filter.reason = SL_REASON_SHED;
	assert_false(sl_drop_matches(&drop, &filter));
	filter.reason = SL_REASON_RATE_PACKETS;
	assert_true(sl_drop_matches(&drop, &filter));
	filter.tenant = "nois";
	assert_false(sl_drop_matches(&drop, &filter));

	assert_true(matches(&drop, "192.0.2.0/24"));
	assert_true(matches(&drop, "192.0.2.7"));
	assert_true(matches(&drop, "0.0.0.0/0"));
	assert_true(matches(&drop, "192.0.2.4/30"));
	assert_false(matches(&drop, "192.0.2.0/30"));
	assert_false(matches(&drop, "192.0.2.8/29"));
	assert_false(matches(&drop, "::/0"));
	drop.parsed = false;
	assert_false(matches(&drop, "0.0.0.0/0"));
}

static void tcp_flags_have_letters(void **state)
{
	char text[8];

	assert_string_equal(sl_tcp_flags_format(text, 0), "-");
	assert_string_equal(sl_tcp_flags_format(text, 0x12), "SA");
	assert_string_equal(sl_tcp_flags_format(text, 0xff), "FSRPAU");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_of_the_map),
		cmocka_unit_test(a_line_of_the_agent),
		cmocka_unit_test(lines_that_are_no_event),
		cmocka_unit_test(filters_choose),
		cmocka_unit_test(a_drop_prints_as_one_line),
		cmocka_unit_test(tcp_flags_have_letters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
