// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "userspace/ledger/ledger.h"

#define DAY_MS	 86400000ull
#define START_MS 1795219200000ull /* 2026-11-21 */
#define BATCH	 50u

struct fixture {
	char folder[64];
	char path[128];
	struct sl_ledger *ledger;
	struct sl_ledger_error error;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	(void)snprintf(fixture->folder, sizeof(fixture->folder), "/tmp/test_ledger.XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/usage.db", fixture->folder);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	struct fixture *fixture = *state;
	char path[160];

	sl_ledger_close(fixture->ledger);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", fixture->path, suffixes[i]);
		(void)unlink(path);
	}
	(void)rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static void open_ledger(struct fixture *fixture)
{
	assert_int_equal(sl_ledger_open(&fixture->ledger, fixture->path, &fixture->error), 0);
}

static struct sl_usage_event event_of(unsigned int number, const char *tenant, const char *provider,
				      enum sl_worker_status status, double cost)
{
	struct sl_usage_event event = { .event_type = "chat",
					.latency_ms = 10,
					.cost = cost,
					.status = status,
					.timestamp_ms = START_MS + number };

	(void)snprintf(event.assignment_id, sizeof(event.assignment_id), "a-%u", number);
	(void)snprintf(event.request_id, sizeof(event.request_id), "r-%u", number / 2);
	(void)snprintf(event.tenant_id, sizeof(event.tenant_id), "%s", tenant);
	(void)snprintf(event.provider_id, sizeof(event.provider_id), "%s", provider);
	return event;
}

struct collected {
	struct sl_ledger_row rows[16];
	char keys[16][64];
	char tenants[16][64];
	size_t count;
};

static int collect(void *context, const struct sl_ledger_row *row)
{
	struct collected *all = context;

	assert_true(all->count < 16);
	all->rows[all->count] = *row;
	(void)snprintf(all->keys[all->count], 64, "%s", row->key);
	(void)snprintf(all->tenants[all->count], 64, "%s", row->tenant ? row->tenant : "");
	all->count++;
	return 0;
}

static struct collected report(struct fixture *fixture, struct sl_ledger_query query)
{
	struct collected all = { .count = 0 };

	assert_int_equal(sl_ledger_report(fixture->ledger, &query, collect, &all, &fixture->error),
			 0);
	return all;
}

static void write_some(struct fixture *fixture)
{
	struct sl_usage_event events[] = {
		event_of(0, "acme", "openai", SL_WORKER_SUCCESS, 0.5),
		event_of(1, "acme", "openai", SL_WORKER_ERROR, 0.25),
		event_of(2, "acme", "local", SL_WORKER_SUCCESS, 0),
		event_of(3, "other", "local", SL_WORKER_TIMEOUT, 4),
	};
	bool is_new[4] = { false };

	events[2].timestamp_ms += DAY_MS;
	(void)snprintf(events[3].run_id, sizeof(events[3].run_id), "run-1");
	assert_int_equal(sl_ledger_write(fixture->ledger, events, 4, is_new, &fixture->error), 0);
	for (size_t i = 0; i < 4; i++)
		assert_true(is_new[i]);
}

static void an_event_counts_once(void **state)
{
	struct fixture *fixture = *state;
	struct sl_usage_event events[] = {
		event_of(0, "acme", "openai", SL_WORKER_SUCCESS, 1),
		event_of(0, "acme", "openai", SL_WORKER_ERROR, 7), /* the first stays */
		event_of(1, "acme", "openai", SL_WORKER_SUCCESS, 1),
	};
	bool is_new[3] = { false };
	struct collected all;

	open_ledger(fixture);
	assert_int_equal(sl_ledger_write(fixture->ledger, events, 3, is_new, &fixture->error), 0);
	assert_true(is_new[0] && !is_new[1] && is_new[2]);
	assert_int_equal(sl_ledger_write(fixture->ledger, events, 3, is_new, &fixture->error), 0);
	assert_false(is_new[0] || is_new[1] || is_new[2]);
	all = report(fixture, (struct sl_ledger_query){ .by = SL_LEDGER_BY_TENANT });
	assert_int_equal(all.count, 1);
	assert_int_equal(all.rows[0].events, 2);
	assert_true(all.rows[0].cost == 2);
	assert_int_equal(all.rows[0].errors, 0);
}

