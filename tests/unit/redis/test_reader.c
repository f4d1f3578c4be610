// SPDX-License-Identifier: Apache-2.0
/* What hiredis reads, in our memory and within our bounds; and what we write. */
#include "tests/harness/test.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "userspace/redis/reader.h"
#include "userspace/redis/wire.h"

struct world {
	redisReader *reader;
	struct sl_redis_reader state;
	bool awaited;
};

static bool is_awaited(void *context)
{
	const struct world *world = context;

	return world->awaited;
}

static void begin(struct world *world)
{
	*world = (struct world){ .awaited = true };
	world->state.is_awaited = is_awaited;
	world->state.context = world;
	world->reader = redisReaderCreate();
	assert_non_null(world->reader);
	sl_redis_reader_attach(world->reader, &world->state);
}

static const struct sl_redis_reply *next(struct world *world)
{
	void *reply = NULL;

	if (redisReaderGetReply(world->reader, &reply) != REDIS_OK)
		return NULL;
	return reply;
}

static const struct sl_redis_reply *read_text(struct world *world, const char *text)
{
	assert_int_equal(redisReaderFeed(world->reader, text, strlen(text)), REDIS_OK);
	return next(world);
}

static void release(const struct world *world, const struct sl_redis_reply *reply)
{
	world->reader->fn->freeObject((void *)(uintptr_t)reply);
}

static void every_type_is_read(void **state)
{
	struct world world;
	const struct sl_redis_reply *reply;

	begin(&world);
	reply = read_text(&world, "*7\r\n:-3\r\n$3\r\na\rb\r\n+OK\r\n-ERR no\r\n$-1\r\n*-1\r\n"
				  "*2\r\n*0\r\n$0\r\n\r\n");
	assert_non_null(reply);
	assert_int_equal(reply->type, SL_REDIS_ARRAY);
	assert_int_equal(reply->count, 7);
	assert_int_equal(sl_redis_item(reply, 0)->integer, -3);
	assert_true(sl_span_is(sl_redis_item(reply, 1)->text, "a\rb"));
	assert_int_equal(sl_redis_item(reply, 1)->type, SL_REDIS_STRING);
	assert_int_equal(sl_redis_item(reply, 2)->type, SL_REDIS_STATUS);
	assert_int_equal(sl_redis_item(reply, 3)->type, SL_REDIS_ERROR);
	assert_int_equal(sl_redis_item(reply, 4)->type, SL_REDIS_NIL);
	assert_int_equal(sl_redis_item(reply, 5)->type, SL_REDIS_NIL);
	assert_int_equal(sl_redis_item(sl_redis_item(reply, 6), 0)->type, SL_REDIS_ARRAY);
	assert_int_equal(sl_redis_item(sl_redis_item(reply, 6), 1)->type, SL_REDIS_STRING);
	assert_int_equal(sl_redis_item(reply, 7)->type, SL_REDIS_NIL);
	assert_int_equal(sl_redis_item(sl_redis_item(reply, 0), 0)->type, SL_REDIS_NIL);
	release(&world, reply);
	redisReaderFree(world.reader);
}

/* The memory for them is not even asked for. */
static void too_many_values_end_it(void **state)
{
	static const char *const texts[] = {
		"*65536\r\n",
		"*2147483647\r\n",
		"*40000\r\n*40000\r\n",
		"*2\r\n:1\r\n*65534\r\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct world world;

		begin(&world);
		assert_null(read_text(&world, texts[i]));
		assert_true(world.state.hostile);
		redisReaderFree(world.reader);
	}
}

static void bounds_are_of_one_answer(void **state)
{
	struct world world;

	begin(&world);
	for (int i = 0; i < 3; i++) {
		const struct sl_redis_reply *reply;

		assert_null(read_text(&world, "*40000\r\n"));
		assert_false(world.state.hostile);
		for (int item = 0; item < 39999; item++)
			assert_int_equal(redisReaderFeed(world.reader, ":1\r\n", 4), REDIS_OK);
		reply = read_text(&world, ":1\r\n");
		assert_non_null(reply);
		release(&world, reply);
	}
	redisReaderFree(world.reader);
}

static void too_many_bytes_end_it(void **state)
{
	static char text[SL_REDIS_REPLY_BYTES_MAX + 64];
	const size_t half = SL_REDIS_REPLY_BYTES_MAX / 2;
	struct world world;
	int head;

	begin(&world);
	head = snprintf(text, 64, "*2\r\n$%zu\r\n", half);
	memset(text + head, 'x', half);
	memcpy(text + head + half, "\r\n", 2);
	assert_int_equal(redisReaderFeed(world.reader, text, (size_t)head + half + 2), REDIS_OK);
	assert_null(next(&world));
	assert_false(world.state.hostile);
	head = snprintf(text, 64, "$%zu\r\n", half + 1);
	memset(text + head, 'x', half + 1);
	memcpy(text + head + half + 1, "\r\n", 2);
	assert_int_equal(redisReaderFeed(world.reader, text, (size_t)head + half + 3), REDIS_OK);
	assert_null(next(&world));
	assert_true(world.state.hostile);
	redisReaderFree(world.reader);
}

/* hiredis stops the program when it is handed an answer that nobody waits for. */
static void an_answer_nobody_asked_ends_it(void **state)
{
	static const char *const texts[] = { "+OK\r\n", ":1\r\n", "$1\r\na\r\n",
					     "*1\r\n",	"*0\r\n", "$-1\r\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct world world;

		begin(&world);
		world.awaited = false;
		assert_null(read_text(&world, texts[i]));
		assert_true(world.state.hostile);
		assert_string_equal(world.state.unasked, "");
		redisReaderFree(world.reader);
	}
}

static void an_error_nobody_asked_is_kept(void **state)
{
	struct world world;

	begin(&world);
	world.awaited = false;
	assert_null(read_text(&world, "-ERR max number of clients reached\r\n"));
	assert_string_equal(world.state.unasked, "ERR max number of clients reached");
	redisReaderFree(world.reader);
}

static void a_command_is_written(void **state)
{
	static const char want[] = "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$12\r\nab\0d56789012\r\n";
	const char *const argv[] = { "SET", NULL, "ab\0d56789012" };
	const size_t lens[] = { 3, 0, 12 };
	char wire[sizeof(want)];

	assert_int_equal(sl_redis_wire_length(3, lens), sizeof(want) - 1);
	sl_redis_wire_write(wire, 3, argv, lens);
	assert_memory_equal(wire, want, sizeof(want) - 1);
	assert_int_equal(sl_redis_wire_length(2, (const size_t[]){ 1, SIZE_MAX }), SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_read),
		cmocka_unit_test(too_many_values_end_it),
		cmocka_unit_test(bounds_are_of_one_answer),
		cmocka_unit_test(too_many_bytes_end_it),
		cmocka_unit_test(an_answer_nobody_asked_ends_it),
		cmocka_unit_test(an_error_nobody_asked_is_kept),
		cmocka_unit_test(a_command_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
