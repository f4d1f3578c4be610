// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "userspace/bus/bus_private.h"

#define CONNECT_TIMEOUT_MS 2000
#define IO_BYTES	   (64 << 10)

static int refuse(struct sl_bus_error *error, const char *what, const char *value)
{
	(void)snprintf(error->message, sizeof(error->message), "%s: %.150s", what, value);
	return -EINVAL;
}

static bool graphic(const char *text)
{
	for (; *text; text++)
		if (!isgraph((unsigned char)*text))
			return false;
	return true;
}

/* Without scheme, user and port; IPv6 stands in brackets. */
static char *host_of(const char *url)
{
	const char *host = strstr(url, "://");
	const char *at;
	size_t length;

	host = host ? host + 3 : url;
	at = strrchr(host, '@');
	host = at ? at + 1 : host;
	if (*host == '[') {
		host++;
		length = strcspn(host, "]");
	} else {
		length = strcspn(host, ":/");
	}
	return length ? strndup(host, length) : NULL;
}

static bool scheme_valid(const char *url, bool *ret_tls)
{
	if (strncmp(url, "tls://", 6) == 0) {
		*ret_tls = true;
		return true;
	}
	return strncmp(url, "nats://", 7) == 0 || !strstr(url, "://");
}

static int add_server(struct sl_bus_worker *worker, const char *text, size_t length,
		      struct sl_bus_error *error)
{
	struct sl_bus_server *server = &worker->servers[worker->server_count];
	char *url;

	while (length && isspace((unsigned char)*text)) {
		text++;
		length--;
	}
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	if (!length)
		return refuse(error, "servers", "an empty address");
	if (worker->server_count == SL_BUS_SERVERS_MAX)
		return refuse(error, "servers", "more than 16");
	url = strndup(text, length);
	if (!url)
		return -ENOMEM;
	server->url = url;
	server->host = host_of(url);
	worker->server_count++;
	/* A URL may hold a password: what follows it is enough to find the line. */
	if (!graphic(url) || !scheme_valid(url, &worker->tls) || !server->host)
		return refuse(error, "servers: want nats://host:port or tls://host:port, not",
			      strrchr(url, '@') ? strrchr(url, '@') : url);
	return 0;
}

static int add_servers(struct sl_bus_worker *worker, const char *text, struct sl_bus_error *error)
{
	if (!text || !*text)
		return refuse(error, "servers", "not given");
	for (;;) {
		size_t length = strcspn(text, ",");
		int ret = add_server(worker, text, length, error);

		if (ret)
			return ret;
		if (!text[length])
			return 0;
		text += length + 1;
	}
}

/* What can be said of a file before nats.c says less. */
static int readable(const char *what, const char *path, struct sl_bus_error *error)
{
	int saved;

	if (!path || access(path, R_OK) == 0)
		return 0;
	saved = errno;
	(void)snprintf(error->message, sizeof(error->message), "%s %.150s: %s", what, path,
		       strerror(saved));
	return -EINVAL;
}

static int check_files(const struct sl_bus_options *options, struct sl_bus_error *error)
{
	int ret = readable("credentials_file", options->credentials_file, error);

	if (!ret)
		ret = readable("nkey_seed_file", options->nkey_seed_file, error);
	if (!ret)
		ret = readable("tls_ca_file", options->tls_ca_file, error);
	if (!ret)
		ret = readable("tls_cert_file", options->tls_cert_file, error);
	if (!ret)
		ret = readable("tls_key_file", options->tls_key_file, error);
	if (!ret && !options->tls_cert_file != !options->tls_key_file)
		ret = refuse(error, "tls", "a certificate and its key go together");
	return ret;
}

static natsStatus set_nkey(natsOptions *made, const struct sl_bus_options *options, int *ret_error)
{
	char derived[64];
	const char *public = options->nkey_public;

	if (!public) {
		*ret_error = sl_bus_nkey_public(derived, options->nkey_seed_file);
		if (*ret_error)
			return NATS_INVALID_ARG;
		public = derived;
	}
	return natsOptions_SetNKeyFromSeed(made, public, options->nkey_seed_file);
}