static void a_request_id_names_an_event_without_assignment(void **state)
{
	struct fixture *fixture = *state;
	struct sl_usage_event event = event_of(0, "acme", "openai", SL_WORKER_SUCCESS, 1);
	bool is_new = false;

	event.assignment_id[0] = '\0';
	open_ledger(fixture);
	assert_int_equal(sl_ledger_write(fixture->ledger, &event, 1, &is_new, &fixture->error), 0);
	assert_true(is_new);
	assert_int_equal(sl_ledger_write(fixture->ledger, &event, 1, &is_new, &fixture->error), 0);
	assert_false(is_new);
}

static void reports_by_provider_and_tenant(void **state)
{
	struct fixture *fixture = *state;
	struct collected all;

	open_ledger(fixture);
	write_some(fixture);
	all = report(fixture, (struct sl_ledger_query){ .by = SL_LEDGER_BY_PROVIDER });
	assert_int_equal(all.count, 2);
	assert_string_equal(all.keys[0], "local");
	assert_int_equal(all.rows[0].timeouts, 1);
	assert_int_equal(all.rows[0].successes, 1);
	assert_string_equal(all.keys[1], "openai");
	assert_int_equal(all.rows[1].events, 2);
	assert_int_equal(all.rows[1].errors, 1);
	assert_true(all.rows[1].cost == 0.75);
	assert_true(all.rows[1].latency_mean_ms == 10);
	all = report(fixture, (struct sl_ledger_query){ .by = SL_LEDGER_BY_TENANT });
	assert_int_equal(all.count, 2);
	assert_int_equal(all.rows[0].events, 3);
	assert_string_equal(all.keys[1], "other");
}

static void reports_by_run_dearest_first(void **state)
{
	struct fixture *fixture = *state;
	struct collected all;

	open_ledger(fixture);
	write_some(fixture);
	all = report(fixture, (struct sl_ledger_query){ .by = SL_LEDGER_BY_RUN });
	assert_int_equal(all.count, 3);
	assert_string_equal(all.keys[0], "run-1");
	assert_string_equal(all.tenants[0], "other");
	assert_string_equal(all.keys[1], "r-0"); /* no run_id: by request_id */
	assert_int_equal(all.rows[1].events, 2);
	assert_true(all.rows[1].cost == 0.75);
	all = report(fixture, (struct sl_ledger_query){ .by = SL_LEDGER_BY_RUN, .rows_max = 1 });
	assert_int_equal(all.count, 1);
}

static void reports_by_day_within_bounds(void **state)
{
	struct fixture *fixture = *state;
	struct collected all;

	open_ledger(fixture);
	write_some(fixture);
	all = report(fixture, (struct sl_ledger_query){ .by = SL_LEDGER_BY_DAY });
	assert_int_equal(all.count, 3);
	assert_string_equal(all.keys[0], "2026-11-21");
	assert_string_equal(all.tenants[0], "acme");
	assert_string_equal(all.tenants[1], "other");
	assert_string_equal(all.keys[2], "2026-11-22");
	all = report(fixture, (struct sl_ledger_query){ .by = SL_LEDGER_BY_DAY,
							.tenant_id = "acme",
							.since_ms = START_MS + 1,
							.until_ms = START_MS + DAY_MS });
	assert_int_equal(all.count, 1);
	assert_int_equal(all.rows[0].events, 1);
	assert_int_equal(all.rows[0].first_ms, START_MS + 1);
}

static void old_events_are_forgotten_in_steps(void **state)
{
	struct fixture *fixture = *state;
	uint64_t deleted = 0;

	open_ledger(fixture);
	write_some(fixture);
	assert_int_equal(
		sl_ledger_forget(&deleted, fixture->ledger, START_MS + DAY_MS, 2, &fixture->error),
		0);
	assert_int_equal(deleted, 2);
	assert_int_equal(
		sl_ledger_forget(&deleted, fixture->ledger, START_MS + DAY_MS, 2, &fixture->error),
		0);
	assert_int_equal(deleted, 1);
	assert_int_equal(
		report(fixture, (struct sl_ledger_query){ .by = SL_LEDGER_BY_TENANT }).count, 1);
}

