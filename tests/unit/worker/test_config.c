// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/worker/config.h"

static int read_text(struct sl_worker_config *ret, const char *text, char *const *environment,
		     struct sl_conf_error *error)
{
	return sl_conf_read_text(ret, &sl_worker_schema, "w.yaml", text, strlen(text), environment,
				 error);
}

static void handlers_are_asked_in_order(void **state)
{
	static const char text[] = "version: 1\n"
				   "handlers:\n"
				   "- {name: a, kind: echo, types: [chat], providers: [p1, p2]}\n"
				   "- {name: b, kind: simulate, types: [chat, 'text.generate']}\n"
				   "- {name: c, kind: http, url: 'https://x/y', providers: [p3]}\n";
	struct sl_conf_error error = { "" };
	struct sl_worker_config config;

	assert_int_equal(read_text(&config, text, NULL, &error), 0);
	assert_string_equal(sl_worker_config_handler(&config, "p2", "chat")->name, "a");
	assert_string_equal(sl_worker_config_handler(&config, "p3", "chat")->name, "b");
	assert_string_equal(sl_worker_config_handler(&config, "p3", "embedding")->name, "c");
	assert_null(sl_worker_config_handler(&config, "p1", "embedding"));
	assert_int_equal(config.ack_wait_ns, 30000000000ull);
	assert_int_equal(config.handlers[1].latency_ns, 10000000);
	sl_worker_config_clear(&config);
}

static void the_environment_wins(void **state)
{
	char url[] = "NATS_URL=nats://n:1", wait[] = "NATS_ACK_WAIT_MS=1500";
	char deliver[] = "NATS_MAX_DELIVER=7", backoff[] = "NATS_BACKOFF_MS=500,3000";
	char *environment[] = { url, wait, deliver, backoff, NULL };
	struct sl_conf_error error = { "" };
	struct sl_worker_config config;

	assert_int_equal(read_text(&config, "version: 1\nhandlers: [{name: a, kind: echo}]\n",
				   environment, &error),
			 0);
	assert_string_equal(config.nats.servers, "nats://n:1");
	assert_int_equal(config.ack_wait_ns, 1500000000ull);
	assert_int_equal(config.max_deliver, 7);
	assert_int_equal(config.backoff.count, 2);
	assert_int_equal(config.backoff.delay_ms[0], 500);
	assert_int_equal(config.backoff.delay_ms[1], 3000);
	sl_worker_config_clear(&config);
}

static void what_cannot_work_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "version: 1\n", "a worker needs a handler" },
		{ "version: 1\nhandlers: [{name: a, kind: http}]\n", "http needs a url" },
		{ "version: 1\nhandlers: [{name: a, kind: plugin}]\n", "plugin needs a path" },
		{ "version: 1\nhandlers: [{name: a, kind: echo}, {name: a, kind: echo}]\n",
		  "the same name" },
		{ "version: 1\nconcurrency: 0\nhandlers: [{name: a, kind: echo}]\n",
		  "concurrency" },
		{ "version: 1\nhandlers: [{name: a, kind: http, url: 'ftp://x'}]\n", "url" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_conf_error error = { "" };
		struct sl_worker_config config;

		assert_int_equal(read_text(&config, cases[i].text, NULL, &error), -EINVAL);
		if (!strstr(error.message, cases[i].says))
			print_message("%s\n", error.message);
		assert_non_null(strstr(error.message, cases[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handlers_are_asked_in_order),
		cmocka_unit_test(the_environment_wins),
		cmocka_unit_test(what_cannot_work_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
