// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "userspace/obs/log.h"

#define STAMP "T"
#define S     1000000000ull

static uint64_t clock_ns;

static uint64_t fake_clock(void)
{
	return clock_ns;
}

struct fixture {
	struct sl_log *log;
	int read_fd;
	int write_fd;
	char text[65536];
};

static void begin(struct fixture *f, enum sl_log_format format, enum sl_log_level level)
{
	int fds[2];

	memset(f, 0, sizeof(*f));
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	f->read_fd = fds[0];
	f->write_fd = fds[1];
	assert_int_equal(sl_log_new(&f->log, fds[1], format, level), 0);
	sl_log_set_clock(f->log, fake_clock, STAMP);
}

static const char *written(struct fixture *f)
{
	ssize_t length = read(f->read_fd, f->text, sizeof(f->text) - 1);

	f->text[length > 0 ? length : 0] = '\0';
	return f->text;
}

static void end(struct fixture *f)
{
	sl_log_free(f->log);
	close(f->read_fd);
	close(f->write_fd);
}

static void text_lines(void **state)
{
	struct fixture f;

	begin(&f, SL_LOG_TEXT, SL_LOG_INFO);
	sl_log(f.log, SL_LOG_INFO, "started");
	assert_string_equal(written(&f), "ts=T level=info msg=started\n");
	sl_log(f.log, SL_LOG_WARN, "two words", SL_STR("interface", "eth0"), SL_NUM("count", -3));
	assert_string_equal(written(&f),
			    "ts=T level=warn msg=\"two words\" interface=eth0 count=-3\n");
	sl_log(f.log, SL_LOG_ERROR, "x", SL_STR("empty", ""), SL_STR("null", NULL));
	assert_string_equal(written(&f), "ts=T level=error msg=x empty=\"\" null=\"\"\n");
	end(&f);
}

/* The contract's line, section 4. */
static void json_lines(void **state)
{
	struct fixture f;

	begin(&f, SL_LOG_JSON, SL_LOG_DEBUG);
	sl_log(f.log, SL_LOG_INFO, "started", SL_STR("a", "b"), SL_NUM("n", 7));
	assert_string_equal(written(&f),
			    "{\"timestamp\":\"T\",\"level\":\"INFO\",\"component\":\"agent\","
			    "\"message\":\"started\",\"context\":{\"a\":\"b\",\"n\":7}}\n");
	sl_log_set_component(f.log, "gateway");
	sl_log(f.log, SL_LOG_WARN, "m");
	assert_string_equal(written(&f),
			    "{\"timestamp\":\"T\",\"level\":\"WARN\",\"component\":\"gateway\","
			    "\"message\":\"m\",\"context\":{}}\n");
	sl_log(f.log, SL_LOG_DEBUG, "m", SL_REAL("x", 0.25), SL_STR("null", NULL),
	       SL_STR("e", "h\xc3\xa9\xff\"\n"));
	assert_string_equal(written(&f),
			    "{\"timestamp\":\"T\",\"level\":\"DEBUG\",\"component\":\"gateway\","
			    "\"message\":\"m\",\"context\":{\"x\":0.25,\"null\":null,"
			    "\"e\":\"h\xc3\xa9\xef\xbf\xbd\\\"\\n\"}}\n");
	end(&f);
}

