/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-2-4 with 128 bits of result, by Aumasson and Bernstein: a keyed hash for
 * tables whose keys strangers choose. Two names do not meet in it by chance, and
 * who does not know the key cannot make them meet.
 *
 * Thread: a pure function.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

void sl_siphash(uint64_t ret[2], const uint64_t key[2], const void *bytes, size_t length);
