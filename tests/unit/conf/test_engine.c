// SPDX-License-Identifier: Apache-2.0
/* The engine with tables of its own, as every program but the agent uses it. */
#include "tests/harness/test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "userspace/conf/table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MS_NS	     1000000ull

struct shelf {
	unsigned int line;
	char name[8];
	double weight;
	char (*words)[8];
	size_t word_count;
	char *cgroup;
};

struct shop {
	uint32_t version;
	char servers[48];
	char subject[24];
	char motto[16];
	char file[32];
	uint64_t timeout_ns;
	bool open;
	struct shelf *shelves;
	size_t shelf_count;
};

static const struct sl_choice schemes[] = { { "nats", 0 }, { "tls", 1 }, { NULL, 0 } };

static const struct sl_conf_field shelf_fields[] = {
	{ "name", &sl_conf_word, SL_CONF_MEMBER(shelf, name), .flags = SL_CONF_REQUIRED,
	  .help = "Its name." },
	{ "weight", &sl_conf_real, .fallback = "1", SL_CONF_MEMBER(shelf, weight), .max = 100,
	  .help = "Its weight." },
	{ "words", &sl_conf_word, SL_CONF_LIST(shelf, words, word_count), .max = 3,
	  .flags = SL_CONF_UNIQUE, .help = "Words." },
	{ "cgroup", &sl_conf_cgroup, SL_CONF_MEMBER(shelf, cgroup), .help = "On the heap." },
};
static const struct sl_conf_table shelf_table = { "Shelves.", SL_CONF_TABLE(shelf_fields), 0 };

static const struct sl_conf_field nats_fields[] = {
	{ "servers", &sl_conf_urls, .fallback = "nats://127.0.0.1:4222",
	  SL_CONF_MEMBER(shop, servers), .choices = schemes, .help = "Where." },
	{ "timeout", &sl_conf_duration, .fallback = "5s", SL_CONF_MEMBER(shop, timeout_ns),
	  .min = MS_NS, .max = 60000 * MS_NS, .help = "How long." },
};
static const struct sl_conf_table nats_table = { "The bus.", SL_CONF_TABLE(nats_fields), 0 };

static const struct sl_conf_field shop_fields[] = {
	{ "version", &sl_conf_integer, SL_CONF_MEMBER(shop, version), .min = 1, .max = 1,
	  .flags = SL_CONF_REQUIRED, .help = "Of the format." },
	{ "nats", .table = &nats_table },
	{ "subject", &sl_conf_subject, .fallback = "a.b", SL_CONF_MEMBER(shop, subject),
	  .help = "What." },
	{ "motto", &sl_conf_text, .fallback = "", SL_CONF_MEMBER(shop, motto), .help = "Why." },
	{ "file", &sl_conf_file, .fallback = "", SL_CONF_MEMBER(shop, file), .help = "A file." },
	{ "open", &sl_conf_bool, .fallback = "true", SL_CONF_MEMBER(shop, open), .help = "Is it." },
	{ "shelves", .table = &shelf_table, SL_CONF_LIST(shop, shelves, shelf_count), .max = 4,
	  .flags = SL_CONF_UNIQUE },
};
static const struct sl_conf_table root = { NULL, SL_CONF_TABLE(shop_fields), 0 };

static int check(struct sl_conf_context *ctx, void *filled)
{
	const struct shop *shop = filled;

	for (size_t i = 0; i < shop->shelf_count; i++)
		if (shop->shelves[i].weight > 50)
			return sl_conf_refuse(ctx, "shelves[1].weight", "heavier than %d", 50);
	return strcmp(shop->motto, "no") == 0 ? sl_conf_refuse(ctx, "motto", "no is no motto") : 0;
}

static const struct sl_conf_variable variables[] = {
	{ "NATS_URL", "nats.servers", NULL },  { "SHOP_TIMEOUT_MS", "nats.timeout", "ms" },
	{ "SHOP_OPEN", "open", NULL },	       { "SHOP_MOTTO", "motto", NULL },
	{ "SHOP_LOST", "shelves.name", NULL },
};

static const struct sl_conf_schema schema = {
	.program = "shop",
	.intro = "# Shop\n\n",
	.root = &root,
	.size = sizeof(struct shop),
	.check = check,
	.variables = variables,
	.variable_count = COUNT(variables),
};

static int read_with(struct shop *ret, const char *text, char *const *environment,
		     struct sl_conf_error *error)
{
	return sl_conf_read_text(ret, &schema, "t.yaml", text, strlen(text), environment, error);
}

static void everything_is_read(void **state)
{
	struct sl_conf_error error = { "" };
	struct shop shop;

	assert_int_equal(read_with(&shop,
				   "version: 1\n"
				   "nats: {servers: \"nats://a:1,tls://b\", timeout: 250ms}\n"
				   "subject: caf.exec\nmotto: \"M\u00fche lohnt\"\nfile: /etc/x\n"
				   "open: false\n"
				   "shelves:\n"
				   "- {name: a.b-C_1, weight: 0.25, words: [x, y], cgroup: t/x}\n"
				   "- {name: b}\n",
				   NULL, &error),
			 0);
	assert_string_equal(shop.servers, "nats://a:1,tls://b");
	assert_string_equal(shop.subject, "caf.exec");
	assert_string_equal(shop.motto, "M\u00fche lohnt");
	assert_string_equal(shop.file, "/etc/x");
	assert_int_equal(shop.timeout_ns, 250 * MS_NS);
	assert_false(shop.open);
	assert_int_equal(shop.shelf_count, 2);
	assert_true(shop.shelves[0].weight == 0.25 && shop.shelves[1].weight == 1.0);
	assert_int_equal(shop.shelves[0].word_count, 2);
	assert_string_equal(shop.shelves[0].words[1], "y");
	assert_string_equal(shop.shelves[0].cgroup, "t/x");
	sl_conf_clear(&shop, &schema);
	assert_null(shop.shelves);
}