static void a_reader_sees_what_is_committed(void **state)
{
	struct fixture *fixture = *state;
	struct sl_ledger *writer;

	open_ledger(fixture);
	write_some(fixture);
	writer = fixture->ledger;
	fixture->ledger = NULL;
	assert_int_equal(sl_ledger_open_read(&fixture->ledger, fixture->path, &fixture->error), 0);
	assert_int_equal(
		report(fixture, (struct sl_ledger_query){ .by = SL_LEDGER_BY_TENANT }).count, 2);
	sl_ledger_close(writer);
}

static void another_file_is_refused(void **state)
{
	struct fixture *fixture = *state;
	FILE *file = fopen(fixture->path, "we");

	assert_non_null(file);
	for (int i = 0; i < 200; i++)
		(void)fputs("this is no database\n", file);
	(void)fclose(file);
	assert_int_equal(sl_ledger_open(&fixture->ledger, fixture->path, &fixture->error), -EINVAL);
	assert_int_equal(sl_ledger_open_read(&fixture->ledger, fixture->path, &fixture->error),
			 -EINVAL);
	assert_null(fixture->ledger);
	assert_int_equal(sl_ledger_open_read(&fixture->ledger, "/nowhere/x.db", &fixture->error),
			 -ENOENT);
}

/* ---- a writer that dies ----------------------------------------------------------- */

/* Writes batch after batch and says so after each; never returns. */
static void write_until_killed(const char *path, int said_fd)
{
	struct sl_usage_event events[BATCH];
	struct sl_ledger_error error;
	struct sl_ledger *ledger = NULL;
	bool is_new[BATCH];

	if (sl_ledger_open(&ledger, path, &error) != 0)
		_exit(1);
	for (uint32_t batch = 0;; batch++) {
		for (uint32_t i = 0; i < BATCH; i++)
			events[i] =
				event_of(batch * BATCH + i, "acme", "openai", SL_WORKER_SUCCESS, 1);
		if (sl_ledger_write(ledger, events, BATCH, is_new, &error) != 0 ||
		    write(said_fd, &batch, sizeof(batch)) != sizeof(batch))
			_exit(1);
	}
}

static uint32_t batches_until_killed(const char *path, unsigned int after_us)
{
	uint32_t batch, batches = 0;
	int status, fds[2];
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		write_until_killed(path, fds[1]);
	(void)close(fds[1]);
	assert_int_equal(read(fds[0], &batch, sizeof(batch)), sizeof(batch));
	(void)usleep(after_us);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	batches = 1;
	while (read(fds[0], &batch, sizeof(batch)) == sizeof(batch))
		batches++;
	(void)close(fds[0]);
	return batches;
}

static void a_killed_writer_leaves_whole_batches(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int round = 0; round < 8; round++) {
		uint32_t said = batches_until_killed(fixture->path, 1000 + 3777 * round);
		struct collected all;

		open_ledger(fixture);
		all = report(fixture, (struct sl_ledger_query){ .by = SL_LEDGER_BY_TENANT });
		assert_int_equal(all.count, 1);
		/* What was said is there; of what was not, all of a batch or nothing. */
		assert_int_equal(all.rows[0].events % BATCH, 0);
		assert_true(all.rows[0].events >= (uint64_t)said * BATCH);
		assert_true(all.rows[0].cost == (double)all.rows[0].events);
		sl_ledger_close(fixture->ledger);
		fixture->ledger = NULL;
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_counts_once),
		TEST(a_request_id_names_an_event_without_assignment),
		TEST(reports_by_provider_and_tenant),
		TEST(reports_by_run_dearest_first),
		TEST(reports_by_day_within_bounds),
		TEST(old_events_are_forgotten_in_steps),
		TEST(a_reader_sees_what_is_committed),
		TEST(another_file_is_refused),
		TEST(a_killed_writer_leaves_whole_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