static int set_identity(natsOptions *made, const struct sl_bus_options *options,
			struct sl_bus_error *error)
{
	natsStatus status = NATS_OK;
	int wrong = 0;

	if (options->user)
		status = natsOptions_SetUserInfo(made, options->user,
						 options->password ? options->password : "");
	if (status == NATS_OK && options->token)
		status = natsOptions_SetToken(made, options->token);
	if (status == NATS_OK && options->credentials_file)
		status = natsOptions_SetUserCredentialsFromFiles(made, options->credentials_file,
								 NULL);
	if (status == NATS_OK && options->nkey_seed_file)
		status = set_nkey(made, options, &wrong);
	if (wrong)
		return refuse(error, "nkey_seed_file: not a user seed (SU...)",
			      options->nkey_seed_file);
	return status == NATS_OK ? 0
				 : refuse(error, "user, token, credentials or nkey",
					  natsStatus_GetText(status));
}

static int set_tls(natsOptions *made, const struct sl_bus_options *options, bool wanted,
		   struct sl_bus_error *error)
{
	natsStatus status = NATS_OK;

	if (wanted)
		status = natsOptions_SetSecure(made, true);
	if (status == NATS_OK && options->tls_ca_file)
		status = natsOptions_LoadCATrustedCertificates(made, options->tls_ca_file);
	if (status != NATS_OK)
		return refuse(error, "tls_ca_file: no certificates in it",
			      options->tls_ca_file ? options->tls_ca_file : "");
	if (options->tls_cert_file)
		status = natsOptions_LoadCertificatesChain(made, options->tls_cert_file,
							   options->tls_key_file);
	if (status != NATS_OK)
		return refuse(error, "tls_cert_file, tls_key_file: they do not fit",
			      options->tls_cert_file);
	return 0;
}

/* In a thread of nats.c, perhaps after the bus is gone: the link asks for the error itself. */
static void ignore_error(natsConnection *nats, natsSubscription *subscription, natsStatus error,
			 void *context)
{
	(void)nats;
	(void)subscription;
	(void)error;
	(void)context;
}

static natsStatus set_behaviour(natsOptions *made, const struct sl_bus_options *options)
{
	uint32_t timeout = options->connect_timeout_ms;
	natsStatus status = natsOptions_SetTimeout(made, timeout ? timeout : CONNECT_TIMEOUT_MS);

	if (status == NATS_OK && options->name)
		status = natsOptions_SetName(made, options->name);
	if (status == NATS_OK)
		status = natsOptions_SetSendAsap(made, true);
	if (status == NATS_OK)
		status = natsOptions_SetAllowReconnect(made, false);
	/* Without one of ours, nats.c prints errors to the standard error. */
	if (status == NATS_OK)
		status = natsOptions_SetErrorHandler(made, ignore_error, NULL);
	/* Its timer would close the connection in a thread of its own. The link pings. */
	if (status == NATS_OK)
		status = natsOptions_SetPingInterval(made, 0);
	if (status == NATS_OK)
		status = natsOptions_SetIOBufSize(made, IO_BYTES);
	if (status == NATS_OK && options->pending_messages_max)
		status = natsOptions_SetMaxPendingMsgs(made, (int)options->pending_messages_max);
	return status;
}

int sl_bus_options_make(struct sl_bus_worker *worker, const struct sl_bus_options *options,
			struct sl_bus_error *error)
{
	int ret = check_files(options, error);

	worker->tls = options->tls || options->tls_ca_file || options->tls_cert_file;
	if (!ret)
		ret = add_servers(worker, options->servers, error);
	if (!ret)
		ret = set_identity(worker->options, options, error);
	if (!ret)
		ret = set_tls(worker->options, options, worker->tls, error);
	if (!ret && options->pending_messages_max > INT32_MAX)
		ret = refuse(error, "pending_messages_max", "too much");
	if (!ret && set_behaviour(worker->options, options) != NATS_OK)
		ret = refuse(error, "options", "refused by nats.c");
	return ret;
}
