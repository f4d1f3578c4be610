/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/gateway/auth.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/siphash.h"
#include "userspace/gateway/identities.h"
#include "userspace/gateway/jwt.h"

#define REMEMBERED   1024u /* tokens, a power of two */
#define REMEMBERED_S 60	   /* at most */

/* As a file was when it was read. */
struct stamp {
	struct timespec changed;
	off_t size;
	ino_t inode;
};

/* A key that was good, by a keyed hash that nobody outside can aim at: a tenth of the
 * price of its HMAC. */
struct remembered_key {
	uint64_t hash[2];
	struct sl_identity identity; /* tenant "": nothing is remembered here */
};

/* A token that was good: a signature is dear to verify. */
struct remembered {
	uint8_t digest[SHA256_DIGEST_LENGTH];
	int64_t until_s;
	struct sl_identity identity;
};

enum {
	KEYS,
	SUBJECTS,
	TOKENS,
	FILES
};

struct sl_keyring {
	const struct sl_settings *settings;
	struct stamp stamps[FILES];
	struct sl_identities *keys;
	struct sl_identities *subjects;
	struct sl_jwks *tokens;
	uint64_t secret[2];
	struct remembered_key remembered_keys[REMEMBERED];
	struct remembered remembered[REMEMBERED];
};

static const char *path_of(const struct sl_keyring *keyring, size_t which)
{
	const char *const paths[FILES] = {
		[KEYS] = keyring->settings->auth.api_keys_file,
		[SUBJECTS] = keyring->settings->auth.subjects_file,
		[TOKENS] = keyring->settings->auth.jwks_file,
	};

	return paths[which];
}

/* ---- files --------------------------------------------------------------------------------- */

static int read_all(char **ret, size_t *ret_length, const char *path)
{
	sl_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	sl_autofree char *text = malloc(SL_JWKS_BYTES_MAX + 1);
	size_t length = 0;
	struct stat file;

	if (fd < 0 || fstat(fd, &file))
		return -errno;
	if (!S_ISREG(file.st_mode))
		return -EINVAL;
	if (!text)
		return -ENOMEM;
	while (length <= SL_JWKS_BYTES_MAX) {
		ssize_t got = read(fd, text + length, SL_JWKS_BYTES_MAX + 1 - length);

		if (got < 0)
			return -errno;
		if (!got)
			break;
		length += (size_t)got;
	}
	*ret = SL_TAKE_PTR(text);
	*ret_length = length;
	return 0;
}

static int read_tokens(struct sl_keyring *keyring, const char *path, struct sl_auth_error *error)
{
	sl_autofree char *text = NULL;
	struct sl_jwks_error why = { "" };
	struct sl_jwks *tokens = NULL;
	size_t length = 0;
	int r = read_all(&text, &length, path);

	if (!r)
		r = sl_jwks_parse(&tokens, (struct sl_span){ text, length }, &why);
	if (text)
		explicit_bzero(text, length);
	if (r) {
		snprintf(error->message, sizeof(error->message), "%s: %s", path,
			 why.message[0] ? why.message : strerrordesc_np(-r));
		return r;
	}
	sl_jwks_free(keyring->tokens);
	keyring->tokens = tokens;
	return 0;
}

static int read_identities(struct sl_identities **at, const char *path, struct sl_auth_error *error)
{
	struct sl_identities *read = NULL;
	int r = sl_identities_load(&read, path, error);

	if (r)
		return r;
	sl_identities_free(*at);
	*at = read;
	return 0;
}

static int read_file(struct sl_keyring *keyring, size_t which, struct sl_auth_error *error)
{
	const char *path = path_of(keyring, which);

	/* What was good by the old keys is looked at again. */
	memset(keyring->remembered, 0, sizeof(keyring->remembered));
	memset(keyring->remembered_keys, 0, sizeof(keyring->remembered_keys));
	if (which == TOKENS)
		return read_tokens(keyring, path, error);
	return read_identities(which == KEYS ? &keyring->keys : &keyring->subjects, path, error);
}

static bool has_changed(struct stamp *stamp, const char *path)
{
	struct stat file;
	struct stamp now;

	if (stat(path, &file))
		return stamp->inode != 0;
	now = (struct stamp){ file.st_mtim, file.st_size, file.st_ino };
	if (!memcmp(&now, stamp, sizeof(now)))
		return false;
	*stamp = now;
	return true;
}

