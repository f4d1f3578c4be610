/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/identities.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "userspace/base/cleanup.h"
#include "userspace/conf/table.h"
#include "userspace/domain/ident.h"

#define DIGEST_BYTES   32
#define DIGEST_HEX     (2 * DIGEST_BYTES)
#define SALT_BYTES_MIN 16
#define SALT_BYTES_MAX 64
#define ROLES_MAX      8
#define SUBJECT_BYTES  512

struct role {
	char name[32];
};

struct owner {
	char tenant[SL_IDENTIFIER_MAX + 1];
	struct role *roles;
	size_t role_count;
	char plan[SL_SETTINGS_PLAN_BYTES];
};

struct key {
	char hmac[DIGEST_HEX + 1];
	struct owner owner;
	uint8_t digest[DIGEST_BYTES];
	unsigned int line;
};

struct subject {
	char subject[SUBJECT_BYTES];
	struct owner owner;
	unsigned int line;
};

struct file {
	uint32_t version;
	char salt[2 * SALT_BYTES_MAX + 1];
	struct key *keys;
	size_t key_count;
	struct subject *subjects;
	size_t subject_count;
};

struct sl_identities {
	struct file file;
	EVP_MAC_CTX *mac; /* holds the salt: HMAC() would look up and make all anew */
};

/* ---- the file ---------------------------------------------------------------------------- */

#define OWNER(type)                                                                                \
	{ "tenant", &sl_conf_text, SL_CONF_MEMBER(type, owner.tenant), .flags = SL_CONF_REQUIRED,  \
	  .help = "Whose it is." },                                                                \
		{ "roles", &sl_conf_word, SL_CONF_LIST(type, owner.roles, owner.role_count),       \
		  .max = ROLES_MAX, .help = "What more it may: admin." },                          \
	{                                                                                          \
		"plan", &sl_conf_word, SL_CONF_MEMBER(type, owner.plan),                           \
			.fallback = "",                                                            \
			.help = "Which limits, of limits.plans in gateway.yaml; left out: the "    \
				"default's."                                                       \
	}

static const struct sl_conf_field key_fields[] = {
	{ "hmac", &sl_conf_word, SL_CONF_MEMBER(key, hmac), .flags = SL_CONF_REQUIRED,
	  .help = "HMAC-SHA256 of the key under the salt, 64 hex digits." },
	OWNER(key),
};
static const struct sl_conf_table key_table = { "API keys.", SL_CONF_TABLE(key_fields),
						offsetof(struct key, line) };

static const struct sl_conf_field subject_fields[] = {
	{ "subject", &sl_conf_text, SL_CONF_MEMBER(subject, subject), .flags = SL_CONF_REQUIRED,
	  .help = "As nginx writes $ssl_client_s_dn." },
	OWNER(subject),
};
static const struct sl_conf_table subject_table = { "Client certificates.",
						    SL_CONF_TABLE(subject_fields),
						    offsetof(struct subject, line) };

static const struct sl_conf_field root_fields[] = {
	{ "version", &sl_conf_integer, SL_CONF_MEMBER(file, version), .min = 1, .max = 1,
	  .fallback = "1", .help = "Of this file's form." },
	{ "salt", &sl_conf_word, SL_CONF_MEMBER(file, salt), .fallback = "",
	  .help = "16 to 64 random bytes in hex; with keys it must be there." },
	{ "keys", .table = &key_table, SL_CONF_LIST(file, keys, key_count),
	  .max = SL_IDENTITIES_MAX, .flags = SL_CONF_UNIQUE },
	{ "subjects", .table = &subject_table, SL_CONF_LIST(file, subjects, subject_count),
	  .max = SL_IDENTITIES_MAX, .flags = SL_CONF_UNIQUE },
};
static const struct sl_conf_table root_table = { "Who is who.", SL_CONF_TABLE(root_fields), 0 };

static int check(struct sl_conf_context *ctx, void *filled)
{
	const struct file *file = filled;
	size_t digits = strlen(file->salt);
	char path[32];

	if ((file->key_count || digits) &&
	    (digits < 2 * SALT_BYTES_MIN || digits % 2 ||
	     !sl_is_hex((struct sl_span){ file->salt, digits }, digits)))
		return sl_conf_refuse(ctx, "salt", "16 to 64 bytes in hex are wanted");
	for (size_t i = 0; i < file->key_count; i++) {
		snprintf(path, sizeof(path), "keys[%zu]", i);
		if (!sl_is_hex(sl_span_of(file->keys[i].hmac), DIGEST_HEX))
			return sl_conf_refuse(ctx, path, "hmac: 64 hex digits are wanted");
		if (!sl_is_identifier(sl_span_of(file->keys[i].owner.tenant), SL_IDENTIFIER_MAX))
			return sl_conf_refuse(ctx, path, "tenant: not an identifier");
	}
	for (size_t i = 0; i < file->subject_count; i++) {
		snprintf(path, sizeof(path), "subjects[%zu]", i);
		if (!sl_is_identifier(sl_span_of(file->subjects[i].owner.tenant),
				      SL_IDENTIFIER_MAX))
			return sl_conf_refuse(ctx, path, "tenant: not an identifier");
	}
	return 0;
}

static const struct sl_conf_schema schema = {
	.program = "gateway",
	.intro =
		"# Identities of the gateway\n\n"
		"What `auth.api_keys_file` and `auth.subjects_file` of gateway.yaml name; one file\n"
		"may be both. A test keeps this page true. It is read again when it changes. A key\n"
		"and its HMAC:\n\n"
		"    salt=$(openssl rand -hex 16)\n"
		"    key=$(openssl rand -hex 16)\n"
		"    printf %s \"$key\" | openssl dgst -sha256 -mac HMAC -macopt hexkey:$salt\n\n"
		"## The file\n\n",
	.root = &root_table,
	.size = sizeof(struct file),
	.check = check,
};

