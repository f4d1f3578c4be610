/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every command of sluicectl gets: where things are, how to print, and the
 * exit codes (which sluicectl(8) documents).
 *
 * A command returns one of enum sl_exit and has said why when it is not OK.
 * Reads go to the pinned maps, so that they work with the agent dead; writes go
 * through the agent's socket.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SL_PIN_DIR_DEFAULT "/sys/fs/bpf/sluice"
#define SL_SOCKET_DEFAULT  "/run/sluice/sluiced.sock"

enum sl_exit {
	SL_EXIT_OK = 0,
	SL_EXIT_FAILED = 1, /* the operation failed, or `bpf diff` found a difference */
	SL_EXIT_USAGE = 2,
	SL_EXIT_ABSENT = 3, /* no agent, or no maps, where we looked */
	SL_EXIT_DOCTOR = 4, /* doctor found what keeps sluiced from working */
};

enum sl_format {
	SL_FORMAT_TEXT,
	SL_FORMAT_JSON,
	SL_FORMAT_CSV,
};

struct sl_config;

struct sl_cli {
	FILE *out;
	FILE *err;
	const char *pin_dir;
	const char *socket_path;
	const struct sl_config *config; /* of --config, or NULL */
	enum sl_format format;
	bool colour; /* of text */
	bool unicode;
};

/* The whole program: parses, runs, and returns the exit code. */
int sl_cli_main(int argc, char **argv, FILE *out, FILE *err);

/*
 * Says on cli->err what went wrong and returns @code. What is printed is cleaned
 * of control characters: names and messages come from maps and sockets.
 */
int sl_cli_fail(const struct sl_cli *cli, enum sl_exit code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for what is only worth knowing. */
void sl_cli_note(const struct sl_cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
