/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that nobody can work with go where an operator can look at them and replay
 * them: into the stream of dead letters, by the subject they came from and ".dlq".
 *
 * Owner, thread, errors: as jetstream.h.
 */
#pragma once

#include "userspace/bus/jetstream.h"
#include "userspace/domain/dead_letter.h"

/* Trace, tenant and id, as far as the headers of @message have them. */
void sl_bus_letter_name(struct sl_dead_letter *letter, const struct sl_bus_message *message);

/*
 * Stores @letter with as much of its message as @body says. The message of @token is
 * termed once the stream has it, and asked for again when it could not be stored, which
 * is counted in @failures_total (it outlives the bus). @token NULL: neither.
 */
void sl_bus_bury(struct sl_bus *bus, const struct sl_dead_letter *letter, enum sl_dead_body body,
		 const struct sl_js_token *token, uint64_t *failures_total);
