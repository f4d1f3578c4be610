// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <errno.h>
#include <string.h>

#include "userspace/gateway/jwks.h"

#define SECRET "\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\""

static void sets(void **state)
{
	static const struct {
		const char *text;
		int result;
		size_t count;
	} rows[] = {
		{ "{\"keys\":[]}", 0, 0 },
		{ "{\"keys\":[{\"kty\":\"oct\"," SECRET "}]}", 0, 1 },
		{ "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\"," SECRET "}],\"x\":1}", 0, 1 },
		/* for something else: left out */
		{ "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS512\"," SECRET "}]}", 0, 0 },
		{ "{\"keys\":[{\"kty\":\"oct\",\"use\":\"enc\"," SECRET "}]}", 0, 0 },
		{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}]}", 0,
		  0 },
		{ "{\"keys\":[{\"kty\":\"new\"}]}", 0, 0 },
		/* wrong: refused as a whole */
		{ "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAEC\"}]}", -EINVAL, 0 },
		{ "{\"keys\":[{\"kty\":\"oct\"}]}", -EINVAL, 0 },
		{ "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", -EINVAL, 0 },
		{ "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"!\",\"e\":\"AQAB\"}]}", -EINVAL, 0 },
		{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
		  "\"x\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\","
		  "\"y\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}]}",
		  -EINVAL, 0 }, /* not on the curve */
		{ "{\"keys\":{}}", -EINVAL, 0 },
		{ "{\"keys\":[1]}", -EINVAL, 0 },
		{ "{}", -EINVAL, 0 },
		{ "[]", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sl_jwks_error error = { "" };
		struct sl_jwks *jwks = NULL;
		int r = sl_jwks_parse(&jwks, sl_span_of(rows[i].text), &error);

		if (r != rows[i].result)
			fail_msg("%s: %d %s", rows[i].text, r, error.message);
		if (r)
			assert_true(error.message[0]);
		else
			assert_int_equal(jwks->count, rows[i].count);
		sl_jwks_free(jwks);
	}
}

static void which_key_is_meant(void **state)
{
	struct sl_jwks_error error;
	struct sl_jwks *jwks = NULL;

	assert_int_equal(sl_jwks_parse(&jwks,
				       SL_SPAN("{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\"," SECRET
					       "},{\"kty\":\"oct\",\"kid\":\"b\"," SECRET "}]}"),
				       &error),
			 0);
	assert_ptr_equal(sl_jwks_find(jwks, SL_SPAN("b"), SL_JWK_HS256), &jwks->keys[1]);
	assert_null(sl_jwks_find(jwks, SL_SPAN("c"), SL_JWK_HS256));
	assert_null(sl_jwks_find(jwks, SL_SPAN("a"), SL_JWK_RS256));
	/* Without an id two are none. */
	assert_null(sl_jwks_find(jwks, (struct sl_span){ 0 }, SL_JWK_HS256));
	sl_jwks_free(jwks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets),
		cmocka_unit_test(which_key_is_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
