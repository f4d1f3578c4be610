// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <fcntl.h>
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

static void json_lines(void **state)
{
	struct fixture f;

	begin(&f, SL_LOG_JSON, SL_LOG_INFO);
	sl_log(f.log, SL_LOG_INFO, "started", SL_STR("a", "b"), SL_NUM("n", 7));
	assert_string_equal(
		written(&f),
		"{\"ts\":\"T\",\"level\":\"info\",\"msg\":\"started\",\"a\":\"b\",\"n\":7}\n");
	end(&f);
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

static void long_lines_are_cut_and_well_formed(void **state)
{
	char flood[9000];
	struct fixture f;
	const char *line;

	memset(flood, '\n', sizeof(flood) - 1);
	flood[sizeof(flood) - 1] = '\0';
	begin(&f, SL_LOG_JSON, SL_LOG_INFO);
	sl_log(f.log, SL_LOG_INFO, "m", SL_STR("a", flood), SL_STR("b", flood), SL_NUM("c", 1));
	line = written(&f);
	assert_true(strlen(line) <= 4096);
	assert_string_equal(line + strlen(line) - 3, "\"}\n");
	end(&f);
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
		cmocka_unit_test(values_are_escaped),
		cmocka_unit_test(long_lines_are_cut_and_well_formed),
		cmocka_unit_test(levels_below_are_silent),
		cmocka_unit_test(a_class_has_a_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
