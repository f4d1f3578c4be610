// SPDX-License-Identifier: Apache-2.0
/*
 * One writer, stopped after each of its instructions: readers must find all flows there.
 * Just before and after each change that it makes to the table it may be killed, and
 * another writer may come in between.
 */
#include "tests/unit/domain/flow_reader.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINES	  64u
#define FLOWS	  8u /* at most: those of lines 1 and 2 */
#define STOPS_MAX 64u
#define STEPS_MAX 1000000u

/* Lines 1 and 2 are full of flows that may move to line 3; the writer's is of 1 and 2. */
struct scene {
	struct sl_flow_table table;
	struct sl_flow_spec flows[FLOWS];
	unsigned count;
	struct sl_flow_spec last;
	unsigned stops[STOPS_MAX]; /* instructions from the start */
	unsigned stop_count;
};

static struct sl_flow_spec flow_of_lines(const struct sl_flow_table *t, uint32_t first,
					 uint32_t second, uint32_t *number)
{
	for (;;) {
		struct sl_flow_spec f = flow(t->family, ++*number, 7);

		if (line_of(t, &f, 0) == first && line_of(t, &f, 1) == second)
			return f;
	}
}

static void open_scene(struct scene *scene, uint8_t family)
{
	struct sl_flow_table *t = &scene->table;
	uint32_t number = 0;

	*scene = (struct scene){ .table = { .line_count = LINES, .family = family, .seed = 11 } };
	t->lines = mmap(NULL, table_bytes(t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	assert_ptr_not_equal(t->lines, MAP_FAILED);
	scene->count = 2 * (family == 4 ? SL_FLOW4_SLOTS : SL_FLOW6_SLOTS);
	for (unsigned i = 0; i < scene->count; i++)
		scene->flows[i] = flow_of_lines(t, 1 + i % 2, 3, &number);
	scene->last = flow_of_lines(t, 1, 2, &number);
}

static void set_scene(const struct scene *scene)
{
	memset(scene->table.lines, 0, table_bytes(&scene->table));
	for (unsigned i = 0; i < scene->count; i++)
		assert_int_equal(sl_flow_table_bind(&scene->table, &scene->flows[i]), 0);
}

static void check_flows(const struct scene *scene, uint32_t tenant_of_first)
{
	assert_int_equal(find(&scene->table, &scene->flows[0]), tenant_of_first);
	for (unsigned i = 1; i < scene->count; i++)
		assert_int_equal(find(&scene->table, &scene->flows[i]), scene->flows[i].tenant);
}

/* ---- the writer ------------------------------------------------------------------------------ */

static pid_t start_writer(const struct scene *scene)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
			_exit(2);
		_exit(sl_flow_table_bind(&scene->table, &scene->last) ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSTOPPED(status));
	return child;
}

/* One instruction on. False: the writer has ended. */
static bool step(pid_t child)
{
	int status;

	assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSTOPPED(status))
		return true;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	return false;
}

