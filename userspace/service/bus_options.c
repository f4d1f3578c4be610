// SPDX-License-Identifier: Apache-2.0
#include "userspace/service/bus_options.h"

#include <errno.h>
#include <string.h>

#include "userspace/base/cleanup.h"

#define NS_PER_MS 1000000ull

static const char *given(const char *text)
{
	return text[0] ? text : NULL;
}

void sl_bus_options_fill(struct sl_bus_options *ret, const struct sl_conf_nats *nats,
			 const char *name, const char *password)
{
	*ret = (struct sl_bus_options){
		.servers = nats->servers,
		.name = name,
		.user = given(nats->user),
		.password = given(password),
		.credentials_file = given(nats->credentials_file),
		.nkey_seed_file = given(nats->nkey_seed_file),
		.tls_ca_file = given(nats->tls_ca_file),
		.tls_cert_file = given(nats->tls_cert_file),
		.tls_key_file = given(nats->tls_key_file),
		.tls = nats->tls,
		.connect_timeout_ms = (uint32_t)(nats->connect_timeout_ns / NS_PER_MS),
		.reconnect_wait_ms = (uint32_t)(nats->reconnect_wait_ns / NS_PER_MS),
		.ping_interval_ms = (uint32_t)(nats->ping_interval_ns / NS_PER_MS),
		.stream_replicas = nats->replicas,
	};
}

int sl_bus_password_read(char ret[SL_BUS_PASSWORD_BYTES], const char *path,
			 struct sl_program_error *error)
{
	sl_autofclose FILE *file = path[0] ? fopen(path, "re") : NULL;

	ret[0] = '\0';
	if (!path[0])
		return 0;
	/* A buffer of stdio would keep the password after it was wiped here. */
	if (file)
		(void)setvbuf(file, NULL, _IONBF, 0);
	if (!file || !fgets(ret, SL_BUS_PASSWORD_BYTES, file)) {
		ret[0] = '\0';
		return sl_program_fail(error, -ENOENT, "nats.password_file: cannot read %.200s",
				       path);
	}
	if (strlen(ret) == SL_BUS_PASSWORD_BYTES - 1 && !strchr(ret, '\n')) {
		explicit_bzero(ret, SL_BUS_PASSWORD_BYTES);
		return sl_program_fail(error, -ENOENT,
				       "nats.password_file: a line of %.200s is longer than %d "
				       "bytes",
				       path, SL_BUS_PASSWORD_BYTES - 2);
	}
	ret[strcspn(ret, "\r\n")] = '\0';
	return 0;
}

int sl_bus_open(struct sl_bus **ret, struct sl_loop *loop, const struct sl_conf_nats *nats,
		const char *name, void (*state_changed)(void *context, enum sl_bus_state state),
		void *context, struct sl_program_error *error)
{
	struct sl_bus_error why = { .message = "" };
	char password[SL_BUS_PASSWORD_BYTES];
	struct sl_bus_options options;
	int err = sl_bus_password_read(password, nats->password_file, error);

	if (err)
		return err;
	sl_bus_options_fill(&options, nats, name, password);
	err = sl_bus_new(ret, loop, &options, state_changed, context, &why);
	explicit_bzero(password, sizeof(password));
	return err ? sl_program_fail(error, err, "nats: %s", why.message) : 0;
}