int sl_keyring_refresh(struct sl_keyring *keyring, struct sl_auth_error *error)
{
	int changed = 0;

	for (size_t i = 0; i < FILES; i++) {
		const char *path = path_of(keyring, i);
		int r;

		if (!path[0] || !has_changed(&keyring->stamps[i], path))
			continue;
		r = read_file(keyring, i, error);
		if (r)
			return r;
		changed = 1;
	}
	return changed;
}

int sl_keyring_new(struct sl_keyring **ret, const struct sl_settings *settings,
		   struct sl_auth_error *error)
{
	sl_cleanup(sl_keyring_freep) struct sl_keyring *keyring = calloc(1, sizeof(*keyring));

	if (!keyring)
		return -ENOMEM;
	keyring->settings = settings;
	if (getrandom(keyring->secret, sizeof(keyring->secret), 0) !=
	    (ssize_t)sizeof(keyring->secret))
		return -EIO;
	for (size_t i = 0; i < FILES; i++) {
		const char *path = path_of(keyring, i);
		int r;

		if (!path[0])
			continue;
		(void)has_changed(&keyring->stamps[i], path);
		r = read_file(keyring, i, error);
		if (r)
			return r;
	}
	*ret = SL_TAKE_PTR(keyring);
	return 0;
}

void sl_keyring_free(struct sl_keyring *keyring)
{
	if (!keyring)
		return;
	sl_identities_free(keyring->keys);
	sl_identities_free(keyring->subjects);
	sl_jwks_free(keyring->tokens);
	free(keyring);
}

void sl_keyring_freep(struct sl_keyring **keyring)
{
	sl_keyring_free(*keyring);
}

/* ---- credentials ------------------------------------------------------------------------------
 */

int sl_keyring_api_key(struct sl_identity *ret, struct sl_keyring *keyring, struct sl_span key)
{
	struct remembered_key *place;
	uint64_t hash[2];
	int r;

	if (!keyring->keys || key.length > SL_CREDENTIAL_BYTES_MAX)
		return -EACCES;
	sl_siphash(hash, keyring->secret, key.at, key.length);
	place = &keyring->remembered_keys[hash[0] % REMEMBERED];
	if (place->identity.tenant[0] && place->hash[0] == hash[0] && place->hash[1] == hash[1]) {
		*ret = place->identity;
		return 0;
	}
	r = sl_identities_key(ret, keyring->keys, key);
	if (!r)
		*place = (struct remembered_key){ { hash[0], hash[1] }, *ret };
	return r;
}

int sl_keyring_subject(struct sl_identity *ret, const struct sl_keyring *keyring,
		       struct sl_span subject)
{
	return keyring->subjects ? sl_identities_subject(ret, keyring->subjects, subject) : -EACCES;
}

int sl_keyring_token(struct sl_identity *ret, struct sl_keyring *keyring, struct sl_span token,
		     int64_t now_s)
{
	const struct sl_settings *settings = keyring->settings;
	const struct sl_jwt_rules rules = {
		.issuer = settings->auth.issuer,
		.audience = settings->auth.audience,
		.leeway_s = (int64_t)(settings->auth.leeway_ns / 1000000000),
	};
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct remembered *place;
	int64_t until_s;
	int r;

	if (!keyring->tokens || token.length > SL_CREDENTIAL_BYTES_MAX)
		return -EACCES;
	SHA256((const uint8_t *)token.at, token.length, digest);
	place = &keyring->remembered[(digest[0] | (unsigned int)digest[1] << 8) % REMEMBERED];
	if (now_s < place->until_s && !memcmp(place->digest, digest, sizeof(digest))) {
		*ret = place->identity;
		return 0;
	}
	r = sl_jwt_check(ret, &until_s, token, keyring->tokens, &rules, now_s);
	if (r)
		return r;
	memcpy(place->digest, digest, sizeof(digest));
	place->until_s = until_s < now_s + REMEMBERED_S ? until_s : now_s + REMEMBERED_S;
	place->identity = *ret;
	return 0;
}
