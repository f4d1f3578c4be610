// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"
#include "userspace/cli/client.h"

struct fake {
	char path[64];
	pid_t pid;
};

/* An agent that sends @answer, @length bytes, to whoever connects, and hangs up. */
static void fake_start(struct fake *fake, const char *answer, size_t length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	char request[4096];
	int client;

	(void)snprintf(fake->path, sizeof(fake->path), "/tmp/sl-client-%d", getpid());
	(void)unlink(fake->path);
	memcpy(address.sun_path, fake->path, strlen(fake->path) + 1);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	fake->pid = fork();
	if (fake->pid) {
		(void)close(listener);
		return;
	}
	client = accept(listener, NULL, NULL);
	if (read(client, request, sizeof(request)) > 0)
		for (size_t sent = 0; sent < length;) {
			/* In small pieces: a line does not come whole. */
			size_t piece = length - sent < 1000 ? length - sent : 1000;
			ssize_t wrote = write(client, answer + sent, piece);

			if (wrote < 0)
				break;
			sent += (size_t)wrote;
		}
	_exit(0);
}

static void fake_end(struct fake *fake)
{
	(void)waitpid(fake->pid, NULL, 0);
	(void)unlink(fake->path);
}

/* Asks a fake agent that answers so. */
static int ask(json_t **ret, const char *answer, size_t length, struct sl_client_error *error)
{
	sl_cleanup(sl_json_freep) json_t *request = json_pack("{ss}", "cmd", "ping");
	struct sl_client *client = NULL;
	struct fake fake;
	int err;

	fake_start(&fake, answer, length);
	assert_int_equal(sl_client_open(&client, fake.path, error), 0);
	err = sl_client_call(ret, client, request, error);
	sl_client_close(client);
	fake_end(&fake);
	return err;
}

static void an_answer_comes_back(void **state)
{
	static const char answer[] = "{\"ok\":true,\"version\":\"1\"}\n";
	sl_cleanup(sl_json_freep) json_t *reply = NULL;
	struct sl_client_error error;

	assert_int_equal(ask(&reply, answer, strlen(answer), &error), 0);
	assert_string_equal(json_string_value(json_object_get(reply, "version")), "1");
}

static void a_refusal_is_in_the_agents_words(void **state)
{
	static const char answer[] = "{\"ok\":false,\"error\":\"no tenant x\"}\n";
	struct sl_client_error error;
	json_t *reply = NULL;

	assert_int_equal(ask(&reply, answer, strlen(answer), &error), -EREMOTEIO);
	assert_string_equal(error.message, "no tenant x");
	assert_null(reply);
}

static void what_is_no_answer_is_refused(void **state)
{
	static const struct {
		const char *answer;
		int err;
	} cases[] = {
		{ "{\"ok\":false}\n", -EPROTO },    { "[]\n", -EPROTO },
		{ "{\"ok\":true\n", -EPROTO },	    { "\n", -EPROTO },
		{ "{\"a\":1,\"a\":2}\n", -EPROTO }, { "", -EPIPE },
		{ "{\"ok\":true}", -EPIPE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sl_client_error error = { "" };
		json_t *reply = NULL;

		assert_int_equal(ask(&reply, cases[i].answer, strlen(cases[i].answer), &error),
				 cases[i].err);
		assert_true(error.message[0]);
		assert_null(reply);
	}
}

static void a_long_line_is_read_and_an_endless_one_refused(void **state)
{
	const size_t length = 2 * SL_CLIENT_LINE_BYTES_MAX;
	char *answer = malloc(length);
	struct sl_client_error error;
	json_t *reply = NULL;

	assert_non_null(answer);
	memset(answer, ' ', length);
	memcpy(answer, "{\"ok\":true", 10);
	memcpy(answer + 100000, "}\n", 2);
	assert_int_equal(ask(&reply, answer, 100002, &error), 0);
	json_decref(reply);
	reply = NULL;
	answer[100001] = ' ';
	assert_int_equal(ask(&reply, answer, length, &error), -EMSGSIZE);
	free(answer);
}

static void lines_of_a_stream_come_one_by_one(void **state)
{
	static const char answer[] = "{\"ok\":true}\n{\"n\":1}\n{\"n\":2}\n";
	sl_cleanup(sl_json_freep) json_t *request = json_pack("{ss}", "cmd", "events.follow");
	struct sl_client *client = NULL;
	struct sl_client_error error;
	json_t *line = NULL;
	struct fake fake;

	fake_start(&fake, answer, strlen(answer));
	assert_int_equal(sl_client_open(&client, fake.path, &error), 0);
	assert_int_equal(sl_client_call(&line, client, request, &error), 0);
	json_decref(line);
	for (int n = 1; n <= 2; n++) {
		assert_int_equal(sl_client_next(&line, client, 1000, &error), 0);
		assert_int_equal(json_integer_value(json_object_get(line, "n")), n);
		json_decref(line);
	}
	assert_int_equal(sl_client_next(&line, client, 1000, &error), -EPIPE);
	sl_client_close(client);
	fake_end(&fake);
}

static void nobody_there_is_told_apart(void **state)
{
	struct sl_client *client = NULL;
	struct sl_client_error error;
	char path[256];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(sl_client_open(&client, "/nonexistent/socket", &error), -ENOENT);
	assert_int_equal(sl_client_open(&client, path, &error), -ENAMETOOLONG);
	assert_int_equal(sl_client_open(&client, "/dev/null", &error), -ECONNREFUSED);
	sl_client_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_back),
		cmocka_unit_test(a_refusal_is_in_the_agents_words),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(a_long_line_is_read_and_an_endless_one_refused),
		cmocka_unit_test(lines_of_a_stream_come_one_by_one),
		cmocka_unit_test(nobody_there_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
