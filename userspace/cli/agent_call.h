/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands to the agent, as the commands of sluicectl give them: say why when it
 * does not work, and turn it into an exit code.
 */
#pragma once

#include <stdbool.h>

#include "userspace/cli/client.h"
#include "userspace/cli/cli.h"

/*
 * Sends @request, which is released in any case (NULL: out of memory), and gives
 * the answer: json_decref(*ret); @ret may be NULL. 0, SL_EXIT_FAILED when the
 * agent refused, SL_EXIT_ABSENT when there is none.
 */
int sl_agent_call(json_t **ret, const struct sl_cli *cli, json_t *request);

/* True when something accepts connections at the socket; says nothing. */
bool sl_agent_is_there(const struct sl_cli *cli);

/*
 * The answer of a command whose effect is all there is to say: prints @text, or
 * with --json the answer as it came. Takes @request as above.
 */
int sl_agent_do(const struct sl_cli *cli, json_t *request, const char *text);

/* What was done without an answer to show: @text for people, {"ok": true} for programs. */
int sl_agent_done(const struct sl_cli *cli, const char *text);
