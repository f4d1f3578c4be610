/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of sl_req_words, which many processes charge.
 *
 * Thread: any number of processes; no time, no state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sluice/requests.h"

/*
 * The words of the id's owner of @gen; who comes first after a change of owner makes them
 * full and the counts 0. False: they are of a later owner already, and @gen is old.
 * Charges that meet that moment may be forgotten: as many as there are writers.
 */
bool sl_request_words_own(struct sl_request_words *words, uint32_t gen);
