// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/gateway/identities.h"

#define SALT "000102030405060708090a0b0c0d0e0f"
/* printf %s KEY | openssl dgst -sha256 -mac HMAC -macopt hexkey:SALT */
#define HMAC_ONE "e68ee8ad7a4f1e0f5a0d2d1bd2d6c6e5f1e4a6c5c7e1a2c1a6b8e2c9f0a1b2c3"

/* Of key-0 .. key-4. */
#define KEY_LINES                                                                                                    \
	"  - {hmac: 14fa88c3478880a6b7657ffc1ffdf9f9b8ddb3f44997f1913637a415f35511a2, tenant: t0}\n"                 \
	"  - {hmac: 2325d6d77dcfe6fe53c2caffc2cf711775e9056e8232c3ee3808d83901a1c676, tenant: t1}\n"                 \
	"  - {hmac: 6f40e5dc36c2541c7b20ff6c5a3eaad880b8c17790ada425e7c29121abb4f4d6, tenant: t2}\n"                 \
	"  - {hmac: e7172ab82bb72daa5af56169f541c855dca857e00f27f9005ee3dbcfdc15eff8, tenant: t3, roles: [admin]}\n" \
	"  - {hmac: 2672c53b26e93d85bddbc967fd7db6863119b6118f3f6470e8bf43c90a83800e, tenant: t4, plan: gold}\n"

static int parse(struct sl_identities **ret, const char *text, struct sl_auth_error *error)
{
	return sl_identities_parse(ret, "keys.yaml", sl_span_of(text), error);
}

static void files(void **state)
{
	static const struct {
		const char *text;
		const char *fault; /* part of the message; NULL: it is good */
	} rows[] = {
		{ "version: 1\n", NULL },
		{ "version: 1\nsalt: " SALT "\nkeys:\n  - {hmac: " HMAC_ONE ", tenant: a}\n",
		  NULL },
		{ "version: 1\nsubjects:\n  - {subject: \"CN=x,O=y\", tenant: a, roles: [admin]}\n",
		  NULL },
		{ "version: 2\n", "version" },
		{ "version: 1\nkeys:\n  - {hmac: " HMAC_ONE ", tenant: a}\n", "salt" },
		{ "version: 1\nsalt: 0011\nkeys:\n  - {hmac: " HMAC_ONE ", tenant: a}\n", "salt" },
		{ "version: 1\nsalt: " SALT "\nkeys:\n  - {hmac: 00, tenant: a}\n", "64 hex" },
		{ "version: 1\nsalt: " SALT "\nkeys:\n  - {hmac: " HMAC_ONE "}\n", "tenant" },
		{ "version: 1\nsalt: " SALT "\nkeys:\n  - {hmac: " HMAC_ONE ", tenant: a b}\n",
		  "tenant" },
		{ "version: 1\nsalt: " SALT "\nkeys:\n  - {hmac: " HMAC_ONE ", tenant: a}\n"
		  "  - {hmac: " HMAC_ONE ", tenant: b}\n",
		  "keys[1]" },
		{ "version: 1\nkey: plain\n", "key" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_identities *identities = NULL;
		struct sl_auth_error error = { "" };
		int r = parse(&identities, rows[i].text, &error);

		if (!r != !rows[i].fault || (r && !strstr(error.message, rows[i].fault)))
			fail_msg("%s: %d %s", rows[i].text, r, error.message);
		sl_identities_free(identities);
	}
}

static void keys_are_found_among_many(void **state)
{
	static const char text[] =
		"version: 1\nsalt: " SALT "\nkeys:\n" KEY_LINES
		"subjects:\n  - {subject: \"CN=gpu-7,O=Acme\", tenant: acme, roles: [admin]}\n";
	struct sl_identities *identities = NULL;
	struct sl_auth_error error = { "" };
	struct sl_identity who;
	char key[16], tenant[16];

	assert_int_equal(parse(&identities, text, &error), 0);
	for (int i = 0; i < 5; i++) {
		(void)snprintf(key, sizeof(key), "key-%d", i);
		(void)snprintf(tenant, sizeof(tenant), "t%d", i);
		assert_int_equal(sl_identities_key(&who, identities, sl_span_of(key)), 0);
		assert_string_equal(who.tenant, tenant);
		assert_int_equal(who.admin, i == 3);
		assert_string_equal(who.plan, i == 4 ? "gold" : "");
	}
	assert_int_equal(sl_identities_key(&who, identities, SL_SPAN("key-5")), -EACCES);
	assert_int_equal(sl_identities_key(&who, identities, SL_SPAN("key-0 ")), -EACCES);
	assert_int_equal(sl_identities_key(&who, identities, (struct sl_span){ 0 }), -EACCES);
	assert_int_equal(sl_identities_subject(&who, identities, SL_SPAN("CN=gpu-7,O=Acme")), 0);
	assert_true(who.admin);
	assert_int_equal(sl_identities_subject(&who, identities, SL_SPAN("CN=gpu-7")), -EACCES);
	sl_identities_free(identities);
}

static void no_keys_at_all(void **state)
{
	struct sl_identities *identities = NULL;
	struct sl_auth_error error;
	struct sl_identity who;

	assert_int_equal(parse(&identities, "version: 1\n", &error), 0);
	assert_int_equal(sl_identities_key(&who, identities, SL_SPAN("any")), -EACCES);
	sl_identities_free(identities);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(keys_are_found_among_many),
		cmocka_unit_test(no_keys_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
