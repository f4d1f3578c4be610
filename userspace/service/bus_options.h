/* SPDX-License-Identifier: Apache-2.0 */
/* The bus of a program, as the mapping `nats` of its configuration says. */
#pragma once

#include "userspace/bus/bus.h"
#include "userspace/conf/nats.h"
#include "userspace/service/program.h"

#define SL_BUS_PASSWORD_BYTES 256

/* Borrows @nats, @name and @password: they outlive @ret. @password "": none is given. */
void sl_bus_options_fill(struct sl_bus_options *ret, const struct sl_conf_nats *nats,
			 const char *name, const char *password);

/*
 * The first line of @path; "" when @path is "". -ENOENT with @error: it cannot be read or
 * is longer; @ret is then "".
 */
int sl_bus_password_read(char ret[SL_BUS_PASSWORD_BYTES], const char *path,
			 struct sl_program_error *error);

/*
 * sl_bus_new() with both; the password is wiped again. @name is shown by the server.
 * 0, else why, also in @error.
 */
int sl_bus_open(struct sl_bus **ret, struct sl_loop *loop, const struct sl_conf_nats *nats,
		const char *name, void (*state_changed)(void *context, enum sl_bus_state state),
		void *context, struct sl_program_error *error);