static void without_a_file_defaults_and_variables_count(void **state)
{
	char url[] = "NATS_URL=nats://n:4222", timeout[] = "SHOP_TIMEOUT_MS=1500";
	char open[] = "SHOP_OPEN=0", empty[] = "SHOP_MOTTO=", other[] = "NATS_URLS=x";
	char *environment[] = { other, url, timeout, open, empty, NULL };
	struct sl_conf_error error = { "" };
	struct shop shop;

	assert_int_equal(sl_conf_read_file(&shop, &schema, NULL, environment, &error), 0);
	assert_string_equal(shop.servers, "nats://n:4222");
	assert_int_equal(shop.timeout_ns, 1500 * MS_NS);
	assert_false(shop.open);
	assert_string_equal(shop.subject, "a.b");
	sl_conf_clear(&shop, &schema);
}

static void a_variable_wins_over_the_file(void **state)
{
	char url[] = "NATS_URL=tls://n:1";
	char *environment[] = { url, NULL };
	struct sl_conf_error error = { "" };
	struct shop shop;

	assert_int_equal(
		read_with(&shop, "version: 1\nnats: {servers: nats://a}\n", environment, &error),
		0);
	assert_string_equal(shop.servers, "tls://n:1");
	sl_conf_clear(&shop, &schema);
}

#define V "version: 1\n"

static const struct {
	const char *text, *variable, *message;
} refusals[] = {
	{ "version: 2\n", NULL, "t.yaml:1:10: version: this shop reads version 1" },
	{ V "shelves: [{name: a}, {name: b}, {name: a}]\n", NULL,
	  "t.yaml:2:40: shelves[2].name: the same name is at line 2" },
	{ V "shelves:\n- {name: a, words: [x, y, x]}\n", NULL,
	  "t.yaml:3:27: shelves[0].words[2]: the same value is at line 3" },
	{ V "shelves:\n- {name: a}\n- {name: b, weight: 60}\n", NULL,
	  "t.yaml:4:21: shelves[1].weight: heavier than 50" },
	{ V "shelves:\n- {name: a, weight: 60}\n- {name: b}\n", NULL,
	  "t.yaml:4:3: shelves[1].weight: heavier than 50" },
	{ V "shelves: [{name: \"a b\"}]\n", NULL,
	  "t.yaml:2:18: shelves[0].name: \"a b\" is not a word of at most 7 of A-Z a-z 0-9 . _ -" },
	{ V "shelves: [{name: a, weight: 1e3}]\n", NULL,
	  "t.yaml:2:29: shelves[0].weight: \"1e3\" is not a number like 0.25" },
	{ V "shelves: [{name: a, weight: 100.5}]\n", NULL,
	  "t.yaml:2:29: shelves[0].weight: \"100.5\" is out of range; allowed: 0 to 100" },
	{ V "subject: a..b\n", NULL,
	  "t.yaml:2:10: subject: \"a..b\" is not a subject of at most 23 bytes, like "
	  "caf.exec.assign.v1, without wildcards" },
	{ V "subject: a.>\n", NULL,
	  "t.yaml:2:10: subject: \"a.>\" is not a subject of at most 23 bytes, like "
	  "caf.exec.assign.v1, without wildcards" },
	{ V "nats: {servers: \"http://a.b\"}\n", NULL,
	  "t.yaml:2:17: nats.servers: it is not URLs with commas between them of at most 47 bytes "
	  "with the scheme nats or tls" },
	{ V "nats: {servers: \"nats://a,\"}\n", NULL,
	  "t.yaml:2:17: nats.servers: it is not URLs with commas between them of at most 47 bytes "
	  "with the scheme nats or tls" },
	{ V "file: x\n", NULL,
	  "t.yaml:2:7: file: \"x\" is not an absolute path of at most 31 bytes" },
	{ V "motto: 12345678901234567\n", NULL,
	  "t.yaml:2:8: motto: \"12345678901234567\" is not a text of at most 15 bytes without "
	  "control characters" },
	{ V, "SHOP_TIMEOUT_MS=90000",
	  "environment: SHOP_TIMEOUT_MS: \"90000ms\" is out of range; allowed: "
	  "1ms to 1m" },
	{ V, "SHOP_LOST=x", "environment: SHOP_LOST: there is no such key" },
	{ V, "SHOP_MOTTO=no", "t.yaml:1:1: motto: no is no motto" },
};

static void what_is_wrong_is_named(void **state)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		char variable[64] = "";
		char *environment[] = { variable, NULL };
		struct sl_conf_error error = { "" };
		struct shop shop = { .version = 7 };

		if (refusals[i].variable)
			(void)snprintf(variable, sizeof(variable), "%s", refusals[i].variable);
		assert_int_equal(read_with(&shop, refusals[i].text, environment, &error), -EINVAL);
		assert_string_equal(error.message, refusals[i].message);
		assert_int_equal(shop.version, 7);
	}
}

static void the_description_has_every_key(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(sl_conf_describe_schema(out, &schema), 0);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "# Shop\n\n- `version`: a whole number, 1; **required**."));
	assert_non_null(strstr(text, "- `shelves[].weight`: a number, 0 to 100; default `1`."));
	assert_non_null(strstr(text, "| `SHOP_TIMEOUT_MS` | `nats.timeout` | ms |"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_read),
		cmocka_unit_test(without_a_file_defaults_and_variables_count),
		cmocka_unit_test(a_variable_wins_over_the_file),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(the_description_has_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
