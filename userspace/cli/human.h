/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measured numbers for people: three digits and a unit, in a width that lines
 * up. (Amounts that people wrote keep their form: domain/text.h.)
 * Each writes into @buffer of SL_HUMAN_BYTES and returns it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SL_HUMAN_BYTES 32

/* 0, 999, 1.23k, 45.6M; decimal. */
const char *sl_human_count(char *buffer, double value);
/* 0 B, 999 B, 1.23 kB, 45.6 MB; decimal. */
const char *sl_human_bytes(char *buffer, double value);
/* 64 KiB, 1.5 MiB: of memory. */
const char *sl_human_memory(char *buffer, uint64_t bytes);
/* 12,345,678 */
const char *sl_human_exact(char *buffer, uint64_t value);
/* 350us, 12.5ms, 3.2s, 4m10s, 2h05m, 3d04h */
const char *sl_human_duration(char *buffer, uint64_t ns);
/* A part of 1 as 12.3 %. */
const char *sl_human_percent(char *buffer, double part);
