// SPDX-License-Identifier: Apache-2.0
/* Ours and jansson on the same texts, valid ones and such as chance made of them. */
#include "tests/harness/test.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/json_peer.h"
#include "tests/unit/domain/json_texts.h"
#include "userspace/base/cleanup.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define CORPUS	  "tests/fuzz/corpus/json"
#define BYTES_MAX 4096
#define MUTATIONS 2000
#define ACCEPTED_MIN                                                                               \
	100 /* of each hundred mutations some must stay valid, else it proves little               \
	     */

static unsigned int seed = 8259;

static unsigned int below(unsigned int bound)
{
	return (unsigned int)(rand_r(&seed) >> 4) % bound;
}

static void compare(const char *text, size_t length, unsigned int *accepted)
{
	bool both = false;

	if (!sl_json_agrees((struct sl_span){ text, length }, &both))
		fail_msg("one accepts: %.*s", (int)length, text);
	*accepted += both;
}

/* Replaces, removes, doubles or inserts a few bytes. */
static size_t mutate(char *text, size_t length)
{
	static const char likely[] =
		"{}[]:,\"\\/ \t\n0123456789.-+eEutrfalsn\x80\xc3\xed\xa0\xf4\x90";

	for (unsigned int n = 1 + below(3); n > 0; n--) {
		size_t at = length ? below((unsigned int)length) : 0;
		char byte = below(4) ? likely[below(sizeof(likely) - 1)] : (char)below(256);

		switch (below(4)) {
		case 0:
			if (length)
				text[at] = byte;
			break;
		case 1:
			if (length) {
				memmove(text + at, text + at + 1, length - at - 1);
				length--;
			}
			break;
		default:
			if (length < BYTES_MAX) {
				memmove(text + at + 1, text + at, length - at);
				text[at] = below(2) ? byte : text[at + (at + 1 < length)];
				length++;
			}
			break;
		}
	}
	return length;
}

static void compare_with_children(const char *text, size_t length, unsigned int *accepted)
{
	char child[BYTES_MAX + 1];

	compare(text, length, accepted);
	for (int i = 0; i < MUTATIONS; i++) {
		memcpy(child, text, length);
		compare(child, mutate(child, length), accepted);
	}
}

static void agrees_on_the_tables(void **state)
{
	unsigned int accepted = 0;

	for (size_t i = 0; i < COUNT(sl_valid_json); i++)
		compare_with_children(sl_valid_json[i], strlen(sl_valid_json[i]), &accepted);
	for (size_t i = 0; i < COUNT(sl_invalid_json); i++)
		compare_with_children(sl_invalid_json[i], strlen(sl_invalid_json[i]), &accepted);
	assert_true(accepted > ACCEPTED_MIN);
}

static void agrees_on_the_corpus(void **state)
{
	DIR *dir = opendir(CORPUS);
	unsigned int files = 0, accepted = 0;
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char path[512], text[BYTES_MAX];
		sl_autofclose FILE *file = NULL;
		size_t length;

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", CORPUS, entry->d_name);
		file = fopen(path, "rb");
		assert_non_null(file);
		length = fread(text, 1, sizeof(text), file);
		if (length < sizeof(text))
			compare_with_children(text, length, &accepted);
		files++;
	}
	(void)closedir(dir);
	assert_true(files >= 10);
	assert_true(accepted > ACCEPTED_MIN);
}

/* What a second member of a wanted name is to ours, it is to jansson. */
static void agrees_on_second_members(void **state)
{
	static const char *const wanted[] = { "a", "b", "c.a", "c.b" };
	unsigned int refused = 0;

	for (int i = 0; i < 200000; i++) {
		char text[256], inner[64] = "1";
		struct sl_json_value values[COUNT(wanted)];
		size_t length = 0;
		bool ours, peer;
		json_t *tree;

		if (below(2))
			(void)snprintf(inner, sizeof(inner), "{\"%c\":1,\"%c\":2}",
				       (int)('a' + below(2)), (int)('a' + below(2)));
		for (unsigned int n = 1 + below(3); n > 0; n--)
			length += (size_t)snprintf(text + length, sizeof(text) - length,
						   ",\"%c\":1", (int)('a' + below(2)));
		(void)snprintf(text + length, sizeof(text) - length, ",\"c\":%s}", inner);
		text[0] = '{';
		ours = sl_json_pick(values, wanted, COUNT(wanted), sl_span_of(text), NULL) == 0;
		tree = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		peer = tree != NULL;
		json_decref(tree);
		if (ours != peer)
			fail_msg("one accepts: %s", text);
		refused += !ours;
	}
	assert_true(refused > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_on_the_tables),
		cmocka_unit_test(agrees_on_the_corpus),
		cmocka_unit_test(agrees_on_second_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
