/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the tools off the network of the machine they run on. */
#pragma once

#include <stdbool.h>

/*
 * True when traffic tools may use @interface: it is in a network namespace other
 * than that of process 1, or it is the loopback. When it cannot be told, false.
 */
bool sl_may_flood(const char *interface);