static void what_the_contract_names_stands_beside_the_message(void **state)
{
	struct fixture f;

	begin(&f, SL_LOG_JSON, SL_LOG_INFO);
	sl_log(f.log, SL_LOG_ERROR, "m", SL_STR("peer", "p"), SL_STR("tenant_id", "acme"),
	       SL_STR("run_id", "r"), SL_STR("flow_id", "f"), SL_STR("step_id", "s"),
	       SL_STR("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), SL_STR("request_id", "q"),
	       SL_STR("error_code", "internal"), SL_REAL("latency_ms", 1.5),
	       SL_NUM("http_status", 500), SL_STR("gateway_error_code", "internal"),
	       SL_STR("intake_error_code", NULL), SL_NUM("conflict_priority_level", 6));
	assert_string_equal(
		written(&f),
		"{\"timestamp\":\"T\",\"level\":\"ERROR\",\"component\":\"agent\",\"message\":\"m\","
		"\"tenant_id\":\"acme\",\"run_id\":\"r\",\"flow_id\":\"f\",\"step_id\":\"s\","
		"\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"request_id\":\"q\","
		"\"error_code\":\"internal\",\"latency_ms\":1.5,\"http_status\":500,"
		"\"gateway_error_code\":\"internal\",\"intake_error_code\":null,"
		"\"conflict_priority_level\":6,\"context\":{\"peer\":\"p\"}}\n");
	end(&f);
}

static void the_time_is_utc(void **state)
{
	static const char json[] = "{\"timestamp\":\"dddd-dd-ddTdd:dd:dd.ddddddZ\",";
	static const char text[] = "ts=dddd-dd-ddTdd:dd:dd.dddZ ";
	struct fixture f;

	for (int i = 0; i < 2; i++) {
		const char *form = i ? json : text, *line;

		begin(&f, i ? SL_LOG_JSON : SL_LOG_TEXT, SL_LOG_INFO);
		sl_log_set_clock(f.log, NULL, NULL);
		sl_log(f.log, SL_LOG_INFO, "m");
		line = written(&f);
		for (size_t at = 0; form[at]; at++) {
			if (form[at] == 'd' && line[at] >= '0' && line[at] <= '9')
				continue;
			assert_int_equal(line[at], form[at]);
		}
		end(&f);
	}
}

static void secrets_are_masked(void **state)
{
	struct fixture f;

	begin(&f, SL_LOG_JSON, SL_LOG_INFO);
	sl_log(f.log, SL_LOG_INFO, "from ann@example.com", SL_STR("api_key", "x"),
	       SL_NUM("token", 7), SL_STR("tenant_id", "Bearer abc"),
	       SL_STR("v", "4111111111111111"));
	assert_string_equal(written(&f),
			    "{\"timestamp\":\"T\",\"level\":\"INFO\",\"component\":\"agent\","
			    "\"message\":\"from [REDACTED]\",\"tenant_id\":\"Bearer [REDACTED]\","
			    "\"context\":{\"api_key\":\"[REDACTED]\",\"token\":\"[REDACTED]\","
			    "\"v\":\"[REDACTED]\"}}\n");
	end(&f);
	begin(&f, SL_LOG_TEXT, SL_LOG_INFO);
	sl_log(f.log, SL_LOG_INFO, "m", SL_STR("password", "x"), SL_STR("v", "ann@example.com"),
	       SL_STR("address", "10.0.0.1:4222"), SL_REAL("ms", 1.5));
	assert_string_equal(written(&f), "ts=T level=info msg=m password=\"[REDACTED]\" "
					 "v=\"[REDACTED]\" address=10.0.0.1:4222 ms=1.5\n");
	end(&f);
}

/* What is cut in the middle must not escape the mask by that. */
static void a_secret_at_the_cut_is_masked(void **state)
{
	for (int format = 0; format < 2; format++) {
		for (size_t before = 1000; before < 1030; before++) {
			char text[1200] = "";
			struct fixture f;

			memset(text, ' ', before);
			memcpy(text + before, "sk-0123456789", 14);
			begin(&f, format ? SL_LOG_JSON : SL_LOG_TEXT, SL_LOG_INFO);
			sl_log(f.log, SL_LOG_INFO, "m", SL_STR("v", text));
			assert_null(strstr(written(&f), "sk-"));
			end(&f);
		}
	}
}

/* What a stranger sent can neither end the line nor add a field. */
static void values_are_escaped(void **state)
{
	struct fixture f;

	begin(&f, SL_LOG_TEXT, SL_LOG_INFO);
	sl_log(f.log, SL_LOG_INFO, "m", SL_STR("v", "a\nlevel=error \"q\"\\ \x01\xff"));
	assert_string_equal(written(&f), "ts=T level=info msg=m v=\"a\\nlevel=error \\\"q\\\"\\\\ "
					 "\\u0001\\u00ff\"\n");
	sl_log(f.log, SL_LOG_INFO, "m", SL_STR("v", "a=b"));
	assert_string_equal(written(&f), "ts=T level=info msg=m v=\"a=b\"\n");
	end(&f);
}

static void assert_well_formed(const char *line)
{
	json_t *tree = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

	assert_true(strlen(line) <= 4096);
	if (!tree)
		fail_msg("no JSON: %s", line);
	assert_true(json_is_object(json_object_get(tree, "context")));
	assert_int_equal(line[strlen(line) - 1], '\n');
	json_decref(tree);
}

static void long_lines_are_cut_and_well_formed(void **state)
{
	static const char *const parts[] = { "\n", "x", "\xc3\xa9", "\xf0\x9f\x98\x80", "\xff" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char flood[9001] = "";
		struct fixture f;

		for (size_t at = 0; at + 4 < sizeof(flood); at += strlen(parts[i]))
			memcpy(flood + at, parts[i], strlen(parts[i]));
		begin(&f, SL_LOG_JSON, SL_LOG_INFO);
		sl_log(f.log, SL_LOG_INFO, "m", SL_STR("a", flood), SL_STR("b", flood),
		       SL_NUM("c", 1));
		assert_well_formed(written(&f));
		assert_non_null(strstr(f.text, "\"c\":1"));
		sl_log(f.log, SL_LOG_INFO, "m", SL_STR("tenant_id", flood), SL_STR("run_id", flood),
		       SL_STR("flow_id", flood), SL_STR("trace_id", flood), SL_STR("a", flood));
		assert_well_formed(written(&f));
		end(&f);
		begin(&f, SL_LOG_TEXT, SL_LOG_INFO);
		sl_log(f.log, SL_LOG_INFO, "m", SL_STR("a", flood), SL_STR("b", flood));
		written(&f);
		assert_true(strlen(f.text) <= 4096);
		assert_string_equal(f.text + strlen(f.text) - 2, "\"\n");
		end(&f);
	}
}

static void levels_below_are_silent(void **state)
{
	struct fixture f;

	begin(&f, SL_LOG_TEXT, SL_LOG_WARN);
	sl_log(f.log, SL_LOG_INFO, "no");
	sl_log_limited(f.log, SL_LOG_DROPS, SL_LOG_INFO, "no");
	assert_string_equal(written(&f), "");
	sl_log(f.log, SL_LOG_WARN, "yes");
	assert_string_equal(written(&f), "ts=T level=warn msg=yes\n");
	sl_log(NULL, SL_LOG_ERROR, "nowhere");
	end(&f);
}

static unsigned int lines(const char *text)
{
	unsigned int count = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		count++;
	}
	return count;
}