int sl_identities_describe(FILE *out)
{
	return sl_conf_describe_schema(out, &schema);
}

/* ---- reading -------------------------------------------------------------------------------- */

static uint8_t hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* @text was checked to be hex. */
static void from_hex(uint8_t *ret, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		ret[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
}

static int by_digest(const void *a, const void *b)
{
	return memcmp(((const struct key *)a)->digest, ((const struct key *)b)->digest,
		      DIGEST_BYTES);
}

static int make_mac(struct sl_identities *identities)
{
	char digest_name[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
		OSSL_PARAM_construct_end(),
	};
	const size_t salt_bytes = strlen(identities->file.salt) / 2;
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	uint8_t salt[SALT_BYTES_MAX];

	from_hex(salt, identities->file.salt, salt_bytes);
	identities->mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	EVP_MAC_free(hmac); /* the context has its own reference */
	if (!identities->mac || !EVP_MAC_init(identities->mac, salt, salt_bytes, params))
		return -ENOMEM;
	return 0;
}

static int finish(struct sl_identities **ret, struct sl_identities *identities, int r,
		  const struct sl_conf_error *why, struct sl_auth_error *error)
{
	struct file *file = &identities->file;

	if (r) {
		snprintf(error->message, sizeof(error->message), "%s", why->message);
		return r;
	}
	r = make_mac(identities);
	if (r)
		return r;
	for (size_t i = 0; i < file->key_count; i++)
		from_hex(file->keys[i].digest, file->keys[i].hmac, DIGEST_BYTES);
	if (file->key_count)
		qsort(file->keys, file->key_count, sizeof(*file->keys), by_digest);
	*ret = identities;
	return 0;
}

int sl_identities_load(struct sl_identities **ret, const char *path, struct sl_auth_error *error)
{
	sl_cleanup(sl_identities_freep) struct sl_identities *identities =
		calloc(1, sizeof(*identities));
	struct sl_conf_error why = { "" };
	int r;

	if (!identities)
		return -ENOMEM;
	r = sl_conf_read_file(&identities->file, &schema, path, NULL, &why);
	r = finish(ret, identities, r, &why, error);
	if (!r)
		SL_TAKE_PTR(identities);
	return r;
}

int sl_identities_parse(struct sl_identities **ret, const char *name, struct sl_span text,
			struct sl_auth_error *error)
{
	sl_cleanup(sl_identities_freep) struct sl_identities *identities =
		calloc(1, sizeof(*identities));
	struct sl_conf_error why = { "" };
	int r;

	if (!identities)
		return -ENOMEM;
	r = sl_conf_read_text(&identities->file, &schema, name, text.at, text.length, NULL, &why);
	r = finish(ret, identities, r, &why, error);
	if (!r)
		SL_TAKE_PTR(identities);
	return r;
}

void sl_identities_free(struct sl_identities *identities)
{
	if (!identities)
		return;
	sl_conf_clear(&identities->file, &schema);
	EVP_MAC_CTX_free(identities->mac);
	free(identities);
}

void sl_identities_freep(struct sl_identities **identities)
{
	sl_identities_free(*identities);
}

/* ---- looking up --------------------------------------------------------------------------------
 */

static void tell(struct sl_identity *ret, const struct owner *owner)
{
	*ret = (struct sl_identity){ .admin = false };
	memcpy(ret->tenant, owner->tenant, sizeof(ret->tenant));
	memcpy(ret->plan, owner->plan, sizeof(ret->plan));
	for (size_t i = 0; i < owner->role_count; i++)
		ret->admin |= !strcmp(owner->roles[i].name, "admin");
}

/*
 * As many steps whatever is looked for, and each compares all of a digest. How the
 * steps go depends on the digest, which nobody without the salt can choose or read.
 */
static const struct key *search(const struct file *file, const uint8_t digest[DIGEST_BYTES])
{
	size_t low = 0, count = file->key_count;

	while (count > 1) {
		size_t half = count / 2;

		if (memcmp(file->keys[low + half].digest, digest, DIGEST_BYTES) <= 0)
			low += half;
		count -= half;
	}
	return count && !CRYPTO_memcmp(file->keys[low].digest, digest, DIGEST_BYTES)
		       ? &file->keys[low]
		       : NULL;
}

int sl_identities_key(struct sl_identity *ret, const struct sl_identities *identities,
		      struct sl_span key)
{
	EVP_MAC_CTX *mac = identities->mac;
	uint8_t digest[DIGEST_BYTES];
	const struct key *found;
	size_t length = 0;

	/* Without a key to set it begins anew with the salt it has. */
	if (key.length > SL_CREDENTIAL_BYTES_MAX || !EVP_MAC_init(mac, NULL, 0, NULL) ||
	    !EVP_MAC_update(mac, (const uint8_t *)key.at, key.length) ||
	    !EVP_MAC_final(mac, digest, &length, sizeof(digest)) || length != DIGEST_BYTES)
		return -EACCES;
	found = search(&identities->file, digest);
	if (!found)
		return -EACCES;
	tell(ret, &found->owner);
	return 0;
}

int sl_identities_subject(struct sl_identity *ret, const struct sl_identities *identities,
			  struct sl_span subject)
{
	const struct file *file = &identities->file;

	for (size_t i = 0; file->subjects && i < file->subject_count; i++) {
		if (!sl_span_is(subject, file->subjects[i].subject))
			continue;
		tell(ret, &file->subjects[i].owner);
		return 0;
	}
	return -EACCES;
}