static void let_go(pid_t child)
{
	int status;

	assert_int_equal(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void kill_writer(pid_t child)
{
	int status;

	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void add_stop(struct scene *scene, unsigned steps)
{
	assert_true(scene->stop_count < STOPS_MAX);
	scene->stops[scene->stop_count++] = steps;
}

/* From start to end: every flow is there after each instruction. Finds the stops. */
static void walk(struct scene *scene)
{
	const size_t bytes = table_bytes(&scene->table);
	unsigned char *before = malloc(bytes);
	unsigned steps = 0;
	pid_t child;

	assert_non_null(before);
	set_scene(scene);
	memcpy(before, scene->table.lines, bytes);
	add_stop(scene, 0);
	child = start_writer(scene);
	while (step(child)) {
		assert_true(steps++ < STEPS_MAX);
		check_flows(scene, scene->flows[0].tenant);
		if (!memcmp(before, scene->table.lines, bytes))
			continue;
		memcpy(before, scene->table.lines, bytes);
		add_stop(scene, steps - 1);
		add_stop(scene, steps);
	}
	check_flows(scene, scene->flows[0].tenant);
	assert_int_equal(find(&scene->table, &scene->last), scene->last.tenant);
	assert_int_equal(sl_flow_table_used(&scene->table), scene->count + 1);
	print_message("IPv%u: %u instructions, %u stops\n", scene->table.family, steps,
		      scene->stop_count);
	free(before);
}

/* A writer that has made @steps instructions. */
static pid_t walk_to(const struct scene *scene, unsigned steps)
{
	pid_t child;

	set_scene(scene);
	child = start_writer(scene);
	for (unsigned i = 0; i < steps; i++)
		assert_true(step(child));
	return child;
}

/* ---- what comes between --------------------------------------------------------------------- */

/* The flow that moves is unbound: at the end it is not there, nor anything left of it. */
static void unbind_between(const struct scene *scene, unsigned steps)
{
	pid_t child = walk_to(scene, steps);

	assert_int_equal(sl_flow_table_unbind(&scene->table, &scene->flows[0]), 0);
	let_go(child);
	check_flows(scene, NOBODY);
	assert_int_equal(find(&scene->table, &scene->last), scene->last.tenant);
	assert_int_equal(sl_flow_table_used(&scene->table), scene->count);
}

/* It is bound to another tenant: at the end it is that tenant's, and can be unbound. */
static void bind_between(const struct scene *scene, unsigned steps)
{
	struct sl_flow_spec again = scene->flows[0];
	pid_t child = walk_to(scene, steps);

	again.tenant = 9;
	assert_int_equal(sl_flow_table_bind(&scene->table, &again), 0);
	check_flows(scene, 9);
	let_go(child);
	check_flows(scene, 9);
	assert_int_equal(find(&scene->table, &scene->last), scene->last.tenant);
	assert_int_equal(sl_flow_table_unbind(&scene->table, &again), 0);
	check_flows(scene, NOBODY);
	assert_int_equal(sl_flow_table_used(&scene->table), scene->count);
}

/* It ends and comes again, to the same tenant: the slot looks as it did, and is not. */
static void come_again_between(const struct scene *scene, unsigned steps)
{
	pid_t child = walk_to(scene, steps);

	assert_int_equal(sl_flow_table_unbind(&scene->table, &scene->flows[0]), 0);
	assert_int_equal(sl_flow_table_bind(&scene->table, &scene->flows[0]), 0);
	let_go(child);
	check_flows(scene, scene->flows[0].tenant);
}

/* The writer dies: others are found and can be bound; one slot is lost at most. */
static void die_between(const struct scene *scene, unsigned steps)
{
	kill_writer(walk_to(scene, steps));
	check_flows(scene, scene->flows[0].tenant);
	assert_int_equal(sl_flow_table_bind(&scene->table, &scene->last), 0);
	check_flows(scene, scene->flows[0].tenant);
	for (unsigned i = 0; i < scene->count; i++)
		assert_int_equal(sl_flow_table_unbind(&scene->table, &scene->flows[i]), 0);
	assert_int_equal(sl_flow_table_unbind(&scene->table, &scene->last), 0);
	assert_in_range(sl_flow_table_used(&scene->table), 0, 1);
}

typedef void between_fn(const struct scene *scene, unsigned steps);

static void try_everywhere(const struct scene scenes[2], between_fn *between)
{
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned j = 0; j < scenes[i].stop_count; j++)
			between(&scenes[i], scenes[i].stops[j]);
	}
}

static void a_flow_may_be_unbound_while_it_moves(void **state)
{
	try_everywhere(*state, unbind_between);
}

static void a_flow_may_change_its_tenant_while_it_moves(void **state)
{
	try_everywhere(*state, bind_between);
}

static void a_flow_may_end_and_come_again_while_it_moves(void **state)
{
	try_everywhere(*state, come_again_between);
}

static void a_writer_may_die_anywhere(void **state)
{
	try_everywhere(*state, die_between);
}

/* Walks through both scenes: no flow is missed at any instruction. */
static int open_scenes(void **state)
{
	struct scene *scenes = calloc(2, sizeof(*scenes));

	assert_non_null(scenes);
	for (unsigned i = 0; i < 2; i++) {
		open_scene(&scenes[i], i ? 6 : 4);
		walk(&scenes[i]);
	}
	*state = scenes;
	return 0;
}

static int close_scenes(void **state)
{
	struct scene *scenes = *state;

	for (unsigned i = 0; i < 2; i++)
		(void)munmap(scenes[i].table.lines, table_bytes(&scenes[i].table));
	free(scenes);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_may_be_unbound_while_it_moves),
		cmocka_unit_test(a_flow_may_change_its_tenant_while_it_moves),
		cmocka_unit_test(a_flow_may_end_and_come_again_while_it_moves),
		cmocka_unit_test(a_writer_may_die_anywhere),
	};

	return cmocka_run_group_tests(tests, open_scenes, close_scenes);
}