static void a_class_has_a_pace(void **state)
{
	struct fixture f;

	clock_ns = 100 * S;
	begin(&f, SL_LOG_TEXT, SL_LOG_INFO);
	for (int i = 0; i < 100; i++)
		sl_log_limited(f.log, SL_LOG_DROPS, SL_LOG_INFO, "drop");
	assert_int_equal(lines(written(&f)), SL_LOG_BURST);
	sl_log_limited(f.log, SL_LOG_CLIENTS, SL_LOG_INFO, "another class");
	assert_int_equal(lines(written(&f)), 1);

	clock_ns += S;
	sl_log_limited(f.log, SL_LOG_DROPS, SL_LOG_INFO, "drop");
	sl_log_limited(f.log, SL_LOG_DROPS, SL_LOG_INFO, "drop");
	assert_string_equal(written(&f), "ts=T level=info msg=drop suppressed=90\n");
	clock_ns += 60 * S;
	sl_log_limited(f.log, SL_LOG_DROPS, SL_LOG_INFO, "drop");
	assert_string_equal(written(&f), "ts=T level=info msg=drop suppressed=1\n");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_lines),
		cmocka_unit_test(json_lines),
		cmocka_unit_test(what_the_contract_names_stands_beside_the_message),
		cmocka_unit_test(the_time_is_utc),
		cmocka_unit_test(secrets_are_masked),
		cmocka_unit_test(a_secret_at_the_cut_is_masked),
		cmocka_unit_test(values_are_escaped),
		cmocka_unit_test(long_lines_are_cut_and_well_formed),
		cmocka_unit_test(levels_below_are_silent),
		cmocka_unit_test(a_class_has_a_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
